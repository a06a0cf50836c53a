// Package wire holds the frames and packets of the blubbel relay protocol as
// structs. It seals and opens nothing: keys and ciphertexts are bytes here.
//
// # Specification
//
// docs/protocols/blubbel/specification.md, sections Frame, Login, Message and
// Errors.
//
// # Files
//
//   - kind.go: the table of kinds; Parse
//   - frame.go: type, length and payload, in both framings
//   - login.go: Login, LoginAccepted, Challenge, Proof
//   - session.go: Start, Accept, Message
//   - fault.go: Error
//
// # Limits
//
// The size of a payload is bounded by who splits the frames ([Split]); fields
// are bounded here. Keys are recognised by their form and not checked: that is
// [trunkline/blubbel.ParsePublicKey].
package wire
