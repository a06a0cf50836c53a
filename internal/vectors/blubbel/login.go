package blubbel

import (
	"errors"
	"fmt"

	"trunkline/blubbel"
	"trunkline/internal/vectors"
)

type sealedCase struct {
	SecretKey string      `json:"secret_key"` // PEM
	Key       vectors.Hex `json:"key"`
	Sealed    vectors.Hex `json:"sealed"`
	Proof     vectors.Hex `json:"proof"` // of a login
	Value     vectors.Hex `json:"value"` // of a session
	Reject    string      `json:"reject"`
}

// secret reads the secret key of a case and compares its public half.
func (c sealedCase) secret() (*blubbel.SecretKey, error) {
	k, err := blubbel.ParseSecretKey([]byte(c.SecretKey))
	if err != nil {
		return nil, err
	}
	return k, vectors.Same("public key", []byte(c.Key), k.Public().Bytes())
}

// opened compares what was opened, or checks that nothing was.
func (c sealedCase) opened(want, got []byte, err error) error {
	switch {
	case c.Reject == "" && err != nil:
		return err
	case c.Reject == "":
		return vectors.Same("opened", want, got)
	case !errors.Is(err, blubbel.ErrBadSeal):
		return &vectors.Mismatch{What: c.Reject, Want: blubbel.ErrBadSeal.Error(), Got: fmt.Sprint(err)}
	}
	return nil
}

// login checks the answer to a recorded challenge, and that the key answers a
// fresh one.
func login(c sealedCase) error {
	k, err := c.secret()
	if err != nil {
		return err
	}
	proof, err := k.Prove(c.Sealed)
	if err := c.opened(c.Proof, proof[:], err); err != nil || c.Reject != "" {
		return err
	}
	fresh, err := blubbel.NewChallenge(k.Public())
	if err != nil {
		return err
	}
	proof, err = k.Prove(fresh.Sealed)
	if err != nil {
		return fmt.Errorf("fresh challenge: %w", err)
	}
	return vectors.Same("fresh challenge accepts its proof", true, fresh.Accepts(proof[:]))
}

// value checks a recorded session value, and that a fresh sealing of it has the
// same size and opens.
func value(c sealedCase) error {
	k, err := c.secret()
	if err != nil {
		return err
	}
	y, err := k.OpenValue(c.Sealed)
	if err := c.opened(c.Value, y[:], err); err != nil || c.Reject != "" {
		return err
	}
	sealed, err := blubbel.SealValue(k.Public(), &y)
	if err != nil {
		return err
	}
	if err := vectors.Same("size of a fresh sealing", len(c.Sealed), len(sealed)); err != nil {
		return err
	}
	again, err := k.OpenValue(sealed)
	return c.opened(c.Value, again[:], err)
}
