package blubbel

import (
	"errors"
	"fmt"

	"trunkline/blubbel"
	"trunkline/internal/vectors"
)

type keyCase struct {
	Key         vectors.Hex `json:"key"`
	Form        string      `json:"form"`
	Bits        int         `json:"bits"`
	Text        string      `json:"text"`
	Fingerprint string      `json:"fingerprint"`
	Reject      string      `json:"reject"` // why it is no key; empty for a key
}

// key checks one public key, or what is none, as bytes or as text.
func key(c keyCase) error {
	if c.Reject == "" {
		return goodKey(c)
	}
	var err error
	if c.Key != nil {
		_, err = blubbel.ParsePublicKey(c.Key)
	} else {
		_, err = blubbel.ParseText(c.Text)
	}
	if !errors.Is(err, blubbel.ErrBadKey) {
		return &vectors.Mismatch{What: c.Reject, Want: blubbel.ErrBadKey.Error(), Got: fmt.Sprint(err)}
	}
	return nil
}

func goodKey(c keyCase) error {
	k, err := blubbel.ParsePublicKey(c.Key)
	if err != nil {
		return err
	}
	again, err := blubbel.ParseText(c.Text)
	if err != nil {
		return fmt.Errorf("text form: %w", err)
	}
	bits := 8 * blubbel.RawKeySize
	if k.Form() == blubbel.DER {
		bits = 8 * (k.Len() - 38) // what stands around the modulus
	}
	return errors.Join(
		vectors.Same("form", c.Form, k.Form().String()),
		vectors.Same("bits", c.Bits, bits),
		vectors.Same("size by form", len(c.Key), blubbel.KeySize(c.Key)),
		vectors.Same("bytes", []byte(c.Key), k.Bytes()),
		vectors.Same("bytes of the text form", []byte(c.Key), again.Bytes()),
		vectors.Same("text form", c.Text, k.String()),
		vectors.Same("fingerprint", c.Fingerprint, k.Fingerprint()),
	)
}
