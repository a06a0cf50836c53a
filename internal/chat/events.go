package chat

import (
	"context"
	"errors"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"trunkline/internal/health"
)

// take stores what happened, then shows it. What the disk does not take waits,
// and with it the network.
func (m *model) take(b batch) tea.Cmd {
	if err := m.store(b.events); err != nil {
		m.held, m.trouble = &b, "cannot store what comes in: "+health.Line(err)
		return tea.Tick(storeRetry, func(time.Time) tea.Msg { return retry{} })
	}
	m.held, m.trouble = nil, ""
	close(b.taken)
	return nil
}

// store stores the events that belong into the profile, all or none, and does
// what the others say.
func (m *model) store(events []Event) error {
	var entries []entry
	for _, e := range events {
		if stored, ok := m.entryOf(e); ok {
			entries = append(entries, stored)
		}
	}
	before := 0
	if m.open != nil {
		before = len(m.open.messages)
	}
	if err := m.Profile.commit(entries...); err != nil {
		return err
	}
	for _, e := range events {
		m.happen(e)
	}
	m.hold(before)
	return nil
}

// hold keeps what is on the screen there while messages come in below it.
func (m *model) hold(before int) {
	if m.open == nil || m.scroll == 0 {
		return
	}
	for i := before; i < len(m.open.messages); i++ {
		m.scroll += len(m.block(m.open, i, m.talkWidth()))
	}
}

// entryOf is what of an event belongs into the profile.
func (m *model) entryOf(event Event) (entry, bool) {
	switch e := event.(type) {
	case Received:
		c := m.Profile.contact(e.From)
		if c == nil || c.standing != friend {
			return entry{}, false
		}
		return entry{Kind: kindMessage, Who: e.From, ID: m.Profile.nextID(), Text: e.Text, At: e.At,
			Grade: c.grade(), Delivery: received}, true
	case Sent:
		o, ok := m.sending[e.Ref]
		if !ok || m.Profile.contact(o.to.address) == nil {
			return entry{}, false
		}
		return entry{Kind: kindMark, Who: o.to.address, ID: o.id, Delivery: sent, Grade: o.to.grade()}, true
	case Failed:
		o, ok := m.sending[e.Ref]
		if !ok || m.Profile.contact(o.to.address) == nil {
			return entry{}, false
		}
		return entry{Kind: kindMark, Who: o.to.address, ID: o.id, Delivery: failed, Grade: o.to.grade(), Why: why(e.Err)}, true
	case Lost:
		if m.Profile.contact(e.From) == nil {
			return entry{}, false
		}
		return m.note(e.From, "Messages to you were lost on the way; ask for what is missing."), true
	}
	return entry{}, false
}

// why words an error for a line of the screen.
func why(err error) string {
	if err == nil {
		return ""
	}
	return health.Line(err)
}

// happen does what an event says about now. What it says for good is stored.
func (m *model) happen(event Event) {
	switch e := event.(type) {
	case Online:
		m.online, m.why, m.retryAt = true, "", time.Time{}
	case Offline:
		m.online, m.why, m.retryAt = false, why(e.Why), time.Time{}
		if e.Retry > 0 {
			m.retryAt = time.Now().Add(e.Retry)
		}
		for _, r := range m.requests {
			r.here = false
		}
	case Asks:
		m.asks(e.Who)
	case Changed:
		m.changed(e)
	case Sent:
		delete(m.sending, e.Ref)
	case Failed:
		delete(m.sending, e.Ref)
	case Refused:
		m.notice = "the relay says: " + why(e.Err)
	}
}

func (m *model) changed(e Changed) {
	if c := m.Profile.contact(e.Who); c != nil {
		c.state = e.State
	}
	for _, r := range m.requests {
		if r.id.Address == e.Who {
			r.here = e.State == Asking
		}
	}
}

// asks shows a request, once. Those whom the user refused get no answer.
func (m *model) asks(who Identity) {
	if c := m.Profile.contact(who.Address); c != nil {
		if c.standing == refused {
			m.tell(m.Client.Remove, who.Address)
		}
		return
	}
	for _, r := range m.requests {
		if r.id.Address == who.Address {
			r.here = true
			return
		}
	}
	if len(m.requests) == maxRequests {
		m.requests = m.requests[1:]
	}
	m.requests = append(m.requests, &request{id: who, here: true})
	if !m.shiftCursor() {
		m.notice = who.Short + " wants to talk: Tab, then Enter"
	}
}

// shiftCursor keeps the cursor of the list on its contact when a request comes
// in above it, and reports whether the user is looking there.
func (m *model) shiftCursor() bool {
	if m.cursor >= len(m.requests)-1 && len(m.rows()) > len(m.requests) {
		m.cursor++
	}
	return m.focus == onList
}

// accept makes who asks a contact and opens it.
func (m *model) accept(r *request, name string) {
	if name == "" {
		name = r.id.Short
	}
	m.befriend(r.id, name)
}

// befriend makes somebody a contact, asks for a session with them, and opens the
// conversation.
func (m *model) befriend(id Identity, name string) {
	c, err := m.keep(id, name)
	if err != nil {
		m.notice = "not stored: " + health.Line(err)
		return
	}
	m.show(c)
	m.tell(m.Client.Add, id.Address)
}

// refuse drops a request, and those that follow from the same.
func (m *model) refuse(r *request, s standing) {
	do := m.Client.Remove
	if s == blocked {
		do = m.Client.Block
	}
	e := entry{Kind: kindContact, Who: r.id.Address, Name: r.id.Short, Standing: s}
	if !m.commit(e) {
		return
	}
	m.Profile.contact(r.id.Address).id = r.id
	m.requests = slices.DeleteFunc(m.requests, func(o *request) bool { return o == r })
	m.page = nil
	m.cursor = max(0, min(m.cursor, len(m.rows())-1))
	if r.here || s == blocked {
		m.tell(do, r.id.Address)
	}
	if m.notice == "" {
		m.notice = r.id.Short + " is " + string(s) + "; they are not told"
	}
}

// write sends a text to the open contact. It reports whether it is stored: what
// becomes of it shows beside it.
func (m *model) write(text string) bool {
	c := m.open
	e := entry{Kind: kindMessage, Who: c.address, ID: m.Profile.nextID(), Text: text, At: time.Now(), Grade: c.grade(), Delivery: waiting}
	c.draft = ""
	m.Profile.postpone(entry{Kind: kindDraft, Who: c.address})
	if !m.commit(e) {
		return false
	}
	m.scroll = 0
	m.dispatch(c, c.messages[len(c.messages)-1])
	return true
}

// dispatch gives a message that waits to the network.
func (m *model) dispatch(c *contact, msg *message) {
	ctx, cancel := context.WithTimeout(context.Background(), actionTimeout)
	defer cancel()
	ref, err := m.Client.Send(ctx, c.address, msg.text)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			err = errors.New("the network did not take it in time; it may go out yet")
		}
		m.commit(entry{Kind: kindMark, Who: c.address, ID: msg.id, Delivery: failed, Grade: msg.grade, Why: why(err)})
		return
	}
	m.sending[ref] = outgoing{c, msg.id}
}
