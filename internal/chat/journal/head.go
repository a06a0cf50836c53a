package journal

import (
	"bytes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

const (
	magic     = "TLCHAT1\n"
	saltSize  = 16
	nonceSize = chacha20poly1305.NonceSizeX
	tagSize   = chacha20poly1305.Overhead
	checkedAt = len(magic) + 12 + saltSize // the sealed nothing
	sumAt     = checkedAt + nonceSize + tagSize
	headSize  = sumAt + sha256.Size

	marks    = 2
	markSize = nonceSize + 8 + 8 + nonceSize + tagSize
	logStart = headSize + marks*markSize
)

// A Cost is what it takes to try a passphrase. Open takes at most 16 passes,
// 256 MiB and 4 lanes, so that a file cannot make it hang.
type Cost struct {
	Passes uint32
	Memory uint32 // KiB
	Lanes  uint32
}

// DefaultCost takes about a quarter of a second.
func DefaultCost() Cost { return Cost{Passes: 3, Memory: 64 << 10, Lanes: 1} }

func (c Cost) check() error {
	if c.Passes < 1 || c.Passes > 16 || c.Lanes < 1 || c.Lanes > 4 || c.Memory < 8*c.Lanes || c.Memory > 256<<10 {
		return fmt.Errorf("%w: Argon2id with %d passes, %d KiB, %d lanes", ErrHead, c.Passes, c.Memory, c.Lanes)
	}
	return nil
}

type nonce [nonceSize]byte

func newNonce() (n nonce) {
	_, _ = rand.Read(n[:]) // never fails
	return n
}

// sealer seals and opens what one file holds.
type sealer struct {
	aead cipher.AEAD
	head [sha256.Size]byte
}

// Domains of what is sealed.
const (
	domainCheck  = "check"
	domainMark   = "mark"
	domainRecord = "record"
)

// bind is the associated data of something sealed at a place of this file.
func (s *sealer) bind(domain string, place []byte) []byte {
	return bytes.Join([][]byte{[]byte(domain), s.head[:], place}, nil)
}

func (s *sealer) seal(b []byte, n nonce, text, bound []byte) []byte {
	return s.aead.Seal(append(b, n[:]...), n[:], text, bound)
}

// open opens nonce and sealed text.
func (s *sealer) open(sealed, bound []byte) ([]byte, error) {
	if len(sealed) < nonceSize+tagSize {
		return nil, errShort
	}
	return s.aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], bound)
}

var errShort = errors.New("too short to be sealed")

func newAEAD(passphrase, salt []byte, c Cost) (cipher.AEAD, error) {
	key := argon2.IDKey(passphrase, salt, c.Passes, c.Memory, uint8(c.Lanes), chacha20poly1305.KeySize)
	return chacha20poly1305.NewX(key)
}

// newHead makes the head of a new file.
func newHead(passphrase []byte, c Cost) ([]byte, *sealer, error) {
	if err := c.check(); err != nil {
		return nil, nil, err
	}
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	aead, err := newAEAD(passphrase, salt, c)
	if err != nil {
		return nil, nil, err
	}
	b := []byte(magic)
	for _, v := range []uint32{c.Passes, c.Memory, c.Lanes} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	b = append(b, salt...)
	n := newNonce()
	b = append(b, n[:]...)
	b = aead.Seal(b, n[:], nil, append([]byte(domainCheck), b[:checkedAt]...))
	sum := sha256.Sum256(b)
	return append(b, sum[:]...), &sealer{aead: aead, head: sum}, nil
}

// parseHead checks the head of a file, and the passphrase against it.
func parseHead(b, passphrase []byte) (*sealer, error) {
	if len(b) < len(magic) || string(b[:len(magic)]) != magic {
		return nil, ErrForeign
	}
	if len(b) < headSize {
		return nil, fmt.Errorf("%w: the file ends in it", ErrHead)
	}
	sum := sha256.Sum256(b[:sumAt])
	if !bytes.Equal(sum[:], b[sumAt:headSize]) {
		return nil, fmt.Errorf("%w: its checksum differs", ErrHead)
	}
	p := b[len(magic):]
	c := Cost{binary.BigEndian.Uint32(p), binary.BigEndian.Uint32(p[4:]), binary.BigEndian.Uint32(p[8:])}
	if err := c.check(); err != nil {
		return nil, err
	}
	aead, err := newAEAD(passphrase, b[checkedAt-saltSize:checkedAt], c)
	if err != nil {
		return nil, err
	}
	sealed := b[checkedAt:sumAt]
	if _, err := aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], append([]byte(domainCheck), b[:checkedAt]...)); err != nil {
		return nil, ErrPassphrase
	}
	return &sealer{aead: aead, head: sum}, nil
}

// mark says how far a file was acknowledged.
type mark struct {
	records uint64
	end     int64
	last    nonce
}

// sealMark writes m for one of the two places.
func (s *sealer) sealMark(place int, m mark) []byte {
	b := binary.BigEndian.AppendUint64(nil, m.records)
	b = binary.BigEndian.AppendUint64(b, uint64(m.end))
	b = append(b, m.last[:]...)
	return s.seal(nil, newNonce(), b, s.bind(domainMark, []byte{byte(place)}))
}

func (s *sealer) openMark(place int, sealed []byte) (m mark, ok bool) {
	b, err := s.open(sealed, s.bind(domainMark, []byte{byte(place)}))
	if err != nil {
		return m, false
	}
	m.records = binary.BigEndian.Uint64(b)
	m.end = int64(binary.BigEndian.Uint64(b[8:]))
	copy(m.last[:], b[16:])
	return m, m.end >= int64(logStart)
}

// newestMark returns the newest of the marks, its place, and how many open.
func (s *sealer) newestMark(b []byte) (newest mark, place, whole int) {
	for i := range marks {
		m, ok := s.openMark(i, b[i*markSize:(i+1)*markSize])
		if !ok {
			continue
		}
		whole++
		if m.end >= newest.end {
			newest, place = m, i
		}
	}
	return newest, place, whole
}
