package chat

import (
	"fmt"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"

	"trunkline/internal/health"
)

// command is a word that is written behind a slash.
type command struct {
	name, args, help string
	do               func(m *model, arg string) tea.Cmd
}

// commands is the table, in the order of the help.
func commands() []command {
	return []command{
		{"add", "ADDRESS [NAME]", "add a contact; pasting an address does it too", (*model).doAdd},
		{"accept", "[NAME]", "accept who asks, under a name of your choice", (*model).doAccept},
		{"refuse", "", "refuse who asks; further requests are not shown", (*model).doRefuse},
		{"block", "", "block the contact, or who asks; /add lifts it", (*model).doBlock},
		{"verify", "", "compare fingerprints", (*model).doVerify},
		{"name", "NAME", "call the contact something else", (*model).doName},
		{"again", "", "send again what failed", (*model).doAgain},
		{"remove", "NAME", "remove the contact and all its messages", (*model).doRemove},
		{"me", "", "your address and fingerprint", (*model).doMe},
		{"help", "", "keys and commands", (*model).doHelp},
		{"quit", "", "end", (*model).doQuit},
	}
}

// parseCommand splits "/word argument". A text of several lines, or one that
// begins with two slashes, is no command.
func parseCommand(text string) (name, arg string, ok bool) {
	if !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "//") {
		return "", "", false
	}
	name, arg, _ = strings.Cut(text[1:], " ")
	if strings.Contains(text, "\n") && name != "add" { // an address may be in pieces
		return "", "", false
	}
	return name, strings.TrimSpace(arg), true
}

// do carries out a command, or says which one may be meant.
func (m *model) do(name, arg string) tea.Cmd {
	for _, c := range commands() {
		if c.name == strings.ToLower(name) {
			m.input.set("")
			return c.do(m, arg)
		}
	}
	m.notice = "/" + name + " is no command"
	if near := nearest(name); near != "" {
		m.notice += "; did you mean /" + near + "?"
	}
	m.notice += "; /help lists them; a text may begin with //"
	return nil
}

// nearest is the command that is probably meant, or empty.
func nearest(typed string) string {
	typed = strings.ToLower(typed)
	var names []string
	for _, c := range commands() {
		if typed != "" && strings.HasPrefix(c.name, typed) {
			return c.name
		}
		names = append(names, c.name)
	}
	return health.Nearest(typed, names)
}

// splitAddress finds the address in the argument of /add, which a terminal may
// have cut into lines, and what is behind it.
func (m *model) splitAddress(arg string) (id Identity, name string, err error) {
	words := strings.FieldsFunc(arg, unicode.IsSpace)
	for n := len(words); n > 0; n-- {
		id, werr := m.Client.Identify(strings.Join(words[:n], ""))
		if werr == nil {
			return id, strings.Join(words[n:], " "), nil
		}
		if err == nil || n == 1 {
			err = werr
		}
	}
	return Identity{}, "", err
}

func (m *model) doAdd(arg string) tea.Cmd {
	if arg == "" {
		m.notice = "whom? /add ADDRESS [NAME]; the address is on their /me screen"
		return nil
	}
	id, name, err := m.splitAddress(arg)
	if err != nil {
		m.input.set("/add " + arg)
		m.notice = "not added: " + health.Line(err) + "; copy the whole address"
		return nil
	}
	m.page = &page{kind: pageAdd, id: id, name: name}
	return nil
}

// asking is the request that is meant: the one that is open, or the only one.
func (m *model) asking() *request {
	if m.page != nil && m.page.kind == pageRequest {
		return m.request(m.page.id.Address)
	}
	if len(m.requests) == 1 {
		return m.requests[0]
	}
	return nil
}

func (m *model) request(address string) *request {
	for _, r := range m.requests {
		if r.id.Address == address {
			return r
		}
	}
	return nil
}

// withRequest does something with the request that is meant.
func (m *model) withRequest(do func(r *request)) tea.Cmd {
	switch r := m.asking(); {
	case r != nil:
		do(r)
	case len(m.requests) == 0:
		m.notice = "nobody asks"
	default:
		m.notice = "several ask: choose one with Tab and Enter"
		m.focus, m.cursor = onList, 0
	}
	return nil
}

func (m *model) doAccept(arg string) tea.Cmd {
	return m.withRequest(func(r *request) { m.accept(r, arg) })
}

func (m *model) doRefuse(string) tea.Cmd {
	return m.withRequest(func(r *request) { m.refuse(r, refused) })
}

func (m *model) doBlock(string) tea.Cmd {
	c := m.open
	if c == nil {
		return m.withRequest(func(r *request) { m.refuse(r, blocked) })
	}
	e := c.entry()
	e.Standing = blocked
	if m.commit(e) {
		m.tell(m.Client.Block, c.address)
		m.show(nil)
		if m.notice == "" {
			m.notice = c.name + " is blocked; they are not told. /add and the address lift it"
		}
	}
	return nil
}

// withOpen does something with the open contact.
func (m *model) withOpen(do func(c *contact)) tea.Cmd {
	if m.open == nil {
		m.notice = "with whom? Tab, then Enter to choose somebody"
		return nil
	}
	do(m.open)
	return nil
}

func (m *model) doVerify(string) tea.Cmd {
	return m.withOpen(func(*contact) { m.page = &page{kind: pageVerify} })
}

func (m *model) doName(arg string) tea.Cmd {
	return m.withOpen(func(c *contact) {
		other := m.Profile.named(arg)
		switch {
		case arg == "":
			m.notice = "how? /name NAME"
		case other != nil && other != c:
			m.notice = "somebody else has the name " + other.name
		default:
			e := c.entry()
			e.Name = arg
			m.commit(e)
		}
	})
}

func (m *model) doAgain(string) tea.Cmd {
	return m.withOpen(func(c *contact) {
		n := 0
		for _, msg := range c.messages {
			if msg.delivery != failed {
				continue
			}
			n++
			if !m.commit(entry{Kind: kindMark, Who: c.address, ID: msg.id, Delivery: waiting, Grade: c.grade()}) {
				return
			}
			m.dispatch(c, msg)
		}
		m.notice = fmt.Sprintf("messages tried again: %d", n)
	})
}

// doRemove wants the name, since messages go with it.
func (m *model) doRemove(arg string) tea.Cmd {
	return m.withOpen(func(c *contact) {
		if arg != c.name {
			m.notice = fmt.Sprintf("removes %s and %d messages for good: /remove %s", c.name, len(c.messages), c.name)
			return
		}
		if err := m.Profile.forget(c); err != nil {
			m.notice = "not removed: " + health.Line(err)
			return
		}
		m.tell(m.Client.Remove, c.address)
		m.open = nil
		m.show(nil)
	})
}

func (m *model) doMe(string) tea.Cmd {
	m.page = &page{kind: pageMe}
	return nil
}

func (m *model) doHelp(string) tea.Cmd {
	m.page = &page{kind: pageHelp}
	return nil
}

func (m *model) doQuit(string) tea.Cmd { return tea.Quit }
