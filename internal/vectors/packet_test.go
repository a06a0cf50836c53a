package vectors_test

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"trunkline/internal/vectors"
)

// A note is a packet of the tests: a tag, a list of numbers with its count, and
// text up to the end. Its codec has one fault, chosen by name.
type note struct {
	Tag     [2]byte
	Numbers []uint16
	Text    string
	fault   string
}

func (p *note) AppendBinary(b []byte) ([]byte, error) {
	tag := p.Tag
	switch p.fault {
	case "drops the prefix":
		b = nil
	case "refuses to encode":
		return b, errors.New("no")
	case "encodes another tag":
		tag[0]++
	}
	b = append(append(b, tag[:]...), byte(len(p.Numbers)))
	for _, n := range p.Numbers {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	return append(b, p.Text...), nil
}

func (p *note) UnmarshalBinary(b []byte) error {
	switch {
	case p.fault == "panics":
		panic("at byte 3")
	case p.fault == "accepts a cut list" && len(b) == 5:
		b = []byte{b[0], b[1], 0}
	case p.fault == "ignores what follows" && len(b) > 8:
		b = b[:8]
	case len(b) < 3 || len(b) < 3+2*int(b[2]) || p.fault == "refuses to decode":
		return errors.New("short")
	}
	copy(p.Tag[:], b)
	p.Numbers = make([]uint16, b[2])
	for i := range p.Numbers {
		p.Numbers[i] = binary.BigEndian.Uint16(b[3+2*i:])
	}
	p.Text = string(b[3+2*len(p.Numbers):])
	if p.fault == "writes to its input" {
		b[0] = 9
	}
	return nil
}

const (
	noteBytes  = "0102020003000468"
	noteFields = `{"tag": "0102", "numbers": [3, 4], "text": "h"}`
)

func notes(fault string) func() vectors.Packet {
	return func() vectors.Packet { return &note{fault: fault} }
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestFieldsAndBytesAreComparedBothWays(t *testing.T) {
	for _, c := range []struct{ fields, bytes, want string }{
		{noteFields, noteBytes, ""},
		{`{"Tag": "0102", "Numbers": ["3", "4"], "Text": "h"}`, noteBytes, ""},
		{`{}`, "000000", ""},
		{`{"numbers": []}`, "000000", ""},
		{`{"numbers": null, "text": ""}`, "000000", ""},
		{`{"tag": "0102", "numbers": [3, 5], "text": "h"}`, noteBytes, "decoded.Numbers[1]: want 5, got 4"},
		{`{"tag": "0103", "numbers": [3, 4], "text": "h"}`, noteBytes, `decoded.Tag: want "0103", got "0102"`},
		{`{"tag": "0102", "numbers": [3], "text": "h"}`, noteBytes, "decoded.Numbers: want 1 elements, got 2 elements"},
		{`{"tag": "0102", "numbers": [3, 4]}`, noteBytes, `decoded.Text: want "", got "h"`},
		{noteFields, "0102", "decode: short"},
	} {
		err := vectors.RoundTrip(notes(""), json.RawMessage(c.fields), unhex(t, c.bytes))
		if got := words(err); got != c.want {
			t.Errorf("%s and %s: got %q, want %q", c.fields, c.bytes, got, c.want)
		}
	}
}

func TestEveryFaultOfACodecIsFound(t *testing.T) {
	for fault, want := range map[string]string{
		"":                     "",
		"drops the prefix":     "encoded: want the prefix kept, got the prefix changed",
		"refuses to encode":    "encode: no",
		"encodes another tag":  `encoded: want "0102020003000468", got "0202020003000468"`,
		"writes to its input":  `input after decoding: want "0102020003000468", got "0902020003000468"`,
		"refuses to decode":    "decode: short",
		"ignores what follows": `with one byte more: decoded and encoded: want "010202000300046800", got "0102020003000468"`,
		"accepts a cut list":   `cut to 5 bytes: decoded and encoded: want "0102020003", got "010200"`,
	} {
		err := vectors.RoundTrip(notes(fault), json.RawMessage(noteFields), unhex(t, noteBytes))
		if got := words(err); got != want {
			t.Errorf("%s: got %q, want %q", fault, got, want)
		}
	}
}

// A packet that encodes what it does not decode is refused at the cut where it
// shows, also in the last bytes of a long one.
func TestLongPacketsAreCutAtBothEnds(t *testing.T) {
	long := strings.Repeat("x", 5000)
	fields, err := json.Marshal(map[string]any{"tag": "0000", "text": long})
	if err != nil {
		t.Fatal(err)
	}
	b := append([]byte{0, 0, 0}, long...)
	if err := vectors.RoundTrip(notes(""), fields, b); err != nil {
		t.Error(err)
	}
	for _, at := range []int{5, 2000, 3500, 5002} {
		fresh := func() vectors.Packet { return &fussy{at: at} }
		if err := vectors.RoundTrip(fresh, fields, b); err == nil {
			t.Errorf("a fault at a cut to %d bytes is not found", at)
		}
	}
}

// A fussy packet loses its tag when the input has a certain length.
type fussy struct {
	Tag  [2]byte
	Text string
	at   int
}

func (p *fussy) AppendBinary(b []byte) ([]byte, error) {
	return (&note{Tag: p.Tag, Text: p.Text}).AppendBinary(b)
}

func (p *fussy) UnmarshalBinary(b []byte) error {
	var n note
	err := n.UnmarshalBinary(b)
	p.Tag, p.Text = n.Tag, n.Text
	if len(b) == p.at {
		p.Tag[0]++
	}
	return err
}

type everything struct {
	Small    int8
	Big      uint64
	Far      int64
	Flag     bool
	Ratio    float64
	Name     string
	Raw      []byte
	Key      [4]byte
	Pair     [2]uint16
	Deep     *everything
	List     []everything
	Hex      vectors.Hex
	MaxSize  int
	hidden   int
	Anything map[string]int
}

func TestFillReadsEveryKindOfField(t *testing.T) {
	var got everything
	err := vectors.Fill(&got, []byte(`{"small": -128, "big": "18446744073709551615", "far": "-9223372036854775808", "flag": true,
		"ratio": 0.5, "name": "größer", "raw": "00ff", "key": "01020304", "pair": [1, 2], "deep": {"name": "in"},
		"list": [{"small": 1}, null], "hex": "AB", "max_size": 7, "Anything": {"a": 1}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := everything{
		Small: -128, Big: 1<<64 - 1, Far: -1 << 63, Flag: true, Ratio: 0.5, Name: "größer", Raw: []byte{0, 255},
		Key: [4]byte{1, 2, 3, 4}, Pair: [2]uint16{1, 2}, Deep: &everything{Name: "in"}, List: []everything{{Small: 1}, {}},
		Hex: vectors.Hex{0xab}, MaxSize: 7, Anything: map[string]int{"a": 1},
	}
	if err := vectors.Same("filled", want, got); err != nil {
		t.Error(err)
	}
}

func TestFillForgetsWhatWasThereButForWhatItCannotName(t *testing.T) {
	got := everything{Name: "before", Raw: []byte("before"), List: []everything{{}}, hidden: 1}
	if err := vectors.Fill(&got, []byte(`{"small": 1}`)); err != nil {
		t.Fatal(err)
	}
	if err := vectors.Same("filled", everything{Small: 1, hidden: 1}, got); err != nil {
		t.Error(err)
	}
}

func TestFillRefusesWhatDoesNotFit(t *testing.T) {
	for in, want := range map[string]string{
		`{"small": 128}`:                     `small: strconv.ParseInt: parsing "128": value out of range`,
		`{"big": -1}`:                        `big: strconv.ParseUint: parsing "-1": invalid syntax`,
		`{"big": 1.5}`:                       `big: strconv.ParseUint: parsing "1.5": invalid syntax`,
		`{"big": {}}`:                        `big: strconv.ParseUint: parsing "{}": invalid syntax`,
		`{"key": "0102"}`:                    "key: 2 bytes for [4]uint8",
		`{"key": "0102030"}`:                 "key: encoding/hex: odd length hex string",
		`{"raw": "0g"}`:                      "raw: encoding/hex: invalid byte: U+0067 'g'",
		`{"raw": [1, 2]}`:                    "raw: json: cannot unmarshal array into Go value of type *vectors.Hex",
		`{"pair": [1]}`:                      "pair: 1 elements for [2]uint16",
		`{"pair": [1, 65536]}`:               `pair[1]: strconv.ParseUint: parsing "65536": value out of range`,
		`{"nope": 1}`:                        `vectors_test.everything has no field "nope", or it is named twice`,
		`{"hidden": 1}`:                      `vectors_test.everything has no field "hidden", or it is named twice`,
		`{"max_size": 1, "MaxSize": 1}`:      "or it is named twice",
		`{"deep": {"deep": {"name": 1}}}`:    "deep.deep.name: json: cannot unmarshal number into Go value of type string",
		`{"list": {"small": 1}}`:             "list: json: cannot unmarshal object into Go value of type []json.RawMessage",
		`[1]`:                                "json: cannot unmarshal array into Go value of type map[string]json.RawMessage",
		`{"name": "a"`:                       "unexpected end of JSON input",
		`{"flag": "true"}`:                   "flag: json: cannot unmarshal string into Go value of type bool",
		`{"deep": {"list": [{"big": "x"}]}}`: `deep.list[0].big: strconv.ParseUint: parsing "x": invalid syntax`,
	} {
		var got everything
		if err := vectors.Fill(&got, []byte(in)); !strings.Contains(words(err), want) || err == nil {
			t.Errorf("%s: got %q, want %q", in, words(err), want)
		}
	}
	if err := vectors.Fill(everything{}, []byte(`{}`)); err == nil {
		t.Error("a struct that cannot be set is filled")
	}
}

func TestSameTellsTheFirstDifference(t *testing.T) {
	a, b := 1, 2
	for _, c := range []struct {
		want, got any
		text      string
	}{
		{nil, nil, ""},
		{1, nil, "x: want int, got <nil>"},
		{1, "1", "x: want int, got string"},
		{&a, &a, ""},
		{&a, &b, "x: want 1, got 2"},
		{(*int)(nil), (*int)(nil), ""},
		{(*int)(nil), &b, "x: want <nil>, got "},
		{[]int{}, []int(nil), ""},
		{[]byte{}, []byte(nil), ""},
		{map[string]int{}, map[string]int(nil), ""},
		{map[string]int{"a": 1}, map[string]int{"a": 2}, `x["a"]: want 1, got 2`},
		{map[string]int{"a": 1}, map[string]int{"b": 1}, `x["a"]: want an entry, got none`},
		{map[string]int{"a": 1}, map[string]int{}, "x: want 1 entries, got 0 entries"},
		{[]any{1, "a"}, []any{1, 2}, "x[1]: want string, got int"},
		{[]any{nil}, []any{nil}, ""},
		{strings.Repeat("y", 500), "", `x: want "` + strings.Repeat("y", 399) + "... (502 characters), got"},
		{make([]byte, 300), []byte{}, "x: want " + strings.Repeat("00", 200) + `... (300 bytes), got ""`},
		{true, false, "x: want true, got false"},
	} {
		got := words(vectors.Same("x", c.want, c.got))
		if !strings.HasPrefix(got, c.text) || (got == "") != (c.text == "") {
			t.Errorf("%v and %v: got %q, want %q", c.want, c.got, got, c.text)
		}
	}
}

// A value that holds itself ends the comparison instead of the program.
func TestSameEndsOnValuesThatHoldThemselves(t *testing.T) {
	type ring struct{ Next *ring }
	a, b := &ring{}, &ring{}
	a.Next, b.Next = a, b
	if err := vectors.Same("ring", a, b); err == nil {
		t.Error("two endless values are equal")
	}
}
