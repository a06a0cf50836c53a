package sim

import (
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/blubbel/wire"
)

// emptyMessage is the size of a Message's ciphertext without text: it confirms a
// session.
const emptyMessage = blubbel.CounterSize + blubbel.TagSize

// ledger watches the promises: it is told of everything that is sent, received
// and cut, and compares.
type ledger struct {
	r       *run
	byKey   map[blubbel.PublicKey]*person
	pairs   map[[2]*person]*pair
	inOrder []*pair
	order   int                   // of what happened
	used    map[[16]byte]struct{} // what a key and a counter made
	slowest time.Duration
	arrived int
	refused int // texts that a client did not take
}

func newLedger(r *run) *ledger {
	return &ledger{
		r: r, byKey: make(map[blubbel.PublicKey]*person), pairs: make(map[[2]*person]*pair),
		used: make(map[[16]byte]struct{}),
	}
}

// next is a number that is larger than those before.
func (l *ledger) next() int {
	l.order++
	return l.order
}

// who is the person with the key that stands in a packet; nil if there is none.
func (l *ledger) who(key []byte) *person {
	k, err := blubbel.ParsePublicKey(key)
	if err != nil {
		return nil
	}
	return l.byKey[k]
}

// name is what the scenario calls the owner of a key.
func (l *ledger) name(k blubbel.PublicKey) string {
	if p := l.byKey[k]; p != nil {
		return p.name
	}
	if k.IsZero() {
		return ""
	}
	return "a stranger"
}

func (l *ledger) pair(from, to *person) *pair {
	key := [2]*person{from, to}
	if l.pairs[key] == nil {
		p := &pair{from: from, to: to}
		l.pairs[key] = p
		l.inOrder = append(l.inOrder, p)
	}
	return l.pairs[key]
}

// broke notes that a connection of p has ended, at either end.
func (l *ledger) broke(p *person) { p.ended = l.next() }

// disconnected notes that a program's machine knows that: what it has not seen
// sent it sends again.
func (l *ledger) disconnected(p *program) {
	l.broke(p.who)
	for _, page := range p.book.pages {
		page.queued, page.pending, page.current = page.sent, nil, nil
	}
}

// forget notes that a program has ended, with what was in its outboxes.
func (l *ledger) forget(p *program) {
	for _, page := range p.book.pages {
		for _, t := range page.box[page.sent:] {
			t.fate = forgotten
		}
	}
}

// give hands a text of p's to its program.
func (l *ledger) give(p *program, to *person, size int) {
	t := l.pair(p.who, to).add(p, size, l.r.since())
	page := p.book.page(to)
	page.box = append(page.box, t)
	p.turn(func(now time.Time) {
		ref, err := p.m.Send(now, to.key.Public(), t.content())
		if err != nil {
			l.refused++
			t.fate = failed
			page.drop(t)
			l.r.say(entry{Who: p.name, What: "does not take", Text: t.number, Peer: to.name, Note: err.Error()})
			return
		}
		p.book.texts[ref] = t
	})
}

// negotiated notes a Start or an Accept that a program gives out.
func (l *ledger) negotiated(p *program, packet wire.Packet) {
	switch packet := packet.(type) {
	case *wire.Start:
		l.r.say(entry{Who: p.name, What: "starts", Peer: l.who(packet.Peer).name})
		page := p.book.page(l.who(packet.Peer))
		page.accepted = false
		if start := string(packet.Sealed); start != page.start { // otherwise it was repeated
			page.start, page.started = start, l.next()
		}
	case *wire.Accept:
		l.r.say(entry{Who: p.name, What: "accepts", Peer: l.who(packet.Peer).name})
		p.book.page(l.who(packet.Peer)).accepted = true
	}
}

// sealed notes a message that a program gives out.
func (l *ledger) sealed(p *program, m *wire.Message) {
	p.notice()
	page := p.book.page(l.who(m.Peer))
	counter := binary.BigEndian.Uint64(m.Sealed[4:])
	body := m.Sealed[blubbel.CounterSize:]
	if len(m.Sealed) == emptyMessage {
		if counter != 0 {
			l.r.broken("%s confirms a session with counter %d", p.name, counter)
		}
		began := page.started
		if page.accepted {
			began = l.next()
		}
		page.accepted = false
		page.pending = &session{began: began, next: 1}
		l.once(p, body)
		return
	}
	s := page.current
	switch {
	case s == nil:
		l.r.broken("%s sends a text before the session is confirmed", p.name)
		return
	case counter != s.next || len(body) < leastText:
		l.r.broken("%s sends counter %d with %d bytes after counter %d", p.name, counter, len(body), s.next-1)
		return
	case page.queued == len(page.box):
		l.r.broken("%s sends a text that it was not given", p.name)
		return
	}
	s.next++
	t := page.box[page.queued]
	t.session = s
	page.queued++
	stream := make([]byte, leastText)
	subtle.XORBytes(stream, body[:leastText], []byte(t.content())[:leastText])
	l.once(p, stream)
}

