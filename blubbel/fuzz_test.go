package blubbel_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"trunkline/blubbel"
)

// recordedForms calls add with the bytes and the text of every recorded key,
// and of what is none.
func recordedForms(f *testing.F, add func(key []byte, text string)) {
	f.Helper()
	b, err := os.ReadFile("wire/testdata/blubbel/keys.json")
	if err != nil {
		f.Fatal(err)
	}
	var file struct {
		Cases []struct{ Key, Text string }
	}
	if err := json.Unmarshal(b, &file); err != nil {
		f.Fatal(err)
	}
	for _, c := range file.Cases {
		key, err := hex.DecodeString(c.Key)
		if err != nil {
			f.Fatal(err)
		}
		add(key, c.Text)
	}
}

func FuzzParsePublicKey(f *testing.F) {
	recordedForms(f, func(key []byte, _ string) { f.Add(key) })
	f.Fuzz(func(t *testing.T, b []byte) {
		k, err := blubbel.ParsePublicKey(b)
		if err != nil {
			if !errors.Is(err, blubbel.ErrBadKey) || !k.IsZero() {
				t.Fatalf("refused with %v and key %q", err, k)
			}
			return
		}
		if !bytes.Equal(k.Bytes(), b) || blubbel.KeySize(b) != len(b) {
			t.Fatalf("%x became %x of size %d", b, k.Bytes(), blubbel.KeySize(b))
		}
		if again, err := blubbel.ParseText(k.String()); err != nil || again != k {
			t.Fatalf("its text form is refused: %v", err)
		}
		var y [blubbel.ValueSize]byte
		if _, err := blubbel.SealValue(k, &y); err != nil {
			t.Fatalf("accepted, but nothing can be sealed to it: %v", err)
		}
	})
}

func FuzzParseText(f *testing.F) {
	recordedForms(f, func(_ []byte, text string) { f.Add(text) })
	f.Fuzz(func(t *testing.T, s string) {
		k, err := blubbel.ParseText(s)
		if err != nil {
			if !errors.Is(err, blubbel.ErrBadKey) || !k.IsZero() {
				t.Fatalf("refused with %v and key %q", err, k)
			}
			return
		}
		if got := k.String(); got != string(bytes.TrimSpace([]byte(s))) {
			t.Fatalf("%q became %q", s, got)
		}
	})
}

func FuzzParseSecretKey(f *testing.F) {
	for _, k := range recordedKeys(f) {
		text, err := k.PEM()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(ecKey))
	f.Add([]byte("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := blubbel.ParseSecretKey(text)
		if err != nil {
			if !errors.Is(err, blubbel.ErrBadKey) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if _, err := blubbel.ParsePublicKey(k.Public().Bytes()); err != nil {
			t.Fatalf("public half: %v", err)
		}
		again, err := k.PEM()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := blubbel.ParseSecretKey(again); err != nil {
			t.Fatalf("own PEM is refused: %v", err)
		}
	})
}
