// Package meter reads what a measurement needs: latencies as a histogram that
// can travel between processes, the CPU time, memory and descriptors of another
// process, and medians with their spread.
//
// # Files
//
//   - hist.go: histogram of durations with about 3 % resolution
//   - proc.go: a process and its descendants, from /proc
//   - stats.go: median, spread and ratio of a few values
//   - machine.go: one line about the machine that measures
//
// # Limits
//
// CPU time has the resolution of the kernel's clock tick, 10 ms: windows of
// less than a second say little. What is read from /proc is Linux only; on
// other systems every figure is 0.
package meter
