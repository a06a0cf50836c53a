package netx

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// The wait after an accept that failed.
const (
	firstBackoff = 5 * time.Millisecond
	lastBackoff  = time.Second
)

// Limits says which connections a listener takes.
type Limits struct {
	Total int // open at once; 0: no limit

	// Admit decides by the peer's address (zero for a Unix socket) and is told by
	// release, called once, when the connection is closed. Nil takes all.
	Admit func(netip.Addr) (release func(), ok bool)
}

// A LimitedListener takes no more connections than its Limits allow: it closes
// the others at once, so that no client waits in vain. Accept returns an error
// only for a listener that is closed or broken: it waits out errors that pass, such
// as a lack of descriptors. Its connections give their place back when they are
// closed.
type LimitedListener struct {
	l      net.Listener
	limits Limits

	closing sync.Once
	closed  chan struct{}

	// The reason for a lock: connections are closed by goroutines of their own.
	mu      sync.Mutex
	stats   ListenerStats
	spare   spare
	backoff time.Duration
}

// ListenerStats are the figures of a LimitedListener.
type ListenerStats struct {
	Open               int    // connections now
	Accepted           uint64 // connections given to the server
	RefusedTotal       uint64 // closed: Limits.Total reached
	RefusedAddress     uint64 // closed: not admitted
	RefusedDescriptors uint64 // closed: no descriptor was left for them
	AcceptErrors       uint64 // accepts that failed and were tried again
}

// LimitListener returns a listener over l, which it then owns.
func LimitListener(l net.Listener, limits Limits) *LimitedListener {
	n := &LimitedListener{l: l, limits: limits, closed: make(chan struct{})}
	n.spare.open()
	return n
}

// Accept waits for the next connection that may be taken.
func (l *LimitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.l.Accept()
		switch {
		case err == nil:
			if taken := l.take(c); taken != nil {
				return taken, nil
			}
			c.Close()
			l.reserve()
		case !passing(err):
			return nil, err
		case !l.retry(err):
			return nil, net.ErrClosed
		}
	}
}

// Close stops listening; connections stay open.
func (l *LimitedListener) Close() error {
	err := net.ErrClosed
	l.closing.Do(func() {
		close(l.closed)
		err = l.l.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.spare.close()
		l.spare.off = true
	})
	return err
}

// Addr is the address that l listens on.
func (l *LimitedListener) Addr() net.Addr { return l.l.Addr() }

// Stats returns the figures so far.
func (l *LimitedListener) Stats() ListenerStats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stats
}

// take returns c with its place, or nil if it must be refused.
func (l *LimitedListener) take(c net.Conn) net.Conn {
	if !l.enter() {
		return nil
	}
	taken := &limitedConn{Conn: c, l: l}
	if l.limits.Admit != nil {
		release, ok := l.limits.Admit(addrOf(c.RemoteAddr()))
		if !ok {
			l.leave(&l.stats.RefusedAddress)
			return nil
		}
		taken.release = release
	}
	return taken
}

// enter takes a place for a connection that was accepted.
func (l *LimitedListener) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case !l.spare.open():
		l.stats.RefusedDescriptors++
		return false
	case l.limits.Total > 0 && l.stats.Open >= l.limits.Total:
		l.stats.RefusedTotal++
		return false
	}
	l.backoff = 0
	l.stats.Open++
	l.stats.Accepted++
	return true
}

// leave gives a place back, which a counter may say was refused after all.
func (l *LimitedListener) leave(refused *uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stats.Open--
	if refused != nil {
		l.stats.Accepted--
		*refused++
	}
}

// reserve takes the spare descriptor back after a refusal.
func (l *LimitedListener) reserve() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.spare.open()
}

// retry prepares for the next accept after one that failed with err, and reports
// whether there should be one. Without a descriptor left it gives up the spare, so
// that the next connection can be taken and closed; else it waits.
func (l *LimitedListener) retry(err error) bool {
	l.mu.Lock()
	l.stats.AcceptErrors++
	if outOfDescriptors(err) && l.spare.close() {
		l.mu.Unlock()
		return true
	}
	l.spare.open()
	l.backoff = min(max(2*l.backoff, firstBackoff), lastBackoff)
	wait := time.NewTimer(l.backoff)
	l.mu.Unlock()
	defer wait.Stop()
	select {
	case <-wait.C:
		return true
	case <-l.closed:
		return false
	}
}

// passing reports whether err says nothing about the next accept.
func passing(err error) bool {
	for _, e := range []error{
		syscall.ECONNABORTED, syscall.ECONNRESET, syscall.ENOBUFS, syscall.ENOMEM,
		syscall.EPERM, syscall.EPROTO, syscall.ETIMEDOUT, syscall.EHOSTUNREACH, syscall.ENETUNREACH, syscall.ENETDOWN,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return outOfDescriptors(err)
}

func outOfDescriptors(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}

// addrOf returns the address without port of a, zero if it has none.
func addrOf(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.AddrPort().Addr().Unmap()
	case *net.UDPAddr:
		return a.AddrPort().Addr().Unmap()
	case nil:
		return netip.Addr{}
	}
	ap, _ := netip.ParseAddrPort(a.String()) // simulated networks; zero if it is none
	return ap.Addr().Unmap()
}

// limitedConn is a connection that has a place in its listener.
type limitedConn struct {
	net.Conn
	l       *LimitedListener
	release func()
	closing sync.Once
}

// Close closes the connection and gives its place back.
func (c *limitedConn) Close() error {
	err := c.Conn.Close()
	c.closing.Do(func() {
		c.l.leave(nil)
		if c.release != nil {
			c.release()
		}
	})
	return err
}

// NetConn returns the connection itself, for what net.Conn does not offer.
func (c *limitedConn) NetConn() net.Conn { return c.Conn }
