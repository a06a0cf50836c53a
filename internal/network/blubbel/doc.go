// Package blubbel joins the blubbel relay to the product: settings on one side,
// trunkline/blubbel/server and an echo contact on the other.
//
// # Files
//
//   - adapter.go: the relay as a network.Network
//   - echo.go: the contact that answers every message with the same text
//   - probe.go: the relay tried from outside
//
// # Limits
//
// The echo contact speaks the documented framing only: a relay in the
// as-shipped framing has none.
package blubbel
