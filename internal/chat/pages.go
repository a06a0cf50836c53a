package chat

import (
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"

	"trunkline/internal/chat/cells"
)

// pageKind is what fills the screen instead of a conversation.
type pageKind int

const (
	pageHelp    pageKind = 1
	pageMe      pageKind = 2
	pageVerify  pageKind = 3
	pageRequest pageKind = 4
	pageAdd     pageKind = 5
	pageNotes   pageKind = 6
)

// page is one of them.
type page struct {
	kind   pageKind
	scroll int      // lines above the screen
	id     Identity // of request and add
	name   string   // of add
	pasted string   // of add: as it was pasted
}

// pageKey does what a key means on a page.
func (m *model) pageKey(name string) tea.Cmd {
	p := m.page
	if m.pageScroll(name) {
		return nil
	}
	switch p.kind {
	case pageMe:
		if name == "c" {
			m.notice = "given to the terminal's clipboard, if it has one"
			return tea.SetClipboard(m.self.Address)
		}
	case pageVerify:
		if m.compare(name) {
			return nil
		}
	case pageRequest:
		if m.answer(name) {
			return nil
		}
	case pageAdd:
		if name == "enter" {
			m.add(p)
			return nil
		}
	}
	switch name {
	case "esc", "q", "enter", "tab", "?":
		m.page = nil
		if p.pasted != "" { // it was meant to be sent
			m.input.set(p.pasted)
		}
	}
	return nil
}

// pageScroll scrolls the page; false if the key is another.
func (m *model) pageScroll(name string) bool {
	p, most := m.page, max(0, len(m.pageLines())-m.pageHeight())
	step := m.pageHeight() - 1 // the last line may have said that there is more
	switch name {
	case "up":
		p.scroll--
	case "down":
		p.scroll++
	case "pgup":
		p.scroll -= step
	case "pgdown", "space":
		p.scroll += step
	case "home":
		p.scroll = 0
	case "end":
		p.scroll = most
	default:
		return false
	}
	p.scroll = max(0, min(p.scroll, most))
	return true
}

// add makes the contact that the page shows.
func (m *model) add(p *page) {
	name := p.name
	if c := m.Profile.contact(p.id.Address); name == "" && c != nil {
		name = c.name
	}
	if name == "" {
		name = p.id.Short
	}
	m.page = nil
	m.befriend(p.id, name)
}

// answer answers the request that the page shows; false if the key is another.
func (m *model) answer(key string) bool {
	r := m.request(m.page.id.Address)
	if r == nil {
		m.page = nil
		return true
	}
	switch key {
	case "a":
		m.accept(r, "")
	case "r":
		m.refuse(r, refused)
	case "b":
		m.refuse(r, blocked)
	default:
		return false
	}
	return true
}

// compare stores what came of comparing fingerprints; false if the key is
// another.
func (m *model) compare(key string) bool {
	if m.open == nil || key != "y" && key != "n" {
		return false
	}
	e := m.open.entry()
	e.Verified = key == "y"
	text := "You compared fingerprints: they are the same."
	if key == "n" {
		text = "The fingerprints differ: somebody may be in between. Do not trust what is said here; remove the contact and get the address another way."
	}
	if m.commit(e, m.note(m.open.address, text)) {
		m.page = nil
	}
	return true
}

// pageHint is what the keys of the page do.
func (m *model) pageHint() string {
	switch m.page.kind {
	case pageMe:
		return "c copy the address  Esc back"
	case pageVerify:
		return "y the same  n they differ  Esc later"
	case pageRequest:
		return "a accept  r refuse  b block  Esc later"
	case pageAdd:
		return "Enter add  Esc do not"
	case pageNotes:
		return "Enter go on"
	}
	return "PgUp PgDn scroll  Esc back"
}

// pageLines is the page's text for the width of the screen.
func (m *model) pageLines() []string {
	switch m.page.kind {
	case pageHelp:
		return m.helpLines()
	case pageMe:
		return m.meLines()
	case pageVerify:
		return m.verifyLines()
	case pageRequest:
		return m.requestLines()
	case pageAdd:
		return m.addLines()
	}
	var lines []string
	for _, n := range m.Profile.notes {
		lines = append(append(lines, m.wrap(n)...), "")
	}
	return lines
}

func (m *model) wrap(text string) []string { return cells.Wrap(cells.Line(text), m.width) }

// heading is wrap in strong letters.
func (m *model) heading(text string) []string {
	lines := m.wrap(text)
	for i := range lines {
		lines[i] = m.look.strong(lines[i])
	}
	return lines
}

