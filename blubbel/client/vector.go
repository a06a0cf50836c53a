package client

import (
	"errors"

	"trunkline/blubbel"
)

// An Agreement is everything that the two sides of a session compute, for
// recorded test vectors: a client never holds both exponents.
// Specification, Session.
type Agreement struct {
	A, B        [blubbel.ValueSize]byte // public values of initiator and acceptor
	Shared      [blubbel.ValueSize]byte // g^ab mod p
	ToAcceptor  [keySize]byte           // AES-256 key, initiator to acceptor
	ToInitiator [keySize]byte           // AES-256 key, acceptor to initiator

	initiator, acceptor blubbel.PublicKey
}

// Agree computes a session from the secret exponents of both sides, each of 32
// bytes, big-endian.
func Agree(initiator, acceptor blubbel.PublicKey, xa, xb []byte) (*Agreement, error) {
	if len(xa) != exponentSize || len(xb) != exponentSize {
		return nil, errors.New("an exponent of a test vector has 32 bytes")
	}
	a, b := exponent{x: [exponentSize]byte(xa)}, exponent{x: [exponentSize]byte(xb)}
	ya, yb := a.public(), b.public()
	shared, err := a.shared(yb)
	if err != nil {
		return nil, err
	}
	k := deriveKeys(initiator, acceptor, ya, yb, shared)
	return &Agreement{
		A: ya.b, B: yb.b, Shared: shared.b, ToAcceptor: k.toAcceptor, ToInitiator: k.toInitiator,
		initiator: initiator, acceptor: acceptor,
	}, nil
}

// SealText returns the ciphertext of a Message packet: the text under a counter,
// from the initiator or, if not, from the acceptor.
func (a *Agreement) SealText(fromInitiator bool, counter uint64, text string) []byte {
	h := newHalf(&a.ToAcceptor, a.initiator, a.acceptor)
	if !fromInitiator {
		h = newHalf(&a.ToInitiator, a.acceptor, a.initiator)
	}
	h.next = counter
	return h.seal(nil, text)
}
