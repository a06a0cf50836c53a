package sim

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"syscall"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/blubbel/wire"
	"trunkline/internal/simnet"
)

// Times and sizes of blubbel/client, whose goroutines a program stands in for.
const (
	dialTimeout  = 15 * time.Second
	writeTimeout = 30 * time.Second
	roomForTexts = 64 << 10 // bytes that wait for the socket while texts are added
	mostWaiting  = 4 << 20
)

// opening is the most that an RSA operation takes; meanwhile a connection is not
// read, and everything else goes on.
const opening = 4 * time.Millisecond

var (
	errBehind  = errors.New("relay does not take what is sent")
	errRequest = errors.New("closed by the user")
)

// program is one run of a client: a machine, and its connection. It is the
// machine's Outlet, and what drives it.
type program struct {
	r    *run
	who  *person
	name string
	at   *place
	m    *client.Machine
	rand *rand.Rand
	book *book // of the ledger
	gone bool  // ended by the user, by a crash or by the relay

	attempt   int // to connect
	stream    *simnet.Stream
	link      *link
	connected bool
	online    bool // logged in
	stalled   bool
	in        []byte // not yet a whole frame
	out       []byte // not yet taken by the socket
	sizes     []int  // of the frames in out; of the first, what is left
	blocked   int    // times that the socket took less than all
	busy      bool   // a value is being opened
	hangUp    error  // asked for by the machine
	pending   error  // of a connection that ended while busy
}

// newProgram makes a program of p on its host.
func newProgram(p *person, n int) (*program, error) {
	prog := &program{r: p.r, who: p, name: p.name, at: p.place, book: newBook()}
	if n > 1 {
		prog.name = fmt.Sprintf("%s/%d", p.name, n)
	}
	prog.rand = rand.New(rand.NewPCG(p.r.seed, uint64(p.r.ledger.next())<<8|2))
	m, err := client.NewMachine(client.Config{
		Key: p.key, Server: relayName, AutoAccept: p.spec.AutoAccept, Outbox: p.spec.Outbox,
		Contacts: keysOf(p.wants), Blocked: keysOf(p.blocked),
		MaxPayload: p.r.sc.Relay.MaxPayload, Rand: prog.rand,
	}, prog)
	if err != nil {
		return nil, err
	}
	prog.m = m
	p.r.w.Drive(p.place.host, prog)
	return prog, nil
}

// Deadline is when Advance is due, on the world's clock.
func (p *program) Deadline() time.Time {
	at := p.m.Deadline()
	if p.gone || at.IsZero() {
		return time.Time{}
	}
	return at.Add(-p.at.skew)
}

// Advance does what is due.
func (p *program) Advance(time.Time) { p.turn(p.m.Advance) }

// turn is how everything gets to the machine: what that gives out goes on its way
// afterwards.
func (p *program) turn(f func(now time.Time)) {
	if p.gone {
		return
	}
	f(p.at.now())
	p.flush()
	if why := p.hangUp; why != nil {
		p.hangUp = nil
		p.disconnect(why)
	}
}

// dial begins a connection.
func (p *program) dial() {
	if p.gone {
		return
	}
	p.attempt++
	var to netip.AddrPort
	p.link, to = p.r.relay.expect(p)
	p.stream = p.r.w.Dial(p.at.host, to, dialed{p, p.attempt})
	if p.stalled {
		p.stream.Pause()
	}
	p.wait(dialTimeout, func() {
		if !p.connected {
			p.disconnect(fmt.Errorf("connect: %w", syscall.ETIMEDOUT))
		}
	})
}

// wait calls f after d, if the connection is still the same.
func (p *program) wait(d time.Duration, f func()) {
	attempt := p.attempt
	p.at.later(d, func() {
		if p.attempt == attempt && !p.gone {
			f()
		}
	})
}

// dialed is the Handler of one attempt.
type dialed struct {
	p       *program
	attempt int
}

func (d dialed) current() bool { return d.p.attempt == d.attempt && !d.p.gone }

// Connected begins the login.
func (d dialed) Connected(time.Time) {
	if d.current() {
		d.p.connected = true
		d.p.turn(d.p.m.Connected)
	}
}

// Receive takes what the relay sends.
func (d dialed) Receive(_ time.Time, b []byte) {
	if d.current() {
		d.p.in = append(d.p.in, b...)
		d.p.feed()
	}
}

// Closed ends the connection.
func (d dialed) Closed(_ time.Time, err error) {
	if d.current() {
		d.p.disconnect(err)
	}
}

// Drained sends what waits.
func (d dialed) Drained(time.Time) {
	if d.current() {
		d.p.turn(func(time.Time) {})
	}
}

// feed hands whole frames to the machine, until one has a value to be opened.
func (p *program) feed() {
	most := blubbel.HighestMaxPayload + blubbel.MaxDERKeySize
	for attempt := p.attempt; !p.busy && !p.gone && p.attempt == attempt; {
		f, rest, whole, err := wire.Split(p.in, most)
		if err != nil {
			p.disconnect(err)
		}
		if err != nil || !whole {
			return
		}
		p.in = rest
		packet, err := wire.Parse(wire.ToClient, f.Kind, bytes.Clone(f.Payload))
		if err != nil {
			p.r.broken("%s gets a frame that does not parse: %v", p.name, err)
			return
		}
		p.take(packet)
	}
}

