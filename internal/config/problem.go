package config

import (
	"strings"

	"trunkline/internal/health"
)

// A Problem is one mistake in a source of the configuration.
type Problem struct {
	Where string `json:"where"`         // "trunkline.toml:12", "TRUNKLINE_WEB_LISTEN", "--set"
	Key   string `json:"key,omitempty"` // "web.listen", as it was written
	What  string `json:"what"`
	Do    string `json:"do"`
}

// Error returns `where key: what`.
func (p Problem) Error() string {
	place := strings.TrimSpace(p.Where + " " + p.Key)
	return place + ": " + p.What
}

// Advice returns what to do, for [health.Line].
func (p Problem) Advice() string { return p.Do }

// Problems are all mistakes of one load, in the order of the sources.
type Problems []Problem

// Error has one line `where key: what; do` for each problem.
func (p Problems) Error() string {
	var lines []string
	for _, one := range p {
		lines = append(lines, health.Line(one))
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns the problems one by one, for [health.Lines].
func (p Problems) Unwrap() []error {
	var list []error
	for _, one := range p {
		list = append(list, one)
	}
	return list
}
