package blubbel

import (
	"errors"
	"fmt"

	"trunkline/blubbel/wire"
	"trunkline/internal/vectors"
)

type frameCase struct {
	Limit  int           `json:"limit"`
	Stream vectors.Hex   `json:"stream"`
	Frames []frameOfCase `json:"frames"`
	Left   int           `json:"left"`
	Error  string        `json:"error"` // "" or "too large"
}

type frameOfCase struct {
	Kind    uint8       `json:"kind"`
	Payload vectors.Hex `json:"payload"`
}

// split checks what comes out of a stream that arrives at once, and that the
// same comes out when it arrives byte by byte.
func split(c frameCase) error {
	for _, step := range []int{max(len(c.Stream), 1), 1} {
		got := feed(c.Stream, step, c.Limit)
		if err := vectors.Same("frames", c.Frames, got.Frames); err != nil {
			return fmt.Errorf("%d bytes at a time: %w", step, err)
		}
		if err := vectors.Same("error", c.Error, got.Error); err != nil {
			return fmt.Errorf("%d bytes at a time: %w", step, err)
		}
		if err := vectors.Same("bytes left", c.Left, got.Left); err != nil {
			return fmt.Errorf("%d bytes at a time: %w", step, err)
		}
	}
	return nil
}

// feed splits a stream that arrives in pieces of step bytes.
func feed(stream []byte, step, limit int) frameCase {
	var out frameCase
	var buf []byte
	for from := 0; from < len(stream); from += step {
		buf = append(buf, stream[from:min(from+step, len(stream))]...)
		for out.Error == "" {
			f, rest, ok, err := wire.Split(buf, limit)
			if errors.Is(err, wire.ErrTooLarge) {
				out.Error = "too large"
			} else if err != nil {
				out.Error = err.Error()
			}
			if !ok {
				break
			}
			out.Frames = append(out.Frames, frameOfCase{uint8(f.Kind), vectors.Hex(f.Payload)})
			buf = rest
		}
	}
	out.Left = len(buf)
	return out
}
