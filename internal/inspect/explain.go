package inspect

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"trunkline/internal/inspect/flow"
)

// ExplainOptions say what the bytes given to Explain are.
type ExplainOptions struct {
	As string // a name of Protocols
	To string // "server", "client", or empty for whichever fits
}

// MaxExplained is how many bytes Explain takes: more than any frame has.
const MaxExplained = 2 << 20

// Explain explains bytes as they were sent one way: one frame or several. The
// frames alias b.
func Explain(b []byte, o ExplainOptions) ([]Frame, error) {
	p, ok := find(o.As)
	switch {
	case !ok:
		return nil, unknownProtocol(o.As)
	case o.To != "" && o.To != "server" && o.To != "client":
		return nil, fmt.Errorf("direction %q is not known: it is server or client", o.To)
	case len(b) == 0:
		return nil, errors.New("no bytes to explain")
	case len(b) > MaxExplained:
		return nil, fmt.Errorf("%d bytes are more than the %d that can be explained at once", len(b), MaxExplained)
	}
	var out collected
	p.explain(b, o.To, &out)
	return out.frames, nil
}

// ParseHex reads hexadecimal as people paste it: with blanks, line breaks,
// colons or 0x between the bytes.
func ParseHex(s string) ([]byte, error) {
	s = strings.NewReplacer(" ", "", "\t", "", "\r", "", "\n", "", ":", "", ",", "", "0x", "", "0X", "").Replace(s)
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("not hexadecimal: %w", err)
	}
	return b, nil
}

// collected is an output without a capture.
type collected struct{ frames []Frame }

func (c *collected) frame(f Frame, _ flow.Event, offset int64) {
	f.Number, f.Offset = len(c.frames)+1, offset
	c.frames = append(c.frames, f)
}

func (c *collected) grow(int) bool { return true }
