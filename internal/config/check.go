package config

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// check looks at the values themselves, after all sources.
func (l *loader) check() {
	for _, k := range l.keys {
		if k.isParts() {
			for _, part := range sortedParts(l.loaded.Config.Log.Parts) {
				l.report("log."+part, k.wrong(reflect.ValueOf(l.loaded.Config.Log.Parts[part])))
			}
			continue
		}
		l.report(k.Name, k.wrong(k.in(&l.loaded.Config)))
	}
	l.report("blubbel.raw_keys", rawKeysNeeded(l.loaded.Config.Blubbel))
	l.sameAddress()
}

// mistake is what is wrong with a value, and what to do.
type mistake struct{ what, do string }

func (l *loader) report(key string, m *mistake) {
	if m != nil {
		l.problem(l.loaded.Origin(key), key, m.what, m.do)
	}
}

// wrong returns what is wrong with a value of this key, or nil.
func (k Key) wrong(v reflect.Value) *mistake {
	empty := v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0
	if !k.Built && !empty {
		return &mistake{"the network " + k.section() + " is not built yet", "leave the key empty"}
	}
	if len(k.OneOf) > 0 && !slices.Contains(k.OneOf, v.String()) {
		return &mistake{fmt.Sprintf("%q is none of the known values", v.String()), "write " + or(k.OneOf)}
	}
	if k.Min != "" && k.outside(v) {
		return &mistake{render(v.Interface()) + " is out of range", "write a value from " + k.Min + " to " + k.Max}
	}
	if k.check != "" && !empty {
		return checkAddresses(k.check, v)
	}
	return nil
}

// outside reports whether a number, or one of a list, is below Min or above
// Max, which are written like values of the key.
func (k Key) outside(v reflect.Value) bool {
	if v.Kind() == reflect.Slice {
		for i := range v.Len() {
			if k.outside(v.Index(i)) {
				return true
			}
		}
		return false
	}
	return v.Int() < bound(k.Min, v.Type()) || v.Int() > bound(k.Max, v.Type())
}

func bound(tag string, t reflect.Type) int64 {
	n, err := fromText(tag, t)
	if err != nil {
		panic("config: bound in a tag: " + err.Error())
	}
	return reflect.ValueOf(n).Int()
}

// checkAddresses applies the rule "listen", "advertise" or "hosts" to a text
// or to each text of a list.
func checkAddresses(rule string, v reflect.Value) *mistake {
	list := []string{}
	if v.Kind() == reflect.Slice {
		list = v.Interface().([]string)
	} else {
		list = append(list, v.String())
	}
	for _, address := range list {
		if err := CheckAddress(address, rule == "listen"); err != nil {
			return &mistake{err.Error(), "write HOST:PORT, for instance " + addressExample(rule)}
		}
	}
	return nil
}

func addressExample(rule string) string {
	switch rule {
	case "listen":
		return "127.0.0.1:8000, [::1]:8000, :8000 (all interfaces) or port 0 (a free one)"
	case "hosts":
		return "pool.ntp.org:123"
	}
	return "chat.example.org:8000"
}

// CheckAddress says what is wrong with HOST:PORT. For listening the host may
// be missing (all interfaces) and the port 0 (a free one).
func CheckAddress(address string, listening bool) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		if e, ok := errors.AsType[*net.AddrError](err); ok {
			err = errors.New(e.Err)
		}
		return fmt.Errorf("address %q: %w", address, err)
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 && !listening {
		return fmt.Errorf("address %q: port %q is not from %d to 65535", address, port, least(listening))
	}
	if host == "" && !listening {
		return fmt.Errorf("address %q: the host is missing", address)
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || strings.ContainsRune(`/@?#"'`, r) }) {
		return fmt.Errorf("address %q: %q is no host", address, host)
	}
	return nil
}

func least(listening bool) int {
	if listening {
		return 0
	}
	return 1
}

// rawKeysNeeded finds as-shipped framing without the only keys that it knows.
func rawKeysNeeded(b Blubbel) *mistake {
	if b.Framing != AsShipped || b.RawKeys {
		return nil
	}
	return &mistake{"as-shipped framing knows raw keys only, and these are refused", "set blubbel.raw_keys = true or blubbel.framing = \"documented\""}
}

// sameAddress finds two networks that listen on one address.
func (l *loader) sameAddress() {
	taken := map[string]string{}
	for _, k := range l.keys {
		address := k.in(&l.loaded.Config).String()
		if k.check != "listen" || address == "" || strings.HasSuffix(address, ":0") {
			continue
		}
		if other, ok := taken[address]; ok {
			l.report(k.Name, &mistake{"address " + strconv.Quote(address) + " is that of " + other, "give each its own port"})
		}
		taken[address] = k.Name
	}
}

// or joins words as "a, b or c".
func or(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}
