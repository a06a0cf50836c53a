package keyring

import (
	"math/big"
	"testing"

	"trunkline/blubbel"
)

func TestEveryKeyIsItsOwnPair(t *testing.T) {
	t.Parallel()
	if Len() < 15_000 {
		t.Fatalf("%d keys, want 15,000 at least", Len())
	}
	seen := make(map[[2]int]bool, Len())
	for i := range Len() {
		a, b := pair(i)
		if a < 0 || a >= b || b >= 175 || seen[[2]int{a, b}] {
			t.Fatalf("key %d is made of primes %d and %d", i, a, b)
		}
		seen[[2]int{a, b}] = true
	}
}

func TestPrimesAreDistinctPrimesOf1024Bits(t *testing.T) {
	t.Parallel()
	list, err := primes()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, p := range list {
		if p.BitLen() != 1024 || p.Bit(1022) != 1 || seen[p.String()] {
			t.Errorf("prime %d: %d bits, twice %v", i, p.BitLen(), seen[p.String()])
		}
		seen[p.String()] = true
		if i%16 == 0 && !p.ProbablyPrime(1) {
			t.Errorf("number %d is not prime", i)
		}
		if new(big.Int).Mod(p, big.NewInt(exponent)).Int64() == 1 {
			t.Errorf("prime %d does not go with the exponent", i)
		}
	}
}

func TestKeysOpenChallenges(t *testing.T) {
	t.Parallel()
	for _, i := range []int{0, 1, 7_000, Len() - 1} {
		k, err := Key(i)
		if err != nil {
			t.Fatal(err)
		}
		c, err := blubbel.NewChallenge(k.Public())
		if err != nil {
			t.Fatal(err)
		}
		proof, err := k.Prove(c.Sealed)
		if err != nil || !c.Accepts(proof[:]) {
			t.Errorf("key %d: proof refused, %v", i, err)
		}
		again, err := Key(i)
		if err != nil || again.Public() != k.Public() || k.Public().Form() != blubbel.DER {
			t.Errorf("key %d is another one the second time, %v", i, err)
		}
	}
}

func TestKeysThatDoNotExistAreRefused(t *testing.T) {
	t.Parallel()
	for _, i := range []int{-1, Len()} {
		if k, err := Key(i); err == nil {
			t.Errorf("key %d exists: %v", i, k)
		}
	}
}

func BenchmarkKey(b *testing.B) {
	for b.Loop() {
		if _, err := Key(100); err != nil {
			b.Fatal(err)
		}
	}
}
