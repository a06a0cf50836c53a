package config

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"
)

// A Value is a key's value in force.
type Value struct {
	Key    string `json:"key"`
	Value  any    `json:"value"`  // durations and sizes as text with their unit
	Origin string `json:"origin"` // "default", "trunkline.toml:3", "TRUNKLINE_WEB_LISTEN", "--set"
	Reload bool   `json:"reload"` // takes effect on SIGHUP

	toml string
}

// Values returns every key's value in the order of [Keys], each part of the
// log that has its own level on a line of its own. It is also the shape of
// `trunkline config show --json`.
func (l *Loaded) Values() []Value {
	list := values(&l.Config)
	for i := range list {
		list[i].Origin = l.Origin(list[i].Key).String()
	}
	return list
}

// values lists a configuration without origins.
func values(c *Config) []Value {
	var list []Value
	for _, k := range Keys() {
		if k.isParts() {
			for _, part := range sortedParts(c.Log.Parts) {
				text := c.Log.Parts[part]
				list = append(list, Value{Key: "log." + part, Value: text, Reload: k.Reload, toml: strconv.Quote(text)})
			}
			continue
		}
		v := k.in(c).Interface()
		list = append(list, Value{Key: k.Name, Value: plain(v), Reload: k.Reload, toml: render(v)})
	}
	return list
}

// plain is a value as JSON shows it.
func plain(v any) any {
	switch v := v.(type) {
	case time.Duration:
		return shortDuration(v)
	case Size:
		return v.String()
	}
	return v
}

// Show writes the values in force, one `key = value  # origin` a line.
func (l *Loaded) Show(w io.Writer) error {
	b := bufio.NewWriter(w)
	list, width := l.Values(), 0
	for _, v := range list {
		width = max(width, len(v.Key)+len(v.toml))
	}
	for _, v := range list {
		fmt.Fprintf(b, "%s = %-*s  # %s\n", v.Key, width-len(v.Key), v.toml, v.Origin)
	}
	return b.Flush()
}

func sortedParts(levels Levels) []string { return slices.Sorted(maps.Keys(levels)) }
