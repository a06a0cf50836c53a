package vectors

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Files maps kinds of file, as the last two elements of a path, to what checks
// them.
type Files map[string]Checker

// A Checker checks the cases of a file, or of a section of one, and reports
// each.
type Checker func(d *Document, report Report)

// A Report takes what became of one case: nil, what [Skip] returned, or what is
// wrong with it.
type Report func(name string, err error)

// listCases is the section that Each and Packets check.
const listCases = "cases"

// Each is a Checker of the list "cases", one after the other, each decoded into
// a C as encoding/json does it.
func Each[C any](check func(C) error) Checker {
	return func(d *Document, report Report) {
		d.refuse(report, listCases)
		for name, v := range d.cases(report) {
			report(name, protect(func() error {
				var c C
				if err := v.Decode(&c); err != nil {
					return err
				}
				return check(c)
			}))
		}
	}
}

// Sections is a Checker of a file with several named lists. A list that it does
// not name, or that the file does not have, is a failure.
func Sections(sections map[string]Checker) Checker {
	names := slices.Sorted(maps.Keys(sections))
	return func(d *Document, report Report) {
		d.refuse(report, names...)
		for _, name := range names {
			if s, ok := d.section(name); ok {
				sections[name](s, report)
			} else {
				report(name, &Mismatch{Want: "a section of this name", Got: "none"})
			}
		}
	}
}

// A PacketCase is one case of a file of packets.
type PacketCase struct {
	Packet    string          `json:"packet"` // name of the struct
	Kind      *int            `json:"kind"`   // nil where the file tells none
	Direction string          `json:"direction"`
	Fields    json.RawMessage `json:"fields"` // as Fill takes them
	Payload   Hex             `json:"payload"`
	Frame     Hex             `json:"frame"` // nil where the file tells none
}

// Packets is a Checker of a list of packets by name: each case goes through
// [RoundTrip], and then through also, which may look at frame, kind and
// direction.
func Packets(packets map[string]func() Packet, also ...func(PacketCase) error) Checker {
	return Each(func(c PacketCase) error {
		fresh := packets[c.Packet]
		if fresh == nil {
			return &Mismatch{"packet", "one that is known", fmt.Sprintf("%q", cut(c.Packet))}
		}
		if c.Fields == nil {
			return errors.New("the case has no fields")
		}
		if err := RoundTrip(fresh, c.Fields, c.Payload); err != nil {
			return err
		}
		for _, check := range also {
			if err := check(c); err != nil {
				return err
			}
		}
		return nil
	})
}

// protect turns a panic of a check into an error.
func protect(check func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	return check()
}
