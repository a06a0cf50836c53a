package client

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"math/big"

	"trunkline/blubbel"
)

// prime is p of RFC 3526 group 14, 2048 bits; the generator is 2.
const prime = "" +
	"ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74" +
	"020bbea63b139b22514a08798e3404ddef9519b3cd3a431b302b0a6df25f1437" +
	"4fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff5cb6f406b7ed" +
	"ee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf05" +
	"98da48361c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb" +
	"9ed529077096966d670c354e4abc9804f1746c08ca18217c32905e462e36ce3b" +
	"e39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf695581718" +
	"3995497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff"

const (
	exponentSize = 32 // bytes of a secret exponent: 256 random bits
	keySize      = 32 // AES-256
)

// What can be wrong with what a peer sends.
var (
	errBadValue = errors.New("public value outside the group")
	errUnopened = errors.New("does not open with any key of the session")
	errRepeated = errors.New("counter was there before")
	errGap      = errors.New("counter is not the next")
)

func modulus() *big.Int {
	p, _ := new(big.Int).SetString(prime, 16)
	return p
}

// exponent is the secret half of one key agreement.
type exponent struct {
	redacted
	x [exponentSize]byte
}

func newExponent() *exponent {
	e := new(exponent)
	_, _ = rand.Read(e.x[:]) // never fails
	return e
}

// value is a member of the group, big-endian. Public values are secret as well:
// that only the holder of a key can open them is what authenticates a session.
type value struct {
	redacted
	b [blubbel.ValueSize]byte
}

// public returns 2^x mod p.
func (e *exponent) public() *value { return e.power(big.NewInt(2)) }

// shared returns y^x mod p, or an error unless 1 < y < p-1.
func (e *exponent) shared(y *value) (*value, error) {
	n := new(big.Int).SetBytes(y.b[:])
	top := new(big.Int).Sub(modulus(), big.NewInt(1))
	if n.Cmp(big.NewInt(1)) <= 0 || n.Cmp(top) >= 0 {
		return nil, errBadValue
	}
	return e.power(n), nil
}

func (e *exponent) power(base *big.Int) *value {
	v := new(value)
	base.Exp(base, new(big.Int).SetBytes(e.x[:]), modulus()).FillBytes(v.b[:])
	return v
}

// keys are the two AES-256 keys of a session.
type keys struct {
	redacted
	toAcceptor, toInitiator [keySize]byte
}

// deriveKeys makes the keys of a session from the initiator's public value, the
// acceptor's, and the shared one. Specification, Session.
func deriveKeys(initiator, acceptor blubbel.PublicKey, ya, yb, shared *value) *keys {
	salt := sha256.Sum256(append(ya.b[:len(ya.b):len(ya.b)], yb.b[:]...))
	info := []byte(blubbel.SessionLabel)
	for _, k := range []blubbel.PublicKey{initiator, acceptor} {
		info = k.Append(binary.BigEndian.AppendUint16(info, uint16(k.Len())))
	}
	b, err := hkdf.Key(sha256.New, shared.b[:], salt[:], string(info), 2*keySize)
	if err != nil {
		panic("blubbel/client: 64 bytes are too many for HKDF-SHA256: " + err.Error())
	}
	return &keys{toAcceptor: [keySize]byte(b), toInitiator: [keySize]byte(b[keySize:])}
}

// session is the pair of keys that two clients have agreed on, as one of them
// holds it.
type session struct {
	redacted
	out, in half
	// start tells which Start of theirs was accepted: a hash of its sealed
	// value. Zero when the Start was ours.
	start [sha256.Size]byte
}

// startID tells one Start from another.
func startID(sealed []byte) [sha256.Size]byte { return sha256.Sum256(sealed) }

// initiated returns the session as its initiator holds it.
func (k *keys) initiated(self, peer blubbel.PublicKey) *session {
	return &session{out: newHalf(&k.toAcceptor, self, peer), in: newHalf(&k.toInitiator, peer, self)}
}

// accepted returns the session as its acceptor holds it.
func (k *keys) accepted(self, peer blubbel.PublicKey) *session {
	return &session{out: newHalf(&k.toInitiator, self, peer), in: newHalf(&k.toAcceptor, peer, self)}
}

// receiving returns the direction from the peer; nil without a session.
func (s *session) receiving() *half {
	if s == nil {
		return nil
	}
	return &s.in
}

// half is one direction of a session. Specification, Message.
type half struct {
	redacted
	aead cipher.AEAD
	aad  []byte // sender's key, recipient's key
	next uint64 // the counter of the next message
}

func newHalf(key *[keySize]byte, sender, recipient blubbel.PublicKey) half {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic("blubbel/client: 32 bytes are no AES key: " + err.Error())
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("blubbel/client: AES has no GCM: " + err.Error())
	}
	return half{aead: aead, aad: recipient.Append(sender.Bytes())}
}

// seal appends the next message. Its counter is never used again.
func (h *half) seal(b []byte, text string) []byte {
	start := len(b)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint64(b, h.next)
	h.next++
	body := len(b)
	b = append(b, text...)
	return h.aead.Seal(b[:body], b[start:body], b[body:], h.aad)
}

// open returns the text of a sealed message, which must be the next. The text
// is written to b, from its beginning. The errors are errUnopened, errRepeated
// and errGap; only the last says that the peer itself has sealed it.
func (h *half) open(b, sealed []byte) ([]byte, error) {
	if len(sealed) < blubbel.CounterSize+blubbel.TagSize {
		return nil, errUnopened
	}
	counter := sealed[:blubbel.CounterSize]
	n := counterOf(counter)
	if n < h.next {
		return nil, errRepeated
	}
	text, err := h.aead.Open(b[:0], counter, sealed[blubbel.CounterSize:], h.aad)
	switch {
	case err != nil:
		return nil, errUnopened
	case n != h.next || n >= blubbel.MaxSessionMessages:
		return nil, errGap
	}
	h.next++
	return text, nil
}

// counterOf reads the 12 bytes before a ciphertext; what does not fit 64 bits is
// the largest number.
func counterOf(b []byte) uint64 {
	if binary.BigEndian.Uint32(b) != 0 {
		return math.MaxUint64
	}
	return binary.BigEndian.Uint64(b[4:])
}

// suite is the public-key part of a key agreement. Its functions may be called
// from any goroutine.
type suite struct {
	exponent func() *exponent
	seal     func(to blubbel.PublicKey, y *[blubbel.ValueSize]byte) ([]byte, error)
	open     func(sealed []byte) ([blubbel.ValueSize]byte, error)
}

func newSuite(key *blubbel.SecretKey) suite {
	return suite{exponent: newExponent, seal: blubbel.SealValue, open: key.OpenValue}
}
