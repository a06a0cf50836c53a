package chat

import (
	"slices"
	"unicode"

	"trunkline/internal/chat/cells"
)

// editor is the text being written: any number of lines, and a place in it.
type editor struct {
	text   []rune
	cursor int // of text, where the next rune goes
}

func (e *editor) String() string { return string(e.text) }

// set replaces the text and goes to its end.
func (e *editor) set(s string) { e.text, e.cursor = []rune(s), len([]rune(s)) }

func (e *editor) insert(s string) {
	r := []rune(s)
	e.text = slices.Insert(e.text, e.cursor, r...)
	e.cursor += len(r)
}

// follows reports whether the rune at i belongs to the character before it.
func (e *editor) follows(i int) bool {
	return i > 0 && i < len(e.text) && unicode.In(e.text[i], unicode.Mn, unicode.Me, unicode.Variation_Selector, unicode.Join_Control)
}

// left is where the character before i begins.
func (e *editor) left(i int) int {
	i = max(i-1, 0)
	for e.follows(i) {
		i--
	}
	return i
}

// right is behind the character at i.
func (e *editor) right(i int) int {
	i = min(i+1, len(e.text))
	for e.follows(i) {
		i++
	}
	return i
}

// lineStart is where the line that i is in begins.
func (e *editor) lineStart(i int) int {
	for i > 0 && e.text[i-1] != '\n' {
		i--
	}
	return i
}

// lineEnd is where it ends.
func (e *editor) lineEnd(i int) int {
	for i < len(e.text) && e.text[i] != '\n' {
		i++
	}
	return i
}

// wordStart is where the word before i begins.
func (e *editor) wordStart(i int) int {
	for i > 0 && unicode.IsSpace(e.text[i-1]) {
		i--
	}
	for i > 0 && !unicode.IsSpace(e.text[i-1]) {
		i--
	}
	return i
}

// cut removes what stands between two places, in any order.
func (e *editor) cut(a, b int) {
	a, b = min(a, b), max(a, b)
	e.text = slices.Delete(e.text, a, b)
	e.cursor = a
}

// up goes to the line above, and reports whether there is one.
func (e *editor) up() bool {
	start := e.lineStart(e.cursor)
	if start == 0 {
		return false
	}
	above := e.lineStart(start - 1)
	e.cursor = min(above+e.cursor-start, start-1)
	return true
}

// down goes to the line below, and reports whether there is one.
func (e *editor) down() bool {
	end := e.lineEnd(e.cursor)
	if end == len(e.text) {
		return false
	}
	column := e.cursor - e.lineStart(e.cursor)
	e.cursor = min(end+1+column, e.lineEnd(end+1))
	return true
}

// key does what a key means in a text; false if it means nothing here.
func (e *editor) key(name string) bool {
	switch name {
	case "left", "ctrl+b":
		e.cursor = e.left(e.cursor)
	case "right", "ctrl+f":
		e.cursor = e.right(e.cursor)
	case "home", "ctrl+a":
		e.cursor = e.lineStart(e.cursor)
	case "end", "ctrl+e":
		e.cursor = e.lineEnd(e.cursor)
	case "alt+enter", "shift+enter", "ctrl+j":
		e.insert("\n")
	case "up":
		return e.up()
	case "down":
		return e.down()
	default:
		return e.delete(name)
	}
	return true
}

// delete does what a key that removes text means.
func (e *editor) delete(name string) bool {
	switch name {
	case "backspace", "ctrl+h":
		e.cut(e.left(e.cursor), e.cursor)
	case "delete", "ctrl+d":
		e.cut(e.cursor, e.right(e.cursor))
	case "ctrl+w", "alt+backspace":
		e.cut(e.wordStart(e.cursor), e.cursor)
	case "ctrl+u":
		e.cut(e.lineStart(e.cursor), e.cursor)
	case "ctrl+k":
		e.cut(e.cursor, e.lineEnd(e.cursor))
	default:
		return false
	}
	return true
}

// layout is the text as harmless lines of width cells, and the cell of the
// cursor.
func (e *editor) layout(width int) (lines []string, x, y int) {
	width = max(width, 2)
	start := 0
	for {
		end := e.lineEnd(start)
		first := len(lines)
		line := cells.Line(string(e.text[start:end]))
		lines = append(lines, cells.Chop(line, width)...)
		if e.cursor >= start && e.cursor <= end {
			before := cells.Chop(cells.Line(string(e.text[start:e.cursor])), width)
			x, y = cells.Width(before[len(before)-1]), first+len(before)-1
		}
		if end == len(e.text) {
			break
		}
		start = end + 1
	}
	if x >= width { // behind the last cell of a line: at the head of the next
		x, y = 0, y+1
		if y == len(lines) {
			lines = append(lines, "")
		}
	}
	return lines, x, y
}
