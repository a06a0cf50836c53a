package vectors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
)

// A Document is a vector file, or one section of it, cut into its lists.
type Document struct {
	text   []byte // of the whole file, for positions
	prefix string // of the names of cases
	parts  map[string]Value
	order  []string
}

// A Value is a piece of JSON and where it stands in its file.
type Value struct {
	raw  json.RawMessage
	from int // offset in text
	text []byte
}

// Decode decodes the value as encoding/json does it. Errors tell line and
// column in the file.
func (v Value) Decode(into any) error { return v.place(json.Unmarshal(v.raw, into)) }

// place puts the line and column of a JSON error in front of it.
func (v Value) place(err error) error {
	offset := 0
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = int(e.Offset)
	} else if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		offset = int(e.Offset)
	} else if err == nil {
		return nil
	}
	before := v.text[:min(v.from+max(offset-1, 0), len(v.text))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := len(before) - bytes.LastIndexByte(before, '\n')
	return fmt.Errorf("line %d column %d: %w", line, column, err)
}

// Get returns what stands under a name beside the cases: tables, shared keys.
func (d *Document) Get(name string) (Value, bool) {
	v, ok := d.parts[name]
	return v, ok
}

func parse(text []byte) (*Document, error) {
	whole := Value{raw: text, text: text}
	var check json.RawMessage
	if err := json.Unmarshal(text, &check); err != nil { // also refuses what follows
		return nil, whole.place(err)
	}
	return whole.object("")
}

// object cuts the object that v must be into its parts.
func (v Value) object(prefix string) (*Document, error) {
	if !v.is('{') {
		return nil, v.place(errors.New("not an object"))
	}
	d := &Document{text: v.text, prefix: prefix, parts: map[string]Value{}}
	dec := json.NewDecoder(bytes.NewReader(v.raw))
	_, _ = dec.Token() // the brace
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return nil, v.place(err)
		}
		name, _ := t.(string)
		part, err := v.next(dec)
		if err != nil {
			return nil, err
		}
		if _, twice := d.parts[name]; twice {
			return nil, part.place(fmt.Errorf("%q stands twice", cut(name)))
		}
		d.parts[name] = part
		d.order = append(d.order, name)
	}
	return d, nil
}

// list cuts the list that v must be into its elements.
func (v Value) list() ([]Value, error) {
	if !v.is('[') {
		return nil, v.place(errors.New("not a list"))
	}
	var out []Value
	dec := json.NewDecoder(bytes.NewReader(v.raw))
	_, _ = dec.Token() // the bracket
	for dec.More() {
		e, err := v.next(dec)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// next takes the next value off a decoder that reads v.
func (v Value) next(dec *json.Decoder) (Value, error) {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return Value{}, v.place(err)
	}
	end := v.from + int(dec.InputOffset())
	return Value{raw: raw, from: end - len(raw), text: v.text}, nil
}

func (v Value) is(first byte) bool {
	b := bytes.TrimLeft(v.raw, " \t\r\n")
	return len(b) > 0 && b[0] == first
}

// section returns a part as a document of its own: a list is its cases, an
// object with cases is itself, any other value is its only case.
func (d *Document) section(name string) (*Document, bool) {
	v, ok := d.parts[name]
	if !ok {
		return nil, false
	}
	prefix := d.prefix + name + "/"
	if name == listCases {
		prefix = d.prefix
	}
	if v.is('{') {
		if s, err := v.object(prefix); err == nil && s.parts[listCases].is('[') {
			return s, true
		}
	}
	if !v.is('[') {
		v.raw = slices.Concat([]byte{'['}, v.raw, []byte{']'})
		v.from--
	}
	parts := map[string]Value{listCases: v}
	return &Document{text: d.text, prefix: prefix, parts: parts, order: []string{listCases}}, true
}

// refuse reports every part that holds cases and is not in known.
func (d *Document) refuse(report Report, known ...string) {
	for _, name := range d.order {
		if !slices.Contains(known, name) && d.parts[name].holdsCases() {
			report(fmt.Sprintf("%ssection %q", d.prefix, cut(name)), &Mismatch{Want: "a section that is known", Got: "unknown"})
		}
	}
}

// holdsCases reports whether a part is cases rather than words for people: a
// list of objects, or an object with the list "cases".
func (v Value) holdsCases() bool {
	switch {
	case v.is('['):
		list, err := v.list()
		return err != nil || len(list) > 0 && list[0].is('{')
	case v.is('{'):
		s, err := v.object("")
		return err != nil || s.parts[listCases].is('[')
	}
	return false
}

// cases gives every case with its name. A document without cases is reported.
func (d *Document) cases(report Report) iter.Seq2[string, Value] {
	list, err := d.parts[listCases].list()
	if err != nil || len(list) == 0 {
		report(d.prefix+listCases, &Mismatch{Want: "a list of cases", Got: "none"})
	}
	return func(yield func(string, Value) bool) {
		for i, v := range list {
			if !yield(d.prefix+v.name(i), v) {
				return
			}
		}
	}
}

// name is the "name" of a case, else its number from 1.
func (v Value) name(i int) string {
	var c struct {
		Name string `json:"name"`
	}
	if v.is('{') && json.Unmarshal(v.raw, &c) == nil && c.Name != "" {
		return cut(c.Name)
	}
	return fmt.Sprintf("#%d", i+1)
}
