package chat

import (
	"fmt"
	"slices"
	"strings"

	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"

	"trunkline/internal/chat/cells"
)

// Sizes of the screen, in cells.
const (
	leastWidth  = 20
	leastHeight = 5
	listWidth   = 24 // with the line beside it
	wideFrom    = 60 // below this the list has the screen for itself
	maxInputs   = 6  // lines of the message being written
)

// look is how things are shown. Nothing is told by colour alone.
type look struct{ strong, weak, bar, good, poor, bad, marked func(...string) string }

func newLook(noColor bool) look {
	s := lipgloss.NewStyle()
	l := look{
		strong: s.Bold(true).Render, weak: s.Faint(true).Render, bar: s.Reverse(true).Render,
		good: s.Foreground(lipgloss.Green).Render, poor: s.Foreground(lipgloss.Yellow).Render,
		bad: s.Foreground(lipgloss.Red).Render, marked: s.Reverse(true).Render,
	}
	if noColor {
		l.good, l.poor, l.bad = s.Render, s.Render, s.Bold(true).Render
	}
	return l
}

func (l look) grade(g Grade) string {
	if g == EndToEnd {
		return l.good(string(g))
	}
	return l.poor(string(g))
}

// narrow reports whether list and conversation do not fit beside each other.
func (m *model) narrow() bool { return m.width < wideFrom }

// talkWidth is the width of a conversation.
func (m *model) talkWidth() int {
	if m.narrow() {
		return m.width
	}
	return m.width - listWidth
}

// inputs is the message being written as it is shown, and where the cursor is.
func (m *model) inputs() (lines []string, x, y int) {
	lines, x, y = m.input.layout(m.width - cells.Width(m.promptText()))
	most := max(1, min(maxInputs, m.height/4))
	first := max(0, min(y-most+1, len(lines)-most))
	return lines[first:min(len(lines), first+most)], x, y - first
}

// talkHeight is how many lines of a conversation are on the screen: all but the
// bar, the title, the message being written and the last line.
func (m *model) talkHeight() int {
	lines, _, _ := m.inputs()
	return max(1, m.height-3-len(lines))
}

// pageHeight is how many lines of a page are on the screen.
func (m *model) pageHeight() int { return max(1, m.height-2) }

// View shows the model.
func (m *model) View() tea.View {
	v := tea.NewView("")
	v.AltScreen = true
	if m.width < leastWidth || m.height < leastHeight {
		v.SetContent(cells.Cut("window too small", m.width))
		return v
	}
	lines := []string{m.bar()}
	if m.page != nil {
		lines = append(lines, m.visiblePage()...)
		lines = append(lines, m.bottom(m.pageHint()))
		v.SetContent(strings.Join(lines, "\n"))
		return v
	}
	inputs, x, y := m.inputs()
	lines = append(lines, m.body(m.height-2-len(inputs))...)
	if m.focus == onInput {
		v.Cursor = tea.NewCursor(cells.Width(m.promptText())+x, len(lines)+y)
	}
	for i, l := range inputs {
		lines = append(lines, m.prompt(i)+l)
	}
	lines = append(lines, m.bottom(m.hint()))
	v.SetContent(strings.Join(lines, "\n"))
	return v
}

// visiblePage is the part of a page that is on the screen. Its last line says
// whether there is more.
func (m *model) visiblePage() []string {
	all, height := m.pageLines(), m.pageHeight()
	from := min(m.page.scroll, max(0, len(all)-height))
	lines := fill(all[from:], height)
	if from+height < len(all) {
		lines[height-1] = m.look.weak("... PgDn shows more")
	}
	return lines
}

// fill cuts or extends lines to n.
func fill(lines []string, n int) []string {
	lines = slices.Clone(lines[:min(n, len(lines))])
	for len(lines) < n {
		lines = append(lines, "")
	}
	return lines
}

// bar is the first line: what this is, and whether it is connected.
func (m *model) bar() string {
	left, right := " Trunkline chat · "+m.Network, m.connection()+" "
	room := m.width - cells.Width(left) - 2
	if cells.Width(right) > room {
		left, room = "", m.width-1
	}
	right = cells.Cut(right, room)
	space := m.width - cells.Width(left) - cells.Width(right)
	return m.look.bar(left + strings.Repeat(" ", max(0, space)) + right)
}

