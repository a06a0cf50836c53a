package blubbel

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"strings"
)

// A Form is one of the two ways in which a public key is written.
type Form uint8

// The two forms. Specification, Keys.
const (
	Raw Form = 1 // the modulus of an RSA key of 1024 bits: unproven logins
	DER Form = 2 // an X.509 SubjectPublicKeyInfo of 2048 to 4096 bits: proven logins
)

// String is the word used in logs, metrics and messages.
func (f Form) String() string {
	switch f {
	case Raw:
		return "raw"
	case DER:
		return "der"
	}
	return "none"
}

const (
	exponent   = 65537
	textPrefix = "blubbel:"
	pemType    = "PRIVATE KEY"
)

// derHead are the bytes 4 to 20 of every DER key: algorithm rsaEncryption with
// NULL parameters, then the tag and size of the length of a bit string.
var derHead = [...]byte{0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82}

// DERHeadSize is how many bytes [KeySize] needs to tell the forms apart.
const DERHeadSize = 4 + len(derHead)

// KeySize is how many bytes the key takes that b begins with, judged by its
// form alone: the size a DER key gives itself, else [RawKeySize]. It needs no
// more than the first [DERHeadSize] bytes of b, and does not check the key.
func KeySize(b []byte) int {
	if len(b) >= DERHeadSize && b[0] == 0x30 && b[1] == 0x82 && bytes.Equal(b[4:DERHeadSize], derHead[:]) {
		return 4 + int(binary.BigEndian.Uint16(b[2:]))
	}
	return RawKeySize
}

// A PublicKey is a client's address. The zero value is no key. PublicKeys are
// comparable, and equal when their bytes are.
type PublicKey struct{ b string }

// ParsePublicKey checks the bytes of a key in either form and returns it. The
// error wraps [ErrBadKey].
func ParsePublicKey(b []byte) (PublicKey, error) {
	if len(b) == RawKeySize && KeySize(b) == RawKeySize {
		if b[0] < 0x80 || b[RawKeySize-1]&1 == 0 {
			return PublicKey{}, fmt.Errorf("%w: a raw key is an odd number of 1024 bits", ErrBadKey)
		}
		return PublicKey{string(b)}, nil
	}
	if len(b) < MinDERKeySize || len(b) > MaxDERKeySize || KeySize(b) != len(b) {
		return PublicKey{}, fmt.Errorf("%w: %d bytes are neither a raw nor one whole DER key", ErrBadKey, len(b))
	}
	return parseDER(b)
}

func parseDER(b []byte) (PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(b)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	k, ok := parsed.(*rsa.PublicKey)
	if !ok || k.E != exponent {
		return PublicKey{}, fmt.Errorf("%w: not RSA with exponent %d", ErrBadKey, exponent)
	}
	if n := k.N.BitLen(); n < 2048 || n > 4096 || n%8 != 0 || k.N.Bit(0) == 0 {
		return PublicKey{}, fmt.Errorf("%w: modulus of %d bits", ErrBadKey, n)
	}
	again, err := x509.MarshalPKIXPublicKey(k)
	if err != nil || !bytes.Equal(again, b) {
		return PublicKey{}, fmt.Errorf("%w: not in its canonical encoding", ErrBadKey)
	}
	return PublicKey{string(b)}, nil
}

