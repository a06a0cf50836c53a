package cells

import (
	"fmt"
	"strings"
	"unicode"
)

const (
	maxMarks    = 4        // on one character
	replacement = '\uFFFD' // of what means nothing
	dottedRing  = '\u25CC' // carries a mark that stands alone
	tabSize     = 4        // a tab is as wide as this many spaces
)

// Line makes s one harmless line: line ends become pictures too. A prefix of s
// gives a prefix of the result.
func Line(s string) string {
	var c cleaner
	for _, r := range s {
		c.add(r)
	}
	return string(c.out)
}

// Lines makes s harmless lines, cut where s has line ends of any kind. There is
// always at least one.
func Lines(s string) []string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n").Replace(s)
	var lines []string
	for line := range strings.SplitSeq(s, "\n") {
		lines = append(lines, Line(line))
	}
	return lines
}

// cleaner writes harmless runes. What becomes of a rune depends on those before
// it alone.
type cleaner struct {
	out   []byte
	last  rune // written last; 0 at the beginning
	marks int  // combining ones since the last character
}

func (c *cleaner) add(r rune) {
	switch {
	case r == '\t':
		c.text(strings.Repeat(" ", tabSize))
	case r < ' ':
		c.write(0x2400 + r)
	case r == 0x7f:
		c.write(0x2421)
	case r < 0xa0 && r > 0x7f:
		c.text(fmt.Sprintf("<%x>", r))
	case r == 0x2028 || r == 0x2029:
		c.write(0x240a)
	case directionMark(r) != "":
		c.text("<" + directionMark(r) + ">")
	case unicode.In(r, unicode.Mn, unicode.Me):
		c.combine(r)
	case r >= 0x1f1e6 && r <= 0x1f1ff: // the letters of flags
		c.write('A' + r - 0x1f1e6)
	default:
		c.plain(r)
	}
}

// plain writes a rune that takes cells, or leaves out one that nobody sees.
func (c *cleaner) plain(r rune) {
	switch {
	case r == 0x200c || r == 0x200d: // joins and separates letters, and emoji
		if unicode.In(c.last, unicode.L, unicode.M) {
			c.combine(r)
		}
	case invisible(r):
	case r >= 0x1f3fb && r <= 0x1f3ff && runeWidth(c.last) == 2: // skin tones
	case !unicode.IsGraphic(r):
		c.write(replacement)
	default:
		c.write(r)
	}
}

func (c *cleaner) text(s string) {
	for _, r := range s {
		c.write(r)
	}
}

func (c *cleaner) write(r rune) {
	c.out = append(c.out, string(r)...)
	c.last, c.marks = r, 0
}

// combine puts a mark on the character before it, if there is room.
func (c *cleaner) combine(r rune) {
	if variationSelector(r) || c.marks == maxMarks {
		return
	}
	if c.last == 0 {
		c.write(dottedRing)
	}
	c.out = append(c.out, string(r)...)
	c.last, c.marks = r, c.marks+1
}

func variationSelector(r rune) bool {
	return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef || r >= 0x180b && r <= 0x180f
}

// invisible reports whether r shows nothing: soft hyphen, zero-width space and
// its like, fillers, tags.
func invisible(r rune) bool {
	switch r {
	case 0xad, 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x200b, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064, 0x3164, 0xfeff, 0xffa0:
		return true
	}
	return r >= 0xe0000 && r <= 0xe007f
}

// directionMark is the name of a character that turns the direction of writing,
// with which a text can be made to read as another; empty for all others.
func directionMark(r rune) string {
	switch r {
	case 0x061c:
		return "ALM"
	case 0x200e:
		return "LRM"
	case 0x200f:
		return "RLM"
	}
	if r >= 0x202a && r <= 0x202e {
		return []string{"LRE", "RLE", "PDF", "LRO", "RLO"}[r-0x202a]
	}
	if r >= 0x2066 && r <= 0x2069 {
		return []string{"LRI", "RLI", "FSI", "PDI"}[r-0x2066]
	}
	return ""
}
