package config

import (
	"log/slog"
	"slices"
	"strings"
)

// Levels are log levels by part, for instance "blubbel.server": "debug".
type Levels map[string]string

// Parts returns the parts of the program that have a level of their own. A
// name covers the longer ones that begin with it: "blubbel" covers
// "blubbel.server".
func Parts() []string {
	return []string{
		"blubbel",
		"blubbel.echo",
		"blubbel.server",
		"server",
		"web",
	}
}

// LevelOf returns the level of a part: its own, else that of the longest name
// that covers it, else the general one.
func (l Log) LevelOf(part string) slog.Level {
	for name := part; name != ""; name = name[:max(0, strings.LastIndexByte(name, '.'))] {
		if text, ok := l.Parts[name]; ok {
			return level(text)
		}
	}
	return level(l.Level)
}

// level reads a level that was checked before; anything else is Info.
func level(text string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(text)); err != nil {
		return slog.LevelInfo
	}
	return l
}

// partOf returns the part that a key such as "log.blubbel.server" sets.
func partOf(key string) (string, bool) {
	part, ok := strings.CutPrefix(key, "log.")
	return part, ok && slices.Contains(Parts(), part)
}
