package config

import (
	"reflect"
	"strings"
	"time"

	"trunkline/internal/health"
)

// EnvPrefix begins the name of every environment variable of the program.
const EnvPrefix = "TRUNKLINE_"

// A Key describes one setting.
type Key struct {
	Name    string   // "blubbel.max_payload"
	Env     string   // "TRUNKLINE_BLUBBEL_MAX_PAYLOAD"
	Doc     string   // one or two sentences
	Type    string   // in words, for instance "duration"
	Default string   // as TOML
	Unit    string   // of a number; may be empty
	Min     string   // least value, or empty
	Max     string   // greatest value, or empty
	OneOf   []string // the only values, if not empty
	Reload  bool     // takes effect on SIGHUP
	Built   bool     // the network that it belongs to exists

	check string // address rule of check.go
	index []int  // of the field in Config
	typ   reflect.Type
}

// Keys returns all keys in the order of the struct. The pattern log.PART
// stands for the levels of all parts.
func Keys() []Key {
	var keys []Key
	defaults := reflect.ValueOf(Default())
	for _, section := range reflect.VisibleFields(defaults.Type()) {
		for _, field := range reflect.VisibleFields(section.Type) {
			index := append(append([]int{}, section.Index...), field.Index...)
			name := section.Tag.Get("toml") + "." + field.Tag.Get("toml")
			k := Key{
				Name:    name,
				Env:     envName(name),
				Doc:     field.Tag.Get("doc"),
				Type:    typeName(field.Type),
				Default: render(defaults.FieldByIndex(index).Interface()),
				Unit:    field.Tag.Get("unit"),
				Min:     field.Tag.Get("min"),
				Max:     field.Tag.Get("max"),
				Reload:  field.Tag.Get("reload") == "yes",
				Built:   section.Tag.Get("built") != "no",
				check:   field.Tag.Get("check"),
				index:   index,
				typ:     field.Type,
			}
			if list := field.Tag.Get("oneof"); list != "" {
				k.OneOf = strings.Split(list, "|")
			}
			keys = append(keys, k)
		}
	}
	return keys
}

// in returns the key's field of a configuration.
func (k Key) in(c *Config) reflect.Value { return reflect.ValueOf(c).Elem().FieldByIndex(k.index) }

// isParts reports whether the key is the pattern log.PART.
func (k Key) isParts() bool { return k.typ == reflect.TypeFor[Levels]() }

// section is the part of the name before the dot.
func (k Key) section() string {
	section, _, _ := strings.Cut(k.Name, ".")
	return section
}

// envName is the environment variable of a key.
func envName(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// names returns everything that may be set: the keys, and log.PART written out.
func names() []string {
	var list []string
	for _, k := range Keys() {
		if !k.isParts() {
			list = append(list, k.Name)
		}
	}
	for _, part := range Parts() {
		list = append(list, "log."+part)
	}
	return list
}

// suggest says which key somebody who wrote name probably meant.
func suggest(name string) string {
	known := names()
	near := health.Nearest(name, known)
	if near == "" { // the section forgotten, or a wrong one
		last := name[strings.LastIndexByte(name, '.')+1:]
		for _, k := range known {
			if strings.HasSuffix(k, "."+last) {
				near = k
				break
			}
		}
	}
	if near == "" {
		return "`trunkline config describe` lists all keys"
	}
	return "did you mean " + near + "?"
}

// typeName is a type of value in words for people.
func typeName(t reflect.Type) string {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return "duration"
	case reflect.TypeFor[Size]():
		return "size"
	case reflect.TypeFor[[]string]():
		return "list of texts"
	case reflect.TypeFor[[]int]():
		return "list of numbers"
	case reflect.TypeFor[Levels]():
		return "text"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "number"
	}
	return "text"
}
