package blubbel

import (
	"errors"
	"fmt"
	"strings"

	"trunkline/blubbel/wire"
	"trunkline/internal/vectors"

	fields "trunkline/internal/wire"
)

func direction(s string) (wire.Direction, error) {
	switch s {
	case "to-server":
		return wire.ToServer, nil
	case "to-client":
		return wire.ToClient, nil
	}
	return 0, fmt.Errorf("direction %q is neither to-server nor to-client", s)
}

// parse reads the payload of a case as the packet that its kind and direction
// say it is.
func parse(c vectors.PacketCase) (wire.Packet, error) {
	d, err := direction(c.Direction)
	if err != nil {
		return nil, err
	}
	if c.Kind == nil || *c.Kind < 0 || *c.Kind > 255 {
		return nil, errors.New("the case has no kind of one byte")
	}
	return wire.Parse(d, wire.Kind(*c.Kind), c.Payload)
}

// framed checks that kind and direction make the packet of the case, and that
// type, length and payload make its frame.
func framed(c vectors.PacketCase) error {
	p, err := parse(c)
	if err != nil {
		return err
	}
	name := strings.TrimPrefix(fmt.Sprintf("%T", p), "*wire.")
	if err := vectors.Same("packet", c.Packet, name); err != nil {
		return err
	}
	frame, err := wire.AppendFrame(nil, p)
	if err != nil {
		return fmt.Errorf("frame: %w", err)
	}
	return vectors.Same("frame", []byte(c.Frame), frame)
}

// dissected checks that the list of fields covers the payload without gaps.
func dissected(c vectors.PacketCase) error {
	d, err := direction(c.Direction)
	if err != nil {
		return err
	}
	list, err := wire.Dissect(d, wire.Kind(*c.Kind), c.Payload)
	if err != nil {
		return fmt.Errorf("dissect: %w", err)
	}
	return covers(list, c.Payload)
}

// covers checks that fields are all of b, each byte once and in order.
func covers(list []fields.Field, b []byte) error {
	var all []byte
	for _, f := range list {
		if f.Offset != len(all) {
			return &vectors.Mismatch{What: "offset of " + f.Name, Want: fmt.Sprint(len(all)), Got: fmt.Sprint(f.Offset)}
		}
		all = append(all, f.Bytes...)
	}
	return vectors.Same("bytes of all fields", append([]byte(nil), b...), all)
}

type malformedCase struct {
	Kind      uint8       `json:"kind"`
	Direction string      `json:"direction"`
	Payload   vectors.Hex `json:"payload"`
	Reason    string      `json:"reason"` // a key of reasons
	Field     string      `json:"field"`
	Offset    int         `json:"offset"`
}

// reason is the error that the word in a file stands for.
func reason(word string) error {
	switch word {
	case "short":
		return fields.ErrShort
	case "range":
		return fields.ErrRange
	case "trailing":
		return fields.ErrTrailing
	case "unknown kind":
		return wire.ErrUnknownKind
	}
	return nil
}

// malformed checks that a payload is refused for its reason at its field, and
// that its bytes are listed all the same.
func malformed(c malformedCase) error {
	d, err := direction(c.Direction)
	if err != nil {
		return err
	}
	want := reason(c.Reason)
	if want == nil {
		return fmt.Errorf("reason %q is not known", c.Reason)
	}
	_, err = wire.Parse(d, wire.Kind(c.Kind), c.Payload)
	if !errors.Is(err, want) {
		return &vectors.Mismatch{Want: want.Error(), Got: fmt.Sprint(err)}
	}
	if fe, ok := errors.AsType[*fields.FieldError](err); ok {
		got := fmt.Sprintf("%q at byte %d", fe.Field, fe.Offset)
		if err := vectors.Same("refused", fmt.Sprintf("%q at byte %d", c.Field, c.Offset), got); err != nil {
			return err
		}
	}
	list, _ := wire.Dissect(d, wire.Kind(c.Kind), c.Payload)
	return covers(list, c.Payload)
}
