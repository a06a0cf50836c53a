package sim

import (
	"fmt"
	"strings"
	"time"

	"trunkline/blubbel/client"
)

// fate is how far a text has come.
type fate uint8

const (
	waiting fate = iota // in an outbox
	sent                // taken by a socket
	arrived
	failed    // its sender was told so
	forgotten // with the program whose outbox it was in
)

// text is a text that a client took. What it says is made from its place alone.
type text struct {
	pair    *pair
	by      *program // that was given it
	number  int      // within the pair, from 1
	size    int
	at      time.Duration
	fate    fate
	session *session // that it was sealed in last
}

// content is what the text says: whose it is, and letters that are its own.
func (t *text) content() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s>%s %d ", t.pair.from.name, t.pair.to.name, t.number)
	letters := uint64(t.number)*0x9e3779b97f4a7c15 + uint64(t.size)
	for b.Len() < t.size {
		letters ^= letters << 13
		letters ^= letters >> 7
		letters ^= letters << 17
		b.WriteByte(byte('a' + letters%26))
	}
	return b.String()
}

// leastText is how long a text is at least, so that a keystream shows.
const leastText = 40

// pair is the texts from one person to another.
type pair struct {
	from, to *person
	texts    []*text

	// When these last happened, in the ledger's order.
	toldLoss int // to the receiver
	meddled  int // by the relay
}

// add makes the next text.
func (p *pair) add(by *program, size int, at time.Duration) *text {
	t := &text{pair: p, by: by, number: len(p.texts) + 1, size: max(size, leastText), at: at}
	p.texts = append(p.texts, t)
	return t
}

// excused reports whether it may be that the text never arrives, and the receiver
// knows: since the session began a connection of the two has ended, or the
// receiver was told of a loss.
func (t *text) excused() bool {
	switch t.fate {
	case failed, forgotten:
		return true
	case waiting:
		return false
	}
	since := t.session.began
	return t.pair.from.ended > since || t.pair.to.ended > since || t.pair.toldLoss > since
}

// session is one direction of a session, as its sender has it.
type session struct {
	began int // in the ledger's order: before either side has computed its keys
	next  uint64
}

// book is what the ledger knows of one program.
type book struct {
	pages    map[*person]*page
	texts    map[client.Ref]*text
	sessions uint64  // confirmed so far
	from     *person // whose message was received last
}

// page is a program and one contact of its.
type page struct {
	box      []*text  // given to the program, in order, that did not fail
	last     int      // number of the last that arrived
	queued   int      // of box, given to the connection
	sent     int      // of box, taken by the socket
	started  int      // when the own Start was made, in the ledger's order
	start    string   // that Start
	accepted bool     // what came last of a negotiation was an own Accept
	pending  *session // not confirmed
	current  *session
}

func newBook() *book {
	return &book{pages: make(map[*person]*page), texts: make(map[client.Ref]*text)}
}

func (b *book) page(p *person) *page {
	if b.pages[p] == nil {
		b.pages[p] = new(page)
	}
	return b.pages[p]
}

// drop takes a text that failed out of the box.
func (p *page) drop(t *text) {
	for i, o := range p.box {
		if o != t {
			continue
		}
		p.box = append(p.box[:i:i], p.box[i+1:]...)
		if i < p.queued {
			p.queued--
		}
		if i < p.sent {
			p.sent--
		}
		return
	}
}
