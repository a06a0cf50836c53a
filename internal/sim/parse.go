package sim

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Problems is everything that is wrong with a scenario, each with its place.
type Problems []string

// Error gives one problem a line.
func (p Problems) Error() string { return strings.Join(p, "\n") }

// Parse reads a scenario file of at most 1 MiB and checks it. The error is
// [Problems].
func Parse(b []byte) (Scenario, error) {
	var s Scenario
	if len(b) > maxFile {
		return s, Problems{fmt.Sprintf("file: %d bytes of at most %d", len(b), maxFile)}
	}
	r := &reader{}
	r.value("", b, reflect.ValueOf(&s).Elem())
	if len(r.problems) > 0 {
		return s, r.problems
	}
	return s, s.Check()
}

// reader reads JSON into structs strictly: every key is known and stands once,
// every value has its type.
type reader struct{ problems Problems }

func (r *reader) add(place, format string, args ...any) {
	r.problems = append(r.problems, at(place)+": "+fmt.Sprintf(format, args...))
}

func at(place string) string {
	if place == "" {
		return "file"
	}
	return place
}

func (r *reader) value(place string, b json.RawMessage, v reflect.Value) {
	if text, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		var s string
		if json.Unmarshal(b, &s) != nil {
			r.add(place, "want a string")
		} else if err := text.UnmarshalText([]byte(s)); err != nil {
			r.add(place, "%v", err)
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		r.object(place, b, v)
	case reflect.Slice:
		r.list(place, b, v)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		r.value(place, b, v.Elem())
	default:
		r.plain(place, b, v)
	}
}

// plain reads a string, a number or a bool.
func (r *reader) plain(place string, b json.RawMessage, v reflect.Value) {
	wanted := map[reflect.Kind]string{
		reflect.String: "a string", reflect.Int: "a whole number", reflect.Float64: "a number", reflect.Bool: "true or false",
	}
	err := json.Unmarshal(b, v.Addr().Interface())
	if err != nil || string(b) == "null" {
		r.add(place, "want %s", wanted[v.Kind()])
	}
}

func (r *reader) object(place string, b json.RawMessage, v reflect.Value) {
	fields := make(map[string]reflect.Value)
	var names []string
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = v.Field(i)
		names = append(names, name)
	}
	seen := make(map[string]bool)
	err := members(b, func(key string, value json.RawMessage) {
		inside := key
		if place != "" {
			inside = place + "." + key
		}
		field, known := fields[key]
		switch {
		case !known:
			r.add(inside, "unknown key%s", suggestion(key, names))
		case seen[key]:
			r.add(inside, "stands twice")
		default:
			seen[key] = true
			r.value(inside, value, field)
		}
	})
	if err != nil {
		r.add(place, "%v", err)
	}
}

// members calls f for each member of a JSON object.
func members(b json.RawMessage, f func(key string, value json.RawMessage)) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return wrong(err, "want an object")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return wrong(err, "want an object")
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return wrong(err, "want an object")
		}
		f(key.(string), value)
	}
	if _, err := d.Token(); err != nil {
		return wrong(err, "want an object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the object")
	}
	return nil
}

// wrong prefers what the JSON decoder says.
func wrong(err error, otherwise string) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("not JSON: it ends early")
	case err != nil:
		return fmt.Errorf("not JSON: %w", err)
	}
	return errors.New(otherwise)
}

func (r *reader) list(place string, b json.RawMessage, v reflect.Value) {
	var items []json.RawMessage
	if json.Unmarshal(b, &items) != nil || items == nil {
		r.add(place, "want a list")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(items), len(items)))
	for i, item := range items {
		r.value(fmt.Sprintf("%s[%d]", place, i), item, v.Index(i))
	}
}

// suggestion names the word that is nearest to a wrong one, if one is near.
func suggestion(word string, words []string) string {
	best, least := "", math.MaxInt
	for _, w := range words {
		if d := distance(word, w); d < least {
			best, least = w, d
		}
	}
	if best == "" || least > max(2, len(word)/3) {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is how many letters have to change to make b of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = slices.Min([]int{cost, row[j] + 1, row[j+1] + 1})
		}
	}
	return row[len(b)]
}
