package chat

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"trunkline/internal/chat/cells"
)

// talk is the open conversation in so many lines, the first of them its title.
func (m *model) talk(height int) []string {
	if m.open == nil {
		return fill(m.welcome(), height)
	}
	width, room := m.talkWidth(), height-1
	var lines []string // newest first
	for i := len(m.open.messages) - 1; i >= 0 && len(lines) < room+m.scroll; i-- {
		block := m.block(m.open, i, width)
		for _, l := range slices.Backward(block) {
			lines = append(lines, l)
		}
	}
	from := max(0, min(m.scroll, len(lines)-room))
	lines = lines[from:min(len(lines), from+room)]
	slices.Reverse(lines)
	shown := append([]string{m.title(width)}, fill(nil, room-len(lines))...)
	return append(shown, lines...)
}

// welcome is what is shown while no conversation is open.
func (m *model) welcome() []string {
	text := "Choose somebody: Tab, then Enter. Paste an address to add a contact; /me shows yours; F1 is help."
	if !m.Profile.Kept() {
		text += " Nothing is kept: key, contacts and messages are gone when you end."
	}
	return cells.Wrap(text, m.talkWidth())
}

// title says who it is, how far we are, and what is not certain.
func (m *model) title(width int) string {
	c := m.open
	parts := []string{cells.Line(c.name), string(c.state), "verified"}
	if !c.verified {
		parts[2] = "not verified"
	}
	if !c.id.Proven {
		parts = append(parts, "unproven key")
	}
	if m.scroll > 0 {
		parts = append(parts[:1], fmt.Sprintf("%d lines below", m.scroll))
	}
	return m.look.strong(cells.Cut(strings.Join(parts, " · "), width))
}

// block is a message as it is shown, with the day before it where that is new.
func (m *model) block(c *contact, i, width int) []string {
	msg := c.messages[i]
	lines := m.lines(c, msg, width)
	day := msg.at.In(m.zone).Format("2 January 2006")
	if i > 0 && c.messages[i-1].at.In(m.zone).Format("2 January 2006") == day {
		return lines
	}
	return append([]string{m.look.weak(cells.Cut("── "+day+" ──", width))}, lines...)
}

// lines lays a message out, or remembers how it was.
func (m *model) lines(c *contact, msg *message, width int) []string {
	r := &msg.lines
	if r.lines == nil || r.width != width || r.delivery != msg.delivery || r.name != c.name {
		*r = rendered{width: width, delivery: msg.delivery, name: c.name, lines: m.render(c, msg, width)}
	}
	return r.lines
}

// render lays a message out: time, grade, who, text, and what became of it.
func (m *model) render(c *contact, msg *message, width int) []string {
	const indent = 8 // "15:04 O "
	room := width - indent
	who := "me"
	switch msg.delivery {
	case note:
		return m.renderNote(msg, room)
	case received:
		who = cells.Line(c.name)
	}
	who = cells.Cut(who, max(4, room/2))
	var lines []string
	for i, l := range cells.Lines(msg.text) {
		if i == 0 {
			l = who + ": " + l
		}
		lines = append(lines, cells.Wrap(l, room)...)
	}
	if rest, ok := strings.CutPrefix(lines[0], who+":"); ok {
		lines[0] = m.look.strong(who+":") + rest
	}
	lines = m.addFate(lines, msg, room)
	return m.indent(lines, msg.at, m.look.grade(msg.grade), indent)
}

// addFate puts what became of an own message behind it.
func (m *model) addFate(lines []string, msg *message, room int) []string {
	if msg.delivery == received {
		return lines
	}
	fate, show := "("+string(msg.delivery)+")", m.look.weak
	if msg.delivery == failed {
		fate, show = "(failed: "+cells.Line(msg.why)+"; /again tries again)", m.look.bad
	}
	last := len(lines) - 1
	if plainWidth(lines[last])+1+cells.Width(fate) <= room {
		lines[last] += " " + show(fate)
		return lines
	}
	for _, l := range cells.Wrap(fate, room) {
		lines = append(lines, show(l))
	}
	return lines
}

func (m *model) renderNote(msg *message, room int) []string {
	lines := cells.Wrap(cells.Line(msg.text), room)
	for i := range lines {
		lines[i] = m.look.weak(lines[i])
	}
	return m.indent(lines, msg.at, " ", 8)
}

// indent puts time and grade before the first line, and space before the others.
func (m *model) indent(lines []string, at time.Time, grade string, width int) []string {
	for i, l := range lines {
		if i == 0 {
			lines[i] = m.look.weak(at.In(m.zone).Format("15:04")) + " " + grade + " " + l
		} else {
			lines[i] = strings.Repeat(" ", width) + l
		}
	}
	return lines
}

// plainWidth is the width of a line that may hold styles.
func plainWidth(s string) int {
	var plain strings.Builder
	for {
		before, rest, found := strings.Cut(s, "\x1b[")
		plain.WriteString(before)
		if !found {
			return cells.Width(plain.String())
		}
		_, s, _ = strings.Cut(rest, "m")
	}
}
