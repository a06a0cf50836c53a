package blubbel_test

import (
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	"trunkline/blubbel"
)

func ExampleNewChallenge() {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		fmt.Println(err)
		return
	}
	secret, err := blubbel.NewSecretKey(rsaKey)
	if err != nil {
		fmt.Println(err)
		return
	}
	challenge, err := blubbel.NewChallenge(secret.Public())
	if err != nil {
		fmt.Println(err)
		return
	}
	proof, err := secret.Prove(challenge.Sealed)
	fmt.Println(err, challenge.Accepts(proof[:]), secret)
	// Output: <nil> true blubbel secret key
}