// take hands a packet to the machine.
func (p *program) take(packet wire.Packet) {
	p.turn(func(now time.Time) {
		if m, ok := packet.(*wire.Message); ok {
			p.book.from = p.r.ledger.who(m.Peer)
		}
		sealed := p.m.Admit(now, packet)
		p.notice()
		if sealed != nil {
			p.busy = true
			p.at.later(time.Duration(p.rand.Int64N(int64(opening))), func() { p.opened(packet, sealed) })
		}
	})
}

// opened hands an opened value to the machine, and goes on.
func (p *program) opened(packet wire.Packet, sealed []byte) {
	p.busy = false
	p.turn(func(now time.Time) { p.m.Opened(now, packet, p.m.Open(sealed)) })
	switch why := p.pending; {
	case p.gone:
	case why != nil:
		p.pending = nil
		p.disconnected(why)
	default:
		p.feed()
	}
}

// flush hands what waits to the socket, and tells the machine what that took.
func (p *program) flush() {
	for p.connected && len(p.out) > 0 {
		n, err := p.stream.Write(p.out)
		p.out = p.out[n:]
		frames := p.taken(n)
		if frames > 0 {
			p.m.Written(p.at.now(), frames)
		}
		if err != nil || n == 0 {
			break
		}
	}
	if p.connected && len(p.out) > 0 {
		p.blocked++
		blocked := p.blocked
		p.wait(writeTimeout, func() {
			if p.blocked == blocked && len(p.out) > 0 {
				p.disconnect(fmt.Errorf("write: %w", syscall.ETIMEDOUT))
			}
		})
	}
}

// taken is how many frames end in the next n bytes.
func (p *program) taken(n int) (frames int) {
	for ; len(p.sizes) > 0 && p.sizes[0] <= n; p.sizes = p.sizes[1:] {
		n -= p.sizes[0]
		frames++
	}
	if n > 0 {
		p.sizes[0] -= n
		p.blocked++
	}
	return frames
}

// disconnect ends the connection, or the attempt, from this side.
func (p *program) disconnect(why error) {
	if p.pending != nil {
		return
	}
	p.attempt++
	p.unlink()
	if p.busy {
		p.pending = why
		return
	}
	p.disconnected(why)
}

// unlink forgets the connection.
func (p *program) unlink() {
	p.connected = false
	p.stream.Close()
	if p.link != nil {
		p.link.program = nil
		if p.link.door != nil {
			p.link.door.Close()
		}
	}
	p.link = nil
	p.in = nil
	p.r.ledger.broke(p.who)
}

// disconnected tells the machine, and connects again if that makes sense.
func (p *program) disconnected(why error) {
	retry, over := p.m.Disconnected(p.at.now(), why)
	p.out, p.sizes = nil, nil
	p.r.ledger.disconnected(p)
	if over != nil {
		p.r.note(p.name, "ends", over.Error())
		p.finish()
		return
	}
	p.wait(retry, p.dial)
}

// quit ends the program as its user does.
func (p *program) quit() {
	p.r.note(p.name, "leaves", "")
	p.end()
}

// end ends the program at once.
func (p *program) end() {
	p.unlink()
	p.finish()
}

// finish is for when the connection has ended.
func (p *program) finish() {
	p.gone, p.online = true, false
	p.r.ledger.forget(p)
}

func (p *program) stall() {
	p.stalled = true
	p.stream.Pause()
}

func (p *program) resume() {
	if p.stalled {
		p.stalled = false
		p.stream.Resume()
	}
}

// Queue takes a packet for the relay.
func (p *program) Queue(packet wire.Packet) {
	before := len(p.out)
	b, err := wire.AppendFrame(p.out, packet)
	if err != nil {
		p.r.broken("%s makes a packet that cannot be written: %v", p.name, err)
		return
	}
	p.out = b
	p.sizes = append(p.sizes, len(b)-before)
	if m, ok := packet.(*wire.Message); ok {
		p.r.ledger.sealed(p, m)
	} else {
		p.r.ledger.negotiated(p, packet)
	}
	if len(p.out) > mostWaiting {
		p.hangUp = errBehind
	}
}

// Room reports whether texts should be added.
func (p *program) Room() bool { return len(p.out) < roomForTexts }

// HangUp ends the connection after the machine's turn.
func (p *program) HangUp(why error) { p.hangUp = why }

// notice finds out whether the machine has confirmed a session just now, which it
// tells in a number only.
func (p *program) notice() {
	if n := p.m.Stats().Sessions; n > p.book.sessions {
		p.book.sessions = n
		p.r.ledger.confirmed(p, p.book.from)
	}
}

// Emit takes an event: into the log, and to the promises.
func (p *program) Emit(e client.Event) {
	l, r := p.r.ledger, p.r
	switch e := e.(type) {
	case client.Online:
		p.online = true
		r.note(p.name, "online", "")
	case client.Offline:
		p.online = false
		r.note(p.name, "offline", fmt.Sprintf("%v; again after %v", e.Why, e.Retry.Round(time.Millisecond)))
		p.who.troubles++
	case client.Request:
		r.say(entry{Who: p.name, What: "asked by", Peer: l.name(e.From)})
	case client.ContactChanged:
		r.say(entry{Who: p.name, What: e.Contact.State.String(), Peer: l.name(e.Contact.Key)})
	case client.Sent:
		l.sent(p, e.Ref)
	case client.Received:
		l.received(p, e)
	case client.Failed:
		l.failed(p, e)
	case client.Lost:
		p.who.troubles++
		l.lost(p, e.From)
	case client.Refused:
		p.who.troubles++
		r.say(entry{Who: p.name, What: "refused " + e.Answered.String(), Peer: l.name(e.Peer), Note: e.Err.Error()})
	}
}
