package chat

import (
	"context"
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"trunkline/internal/health"
)

const (
	actionTimeout = 5 * time.Second
	storeRetry    = 5 * time.Second // after the disk took nothing
	maxRequests   = 100             // of strangers, shown
)

// request is somebody unknown who wants to talk.
type request struct {
	id   Identity
	here bool // they still do
}

// outgoing is a message that the network has.
type outgoing struct {
	to *contact
	id uint64
}

// focus says where keys go.
type focus int

const (
	onInput focus = 0
	onList  focus = 1
)

// model is everything that is on the screen. One goroutine at a time uses it.
type model struct {
	Config
	self Identity
	look look
	zone *time.Location

	width, height int

	online  bool
	why     string    // not online
	retryAt time.Time // zero for never
	ticking bool      // a tick is under way
	held    *batch    // events that could not be stored yet
	trouble string    // why

	requests []*request
	sending  map[uint64]outgoing

	focus  focus
	cursor int // of rows
	open   *contact
	scroll int // lines below the screen
	page   *page
	input  editor
	notice string // until the next key
}

// tick comes every second while something on the screen counts down.
type tick struct{}

// retry comes when the disk should be tried again.
type retry struct{}

func newModel(c Config) (*model, error) {
	m := &model{
		Config: c, self: c.Client.Self(), look: newLook(c.NoColor), zone: time.Local,
		why: "connecting", sending: map[uint64]outgoing{},
	}
	for _, who := range c.Profile.contacts {
		id, err := c.Client.Identify(who.address)
		if err != nil {
			return nil, fmt.Errorf("contact %s: %w", who.name, err)
		}
		who.id = id
	}
	if c.Open != "" {
		if err := m.openAddress(); err != nil {
			return nil, err
		}
	}
	if len(c.Profile.notes) > 0 {
		m.page = &page{kind: pageNotes}
	}
	return m, nil
}

// openAddress opens the contact that the configuration names.
func (m *model) openAddress() error {
	id, err := m.Client.Identify(m.Open)
	if err != nil {
		return err
	}
	c := m.Profile.contact(id.Address)
	if c == nil || c.standing != friend {
		name := m.OpenName
		if name == "" {
			name = id.Short
		}
		if c, err = m.keep(id, name); err != nil {
			return err
		}
	}
	m.show(c)
	return nil
}

// Init gives the network what waits from the last time.
func (m *model) Init() tea.Cmd {
	return func() tea.Msg { return started{} }
}

// started is the first message: the network runs.
type started struct{}

// begin adds the contact to open, and gives the network what waits.
func (m *model) begin() {
	if m.open != nil {
		m.tell(m.Client.Add, m.open.address)
	}
	for _, c := range m.Profile.contacts {
		for _, msg := range c.messages {
			if msg.delivery == waiting {
				m.dispatch(c, msg)
			}
		}
	}
}

// Update takes keys, events and times.
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	var cmd tea.Cmd
	switch msg := msg.(type) {
	case started:
		m.begin()
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		cmd = m.key(msg)
	case tea.PasteMsg:
		m.paste(msg.Content)
	case batch:
		cmd = m.take(msg)
	case retry:
		if m.held != nil {
			cmd = m.take(*m.held)
		}
	case ended:
		m.over(msg.err)
	case tick:
		m.ticking = false
	}
	m.see()
	return m, tea.Batch(cmd, m.count())
}

// count keeps a tick under way while the screen counts down.
func (m *model) count() tea.Cmd {
	if m.ticking || m.online || m.retryAt.IsZero() {
		return nil
	}
	m.ticking = true
	return tea.Tick(time.Second, func(time.Time) tea.Msg { return tick{} })
}

// over shows that the network has ended.
func (m *model) over(err error) {
	m.online, m.retryAt = false, time.Time{}
	m.why = "ended"
	if err != nil {
		m.why = "ended: " + health.Clean(err.Error())
	}
	for _, c := range m.Profile.contacts {
		c.state = Away
	}
}

// tell asks the network for something, and shows why it did not work.
func (m *model) tell(do func(ctx context.Context, who string) error, who string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), actionTimeout)
	defer cancel()
	if err := do(ctx, who); err != nil {
		m.notice = health.Line(err)
		return false
	}
	return true
}

// commit stores entries, and shows why that did not work.
func (m *model) commit(entries ...entry) bool {
	if err := m.Profile.commit(entries...); err != nil {
		m.notice = "not stored: " + health.Line(err)
		return false
	}
	return true
}

// keep makes somebody a contact of the profile, with what there is to know about
// a first contact.
func (m *model) keep(id Identity, name string) (*contact, error) {
	name = m.Profile.freeName(name, id.Address)
	old := m.Profile.contact(id.Address)
	entries := []entry{{Kind: kindContact, Who: id.Address, Name: name, Standing: friend, Verified: old != nil && old.verified}}
	if old == nil || len(old.messages) == 0 {
		entries = append(entries, m.note(id.Address, firstContact))
	}
	if err := m.Profile.commit(entries...); err != nil {
		return nil, err
	}
	c := m.Profile.contact(id.Address)
	c.id = id
	m.requests = slices.DeleteFunc(m.requests, func(r *request) bool { return r.id.Address == id.Address })
	return c, nil
}

// note is an entry that says something about a conversation.
func (m *model) note(who, text string) entry {
	return entry{Kind: kindMessage, Who: who, ID: m.Profile.nextID(), Text: text, At: time.Now(), Delivery: note}
}

// show opens a conversation.
func (m *model) show(c *contact) {
	m.leave()
	m.open, m.focus, m.scroll, m.page = c, onInput, 0, nil
	if c == nil {
		m.input.set("")
		return
	}
	m.input.set(c.draft)
	m.cursor = max(0, slices.IndexFunc(m.rows(), func(r row) bool { return r.contact == c }))
}

// leave keeps what is being written.
func (m *model) leave() {
	if m.open != nil && m.input.String() != m.open.draft {
		m.Profile.postpone(entry{Kind: kindDraft, Who: m.open.address, Text: m.input.String()})
	}
}

// see marks what is on the screen as read.
func (m *model) see() {
	c := m.open
	if c == nil || c.unread == 0 || m.page != nil || m.scroll > 0 || m.narrow() && m.focus == onList {
		return
	}
	m.Profile.postpone(entry{Kind: kindRead, Who: c.address, ID: c.messages[len(c.messages)-1].id})
}

// close stores what is left.
func (m *model) close() error {
	m.leave()
	return m.Profile.Close()
}

// row is a line of the list: a request, or a contact.
type row struct {
	request *request
	contact *contact
}

// rows lists who asks, then the contacts.
func (m *model) rows() []row {
	var rows []row
	for _, r := range m.requests {
		rows = append(rows, row{request: r})
	}
	for _, c := range m.Profile.contacts {
		if c.standing == friend {
			rows = append(rows, row{contact: c})
		}
	}
	return rows
}
