package config

import (
	"bytes"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// fromText reads a value as it stands in the environment and after --set.
// Lists are separated by commas or written as in TOML; empty text is an empty
// list.
func fromText(text string, t reflect.Type) (any, error) {
	if t.Kind() == reflect.Slice {
		return listFromText(text, t)
	}
	switch t {
	case reflect.TypeFor[string]():
		return text, nil
	case reflect.TypeFor[bool]():
		if text == "true" || text == "false" {
			return text == "true", nil
		}
	case reflect.TypeFor[int]():
		if n, err := strconv.Atoi(text); err == nil {
			return n, nil
		}
	case reflect.TypeFor[time.Duration]():
		if d, err := time.ParseDuration(text); err == nil {
			return d, nil
		}
	case reflect.TypeFor[Size]():
		if s, err := ParseSize(text); err == nil {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%q is no %s", text, typeName(t))
}

func listFromText(text string, t reflect.Type) (any, error) {
	if strings.HasPrefix(text, "[") {
		var doc map[string]any
		if _, err := toml.Decode("list = "+text, &doc); err != nil || len(doc) != 1 {
			return nil, fmt.Errorf("%q is no %s", text, typeName(t))
		}
		return fromTOML(doc["list"], t)
	}
	list := reflect.MakeSlice(t, 0, 0)
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		v, err := fromText(item, t.Elem())
		if err != nil {
			return nil, err
		}
		list = reflect.Append(list, reflect.ValueOf(v))
	}
	return list.Interface(), nil
}

// fromTOML converts what the TOML parser made of a value.
func fromTOML(value any, t reflect.Type) (any, error) {
	switch v := value.(type) {
	case string:
		if t == reflect.TypeFor[string]() || t == reflect.TypeFor[time.Duration]() || t == reflect.TypeFor[Size]() {
			return fromText(v, t)
		}
	case bool:
		if t.Kind() == reflect.Bool {
			return v, nil
		}
	case int64:
		if t == reflect.TypeFor[int]() || t == reflect.TypeFor[Size]() {
			return fromText(strconv.FormatInt(v, 10), t)
		}
	case []any:
		if t.Kind() == reflect.Slice {
			return listFromTOML(v, t)
		}
	}
	return nil, fmt.Errorf("%s is no %s", shown(value), typeName(t))
}

func listFromTOML(values []any, t reflect.Type) (any, error) {
	list := reflect.MakeSlice(t, 0, len(values))
	for _, value := range values {
		v, err := fromTOML(value, t.Elem())
		if err != nil {
			return nil, err
		}
		list = reflect.Append(list, reflect.ValueOf(v))
	}
	return list.Interface(), nil
}

// shown is a TOML value inside a sentence.
func shown(value any) string {
	switch v := value.(type) {
	case map[string]any, []map[string]any:
		return "a table"
	case []any:
		return "a list"
	case string:
		return strconv.Quote(v)
	default:
		return fmt.Sprint(v)
	}
}

// example is how a value of this type is written.
func example(t reflect.Type) string {
	switch typeName(t) {
	case "duration":
		return `write a number and a unit, for instance "5s" or "2m"`
	case "size":
		return `write a number of bytes, or one with a unit, for instance "256KiB"`
	case "true or false":
		return "write true or false"
	case "number":
		return "write a whole number"
	case "list of texts":
		return `write a list, for instance ["a:123", "b:123"]`
	case "list of numbers":
		return "write a list, for instance [443, 3389]"
	}
	return "write a text in quotes"
}

// render writes a value as TOML.
func render(value any) string {
	switch v := value.(type) {
	case time.Duration:
		return strconv.Quote(shortDuration(v))
	case Size:
		return strconv.Quote(v.String())
	case Levels:
		return ""
	}
	var b bytes.Buffer
	if err := toml.NewEncoder(&b).Encode(map[string]any{"v": value}); err != nil {
		return strconv.Quote(fmt.Sprint(value)) // no type of Config gets here
	}
	return strings.TrimSpace(strings.TrimPrefix(b.String(), "v = "))
}

// shortDuration writes "1m" where [time.Duration.String] writes "1m0s".
func shortDuration(d time.Duration) string {
	s := d.String()
	if short, ok := strings.CutSuffix(s, "m0s"); ok {
		s = short + "m"
	}
	if short, ok := strings.CutSuffix(s, "h0m"); ok {
		s = short + "h"
	}
	return s
}
