package sim

import (
	"slices"
	"syscall"
	"time"

	"trunkline/blubbel"
	"trunkline/internal/simnet"
)

// keepaliveStep is how often it is looked at connections.
const keepaliveStep = blubbel.KeepAliveInterval

// vanished is after how long a silent peer is given up.
const vanished = blubbel.KeepAliveIdle + blubbel.KeepAliveCount*blubbel.KeepAliveInterval

// link is the two ends of a connection, which know nothing of each other: what
// TCP keep-alive would find out is found out here.
type link struct {
	program *program         // at one end, until it has closed it
	conn    *conn            // at the other, once it is accepted, until it is closed
	door    *simnet.Listener // at the relay, for this connection only; nil if the relay is down
	path    []*place
	moves   int // of the path, when the connection was begun
	heard   time.Time
}

func movesOf(path []*place) (n int) {
	for _, p := range path {
		n += p.moves
	}
	return n
}

// passable reports whether packets of this connection get through.
func (l *link) passable() bool {
	return movesOf(l.path) == l.moves &&
		!slices.ContainsFunc(l.path, func(p *place) bool { return p.noUp || p.noDown || p.down })
}

// keepalive looks at every connection, and ends those whose other end does not
// answer any more.
func (r *run) keepalive() {
	for _, l := range slices.Clone(r.links) {
		r.look(l)
	}
	r.links = slices.DeleteFunc(r.links, func(l *link) bool { return l.program == nil && l.conn == nil })
	r.after(keepaliveStep, r.keepalive)
}

func (r *run) look(l *link) {
	silent := r.w.Now().Sub(l.heard)
	switch passable := l.passable(); {
	case l.program != nil && !l.program.connected:
		l.heard = r.w.Now()
	case passable && l.program != nil && l.conn != nil:
		l.heard = r.w.Now()
	case passable && silent >= blubbel.KeepAliveIdle:
		l.end(syscall.ECONNRESET)
	case silent >= vanished:
		l.end(syscall.ETIMEDOUT)
	}
}

// end ends what is left of a connection.
func (l *link) end(why error) {
	if p := l.program; p != nil {
		p.disconnect(why)
	}
	if c := l.conn; c != nil {
		c.closed(why)
	}
}
