package blubbel

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
)

// Labels keep what is sealed for a login and for a session apart, so that a
// relay cannot have one opened as the other. Specification, Login and Session.
const (
	loginLabel   = "blubbel login v1"
	sessionLabel = "blubbel session v1"
)

// SessionLabel is the info that session keys are derived with.
const SessionLabel = sessionLabel

// A Challenge is a relay's question at login: who can open Sealed holds the key.
// The zero value accepts nothing.
type Challenge struct {
	Sealed []byte
	proof  func() [ProofSize]byte // a function, so that nothing that prints shows it
}

// NewChallenge seals a fresh nonce to k. It costs one RSA public operation.
func NewChallenge(k PublicKey) (*Challenge, error) {
	var nonce [NonceSize]byte
	_, _ = rand.Read(nonce[:]) // never fails
	sealed, err := seal(k, loginLabel, nonce[:])
	if err != nil {
		return nil, err
	}
	proof := prove(nonce[:], k)
	return &Challenge{Sealed: sealed, proof: func() [ProofSize]byte { return proof }}, nil
}

// Accepts reports in constant time whether proof answers the challenge.
func (c *Challenge) Accepts(proof []byte) bool {
	if c.proof == nil {
		return false
	}
	want := c.proof()
	return hmac.Equal(want[:], proof)
}

func prove(nonce []byte, k PublicKey) (proof [ProofSize]byte) {
	m := hmac.New(sha256.New, nonce)
	m.Write([]byte(loginLabel))
	m.Write([]byte(k.b))
	m.Sum(proof[:0])
	return proof
}

// Prove answers a relay's challenge. It opens with the label of logins only and
// gives away nothing of what it opened. The error wraps [ErrBadSeal].
func (k *SecretKey) Prove(sealed []byte) ([ProofSize]byte, error) {
	nonce, err := k.open(loginLabel, sealed, NonceSize)
	if err != nil {
		return [ProofSize]byte{}, err
	}
	return prove(nonce, k.pub), nil
}

// SealValue seals a Diffie-Hellman public value to k: blocks of the largest
// size that OAEP allows, one after the other. Specification, Session.
func SealValue(k PublicKey, y *[ValueSize]byte) ([]byte, error) { return seal(k, sessionLabel, y[:]) }

// OpenValue opens what [SealValue] sealed to k. The error wraps [ErrBadSeal].
func (k *SecretKey) OpenValue(sealed []byte) (y [ValueSize]byte, err error) {
	b, err := k.open(sessionLabel, sealed, ValueSize)
	if err != nil {
		return y, err
	}
	return [ValueSize]byte(b), nil
}

func seal(k PublicKey, label string, secret []byte) ([]byte, error) {
	pub := k.rsa()
	var out []byte
	for room := pub.Size() - oaepOverhead; len(secret) > 0; {
		n := min(room, len(secret))
		block, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, secret[:n], []byte(label))
		if err != nil {
			return nil, fmt.Errorf("seal to %s: %w", k.Short(), err)
		}
		out, secret = append(out, block...), secret[n:]
	}
	return out, nil
}

// open opens sealed, which must hold exactly size bytes cut as seal cuts them.
func (k *SecretKey) open(label string, sealed []byte, size int) ([]byte, error) {
	block := k.key.Size()
	room := block - oaepOverhead
	if blocks := (size + room - 1) / room; len(sealed) != blocks*block {
		return nil, fmt.Errorf("%w: %d bytes", ErrBadSeal, len(sealed))
	}
	out := make([]byte, 0, size)
	for ; len(sealed) > 0; sealed = sealed[block:] {
		part, err := rsa.DecryptOAEP(sha256.New(), nil, k.key, sealed[:block], []byte(label))
		if err != nil || len(part) != min(room, size-len(out)) {
			return nil, ErrBadSeal
		}
		out = append(out, part...)
	}
	return out, nil
}
