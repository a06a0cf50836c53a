//go:build linux

package ceiling

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/rc4"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"runtime"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/nacl/box"
	"golang.org/x/crypto/nacl/secretbox"
)

// An operation is one call of something whose cost counts.
type operation struct {
	name, anchor string
	f            func()
}

// primitives measures on one core.
func primitives(ctx context.Context, c Config, emit func(Ceiling)) error {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	symmetric, err := symmetricOps()
	if err != nil {
		return err
	}
	asymmetric, err := asymmetricOps()
	if err != nil {
		return err
	}
	for _, o := range append(symmetric, asymmetric...) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		emit(Ceiling{Name: o.name, Anchor: o.anchor, Values: map[string]float64{"us": timed(ctx, c, o.f)}})
	}
	return nil
}

func symmetricOps() ([]operation, error) {
	key, out := make([]byte, 80), make([]byte, 0, 2048)
	_, _ = rand.Read(key)
	small, large := make([]byte, 200), make([]byte, 1200)
	block, err := aes.NewCipher(key[:32])
	if err != nil {
		return nil, err
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	var nonce [24]byte
	secret := [32]byte(key)
	sealed := secretbox.Seal(nil, small, &nonce, &secret)
	return []operation{
		{"RC4 key schedule, 80 B", "0.82 us", func() { _, _ = rc4.NewCipher(key) }},
		{"RC4 key schedule and 200 B", "1.1 us", func() {
			if s, err := rc4.NewCipher(key); err == nil {
				s.XORKeyStream(out[:200], small)
			}
		}},
		{"XSalsa20-Poly1305 seal 200 B", "0.83 us", func() { secretbox.Seal(out, small, &nonce, &secret) }},
		{"XSalsa20-Poly1305 seal 1,200 B", "1.9 us", func() { secretbox.Seal(out, large, &nonce, &secret) }},
		{"XSalsa20-Poly1305 open 200 B", "", func() { secretbox.Open(out, sealed, &nonce, &secret) }},
		{"AES-256-GCM seal 200 B", "", func() { gcm.Seal(out, nonce[:12], small, nil) }},
		{"AES-256-GCM seal 1,200 B", "", func() { gcm.Seal(out, nonce[:12], large, nil) }},
		{"SHA-256 1,200 B", "", func() { sha256.Sum256(large) }},
		{"Argon2id t=2 m=8 MiB p=8 96 B", "10,000-12,500 us", func() { argon2.IDKey(small[:16], key[:16], 2, 8<<10, 8, 96) }},
	}, nil
}

func asymmetricOps() ([]operation, error) {
	public, private, err := box.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	own, err := ecdh.X25519().NewPrivateKey(private[:])
	if err != nil {
		return nil, err
	}
	other, err := ecdh.X25519().NewPublicKey(public[:])
	if err != nil {
		return nil, err
	}
	var shared [32]byte
	list := []operation{
		{"X25519, crypto/ecdh", "31 us", func() { _, _ = own.ECDH(other) }},
		{"X25519, nacl/box.Precompute", "62 us", func() { box.Precompute(&shared, public, private) }},
	}
	for _, bits := range []int{1024, 1536, 2048, 3072} {
		ops, err := rsaOps(bits)
		if err != nil {
			return nil, err
		}
		list = append(list, ops...)
	}
	return list, nil
}

func rsaOps(bits int) ([]operation, error) {
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		return nil, fmt.Errorf("RSA-%d: %w", bits, err)
	}
	sum := sha256.Sum256(nil)
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return nil, err
	}
	anchor := map[int]string{1024: "230 us", 1536: "650-700 us", 2048: "700-800 us"}[bits]
	return []operation{
		{fmt.Sprintf("RSA-%d private", bits), anchor, func() { _, _ = rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:]) }},
		{fmt.Sprintf("RSA-%d public", bits), "", func() { _ = rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, sum[:], signature) }},
	}, nil
}
