package vectors

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"reflect"
)

// maxShown bounds a value shown in a Mismatch, in characters.
const maxShown = 400

// maxDepth bounds how deep values are compared; what lies deeper is unequal.
const maxDepth = 100

func same(what string, want, got any) error {
	w, g := reflect.ValueOf(want), reflect.ValueOf(got)
	if !w.IsValid() || !g.IsValid() || w.Type() != g.Type() {
		if !w.IsValid() && !g.IsValid() {
			return nil
		}
		return &Mismatch{what, fmt.Sprintf("%T", want), fmt.Sprintf("%T", got)}
	}
	if m := diff(what, w, g, 0); m != nil {
		return m
	}
	return nil
}

// diff returns the first difference of two values of one type, or nil. Its path
// stands in What. Lengths differ only where one of them is not zero, so that
// nil and empty are equal.
func diff(path string, w, g reflect.Value, depth int) *Mismatch {
	if depth > maxDepth {
		return &Mismatch{path, "values of bounded depth", "deeper ones"}
	}
	switch w.Kind() {
	case reflect.Struct:
		return diffStruct(path, w, g, depth)
	case reflect.Slice, reflect.Array:
		return diffList(path, w, g, depth)
	case reflect.Pointer, reflect.Interface:
		return diffPointer(path, w, g, depth)
	case reflect.Map:
		return diffMap(path, w, g, depth)
	}
	if !w.Equal(g) {
		return &Mismatch{path, show(w), show(g)}
	}
	return nil
}

func diffStruct(path string, w, g reflect.Value, depth int) *Mismatch {
	for i := range w.NumField() {
		if m := diff(join(path, w.Type().Field(i).Name), w.Field(i), g.Field(i), depth+1); m != nil {
			return m
		}
	}
	return nil
}

func diffList(path string, w, g reflect.Value, depth int) *Mismatch {
	if isBytes(w.Type()) {
		if !bytes.Equal(bytesOf(w), bytesOf(g)) {
			return &Mismatch{path, show(w), show(g)}
		}
		return nil
	}
	if w.Len() != g.Len() {
		return &Mismatch{path, fmt.Sprintf("%d elements", w.Len()), fmt.Sprintf("%d elements", g.Len())}
	}
	for i := range w.Len() {
		if m := diff(fmt.Sprintf("%s[%d]", path, i), w.Index(i), g.Index(i), depth+1); m != nil {
			return m
		}
	}
	return nil
}

func diffPointer(path string, w, g reflect.Value, depth int) *Mismatch {
	if w.IsNil() || g.IsNil() {
		if w.IsNil() != g.IsNil() {
			return &Mismatch{path, show(w), show(g)}
		}
		return nil
	}
	w, g = w.Elem(), g.Elem()
	if w.Type() != g.Type() {
		return &Mismatch{path, w.Type().String(), g.Type().String()}
	}
	return diff(path, w, g, depth+1)
}

func diffMap(path string, w, g reflect.Value, depth int) *Mismatch {
	if w.Len() != g.Len() {
		return &Mismatch{path, fmt.Sprintf("%d entries", w.Len()), fmt.Sprintf("%d entries", g.Len())}
	}
	for _, k := range w.MapKeys() {
		at := fmt.Sprintf("%s[%s]", path, show(k))
		if !g.MapIndex(k).IsValid() {
			return &Mismatch{at, "an entry", "none"}
		}
		if m := diff(at, w.MapIndex(k), g.MapIndex(k), depth+1); m != nil {
			return m
		}
	}
	return nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func isBytes(t reflect.Type) bool {
	return (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && t.Elem().Kind() == reflect.Uint8
}

// bytesOf returns the bytes of a slice or array of them.
func bytesOf(v reflect.Value) []byte {
	if v.Kind() == reflect.Slice || v.CanAddr() {
		return v.Bytes()
	}
	b := make([]byte, v.Len())
	for i := range b {
		b[i] = byte(v.Index(i).Uint())
	}
	return b
}

// show prints a value, bytes in hexadecimal, cut at maxShown. Numbers and text
// are shown without their String method: a vector has the bare value.
func show(v reflect.Value) string {
	if isBytes(v.Type()) {
		b := bytesOf(v)
		if n := maxShown / 2; n < len(b) {
			return fmt.Sprintf("%x... (%d bytes)", b[:n], len(b))
		}
		return fmt.Sprintf("%q", hex.EncodeToString(b))
	}
	switch {
	case v.Kind() == reflect.String:
		return cut(fmt.Sprintf("%q", v.String()))
	case v.CanInt():
		return fmt.Sprint(v.Int())
	case v.CanUint():
		return fmt.Sprint(v.Uint())
	}
	return cut(fmt.Sprintf("%v", v))
}

// cut shortens text for people.
func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return fmt.Sprintf("%s... (%d characters)", s[:maxShown], len(s))
}
