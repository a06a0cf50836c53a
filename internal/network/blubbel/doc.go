// Package blubbel joins the blubbel relay to the product: settings on one side,
// trunkline/blubbel/server and an echo contact on the other.
//
// # Files
//
//   - adapter.go: the relay as a network.Network
//   - echo.go: the contact that answers every message with the same text
//   - visitors.go: whom the echo contact knows, within bounds
//   - notice.go: findings from what the relay counts
//   - probe.go: the relay tried from outside
//
// # Limits
//
// The echo contact speaks the documented framing only: a relay in the
// as-shipped framing has none. It knows as many visitors as blubbel.sessions
// allows, and leaves texts unanswered while 16 MiB of answers wait for visitors
// who do not read.
package blubbel
