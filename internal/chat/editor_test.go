package chat

import (
	"slices"
	"strings"
	"testing"
)

// edit presses keys on a text; "|" in the text is the cursor, before and after.
func edit(text string, keys ...string) string {
	before, after, _ := strings.Cut(text, "|")
	var e editor
	e.set(after)
	e.cursor = 0
	e.insert(before)
	for _, k := range keys {
		e.key(k)
	}
	return string(e.text[:e.cursor]) + "|" + string(e.text[e.cursor:])
}

func TestKeysEditAText(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		keys string
		want string
	}{
		{"abc|", "left left", "a|bc"},
		{"|abc", "left", "|abc"},
		{"abc|", "right", "abc|"},
		{"a|bc", "right ctrl+b ctrl+f", "ab|c"},
		{"abc|", "home", "|abc"},
		{"ab\ncd|", "ctrl+a", "ab\n|cd"},
		{"a|b\ncd", "end", "ab|\ncd"},
		{"a|b", "ctrl+e backspace", "a|"},
		{"|ab", "backspace", "|ab"},
		{"a|b", "delete", "a|"},
		{"ab|", "ctrl+d", "ab|"},
		{"a|b", "ctrl+h ctrl+h", "|b"},
		{"one two |", "ctrl+w", "one |"},
		{"one two|", "alt+backspace ctrl+w", "|"},
		{"one\ntw|o", "ctrl+u", "one\n|o"},
		{"o|ne\ntwo", "ctrl+k", "o|\ntwo"},
		{"a|b", "alt+enter", "a\n|b"},
		{"a|b", "ctrl+j shift+enter", "a\n\n|b"},
		{"one\ntwo|", "up", "one|\ntwo"},
		{"one\ntwo three|", "up", "one|\ntwo three"},
		{"one\nt|wo", "up", "o|ne\ntwo"},
		{"o|ne\ntwo", "up", "o|ne\ntwo"},
		{"on|e\nt", "down", "one\nt|"},
		{"one\nt|wo", "down", "one\nt|wo"},
		{"e\u0301|x", "left", "|e\u0301x"},
		{"|e\u0301x", "right", "e\u0301|x"},
		{"xe\u0301|", "backspace", "x|"},
		{"|e\u0301x", "delete", "|x"},
	} {
		if got := edit(c.text, strings.Fields(c.keys)...); got != c.want {
			t.Errorf("%q and %s: got %q, want %q", c.text, c.keys, got, c.want)
		}
	}
	var e editor
	if e.key("f5") || e.key("up") || e.key("down") {
		t.Error("a key that means nothing was taken")
	}
}

func TestATextIsLaidOutWithItsCursor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text  string
		width int
		lines []string
		x, y  int
	}{
		{"|", 5, []string{""}, 0, 0},
		{"abc|", 5, []string{"abc"}, 3, 0},
		{"abcde|", 5, []string{"abcde", ""}, 0, 1},
		{"abcde|fg", 5, []string{"abcde", "fg"}, 0, 1},
		{"abcdefg|", 5, []string{"abcde", "fg"}, 2, 1},
		{"ab\nc|d\n", 5, []string{"ab", "cd", ""}, 1, 1},
		{"ab\n|", 5, []string{"ab", ""}, 0, 1},
		{"世界世|界", 5, []string{"世界", "世界"}, 2, 1},
		{"\t|x", 9, []string{"    x"}, 4, 0},
		{"\x1b|x", 9, []string{"␛x"}, 1, 0},
		{"a\u202e|", 9, []string{"a<RLO>"}, 6, 0},
		{"abc|", 0, []string{"ab", "c"}, 1, 1},
	} {
		before, after, _ := strings.Cut(c.text, "|")
		var e editor
		e.set(before + after)
		e.cursor = len([]rune(before))
		lines, x, y := e.layout(c.width)
		if !slices.Equal(lines, c.lines) || x != c.x || y != c.y {
			t.Errorf("%q in %d cells: %q, cursor %d, %d", c.text, c.width, lines, x, y)
		}
	}
}

// FuzzEditor checks that no keys lead out of the text.
func FuzzEditor(f *testing.F) {
	f.Add("one\ntwo e\u0301 世界", []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 10)
	keys := []string{"left", "right", "up", "down", "home", "end", "backspace", "delete", "ctrl+w", "ctrl+u", "ctrl+k", "alt+enter"}
	f.Fuzz(func(t *testing.T, text string, presses []byte, width int) {
		width = max(1, min(width, 300))
		var e editor
		for i, p := range presses[:min(len(presses), 50)] {
			if n := int(p) % (len(keys) + 1); n < len(keys) {
				e.key(keys[n])
			} else {
				e.insert(printable(text[:min(len(text), i*3)]))
			}
			if e.cursor < 0 || e.cursor > len(e.text) {
				t.Fatalf("cursor %d of %d", e.cursor, len(e.text))
			}
			lines, x, y := e.layout(width)
			if y < 0 || y >= len(lines) || x < 0 || x > max(width, 2) {
				t.Fatalf("cursor in cell %d of line %d of %d", x, y, len(lines))
			}
		}
	})
}
