package server_test

import (
	"embed"
	"encoding/binary"
	"fmt"
	"sync"
	"testing"

	"trunkline/blubbel"
)

// The keys of 2048 bits that the tests log in with; made for this and used
// nowhere else.
//
//go:embed testdata/key*.pem
var keyFiles embed.FS

// derKeys reads them once: checking a secret key takes milliseconds.
var derKeys = sync.OnceValues(func() (keys [3]*blubbel.SecretKey, err error) {
	for i := range keys {
		text, err := keyFiles.ReadFile(fmt.Sprintf("testdata/key%d.pem", i+1))
		if err != nil {
			return keys, err
		}
		if keys[i], err = blubbel.ParseSecretKey(text); err != nil {
			return keys, err
		}
	}
	return keys, nil
})

// derKey returns the n-th of three DER keys, from 1.
func derKey(t testing.TB, n int) *blubbel.SecretKey {
	t.Helper()
	keys, err := derKeys()
	if err != nil {
		t.Fatal(err)
	}
	return keys[n-1]
}

// rawKey returns the n-th of any number of raw keys. They are odd numbers of
// 1024 bits; nobody knows their factors, and nobody needs to.
func rawKey(n int) blubbel.PublicKey {
	b := make([]byte, blubbel.RawKeySize)
	b[0], b[blubbel.RawKeySize-1] = 0x80, 1
	binary.BigEndian.PutUint64(b[1:], uint64(n))
	k, err := blubbel.ParsePublicKey(b)
	if err != nil {
		panic(err)
	}
	return k
}
