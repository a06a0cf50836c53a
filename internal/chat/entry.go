package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// kind says what an entry of the profile changes.
type kind string

// The kinds.
const (
	kindSecret  kind = "secret"  // the key of the network, as text
	kindContact kind = "contact" // a contact is new or has changed
	kindMessage kind = "message"
	kindMark    kind = "mark" // a message was sent, or failed
	kindRead    kind = "read" // messages up to ID were seen
	kindDraft   kind = "draft"
	kindForget  kind = "forget" // a contact and its messages go
	kindEnd     kind = "end"    // the program ended by itself
)

// entry is one record of a profile. Everything that a profile knows is what its
// entries did, one after the other.
type entry struct {
	Kind     kind      `json:"kind"`
	Who      string    `json:"who,omitempty"` // the contact's address
	ID       uint64    `json:"id,omitempty"`  // of a message
	Name     string    `json:"name,omitempty"`
	Standing standing  `json:"standing,omitempty"`
	Verified bool      `json:"verified,omitempty"`
	Text     string    `json:"text,omitempty"`
	At       time.Time `json:"at,omitzero"`
	Grade    Grade     `json:"grade,omitempty"`
	Delivery delivery  `json:"delivery,omitempty"`
	Why      string    `json:"why,omitempty"`
}

var (
	errNewer  = errors.New("was written by a newer version of this program")
	errNobody = errors.New("an entry of nobody")
)

// standing is what somebody is to the user.
type standing string

const (
	friend  standing = "contact"
	refused standing = "refused" // further requests are not shown
	blocked standing = "blocked"
)

// delivery is what became of a message.
type delivery string

const (
	received delivery = "received"
	waiting  delivery = "waiting" // not given to the relay yet
	sent     delivery = "sent"
	failed   delivery = "failed"
	note     delivery = "note" // not a message: something to know about the conversation
)

// message is one line of a conversation.
type message struct {
	id       uint64
	at       time.Time
	text     string
	grade    Grade
	delivery delivery
	why      string // of failed

	lines rendered
}

// rendered is a message as it was last laid out.
type rendered struct {
	width    int
	delivery delivery
	name     string
	lines    []string
}

// maxKept is how many messages of one contact are kept in memory. Older ones
// stay in the file.
const maxKept = 10_000

// contact is somebody whom the profile knows.
type contact struct {
	address  string
	name     string
	standing standing
	verified bool
	messages []*message
	unread   int
	draft    string

	state State
	id    Identity
}

func (c *contact) grade() Grade {
	if c.verified {
		return EndToEnd
	}
	return OpenPath
}

// apply does what an entry says. The error is errNewer, or errNobody for an entry
// of a contact that there is not.
func (p *Profile) apply(e entry) error {
	p.ended = e.Kind == kindEnd
	switch e.Kind {
	case kindEnd:
		return nil
	case kindSecret:
		p.secret = e.Text
		return nil
	case kindContact:
		p.upsert(e)
		return nil
	case kindMessage, kindMark, kindRead, kindDraft, kindForget:
		c := p.contact(e.Who)
		if c == nil {
			return errNobody
		}
		p.change(c, e)
		return nil
	}
	return errNewer
}

// upsert makes a contact, or changes one.
func (p *Profile) upsert(e entry) {
	c := p.contact(e.Who)
	if c == nil {
		c = &contact{address: e.Who, state: Away}
		p.contacts = append(p.contacts, c)
	}
	c.name, c.standing, c.verified = e.Name, e.Standing, e.Verified
}

// change does what an entry says about a contact.
func (p *Profile) change(c *contact, e entry) {
	switch e.Kind {
	case kindMessage:
		p.add(c, e)
	case kindMark:
		p.mark(e)
	case kindRead:
		c.unread = 0
		for _, m := range slices.Backward(c.messages) {
			if m.id <= e.ID {
				break
			}
			c.count(m)
		}
	case kindDraft:
		c.draft = e.Text
	case kindForget:
		p.drop(c)
	}
}

func (c *contact) count(m *message) {
	if m.delivery == received {
		c.unread++
	}
}

func (p *Profile) add(c *contact, e entry) {
	m := &message{id: e.ID, at: e.At, text: e.Text, grade: e.Grade, delivery: e.Delivery}
	c.messages = append(c.messages, m)
	if len(c.messages) >= 2*maxKept {
		c.messages = slices.Clone(c.messages[len(c.messages)-maxKept:])
	}
	c.count(m)
	p.lastID = max(p.lastID, e.ID)
	if m.delivery == waiting {
		p.unsent[e.ID] = m
	}
}

// mark says what became of a message that was not sent.
func (p *Profile) mark(e entry) {
	m := p.unsent[e.ID]
	if m == nil {
		return
	}
	m.delivery, m.why, m.grade = e.Delivery, e.Why, e.Grade
	if e.Delivery == sent {
		delete(p.unsent, e.ID)
	}
}

func (p *Profile) drop(c *contact) {
	p.contacts = slices.DeleteFunc(p.contacts, func(o *contact) bool { return o == c })
	for _, m := range c.messages {
		delete(p.unsent, m.id)
	}
}

// encode writes entries as records. What is not UTF-8 becomes so.
func encode(entries []entry) ([][]byte, error) {
	records := make([][]byte, len(entries))
	for i, e := range entries {
		e.Text, e.Name = strings.ToValidUTF8(e.Text, "\uFFFD"), strings.ToValidUTF8(e.Name, "\uFFFD")
		b, err := json.Marshal(e)
		if err != nil {
			return nil, err
		}
		records[i] = b
	}
	return records, nil
}

// decode reads a record.
func decode(b []byte) (e entry, err error) {
	if err := json.Unmarshal(b, &e); err != nil {
		return e, fmt.Errorf("%w: %w", errNewer, err)
	}
	return e, nil
}
