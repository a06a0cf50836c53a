// Package simnet is an internet in memory: hosts, NATs, lines that delay, lose,
// repeat and reorder packets, and TCP over them.
//
// There is one [World], which decides the fate of every packet from the state of
// the network, the seed and the time, and two ways to drive it:
//
//   - A World itself has no goroutine. Machines and handlers are called from one
//     queue of events, so a seed gives the same trace each time, and an hour of
//     ten thousand nodes is a matter of seconds. For simulations, and for
//     searching seeds that break a protocol.
//   - A [Net] runs a World under ordinary goroutines, which get a net.Listener,
//     a net.Conn and UDP sockets from its hosts. For testing whole servers and
//     clients in a testing/synctest bubble: whoever waits in a call of this
//     package is durably blocked.
//
// Hosts are on the public internet or behind a NAT, which may be behind another.
// Public addresses are of the documentation prefixes (198.51.100.0/24,
// 203.0.113.0/24, 192.0.2.0/24, then 198.18.0.0/15; 2001:db8::/32), addresses
// behind the n-th NAT are 10.77.n.2 and so on. Behind a NAT there is no IPv6.
//
// A packet meets: its host's line upwards and the NATs on the way out, all at
// the time of sending; Config.Path, if it crosses the public internet; then, hop
// by hop, the lines downwards and the NATs on the way in, at the times when it
// arrives there. What chance does to it depends on the seed, the sender, and how
// many packets that has sent before.
//
// TCP is a small one of its own, with handshake, window, retransmission and end,
// so that what a real one does to programs happens here: pieces of any size,
// stalls instead of losses, back pressure, resets for unread data, half-open
// connections after a crash or a forgotten mapping. It knows no congestion
// window, no keep-alive, no simultaneous open.
//
// # Files
//
//   - config.go: Config, Link, Kind of NAT; fate.go: Fate, chance, links
//   - topology.go, nat.go: hosts, NATs, addresses, faults
//   - packet.go: the way of a packet; queue.go, world.go: events and machines
//   - socket.go: UDP; stream.go, tcp.go, segment.go: TCP
//   - net.go, conn.go, listener.go, packetconn.go: the driver for goroutines
//
// # Limits
//
//   - 256 datagrams wait at a socket of a Net, each of 65,507 bytes at most
//   - 64 KiB (Config.Buffer) wait at each end of a stream, in each direction
//   - 128 handshakes wait at a listener, and 128 connections for Accept
//   - 253 boxes behind a NAT; about 131,000 public ones
package simnet
