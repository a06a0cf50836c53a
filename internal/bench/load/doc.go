// Package load is the client side of every benchmark: many connections to one
// server, ours or a peer, driven over the wire with as little work as possible,
// and every message checked.
//
// It runs in a process of its own, so that server and load do not share
// descriptors, memory or a scheduler: [Serve] answers the calls of [Start]'s
// parent over standard input and output. All addresses are loopback; clients
// come from 127.0.0.1 to 127.0.3.255.
//
// # Files
//
//   - call.go: calls between the bench command and its load processes
//   - ops.go: the calls that a load process answers
//   - protocol.go: what a protocol must do; the list of them
//   - blubbel.go, nats.go, irc.go, xmpp.go, stanza.go, line.go: the protocols
//   - body.go: bodies of messages, made and checked
//   - crowd.go, held.go: joining, holding and leaving of many clients; sign-ins
//   - traffic.go: messages between pairs, closed and open loop
//   - hostile.go: silent sockets, slow senders
//   - slow.go: readers that stop reading
//   - halfopen.go: clients whose host vanishes
//   - converse.go: two whole clients that seal and open, as a check
//   - replay.go: recorded streams once more; a flood of requests
//
// # How time is taken
//
// At an offered rate a message is stamped with the time when it should have
// been sent, so that a server that stalls is charged for all that waited. With
// a fixed number in flight the next message leaves when one arrives; latencies
// of that say nothing and are not reported.
package load
