package keyring

import (
	"crypto/rsa"
	_ "embed"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"sync"

	"trunkline/blubbel"
)

//go:embed primes.txt
var primesText string

const exponent = 65537

// primes decodes the table once.
var primes = sync.OnceValues(func() ([]*big.Int, error) {
	var list []*big.Int
	for line := range strings.FieldsSeq(primesText) {
		b, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			return nil, fmt.Errorf("prime %d: %w", len(list), err)
		}
		list = append(list, new(big.Int).SetBytes(b))
	}
	return list, nil
})

// Len is the number of keys: 15,225.
func Len() int {
	p, err := primes()
	if err != nil {
		return 0
	}
	return len(p) * (len(p) - 1) / 2
}

// Key returns key i of [Len], a whole key pair of 2048 bits. The same i gives
// the same key. It takes about as long as one private operation.
func Key(i int) (*blubbel.SecretKey, error) {
	list, err := primes()
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= Len() {
		return nil, fmt.Errorf("key %d: there are %d", i, Len())
	}
	a, b := pair(i)
	k, err := combine(list[a], list[b])
	if err != nil {
		return nil, fmt.Errorf("key %d: %w", i, err)
	}
	return blubbel.NewSecretKey(k)
}

// pair counts the pairs a < b so that i = b(b-1)/2 + a.
func pair(i int) (a, b int) {
	for b = 1; i >= b; b++ {
		i -= b
	}
	return i, b
}

func combine(p, q *big.Int) (*rsa.PrivateKey, error) {
	one := big.NewInt(1)
	p1, q1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
	e := big.NewInt(exponent)
	d := new(big.Int).ModInverse(e, new(big.Int).Mul(p1, q1))
	if d == nil {
		return nil, fmt.Errorf("the exponent has no inverse")
	}
	k := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: exponent},
		D:         d,
		Primes:    []*big.Int{p, q},
	}
	k.Precompute()
	return k, nil
}
