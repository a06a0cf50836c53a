package wire

import (
	"trunkline/blubbel"
	"trunkline/internal/wire"
)

// Login opens a connection: the client's own public key, in either form, is the
// whole payload. Specification, Login.
type Login struct {
	Key []byte
}

func (p *Login) fields(c *wire.Cursor) {
	wire.Rest(c, "key", &p.Key, blubbel.MaxLoginPayload)
}

// Kind is KindLogin.
func (p *Login) Kind() Kind { return KindLogin }

// AppendBinary appends the payload to b.
func (p *Login) AppendBinary(b []byte) ([]byte, error) {
	c := wire.Writer(b, wire.Big)
	p.fields(&c)
	return c.Bytes()
}

// UnmarshalBinary reads the payload; slices alias b.
func (p *Login) UnmarshalBinary(b []byte) error {
	c := wire.Reader(b, wire.Big)
	p.fields(&c)
	return c.Done()
}

// LoginAccepted ends the login. It is empty. Specification, Login.
type LoginAccepted struct{}

func (p *LoginAccepted) fields(*wire.Cursor) {}

// Kind is KindLogin.
func (p *LoginAccepted) Kind() Kind { return KindLogin }

// AppendBinary appends the payload to b.
func (p *LoginAccepted) AppendBinary(b []byte) ([]byte, error) {
	c := wire.Writer(b, wire.Big)
	p.fields(&c)
	return c.Bytes()
}

// UnmarshalBinary reads the payload; slices alias b.
func (p *LoginAccepted) UnmarshalBinary(b []byte) error {
	c := wire.Reader(b, wire.Big)
	p.fields(&c)
	return c.Done()
}

// Challenge asks who logs in with a DER key to prove that it is theirs.
// Specification, Login.
type Challenge struct {
	Sealed []byte // 32 random bytes sealed to the key with the label of logins
}

func (p *Challenge) fields(c *wire.Cursor) {
	wire.Rest(c, "sealed nonce", &p.Sealed, blubbel.MaxLoginPayload)
}

// Kind is KindProof.
func (p *Challenge) Kind() Kind { return KindProof }

// AppendBinary appends the payload to b.
func (p *Challenge) AppendBinary(b []byte) ([]byte, error) {
	c := wire.Writer(b, wire.Big)
	p.fields(&c)
	return c.Bytes()
}

// UnmarshalBinary reads the payload; slices alias b.
func (p *Challenge) UnmarshalBinary(b []byte) error {
	c := wire.Reader(b, wire.Big)
	p.fields(&c)
	return c.Done()
}

// Proof answers a Challenge. Specification, Login.
type Proof struct {
	MAC [blubbel.ProofSize]byte // HMAC-SHA-256 keyed with the nonce
}

func (p *Proof) fields(c *wire.Cursor) {
	wire.Fixed(c, "proof", p.MAC[:])
}

// Kind is KindProof.
func (p *Proof) Kind() Kind { return KindProof }

// AppendBinary appends the payload to b.
func (p *Proof) AppendBinary(b []byte) ([]byte, error) {
	c := wire.Writer(b, wire.Big)
	p.fields(&c)
	return c.Bytes()
}

// UnmarshalBinary reads the payload; slices alias b.
func (p *Proof) UnmarshalBinary(b []byte) error {
	c := wire.Reader(b, wire.Big)
	p.fields(&c)
	return c.Done()
}
