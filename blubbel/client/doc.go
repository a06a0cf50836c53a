// Package client is a whole blubbel client: one login kept up at a relay,
// contacts, sessions with them, and texts both ways. A [Client] is a [Machine],
// which has no goroutine, clock or socket, run by a loop with a reader and a
// writer.
//
// # Specification
//
// docs/protocols/blubbel/specification.md, sections Keys, Login, Session,
// Message and Errors.
//
// # Files
//
//   - client.go: Config, New, Run, Events and the actions
//   - conn.go: connections, their reader and writer
//   - machine.go: the machine, its Outlet; actions.go: what the user does
//   - handle.go: one method for each kind of packet
//   - contact.go: a contact and the sessions with it; outbox.go: texts
//   - session.go: key agreement, keys and counters; vector.go: the same for tests
//   - timers.go: when what is due; events.go: events; stats.go: counters
//
// # States of a contact
//
//	gone   | Add               | asked  | Start
//	gone   | Send              | asked  | Start, after a while if one was just sent
//	gone   | login             | asked  | Start, if it is wanted
//	gone   | Start             | asked  | Accept and confirmation, if it is wanted
//	gone   | Start of unknown  | asking | Request
//	asking | Accept            | asked  | Accept and confirmation
//	asking | late Accept       | asked  | Start, if theirs is 110 s old
//	asking | Remove            | gone   |
//	asked  | Accept            | asked  | confirmation
//	asked  | Start, we smaller | asked  | Start again, when ours is 5 s old
//	asked  | Start, we larger  | asked  | Accept and confirmation; ours is dropped
//	asked  | confirmation      | open   | texts
//	asked  | error 6           | gone   |
//	asked  | error 9           | asked  | Start, later
//	asked  | no Accept, 120 s  | gone   |
//	asked  | unconfirmed, 20 s | gone   |
//	open   | Start             | open   | Accept and confirmation
//	open   | gap               | asked  | Lost, Start
//	open   | error 7           | gone   |
//	open   | disconnection     | gone   |
//	open   | Remove            | gone   | Failed for texts that wait
//
// # Times
//
// Start 2 min, confirmation 20 s, old receive key 60 s at most; between Starts to
// one contact 1 s doubling to 10 s; between connections 250 ms doubling to 10 s;
// dial and login 15 s each; a write 30 s.
//
// # Limits
//
//   - math/big does not take constant time. Each exponent serves one session and
//     two exponentiations, which leaves little to measure.
//   - Nothing tells whether a text arrived: what the socket took is not repeated.
//   - The as-shipped framing of the reference server is not spoken.
package client
