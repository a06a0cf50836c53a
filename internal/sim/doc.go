// Package sim plays scenarios: blubbel clients and a relay in a simulated
// internet, with faults at given times, in virtual time and without goroutines.
// The same scenario and seed give the same log, byte for byte.
//
// A [Scenario] is a JSON file; [Parse] reads it, [Run] plays it, and the
// [Report] says what came of it. [Random] makes one from a number alone, and
// [Search] plays many of those in search of one that breaks a promise.
//
// What runs is the relay's and the clients' own code, as far as it is without
// sockets: blubbel/server.Machine and blubbel/client.Machine. What this package
// has of its own is the part between them and the sockets, which follows
// blubbel/server and blubbel/client as closely as a world without goroutines can.
//
// # Promises
//
// In every scenario, at every moment:
//
//   - a text is received at most once, unchanged, and by nobody else
//   - texts of one pair come in their order; one that is missing was lost with a
//     connection, or its receiver was told
//   - a text that a socket took arrives, unless a connection ended
//   - no text goes out before both have confirmed the session
//   - no two messages are sealed with the same key and counter
//   - the relay knows exactly its connections, keeps bounded queues, and is
//     empty when everybody has left
//
// # Files
//
//   - scenario.go, parse.go, check.go: what a scenario is, reading it, its bounds
//   - run.go, log.go: playing it, the log of events
//   - act.go: one function for each action of the timeline
//   - place.go, keepalive.go: lines and NATs; what notices a dead connection
//   - client.go, program.go: a person; a program of theirs with its connection
//   - relay.go, conn.go, meddle.go: the relay; its connections; a dishonest relay
//   - ledger.go, pair.go: the promises
//   - expect.go: what a scenario says must come true
//   - random.go, search.go: scenarios by chance
//   - keys.go: the clients' keys
//
// # Limits
//
//   - Ciphertext differs from run to run. Nothing depends on its bytes: sizes are
//     fixed, and keys, which decide who is the initiator, are fixed too.
//   - simnet's TCP has no keep-alive: keepalive.go stands in for it, and knows by
//     itself what it would find. For that each connection has a port of its own
//     at the relay.
//   - A clock that steps moves all the time that a machine sees. Real ones use
//     the monotonic clock, so this is worse than what happens.
package sim
