package sim

import (
	"crypto/rsa"
	_ "embed" // keys.json
	"encoding/json"
	"fmt"
	"math/big"
	"sync"

	"trunkline/blubbel"
)

// keysOfAForm is how many keys of each form there are.
const keysOfAForm = 32

//go:embed keys.json
var keysFile []byte

// keyring makes the keys of simulated clients from the primes in keys.json, each
// once. They have fixed places in the order of keys, on which it depends who is
// the initiator of a session. It may be used by several goroutines.
type keyring struct {
	der, raw [keysOfAForm]func() (*blubbel.SecretKey, error)
}

// primes are those of one RSA key.
type primes struct{ P, Q []byte }

func newKeyring() (*keyring, error) {
	var file struct{ DER, Raw []primes }
	if err := json.Unmarshal(keysFile, &file); err != nil {
		return nil, fmt.Errorf("read the keys of the simulation: %w", err)
	}
	if len(file.DER) != keysOfAForm || len(file.Raw) != keysOfAForm {
		return nil, fmt.Errorf("read the keys of the simulation: %d and %d keys", len(file.DER), len(file.Raw))
	}
	k := new(keyring)
	for i := range keysOfAForm {
		k.der[i] = sync.OnceValues(file.DER[i].key)
		k.raw[i] = sync.OnceValues(file.Raw[i].key)
	}
	return k, nil
}

// key returns the key number n, from 1 on, of a form.
func (k *keyring) key(f blubbel.Form, n int) (*blubbel.SecretKey, error) {
	if f == blubbel.Raw {
		return k.raw[n-1]()
	}
	return k.der[n-1]()
}

func (p primes) key() (*blubbel.SecretKey, error) {
	one := big.NewInt(1)
	a, b := new(big.Int).SetBytes(p.P), new(big.Int).SetBytes(p.Q)
	phi := new(big.Int).Mul(new(big.Int).Sub(a, one), new(big.Int).Sub(b, one))
	key := &rsa.PrivateKey{
		PublicKey: rsa.PublicKey{N: new(big.Int).Mul(a, b), E: 65537},
		Primes:    []*big.Int{a, b},
	}
	key.D = new(big.Int).ModInverse(big.NewInt(int64(key.E)), phi)
	key.Precompute()
	if err := key.Validate(); err != nil {
		return nil, fmt.Errorf("key of the simulation: %w", err)
	}
	return blubbel.NewSecretKey(key)
}