// connection words the connection to the relay.
func (m *model) connection() string {
	switch {
	case m.online && m.Server != "":
		return "online · " + cells.Line(m.Server)
	case m.online:
		return "online"
	case m.retryAt.IsZero():
		return "offline: " + m.why
	}
	return fmt.Sprintf("offline, next try in %d s: %s", m.countdown(), m.why)
}

// bottom is the last line: what just happened, or what the keys do.
func (m *model) bottom(hint string) string {
	switch {
	case m.trouble != "":
		return m.look.bad(cells.Cut(cells.Line(m.trouble), m.width))
	case m.notice != "":
		return m.look.strong(cells.Cut(cells.Line(m.notice), m.width))
	}
	return m.look.weak(cells.Cut(hint, m.width))
}

func (m *model) hint() string {
	if m.focus == onList {
		return "Enter open  Tab back  F1 help"
	}
	if m.narrow() {
		return m.elsewhere() + "F1 help  Tab contacts"
	}
	return m.elsewhere() + "F1 help  Tab contacts  Ctrl-N next unread  /verify  /me  Ctrl-C end"
}

// elsewhere says how much is unread in other conversations.
func (m *model) elsewhere() string {
	n := 0
	for _, r := range m.rows() {
		if r.contact != nil && r.contact != m.open {
			n += r.contact.unread
		}
	}
	var s string
	if n > 0 {
		s = fmt.Sprintf("%d unread  ", n)
	}
	if len(m.requests) > 0 {
		s += fmt.Sprintf("%d ask  ", len(m.requests))
	}
	return s
}

// promptText is what stands before the message being written: its grade.
func (m *model) promptText() string {
	switch {
	case m.open == nil:
		return "> "
	case m.narrow():
		return "[" + string(m.open.grade()) + "] "
	case m.open.verified:
		return "[E verified] "
	}
	return "[O not verified] "
}

// prompt is promptText in its colour, and space on further lines.
func (m *model) prompt(line int) string {
	text := m.promptText()
	switch {
	case line > 0:
		return strings.Repeat(" ", cells.Width(text))
	case m.open == nil:
		return text
	case m.open.verified:
		return m.look.good(text)
	}
	return m.look.poor(text)
}

// body is the list and the conversation, in so many lines.
func (m *model) body(height int) []string {
	if m.narrow() {
		if m.focus == onList {
			return m.list(m.width, height)
		}
		return m.talk(height)
	}
	left, right := m.list(listWidth-2, height), m.talk(height)
	for i := range left {
		left[i] += m.look.weak("│") + " " + right[i]
	}
	return left
}

// list is the requests and contacts.
func (m *model) list(width, height int) []string {
	rows := m.rows()
	from := max(0, min(m.cursor-height+1, len(rows)-height))
	var lines []string
	for i, r := range rows[from:min(len(rows), from+height)] {
		lines = append(lines, m.listLine(r, width, m.focus == onList && from+i == m.cursor))
	}
	if len(rows) == 0 {
		for _, l := range cells.Wrap("No contacts yet. Paste an address, or give others yours: /me", width) {
			lines = append(lines, cells.Fit(l, width))
		}
	}
	for len(lines) < height {
		lines = append(lines, strings.Repeat(" ", width))
	}
	return lines[:height]
}

// listLine is one of them: state, name, grade or warning, unread.
func (m *model) listLine(r row, width int, marked bool) string {
	left, right := "? ", "asks"
	strong := true
	if r.request != nil {
		left += r.request.id.Short
	} else {
		c := r.contact
		left = c.state.sign() + " " + cells.Line(c.name)
		right = string(c.grade())
		if !c.id.Proven {
			right = "!" + right
		}
		if c.unread > 0 {
			right = fmt.Sprintf("%d %s", c.unread, right)
		}
		strong = c.unread > 0 || c == m.open
	}
	line := cells.Fit(left, width-cells.Width(right)-2) + " " + right + " "
	switch {
	case marked:
		return m.look.marked(line)
	case strong:
		return m.look.strong(line)
	}
	return line
}