// once wants what a key and a counter have made to be new: the keystream of a
// text, or the tag of a confirmation.
func (l *ledger) once(p *program, made []byte) {
	id := [16]byte(made)
	if _, ok := l.used[id]; ok {
		l.r.broken("%s seals two messages with the same key and counter", p.name)
	}
	l.used[id] = struct{}{}
}

// confirmed notes that a program has opened the confirmation of from.
func (l *ledger) confirmed(p *program, from *person) {
	page := p.book.page(from)
	if page.pending == nil {
		l.r.broken("%s takes a session for confirmed that it has not confirmed itself", p.name)
		return
	}
	page.current, page.pending = page.pending, nil
	l.r.say(entry{Who: p.name, What: "confirmed by", Peer: from.name})
}

// sent notes that the socket took a text.
func (l *ledger) sent(p *program, ref client.Ref) {
	t := p.book.texts[ref]
	if t == nil {
		l.r.broken("%s has sent a text that it was not given", p.name)
		return
	}
	page := p.book.page(t.pair.to)
	if page.sent >= page.queued || page.box[page.sent] != t {
		l.r.broken("%s says of text #%d to %s that it was sent, out of turn", p.name, t.number, t.pair.to.name)
		return
	}
	page.sent++
	if t.fate == waiting {
		t.fate = sent
	}
	l.r.say(entry{Who: p.name, What: "sent", Text: t.number, Peer: t.pair.to.name})
}

// failed notes a text that its sender was told will not go out.
func (l *ledger) failed(p *program, e client.Failed) {
	t := p.book.texts[e.Ref]
	if t == nil || t.fate != waiting {
		l.r.broken("%s is told of the failure of a text that does not wait", p.name)
		return
	}
	t.fate = failed
	p.book.page(t.pair.to).drop(t)
	l.r.say(entry{Who: p.name, What: "gives up", Text: t.number, Peer: t.pair.to.name, Note: e.Err.Error()})
}

// lost notes that p was told of a loss.
func (l *ledger) lost(p *program, from blubbel.PublicKey) {
	pair := l.pair(l.byKey[from], p.who)
	pair.toldLoss = l.next()
	l.r.say(entry{Who: p.name, What: "lost", Peer: pair.from.name})
}

// meddled notes that the relay was not honest.
func (l *ledger) meddled(p *pair, what string) {
	p.meddled = l.next()
	l.r.say(entry{Who: relayName, What: "meddles", Peer: p.from.name + " > " + p.to.name, Note: what})
}

// received compares a text with what was sent.
func (l *ledger) received(p *program, e client.Received) {
	from := l.byKey[e.From]
	var names [2]string
	var number int
	if _, err := fmt.Sscanf(e.Text, "%s %d", &names[0], &number); err != nil || from == nil {
		l.r.broken("%s receives something that nobody sent", p.name)
		return
	}
	pair := l.pair(from, p.who)
	if number < 1 || number > len(pair.texts) || pair.texts[number-1].content() != e.Text {
		l.r.broken("%s receives from %s what that did not send to it", p.name, from.name)
		return
	}
	t := pair.texts[number-1]
	l.r.say(entry{Who: p.name, What: "received", Text: number, Peer: from.name})
	l.inTurn(p, t)
	t.fate = arrived
	l.arrived++
	l.slowest = max(l.slowest, l.r.since()-t.at)
	page := t.by.book.page(p.who)
	page.last = max(page.last, number)
}

// inTurn wants a text to be new, and those of its program between it and the last
// one to be missing for a reason.
func (l *ledger) inTurn(p *program, t *text) {
	pair := t.pair
	if t.fate == arrived {
		l.r.broken("%s receives text #%d of %s a second time", p.name, t.number, pair.from.name)
		return
	}
	last := t.by.book.page(p.who).last
	if t.number < last {
		l.r.broken("%s receives text #%d of %s after #%d", p.name, t.number, pair.from.name, last)
		return
	}
	for _, missing := range pair.texts[last : t.number-1] {
		if missing.by == t.by && !missing.excused() {
			l.r.broken("%s receives text #%d of %s without #%d, and was not told", p.name, t.number, pair.from.name, missing.number)
			return
		}
	}
}

// settle wants every text that a socket took to have arrived, or to have a
// reason. It is for when nothing is under way any more.
func (l *ledger) settle() {
	for _, pair := range l.inOrder {
		for _, t := range pair.texts {
			if t.fate == sent && !t.excused() && pair.meddled <= t.session.began {
				l.r.broken("text #%d from %s to %s was sent and never arrived, though no connection ended", t.number, pair.from.name, pair.to.name)
			}
		}
	}
}

// count fills in the report.
func (l *ledger) count(r *Report) {
	for _, pair := range l.inOrder {
		for _, t := range pair.texts {
			if t.session != nil && (t.fate == sent || t.fate == arrived) {
				r.Sent++
			}
		}
		r.Texts += len(pair.texts)
	}
	r.Texts -= l.refused
	r.Arrived, r.Slowest = l.arrived, l.slowest
}