// groups is a fingerprint in two lines of five groups, or as it fits.
func (m *model) groups(fingerprint string) []string {
	words := strings.Fields(fingerprint)
	half := len(words) / 2
	lines := []string{"  " + strings.Join(words[:half], " "), "  " + strings.Join(words[half:], " ")}
	if cells.Width(lines[0]) > m.width {
		return m.wrap(fingerprint)
	}
	return lines
}

// meLines shows the address without anything beside it, so that it can be copied
// from the screen.
func (m *model) meLines() []string {
	lines := append(m.heading("Your address, for others to add you:"), "")
	lines = append(lines, cells.Chop(m.self.Address, m.width)...)
	lines = append(append(lines, ""), m.heading("Your fingerprint, to compare:")...)
	lines = append(append(lines, m.groups(m.self.Fingerprint)...), "")
	if !m.Profile.Kept() {
		lines = append(lines, m.wrap("Nothing is kept: this address is gone when you end.")...)
	}
	return lines
}

func (m *model) verifyLines() []string {
	c := m.open
	lines := m.wrap("Compare both by voice or in person, not in this chat:")
	lines = append(lines, m.heading("yours")...)
	lines = append(lines, m.groups(m.self.Fingerprint)...)
	lines = append(lines, m.heading(c.name)...)
	lines = append(lines, m.groups(c.id.Fingerprint)...)
	if c.verified {
		lines = append(append(lines, ""), m.wrap("You have found them to be the same before.")...)
	}
	return lines
}

func (m *model) requestLines() []string {
	r := m.request(m.page.id.Address)
	if r == nil {
		return m.wrap("The request is gone.")
	}
	lines := append(m.heading("Somebody wants to talk. Their fingerprint:"), m.groups(r.id.Fingerprint)...)
	lines = append(append(lines, m.proof(r.id)...), "")
	lines = append(lines, m.wrap("If you accept, messages have grade O: "+firstContact)...)
	if !r.here {
		lines = append(lines, m.wrap("They are away now.")...)
	}
	return lines
}

func (m *model) addLines() []string {
	p := m.page
	title := "Add this contact?"
	if p.name != "" {
		title = "Add " + p.name + "?"
	}
	lines := append(append(m.heading(title), "Their fingerprint:"), m.groups(p.id.Fingerprint)...)
	lines = append(lines, m.proof(p.id)...)
	if c := m.Profile.contact(p.id.Address); c != nil {
		lines = append(lines, m.wrap(fmt.Sprintf("You know them as %s (%s).", c.name, c.standing))...)
	}
	lines = append(lines, "")
	return append(lines, m.wrap("Messages have grade O: "+firstContact)...)
}

// proof warns of keys that the relay cannot check.
func (m *model) proof(id Identity) []string {
	if id.Proven {
		return nil
	}
	return m.wrap("Unproven: the relay lets anybody in under this key, which is short (1024 bits).")
}

func (m *model) helpLines() []string {
	lines := []string{m.look.strong("Keys")}
	for _, k := range [][2]string{
		{"Enter", "send; open what is chosen"},
		{"Alt-Enter", "new line (also Ctrl-J)"},
		{"Tab, arrows", "go to the contacts, choose"},
		{"Ctrl-N", "next unread"},
		{"PgUp PgDn", "scroll (lines: arrows)"},
		{"F1 or ?", "this help"},
		{"Ctrl-C", "end"},
	} {
		lines = append(lines, m.entry(k[0], 12, k[1])...)
	}
	lines = append(lines, "", m.look.strong("Commands"))
	for _, c := range commands() {
		lines = append(lines, m.entry(strings.TrimSpace("/"+c.name+" "+c.args), 20, c.help)...)
	}
	lines = append(lines, "", m.look.strong("Signs"))
	for _, s := range [][2]string{
		{"* ~ - ?", "connected, asked, away, wants to talk"},
		{"O", "grade: others on the way may read; fingerprints were not compared"},
		{"E", "grade: only you two can read"},
		{"!", "unproven: a short key that the relay cannot check"},
		{"(waiting)", "not given to the relay yet"},
		{"(sent)", "the relay has it; nobody tells whether it arrived"},
	} {
		lines = append(lines, m.entry(s[0], 12, s[1])...)
	}
	return lines
}

// entry is a line of a table; its right side wraps.
func (m *model) entry(left string, width int, right string) []string {
	if m.width < 60 {
		width = min(width, 11)
	}
	indent := strings.Repeat(" ", width+1)
	var lines []string
	if cells.Width(left) > width {
		lines = []string{cells.Cut(left, m.width)}
	}
	for i, l := range cells.Wrap(right, max(1, m.width-width-1)) {
		if i == 0 && lines == nil {
			l = cells.Fit(left, width) + " " + l
		} else {
			l = indent + l
		}
		lines = append(lines, l)
	}
	return lines
}
