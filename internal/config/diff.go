package config

import "slices"

// A Change is a key whose value differs between two configurations. Old and
// New are written as TOML; one of them is empty for a part of the log that has
// no level of its own on that side.
type Change struct {
	Key      string
	Old, New string
	Restart  bool // the new value needs a restart
}

// Diff returns what changes from old to new, in the order of [Keys].
func Diff(old, new *Config) []Change {
	var changes []Change
	before, after := values(old), values(new)
	at := func(list []Value, key string) string {
		i := slices.IndexFunc(list, func(v Value) bool { return v.Key == key })
		if i < 0 {
			return ""
		}
		return list[i].toml
	}
	for _, v := range after {
		if was := at(before, v.Key); was != v.toml {
			changes = append(changes, Change{v.Key, was, v.toml, !v.Reload})
		}
	}
	for _, v := range before {
		if at(after, v.Key) == "" {
			changes = append(changes, Change{v.Key, v.toml, "", !v.Reload})
		}
	}
	return changes
}