// ParseText parses the text form, blubbel: and unpadded base64url. The error
// wraps [ErrBadKey].
func ParseText(s string) (PublicKey, error) {
	body, ok := strings.CutPrefix(strings.TrimSpace(s), textPrefix)
	if !ok {
		return PublicKey{}, fmt.Errorf("%w: it begins with %q", ErrBadKey, textPrefix)
	}
	if len(body) > base64.RawURLEncoding.EncodedLen(MaxDERKeySize) {
		return PublicKey{}, fmt.Errorf("%w: text of %d characters", ErrBadKey, len(body))
	}
	if strings.ContainsAny(body, "\r\n") { // which the decoder would skip
		return PublicKey{}, fmt.Errorf("%w: a line break inside", ErrBadKey)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return PublicKey{}, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	return ParsePublicKey(b)
}

// String is the text form: blubbel: and unpadded base64url.
func (k PublicKey) String() string {
	if k.IsZero() {
		return ""
	}
	return textPrefix + base64.RawURLEncoding.EncodeToString([]byte(k.b))
}

// Bytes returns the key as it stands in packets, a new slice.
func (k PublicKey) Bytes() []byte { return []byte(k.b) }

// Append appends the key as it stands in packets.
func (k PublicKey) Append(b []byte) []byte { return append(b, k.b...) }

// Len is the number of bytes in packets.
func (k PublicKey) Len() int { return len(k.b) }

// IsZero reports whether k is no key.
func (k PublicKey) IsZero() bool { return k.b == "" }

// Compare orders keys bytewise: of two clients that ask each other, the one
// with the smaller key is the initiator. Specification, Session.
func (k PublicKey) Compare(o PublicKey) int { return cmp.Compare(k.b, o.b) }

// Form tells the form; 0 for no key.
func (k PublicKey) Form() Form {
	switch {
	case k.IsZero():
		return 0
	case len(k.b) == RawKeySize:
		return Raw
	}
	return DER
}

// Fingerprint is what two people compare: the first 20 bytes of SHA-256 of the
// key, as ten groups of four hexadecimal digits.
func (k PublicKey) Fingerprint() string {
	sum := sha256.Sum256([]byte(k.b))
	digits := hex.EncodeToString(sum[:20])
	groups := make([]string, 0, 10)
	for i := 0; i < len(digits); i += 4 {
		groups = append(groups, digits[i:i+4])
	}
	return strings.Join(groups, " ")
}

// Short is the first two groups of the fingerprint, for logs and lists. It is
// no proof of anything.
func (k PublicKey) Short() string {
	if k.IsZero() {
		return ""
	}
	return k.Fingerprint()[:9]
}

// LogValue logs the short fingerprint instead of the whole key.
func (k PublicKey) LogValue() slog.Value { return slog.StringValue(k.Short()) }

// MarshalText gives the text form.
func (k PublicKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText parses the text form.
func (k *PublicKey) UnmarshalText(b []byte) error {
	p, err := ParseText(string(b))
	if err == nil {
		*k = p
	}
	return err
}

// rsa returns the key for computing. k must not be zero.
func (k PublicKey) rsa() *rsa.PublicKey {
	if k.Form() == Raw {
		return &rsa.PublicKey{N: new(big.Int).SetBytes([]byte(k.b)), E: exponent}
	}
	parsed, err := x509.ParsePKIXPublicKey([]byte(k.b))
	if err != nil {
		panic("blubbel: key was not checked when it was made: " + err.Error())
	}
	return parsed.(*rsa.PublicKey)
}

// A SecretKey is a client's key pair. It prints as a placeholder. Its methods
// may be used from several goroutines at once.
type SecretKey struct {
	key *rsa.PrivateKey
	pub PublicKey
}

// NewSecretKey wraps an RSA key pair of 1024 bits (raw form) or 2048 to 4096
// bits (DER form) with exponent 65537. The error wraps [ErrBadKey].
func NewSecretKey(key *rsa.PrivateKey) (*SecretKey, error) {
	b := key.N.Bytes()
	if key.E != exponent {
		return nil, fmt.Errorf("%w: exponent %d", ErrBadKey, key.E)
	}
	if len(b) != RawKeySize {
		der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadKey, err)
		}
		b = der
	}
	pub, err := ParsePublicKey(b)
	if err != nil {
		return nil, err
	}
	return &SecretKey{key: key, pub: pub}, nil
}

// GenerateKey makes a key of the given form: 1024 bits raw, [DefaultBits] DER.
// It takes a good part of a second.
func GenerateKey(f Form) (*SecretKey, error) {
	bits := DefaultBits
	if f == Raw {
		bits = 8 * RawKeySize
	}
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("make an RSA key of %d bits: %w", bits, err)
	}
	return NewSecretKey(key)
}

// ParseSecretKey reads the PEM form that [SecretKey.PEM] writes. The error
// wraps [ErrBadKey] and never quotes the input.
func ParseSecretKey(text []byte) (*SecretKey, error) {
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemType {
		return nil, fmt.Errorf("%w: no PEM block %q", ErrBadKey, pemType)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%w: PKCS #8 does not parse", ErrBadKey)
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: not an RSA key", ErrBadKey)
	}
	return NewSecretKey(key)
}

// PEM is the secret key for a file that only its owner can read: PKCS #8 in a
// PEM block. [ParseSecretKey] reads it.
func (k *SecretKey) PEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.key)
	if err != nil {
		return nil, fmt.Errorf("encode the secret key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), nil
}

// Public returns the public half.
func (k *SecretKey) Public() PublicKey { return k.pub }

const redacted = "blubbel secret key"

// String does not contain the secret.
func (k *SecretKey) String() string { return redacted }

// GoString does not contain the secret.
func (k *SecretKey) GoString() string { return redacted }

// Format does not print the secret, whatever the verb.
func (k *SecretKey) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redacted)) }

// LogValue does not contain the secret.
func (k *SecretKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText does not contain the secret.
func (k *SecretKey) MarshalText() ([]byte, error) { return []byte(redacted), nil }
