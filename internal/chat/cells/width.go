package cells

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
)

// Width is how many cells of a terminal s takes at most. It is meant for what
// [Line] and [Lines] return, without escape sequences.
func Width(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	switch {
	case r >= ' ' && r < 0x7f:
		return 1
	case r < ' ', r == 0x200c, r == 0x200d, unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	return lipgloss.Width(string(r))
}

// clusters splits s into characters with the marks on them, each with its width.
func clusters(s string) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for len(s) > 0 {
			r, n := utf8.DecodeRuneInString(s)
			width := runeWidth(r)
			for n < len(s) {
				mark, size := utf8.DecodeRuneInString(s[n:])
				if runeWidth(mark) > 0 {
					break
				}
				n += size
			}
			if !yield(s[:n], width) {
				return
			}
			s = s[n:]
		}
	}
}

// head returns as much of s as fits into width cells, and the width of that.
func head(s string, width int) (string, int) {
	n, used := 0, 0
	for c, w := range clusters(s) {
		if used+w > width {
			break
		}
		n, used = n+len(c), used+w
	}
	return s[:n], used
}

// Chop cuts a line into pieces of at most width cells, wherever that is. There is
// always at least one; a character wider than width makes a piece of its own.
func Chop(line string, width int) []string {
	var pieces []string
	for {
		first := fill(line, max(width, 1))
		pieces = append(pieces, first)
		if line = line[len(first):]; line == "" {
			return pieces
		}
	}
}

// Cut shortens s to at most width cells, with an ellipsis where something was
// left out. A character is never cut in two.
func Cut(s string, width int) string {
	if Width(s) <= width {
		return s
	}
	if width <= 0 {
		return ""
	}
	s, _ = head(s, width-1)
	return s + "…"
}

// Fit is Cut, with spaces behind to make it width cells.
func Fit(s string, width int) string {
	s = Cut(s, width)
	return s + strings.Repeat(" ", max(0, width-Width(s)))
}

// Wrap breaks a line into lines of at most width cells, between words where that
// is possible. There is always at least one. Where width is less than two, a wide
// character takes a line of its own.
func Wrap(line string, width int) []string {
	var lines []string
	for {
		first := fill(line, max(width, 1))
		rest := line[len(first):]
		if rest == "" {
			return append(lines, line)
		}
		if i := strings.LastIndexByte(first, ' '); i > 0 && rest[0] != ' ' {
			first, rest = first[:i], line[i:]
		}
		lines = append(lines, strings.TrimRight(first, " "))
		line = strings.TrimPrefix(rest, " ")
	}
}

// fill is head, but at least one character.
func fill(s string, width int) string {
	first, _ := head(s, width)
	if first == "" {
		for c := range clusters(s) {
			return c
		}
	}
	return first
}
