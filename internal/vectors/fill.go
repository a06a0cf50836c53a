package vectors

import (
	"bytes"
	"encoding"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
)

// Hex is bytes that stand in a file as hexadecimal.
type Hex []byte

// MarshalText gives lower-case hexadecimal.
func (h Hex) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h), nil }

// UnmarshalText reads hexadecimal in either case.
func (h *Hex) UnmarshalText(b []byte) error {
	out, err := hex.AppendDecode(nil, b)
	if err == nil {
		*h = out
	}
	return err
}

// Fill sets the fields of the struct that dst points to from a JSON object.
// Names match without regard to case and underscores: "max_size", "MaxSize".
// Exported fields that the object does not name become zero; a name without
// one is an error. Bytes are hexadecimal; integers are numbers or, beyond what JSON
// carries safely, decimal strings; what has UnmarshalText may be a string.
func Fill(dst any, fields json.RawMessage) error {
	v := reflect.ValueOf(dst)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("fill %T: not a pointer to a struct", dst)
	}
	return fill("", v.Elem(), fields)
}

func fill(path string, v reflect.Value, raw json.RawMessage) error {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		v.SetZero()
		return nil
	}
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok && bytes.HasPrefix(raw, []byte(`"`)) {
		return at(path, json.Unmarshal(raw, v.Addr().Interface()))
	}
	switch {
	case isBytes(v.Type()):
		return at(path, fillBytes(v, raw))
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return fill(path, v.Elem(), raw)
	case v.Kind() == reflect.Struct:
		return fillStruct(path, v, raw)
	case v.Kind() == reflect.Slice, v.Kind() == reflect.Array:
		return fillList(path, v, raw)
	case v.CanInt() || v.CanUint():
		return at(path, fillInteger(v, raw))
	}
	return at(path, json.Unmarshal(raw, v.Addr().Interface()))
}

func at(path string, err error) error {
	if err == nil || path == "" {
		return err
	}
	return fmt.Errorf("%s: %w", path, err)
}

func fillStruct(path string, v reflect.Value, raw json.RawMessage) error {
	var values map[string]json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return at(path, err)
	}
	byName := map[string]reflect.Value{}
	for i := range v.NumField() {
		if f := v.Type().Field(i); f.IsExported() {
			v.Field(i).SetZero()
			byName[fold(f.Name)] = v.Field(i)
		}
	}
	for name, value := range values {
		field, ok := byName[fold(name)]
		if !ok {
			return at(path, fmt.Errorf("%v has no field %q, or it is named twice", v.Type(), name))
		}
		delete(byName, fold(name))
		if err := fill(join(path, name), field, value); err != nil {
			return err
		}
	}
	return nil
}

func fold(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

func fillList(path string, v reflect.Value, raw json.RawMessage) error {
	var values []json.RawMessage
	if err := json.Unmarshal(raw, &values); err != nil {
		return at(path, err)
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(values), len(values)))
	} else if v.Len() != len(values) {
		return at(path, fmt.Errorf("%d elements for %v", len(values), v.Type()))
	}
	for i, value := range values {
		if err := fill(fmt.Sprintf("%s[%d]", path, i), v.Index(i), value); err != nil {
			return err
		}
	}
	return nil
}

func fillBytes(v reflect.Value, raw json.RawMessage) error {
	var b Hex
	if err := json.Unmarshal(raw, &b); err != nil {
		return err
	}
	if v.Kind() == reflect.Slice {
		v.Set(reflect.MakeSlice(v.Type(), len(b), len(b)))
	} else if v.Len() != len(b) {
		return fmt.Errorf("%d bytes for %v", len(b), v.Type())
	}
	for i := range b {
		v.Index(i).SetUint(uint64(b[i]))
	}
	return nil
}

func fillInteger(v reflect.Value, raw json.RawMessage) error {
	text := string(raw)
	if bytes.HasPrefix(raw, []byte(`"`)) {
		if err := json.Unmarshal(raw, &text); err != nil {
			return err
		}
	}
	if v.CanInt() {
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
		return err
	}
	n, err := strconv.ParseUint(text, 10, v.Type().Bits())
	v.SetUint(n)
	return err
}
