package cells

import (
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"charm.land/lipgloss/v2"
)

func TestWhatStrangersWriteIsMadeHarmless(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want string }{
		"text":               {"Grüße, 世界!", "Grüße, 世界!"},
		"escape sequence":    {"\x1b[2Jgone", "␛[2Jgone"},
		"title":              {"\x1b]0;evil\a", "␛]0;evil␇"},
		"line end":           {"a\nb\r\nc", "a␊b␍␊c"},
		"separators":         {"a\u2028b\u2029c", "a␊b␊c"},
		"control of C1":      {"\u009b31mred", "<9b>31mred"},
		"delete":             {"\x7f", "␡"},
		"nul":                {"\x00", "␀"},
		"tab":                {"a\tb", "a    b"},
		"override":           {"evil\u202Etxt.exe", "evil<RLO>txt.exe"},
		"isolates":           {"\u2066\u2067\u2068\u2069", "<LRI><RLI><FSI><PDI>"},
		"embeddings":         {"\u202a\u202b\u202c\u202d", "<LRE><RLE><PDF><LRO>"},
		"marks":              {"\u200e\u200f\u061c", "<LRM><RLM><ALM>"},
		"zero-width space":   {"b\u200be\ufeffn\u00ad\u2060", "ben"},
		"filler":             {"\u3164\u115f\u1160\uffa0", ""},
		"tags":               {"a\U000e0041\U000e007f", "a"},
		"not UTF-8":          {"a\xffb\xc3", "a\uFFFDb\uFFFD"},
		"private use":        {"\ue000", "\uFFFD"},
		"unassigned":         {"\U000e0fff", "\uFFFD"},
		"joined emoji":       {"👨\u200d👩\u200d👧", "👨👩👧"},
		"skin tone":          {"👍🏽!", "👍!"},
		"skin tone alone":    {"🏽", "🏽"},
		"presentation":       {"❤\ufe0f", "❤"},
		"flag":               {"🇩🇪", "DE"},
		"joiner of letters":  {"می\u200cخواهم", "می\u200cخواهم"},
		"joiner at the head": {"\u200dx", "x"},
		"mark alone":         {"\u0301x", "◌\u0301x"},
		"tower of marks":     {"a" + strings.Repeat("\u0301", 50) + "b", "a" + strings.Repeat("\u0301", 4) + "b"},
		"accent":             {"e\u0301", "e\u0301"},
	} {
		if got := Line(c.in); got != c.want {
			t.Errorf("%s: %+q became %+q, want %+q", name, c.in, got, c.want)
		}
	}
}

func TestEveryControlCharacterBecomesVisible(t *testing.T) {
	t.Parallel()
	for r := range rune(0xa0) {
		if !unicode.IsControl(r) || r == '\t' {
			continue
		}
		got := Line("a" + string(r) + "b")
		if want := len("ab"); len(got) <= want || !strings.HasPrefix(got, "a") || !strings.HasSuffix(got, "b") {
			t.Errorf("%U became %q", r, got)
		}
		if again := Line(got); again != got {
			t.Errorf("%U became %q, and that %q", r, got, again)
		}
	}
}

func TestOrdinaryTextOfManyScriptsStaysAsItIs(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"Příliš žluťoučký kůň", "Ελληνικά", "Кириллица", "עברית", "العربية", "हिन्दी में", "தமிழ்", "ไทย", "한국어", "日本語", "中文",
		"français « été »", "1 € = ½ ✓ → ∞", "👍 🎉 🚀", "a\u0308\u0301",
	} {
		if got := Line(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}

func TestTextIsCutAtEveryKindOfLineEnd(t *testing.T) {
	t.Parallel()
	got := Lines("a\nb\r\nc\rd\u0085e\u2028f\u2029g\n")
	want := []string{"a", "b", "c", "d", "e", "f", "g", ""}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := Lines(""); !slices.Equal(got, []string{""}) {
		t.Errorf("an empty text became %q", got)
	}
}

func TestWidthsCountCells(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{
		"": 0, "abc": 3, "世界": 4, "e\u0301": 1, "한": 2, "👨": 2, "⚡": 2, "…": 1, "की": 2,
	} {
		if got := Width(s); got != want {
			t.Errorf("%q is %d cells wide, want %d", s, got, want)
		}
	}
}

func TestCuttingLeavesCharactersWhole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"hello", 5, "hello"},
		{"hello", 4, "hel…"},
		{"hello", 1, "…"},
		{"hello", 0, ""},
		{"hello", -3, ""},
		{"世界世界", 8, "世界世界"},
		{"世界世界", 7, "世界世…"},
		{"世界世界", 6, "世界…"},
		{"e\u0301e\u0301e\u0301", 2, "e\u0301…"},
	} {
		if got := Cut(c.in, c.width); got != c.want {
			t.Errorf("%q cut to %d: %q, want %q", c.in, c.width, got, c.want)
		}
	}
	if got, want := Fit("世界世界", 6), "世界… "; got != want {
		t.Errorf("fitted: %q, want %q", got, want)
	}
}

func TestWrappingBreaksBetweenWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"one two three", 7, []string{"one two", "three"}},
		{"one two three", 8, []string{"one two", "three"}},
		{"one two three", 5, []string{"one", "two", "three"}},
		{"abcdefghij", 4, []string{"abcd", "efgh", "ij"}},
		{"to abcdefghij", 4, []string{"to", "abcd", "efgh", "ij"}},
		{"世界世界", 3, []string{"世", "界", "世", "界"}},
		{"世界", 1, []string{"世", "界"}},
		{"世界", 0, []string{"世", "界"}},
		{"  two spaces", 6, []string{"  two", "spaces"}},
		{"a      b", 3, []string{"a", "", "b"}},
	} {
		if got := Wrap(c.in, c.width); !slices.Equal(got, c.want) {
			t.Errorf("%q wrapped at %d: %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

func TestChoppingKeepsEveryCharacter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in    string
		width int
		want  []string
	}{
		{"", 3, []string{""}},
		{"abc", 3, []string{"abc"}},
		{"abcd", 3, []string{"abc", "d"}},
		{"a b c d", 3, []string{"a b", " c ", "d"}},
		{"世界…", 3, []string{"世", "界…"}},
		{"世界", 1, []string{"世", "界"}},
	} {
		if got := Chop(c.in, c.width); !slices.Equal(got, c.want) {
			t.Errorf("%q chopped at %d: %q, want %q", c.in, c.width, got, c.want)
		}
	}
}

// FuzzClean checks what must hold for any text: nothing that a terminal acts
// upon, nothing wider than it is said to be, and prefixes that stay prefixes.
func FuzzClean(f *testing.F) {
	for _, s := range []string{
		"hello", "\x1b[31m", "\u202e", "👨\u200d👩\u200d👧", "🇩🇪🇩", "👍🏽", "ห้க்ஷि", "a\u0301\u0301", "\xff\xfe", "❤\ufe0f",
		"𝅘𝅥𝅮", "〮a〯", "한각", "\u0cf3",
	} {
		f.Add(s, 7)
	}
	f.Fuzz(func(t *testing.T, s string, width int) {
		width = max(1, min(width, 200))
		clean := Line(s)
		if !utf8.ValidString(clean) {
			t.Fatalf("%+q became %+q, not UTF-8", s, clean)
		}
		for _, r := range clean {
			if unicode.IsControl(r) || directionMark(r) != "" || invisible(r) {
				t.Fatalf("%+q became %+q with %U", s, clean, r)
			}
		}
		if measured := lipgloss.Width(clean); measured > Width(clean) {
			t.Fatalf("%+q takes %d cells, not %d", clean, measured, Width(clean))
		}
		if again := Line(clean); again != clean {
			t.Fatalf("%+q became %+q, and that %+q", s, clean, again)
		}
		for i := range s[:min(len(s), 200)] {
			if !strings.HasPrefix(clean, Line(s[:i])) {
				t.Fatalf("%+q: %+q is no prefix of %+q", s, Line(s[:i]), clean)
			}
		}
		for _, line := range Wrap(clean, width) {
			if Width(line) > max(width, 2) {
				t.Fatalf("%+q: line %+q is wider than %d", clean, line, width)
			}
		}
		if got := strings.Join(Chop(clean, width), ""); got != clean {
			t.Fatalf("%+q chopped became %+q", clean, got)
		}
		if got := Width(Fit(clean, width)); got != width {
			t.Fatalf("%+q fitted into %d takes %d", clean, width, got)
		}
	})
}
