package blubbel

import (
	"errors"
	"fmt"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/internal/vectors"
)

type sessionCase struct {
	Initiator   vectors.Hex   `json:"initiator"`
	Acceptor    vectors.Hex   `json:"acceptor"`
	XA          vectors.Hex   `json:"x_a"`
	XB          vectors.Hex   `json:"x_b"`
	YA          vectors.Hex   `json:"y_a"`
	YB          vectors.Hex   `json:"y_b"`
	Shared      vectors.Hex   `json:"shared"`
	ToAcceptor  vectors.Hex   `json:"to_acceptor"`
	ToInitiator vectors.Hex   `json:"to_initiator"`
	Messages    []messageCase `json:"messages"`
}

type messageCase struct {
	From    string      `json:"from"` // "initiator" or "acceptor"
	Counter uint64      `json:"counter"`
	Text    string      `json:"text"`
	Sealed  vectors.Hex `json:"sealed"`
}

// session computes everything that two clients agree on, and seals every text.
func session(c sessionCase) error {
	initiator, err := blubbel.ParsePublicKey(c.Initiator)
	if err != nil {
		return fmt.Errorf("initiator: %w", err)
	}
	acceptor, err := blubbel.ParsePublicKey(c.Acceptor)
	if err != nil {
		return fmt.Errorf("acceptor: %w", err)
	}
	a, err := client.Agree(initiator, acceptor, c.XA, c.XB)
	if err != nil {
		return err
	}
	if err := errors.Join(
		vectors.Same("y_a", []byte(c.YA), a.A[:]),
		vectors.Same("y_b", []byte(c.YB), a.B[:]),
		vectors.Same("shared", []byte(c.Shared), a.Shared[:]),
		vectors.Same("to_acceptor", []byte(c.ToAcceptor), a.ToAcceptor[:]),
		vectors.Same("to_initiator", []byte(c.ToInitiator), a.ToInitiator[:]),
	); err != nil {
		return err
	}
	for i, m := range c.Messages {
		if m.From != "initiator" && m.From != "acceptor" {
			return fmt.Errorf("message %d is from %q, who is not in the session", i+1, m.From)
		}
		sealed := a.SealText(m.From == "initiator", m.Counter, m.Text)
		if err := vectors.Same(fmt.Sprintf("message %d", i+1), []byte(m.Sealed), sealed); err != nil {
			return err
		}
	}
	return nil
}
