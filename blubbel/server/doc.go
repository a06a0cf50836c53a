// Package server is the blubbel relay: it knows which connection belongs to
// which public key and forwards frames between them without looking inside.
//
// [Machine] holds every rule, without clock, socket, lock or goroutine; [Server]
// runs it over real connections.
//
// # Specification
//
// docs/protocols/blubbel/specification.md: Login, Server state, Errors, Limits.
// In the as-shipped framing the same rules hold. Where an error would go nothing
// goes, but a connection that it closes is closed: its client cannot be told,
// and would wait for ever.
//
// # States of a connection
//
//	state       event                     then
//	fresh       raw login                 loggedIn, or error 4, 5
//	fresh       DER login                 sealing
//	sealing     challenge made            challenged, or error 5
//	challenged  right proof               loggedIn; who had the key: error 4
//	loggedIn    start, accept, message    forwarded, or error 5, 6, 7, 9
//	any         any other frame           an error of policy.go
//	not yet in  login timeout             ended
//	any         socket or relay ends it   ended
//
// # Files
//
//   - server.go, group.go, config.go: Server: Serve, ServeConn; its settings
//   - link.go, queue.go: one connection's socket: what waits to be written, the slow reader
//   - reader.go: from bytes of a socket to the machine: pauses, challenges
//   - buffer.go: buffers by size
//   - machine.go, conn.go: Machine: connections, clients, what stands between two
//   - handle.go: one method a kind of frame
//   - policy.go: every refusal: its code, its words, what becomes of the connection
//   - timers.go: Advance and Deadline
//   - stats.go, logs.go: what is counted, what is logged
//
// # Times
//
//	15 s   from accept to login (Config.LoginTimeout)
//	5 s    a sender waits for a full queue, then its reader is cut (Config.Stall)
//	0.5 s  parting words, and at the end queues, have to go out
//	10 ms  the shortest pause of a sender that is too fast
//	30 s   a vanished host is noticed (TCP keep-alive)
//
// # Limits
//
// A pair of clients counts once towards Config.Sessions, asked and open alike;
// being asked does not count. A reconnecting client has full Start rates again.
// While its queue is full a client is cut unless it takes, in Config.Stall, the
// next frame or 16 KiB, and what its socket's buffer hands over at once (some
// 40 KiB on Linux). Nothing is stored: who is not connected misses what is sent.
package server
