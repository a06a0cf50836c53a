// Package inspect explains captures and packets to the byte: each frame of a
// protocol as a list of fields with name, bytes, value, meaning and how certain
// that meaning is. No byte of a payload is left out: what nothing explains is a
// field named unknown.
//
//	c, err := inspect.Open(file, inspect.Options{})
//	...
//	err = inspect.Print(os.Stdout, c.Frames(), inspect.PrintOptions{})
//
// # Specification
//
// docs/protocols/NETWORK/specification.md of each protocol; of captures and
// their conversations [trunkline/internal/inspect/capture] and
// [trunkline/internal/inspect/flow].
//
// # Files
//
//   - frame.go: Frame and Field, what everything becomes
//   - inspect.go: Open and Frames, from a capture to frames
//   - talk.go: a conversation, and which protocol it speaks
//   - explain.go: one packet, given as bytes or hexadecimal
//   - blubbel.go: blubbel, in both framings; blubbel_fields.go: what its fields mean
//   - text.go, json.go: frames for people and for programs
//
// A protocol is a line in the table of talk.go, a function that recognises it,
// a type that reads its streams, and one table of meanings.
//
// # Limits
//
// A conversation of another protocol is shown as unknown. A frame that is not
// complete takes memory as it arrives, all of them together 64 MiB unless
// [Options] say otherwise.
package inspect
