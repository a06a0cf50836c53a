// Package wire is the two-way field cursor that every packet of Trunkline is
// declared with.
//
// A packet is a struct with one unexported method, fields, that visits its
// fields in the order of the specification. The same method reads and writes:
// which of the two is decided by the [Cursor] that it is given. Errors name the
// field and the byte, and [Dissect] lists name, offset, length and value of
// every field, from the same declaration.
//
//	func (p *Ping) fields(c *wire.Cursor) {
//		wire.U8(c, "kind", &p.Kind)
//		wire.Bytes16(c, "echo", &p.Echo, 512)
//	}
//
// # Rules
//
//   - Visit through fields with the concrete type: a cursor passed through an
//     interface escapes, which costs an allocation a packet.
//   - Writing does not change the struct.
//   - Every count and length has its bound at the point of use. Reading never
//     allocates more than the input holds.
//   - Bytes that were read alias the input. Who keeps them copies them.
//   - Unknown values of an enumeration decode; refusing them is policy, and
//     policy lives in the roles.
//
// # Files
//
//   - cursor.go: the cursor, its errors
//   - fields.go: the kinds of field
//   - dissect.go: fields by name, offset and length
package wire
