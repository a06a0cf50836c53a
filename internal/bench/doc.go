// Package bench measures whole servers: ours, started from its own executable,
// beside public servers and beside what the machine can do at best.
//
// # Method
//
// Peer and own server are started, loaded and stopped in turn (A B A B ...) by
// one command with the same load program. The medians of the rounds are
// compared and the spreads are printed. The main figure is CPU time of the
// server for each operation delivered, from /proc/PID/stat. Latencies come from
// offered rates only and count from when a message should have been sent. A
// message counts when it was received, decoded and equal to what was sent; a
// round with a wrong, missing or doubled one is void and makes the run fail.
// Memory is the proportional set size after a forced collection, for each
// connection as the difference of two sizes.
//
// # Files
//
//   - bench.go: the table of benchmarks, options, Run
//   - run.go: what every benchmark uses: rounds, servers, load processes
//   - measure.go: one window of traffic
//   - report.go: lines, tables and verdicts
//   - worker.go: the load process
//   - pairs.go: B5, B6, G2; held.go: B4, G1, G3, G9; ceilings.go
//   - silent.go: R12; slow.go: R11, R22; halfopen.go: R10; short.go: R13;
//     replay.go: R19; stop.go: R27; seeds.go: R24
//
// # Limits
//
// Linux only. Everything stays on loopback, is bounded in count and time, and
// every process that was started ends with this one.
package bench
