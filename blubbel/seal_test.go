package blubbel_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"slices"
	"testing"

	"trunkline/blubbel"
)

// rsaOf unwraps a recorded key for the tests that seal by hand.
func rsaOf(t *testing.T, k *blubbel.SecretKey) *rsa.PrivateKey {
	t.Helper()
	text, err := k.PEM()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PrivateKey)
}

func TestValueOpensWithItsKeyOnly(t *testing.T) {
	keys := recordedKeys(t)
	var y [blubbel.ValueSize]byte
	_, _ = rand.Read(y[:])
	sizes := map[string]int{"1024": 640, "2048": 512, "2056": 514, "3072": 384, "4096": 512}
	for name, k := range keys {
		sealed, err := blubbel.SealValue(k.Public(), &y)
		if err != nil {
			t.Fatal(err)
		}
		if len(sealed) != sizes[name] || len(sealed) > blubbel.MaxSealedSize {
			t.Errorf("%s bits: sealed to %d bytes, want %d", name, len(sealed), sizes[name])
		}
		if bytes.Contains(sealed, y[:16]) {
			t.Errorf("%s bits: the value is readable", name)
		}
		for other, o := range keys {
			got, err := o.OpenValue(sealed)
			if other == name && (err != nil || got != y) {
				t.Errorf("%s bits: not opened: %v", name, err)
			}
			if other != name && (!errors.Is(err, blubbel.ErrBadSeal) || got != [blubbel.ValueSize]byte{}) {
				t.Errorf("%s bits: opened with the key of %s bits: %v", name, other, err)
			}
		}
	}
}

func TestSealingTwiceGivesDifferentBytes(t *testing.T) {
	k := recordedKeys(t)["2048"].Public()
	var y [blubbel.ValueSize]byte
	a, errA := blubbel.SealValue(k, &y)
	b, errB := blubbel.SealValue(k, &y)
	if errA != nil || errB != nil || bytes.Equal(a, b) {
		t.Errorf("the same bytes twice: %v, %v", errA, errB)
	}
}

func TestLoginAndSessionDoNotOpenEachOther(t *testing.T) {
	for name, k := range recordedKeys(t) {
		pub := &rsaOf(t, k).PublicKey
		nonce, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, pub, make([]byte, 32), []byte("blubbel session v1"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.Prove(nonce); !errors.Is(err, blubbel.ErrBadSeal) {
			t.Errorf("%s bits: proves what was sealed as a session value: %v", name, err)
		}
		challenge, err := blubbel.NewChallenge(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := k.OpenValue(challenge.Sealed); !errors.Is(err, blubbel.ErrBadSeal) {
			t.Errorf("%s bits: opens a challenge as a session value: %v", name, err)
		}
	}
}

func TestWrongNumberOfBlocksIsRefused(t *testing.T) {
	var y [blubbel.ValueSize]byte
	for name, k := range recordedKeys(t) {
		sealed, err := blubbel.SealValue(k.Public(), &y)
		if err != nil {
			t.Fatal(err)
		}
		block := rsaOf(t, k).Size()
		for what, bad := range map[string][]byte{
			"nothing":         nil,
			"a byte less":     sealed[:len(sealed)-1],
			"a byte more":     append(bytes.Clone(sealed), 0),
			"a block less":    sealed[:len(sealed)-block],
			"a block more":    append(bytes.Clone(sealed), sealed[:block]...),
			"twice":           slices.Repeat(sealed, 2),
			"a megabyte more": append(bytes.Clone(sealed), make([]byte, 1<<20)...),
		} {
			if _, err := k.OpenValue(bad); !errors.Is(err, blubbel.ErrBadSeal) {
				t.Errorf("%s bits, %s: got error %v", name, what, err)
			}
		}
	}
}

// One bit changed anywhere in the sealed bytes is noticed.
func TestChangedSealIsRefused(t *testing.T) {
	k := recordedKeys(t)["1024"]
	var y [blubbel.ValueSize]byte
	sealed, err := blubbel.SealValue(k.Public(), &y)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(sealed); i += 13 {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1 << (i % 8)
		if _, err := k.OpenValue(bad); !errors.Is(err, blubbel.ErrBadSeal) {
			t.Errorf("byte %d changed: got error %v", i, err)
		}
	}
}

func TestChallengeAcceptsTheRightProofOnly(t *testing.T) {
	keys := recordedKeys(t)
	for name, k := range keys {
		c, err := blubbel.NewChallenge(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		proof, err := k.Prove(c.Sealed)
		if err != nil || !c.Accepts(proof[:]) {
			t.Fatalf("%s bits: the right proof is refused: %v", name, err)
		}
		for bit := range 8 * blubbel.ProofSize {
			bad := proof
			bad[bit/8] ^= 1 << (bit % 8)
			if c.Accepts(bad[:]) {
				t.Errorf("%s bits: accepts a proof with bit %d changed", name, bit)
			}
		}
		for _, bad := range [][]byte{nil, proof[:31], append(proof[:], 0), make([]byte, 32)} {
			if c.Accepts(bad) {
				t.Errorf("%s bits: accepts a proof of %d bytes", name, len(bad))
			}
		}
		again, err := blubbel.NewChallenge(k.Public())
		if err != nil || again.Accepts(proof[:]) {
			t.Errorf("%s bits: a proof is good for another challenge: %v", name, err)
		}
	}
}

// The proof covers the key: a relay that shows another key's challenge to a
// client gets nothing that is good for that client's own.
func TestProofNamesTheKey(t *testing.T) {
	k := recordedKeys(t)["2048"]
	nonce := bytes.Repeat([]byte{7}, 32)
	sealed, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, &rsaOf(t, k).PublicKey, nonce, []byte("blubbel login v1"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := k.Prove(sealed)
	if err != nil {
		t.Fatal(err)
	}
	m := hmac.New(sha256.New, nonce)
	m.Write([]byte("blubbel login v1"))
	m.Write(k.Public().Bytes())
	if !hmac.Equal(got[:], m.Sum(nil)) {
		t.Errorf("got proof %x", got)
	}
}

func TestRefusedProofGivesNothingAway(t *testing.T) {
	k := recordedKeys(t)["2048"]
	proof, err := k.Prove(make([]byte, 256))
	if !errors.Is(err, blubbel.ErrBadSeal) || proof != [blubbel.ProofSize]byte{} {
		t.Errorf("got proof %x, error %v", proof, err)
	}
}

func TestZeroChallengeAcceptsNothing(t *testing.T) {
	var c blubbel.Challenge
	if c.Accepts(nil) || c.Accepts(make([]byte, blubbel.ProofSize)) {
		t.Error("a challenge that nobody made is answered")
	}
}
