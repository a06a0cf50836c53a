package chat

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	tea "charm.land/bubbletea/v2"
)

// maxInput is the longest text that can be written or pasted, in bytes.
const maxInput = 64 << 10

// key does what a key means where the focus is.
func (m *model) key(k tea.KeyPressMsg) tea.Cmd {
	m.notice = ""
	name := k.String()
	switch name {
	case "ctrl+c", "ctrl+alt+c": // the second is Esc and Ctrl-C in one go
		return tea.Quit
	case "ctrl+l":
		return tea.ClearScreen
	case "ctrl+n":
		m.nextUnread()
		return nil
	case "f1":
		m.turn(pageHelp)
		return nil
	}
	switch {
	case m.page != nil:
		return m.pageKey(name)
	case m.focus == onList:
		m.listKey(name)
		return nil
	}
	return m.inputKey(k)
}

// turn opens a page, or closes it if it is open.
func (m *model) turn(kind pageKind) {
	if m.page != nil && m.page.kind == kind {
		m.page = nil
		return
	}
	m.page = &page{kind: kind}
}

// inputKey does what a key means while a message is written.
func (m *model) inputKey(k tea.KeyPressMsg) tea.Cmd {
	switch name := k.String(); {
	case name == "enter":
		return m.enter()
	case name == "tab" || name == "esc" && len(m.input.text) == 0:
		m.focus = onList
	case name == "?" && len(m.input.text) == 0:
		m.turn(pageHelp)
	case m.scrollKey(name):
	case m.input.key(name):
	case name == "up":
		m.scrollBy(1)
	case name == "down":
		m.scrollBy(-1)
	case k.Text != "" && len(m.input.String())+len(k.Text) <= maxInput:
		m.input.insert(printable(k.Text))
	}
	return nil
}

// printable drops control characters from what was typed or pasted, but line
// ends and tabs.
func printable(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
}

// paste puts text into the message, whatever it holds; nothing is sent. An
// address pasted where nothing is written yet is somebody to add.
func (m *model) paste(s string) {
	m.notice = ""
	s = printable(s)
	if m.page != nil {
		return
	}
	m.focus = onInput
	if len(m.input.text) == 0 {
		if id, err := m.Client.Identify(s); err == nil {
			m.page = &page{kind: pageAdd, id: id, pasted: s}
			return
		}
	}
	if len(m.input.String())+len(s) > maxInput {
		m.notice = fmt.Sprintf("not pasted: %d bytes; a message holds at most %d", len(s), maxInput)
		return
	}
	m.input.insert(s)
}

// enter sends the message, or does the command, that was written.
func (m *model) enter() tea.Cmd {
	text := strings.TrimRight(m.input.String(), " \t\n")
	if text == "" {
		return nil
	}
	if name, arg, ok := parseCommand(text); ok {
		return m.do(name, arg)
	}
	if strings.HasPrefix(text, "//") {
		text = text[1:]
	}
	if m.open == nil {
		m.notice = "nobody to send it to: /add ADDRESS, or Tab and Enter to choose somebody"
		return nil
	}
	if limit := m.Client.MaxText(m.open.address); len(text) > limit {
		m.notice = fmt.Sprintf("not sent: %d bytes; a message to %s holds at most %d", len(text), m.open.name, limit)
		return nil
	}
	if m.write(text) {
		m.input.set("")
	}
	return nil
}

// scrollKey scrolls the conversation; false if the key is another.
func (m *model) scrollKey(name string) bool {
	half := max(1, m.talkHeight()/2)
	switch name {
	case "pgup":
		m.scrollBy(half)
	case "pgdown":
		m.scrollBy(-half)
	case "ctrl+home":
		m.scrollBy(1 << 30)
	case "ctrl+end":
		m.scrollBy(-1 << 30)
	default:
		return false
	}
	return true
}

// scrollBy goes up by lines, as far as there is something.
func (m *model) scrollBy(lines int) {
	if m.open == nil {
		return
	}
	m.scroll = max(0, m.scroll+lines)
	if lines > 0 {
		total := 0
		for i := range m.open.messages {
			total += len(m.block(m.open, i, m.talkWidth()))
		}
		m.scroll = max(0, min(m.scroll, total-m.talkHeight()))
	}
}

// listKey does what a key means in the list of contacts.
func (m *model) listKey(name string) {
	rows := m.rows()
	switch name {
	case "up", "k", "ctrl+p", "shift+tab":
		m.cursor--
	case "down", "j":
		m.cursor++
	case "home", "pgup":
		m.cursor = 0
	case "end", "pgdown":
		m.cursor = len(rows) - 1
	case "tab", "esc":
		m.focus = onInput
	case "?":
		m.turn(pageHelp)
	case "enter", "right", "space":
		m.choose(rows)
	}
	m.cursor = max(0, min(m.cursor, len(rows)-1))
}

// choose opens what the cursor is on.
func (m *model) choose(rows []row) {
	if m.cursor >= len(rows) {
		m.focus = onInput
		return
	}
	if r := rows[m.cursor]; r.contact != nil {
		m.show(r.contact)
	} else {
		m.page = &page{kind: pageRequest, id: r.request.id}
	}
}

// nextUnread opens the next contact in the list with something unread, or the
// oldest request.
func (m *model) nextUnread() {
	rows := m.rows()
	at := slices.IndexFunc(rows, func(r row) bool { return r.contact != nil && r.contact == m.open })
	for i := range rows {
		r := rows[(at+1+i)%len(rows)]
		if r.contact != nil && r.contact.unread > 0 {
			m.show(r.contact)
			return
		}
	}
	if len(m.requests) > 0 {
		m.page = &page{kind: pageRequest, id: m.requests[0].id}
		return
	}
	m.notice = "nothing is unread"
}

// countdown is how long until the next attempt to connect, in whole seconds.
func (m *model) countdown() int {
	return max(1, int((time.Until(m.retryAt)+time.Second-1)/time.Second))
}
