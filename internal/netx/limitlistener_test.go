package netx_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/internal/netx"
)

// scripted is a listener whose accepts give what the test puts into it.
type scripted struct {
	next   chan any // net.Conn or error
	closed chan struct{}
}

func newScripted() *scripted {
	return &scripted{next: make(chan any, 100), closed: make(chan struct{})}
}

func (s *scripted) Accept() (net.Conn, error) {
	select {
	case next := <-s.next:
		if err, ok := next.(error); ok {
			return nil, err
		}
		return next.(net.Conn), nil
	case <-s.closed:
		return nil, net.ErrClosed
	}
}

func (s *scripted) Close() error   { close(s.closed); return nil }
func (s *scripted) Addr() net.Addr { return &net.TCPAddr{} }

func acceptError(errno syscall.Errno) error {
	return &net.OpError{Op: "accept", Net: "tcp", Err: errno}
}

// dialed returns the far ends of n connections to l.
func dialed(t *testing.T, l net.Listener, n int) []net.Conn {
	t.Helper()
	var all []net.Conn
	for range n {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		all = append(all, c)
	}
	return all
}

func TestListenerClosesConnectionsBeyondItsTotal(t *testing.T) {
	t.Parallel()
	l := netx.LimitListener(loopback(t), netx.Limits{Total: 2})
	far := dialed(t, l, 3)
	first, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	third := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept() // closes the third, then waits for a fourth
		third <- c
	}()
	if _, err := far[2].Read(make([]byte, 1)); err == nil || errors.Is(err, syscall.ETIMEDOUT) {
		t.Errorf("the third connection is not closed: %v", err)
	}
	first.Close()
	first.Close()
	fourth := dialed(t, l, 1)[0]
	c := <-third
	if c == nil || c.RemoteAddr().String() != fourth.LocalAddr().String() {
		t.Fatalf("accepted %v, want the fourth", c)
	}
	want := netx.ListenerStats{Open: 2, Accepted: 3, RefusedTotal: 1}
	if got := l.Stats(); got != want {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
}

func TestListenerAsksForEachAddressAndReleasesOnce(t *testing.T) {
	t.Parallel()
	var held atomic.Int64
	var asked []netip.Addr
	l := netx.LimitListener(loopback(t), netx.Limits{Admit: func(a netip.Addr) (func(), bool) {
		asked = append(asked, a)
		if held.Load() > 0 {
			return nil, false
		}
		held.Add(1)
		return func() { held.Add(-1) }, true
	}})
	far := dialed(t, l, 2)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	next := make(chan error, 1)
	go func() {
		_, err := l.Accept()
		next <- err
	}()
	if n, err := far[1].Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("a connection that was not admitted is open")
	}
	c.Close()
	c.Close()
	if got := held.Load(); got != 0 {
		t.Errorf("released %d times, want once", 1-got)
	}
	l.Close()
	if err := <-next; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v, want closed", err)
	}
	want := netx.ListenerStats{Accepted: 1, RefusedAddress: 1}
	if got := l.Stats(); got != want {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
	if local := netip.MustParseAddr("127.0.0.1"); len(asked) != 2 || asked[0] != local {
		t.Errorf("asked for %v, want 127.0.0.1 twice", asked)
	}
}

func TestAcceptErrorsAreWaitedOutLongerAndLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScripted()
		l := netx.LimitListener(s, netx.Limits{})
		defer l.Close()
		for range 10 {
			s.next <- acceptError(syscall.ENOBUFS)
		}
		near, far := net.Pipe()
		defer far.Close()
		s.next <- near
		began := time.Now()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		want := (5 + 10 + 20 + 40 + 80 + 160 + 320 + 640 + 1000 + 1000) * time.Millisecond
		if got := time.Since(began); got != want {
			t.Errorf("ten errors took %v, want %v", got, want)
		}
		if got := l.Stats().AcceptErrors; got != 10 {
			t.Errorf("%d accept errors counted, want 10", got)
		}
		s.next <- acceptError(syscall.ECONNABORTED)
		near2, far2 := net.Pipe()
		defer far2.Close()
		s.next <- near2
		began = time.Now()
		c2, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer c2.Close()
		if got := time.Since(began); got != 5*time.Millisecond {
			t.Errorf("the first error after a success took %v, want 5ms", got)
		}
	})
}

func TestLastingLackOfDescriptorsDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScripted()
		l := netx.LimitListener(s, netx.Limits{})
		for range 60 {
			s.next <- acceptError(syscall.EMFILE)
		}
		accepted := make(chan error, 1)
		go func() {
			_, err := l.Accept()
			accepted <- err
		}()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := l.Stats().AcceptErrors; got < 10 || got > 40 {
			t.Errorf("%d accepts failed in 10 s, want about 32", got)
		}
		l.Close()
		if err := <-accepted; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept after Close during a wait: %v, want closed", err)
		}
	})
}

func TestBrokenListenerIsAnError(t *testing.T) {
	t.Parallel()
	s := newScripted()
	l := netx.LimitListener(s, netx.Limits{})
	broken := errors.New("broken")
	s.next <- broken
	if _, err := l.Accept(); !errors.Is(err, broken) {
		t.Errorf("Accept = %v, want %v", err, broken)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("second Close = %v, want closed", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close = %v, want closed", err)
	}
}

// addrConn is a pipe's end that says it has another address.
type addrConn struct {
	net.Conn
	addr net.Addr
}

func (c addrConn) RemoteAddr() net.Addr { return c.addr }

type textAddr string

func (textAddr) Network() string  { return "sim" }
func (a textAddr) String() string { return string(a) }

func TestListenerKnowsTheAddressesOfEveryKindOfConnection(t *testing.T) {
	t.Parallel()
	v4 := netip.MustParseAddr("192.0.2.7")
	for _, c := range []struct {
		addr net.Addr
		want netip.Addr
	}{
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}, v4},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8::7"), Port: 1}, netip.MustParseAddr("2001:db8::7")},
		{&net.UDPAddr{IP: net.IPv4(192, 0, 2, 7), Port: 1}, v4},
		{&net.UnixAddr{Name: "@", Net: "unix"}, netip.Addr{}},
		{textAddr("192.0.2.7:99"), v4},
		{textAddr("[::ffff:192.0.2.7]:99"), v4},
		{textAddr("pipe"), netip.Addr{}},
		{nil, netip.Addr{}},
	} {
		s := newScripted()
		var got netip.Addr
		l := netx.LimitListener(s, netx.Limits{Admit: func(a netip.Addr) (func(), bool) {
			got = a
			return func() {}, true
		}})
		near, far := net.Pipe()
		s.next <- addrConn{near, c.addr}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		accepted.Close()
		far.Close()
		l.Close()
		if got != c.want {
			t.Errorf("address of %v is %v, want %v", c.addr, got, c.want)
		}
	}
}

func TestListenerServesManyAtOnceWithinItsTotal(t *testing.T) {
	t.Parallel()
	const most = 5
	l := netx.LimitListener(loopback(t), netx.Limits{Total: most})
	var open, highest atomic.Int64
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				highest.Store(max(highest.Load(), open.Add(1)))
				io.Copy(c, c)
				open.Add(-1)
				c.Close()
			})
		}
	})
	var clients sync.WaitGroup
	for range 20 {
		clients.Go(func() {
			for range 20 {
				c, err := net.Dial("tcp", l.Addr().String())
				if err != nil {
					t.Error(err)
					return
				}
				c.Write([]byte("x"))
				c.Read(make([]byte, 1))
				c.Close()
			}
		})
	}
	clients.Wait()
	l.Close()
	serving.Wait()
	s := l.Stats()
	if highest.Load() > most || s.Open != 0 || s.Accepted+s.RefusedTotal != 400 {
		t.Errorf("highest %d, %+v; want at most %d at once, none open, 400 in all", highest.Load(), s, most)
	}
}
