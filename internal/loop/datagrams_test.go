package loop_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"testing"
	"time"

	"trunkline/internal/loop"
)

func listenUDP(t *testing.T) *net.UDPConn {
	t.Helper()
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// source is a socket whose datagrams come from a function.
type source struct {
	read func(b []byte) (int, netip.AddrPort, error)

	once  sync.Once
	woken chan struct{}
}

func newSource(read func(b []byte) (int, netip.AddrPort, error)) *source {
	return &source{read: read, woken: make(chan struct{})}
}

func (s *source) ReadFromUDPAddrPort(b []byte) (int, netip.AddrPort, error) {
	select {
	case <-s.woken:
		return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
	default:
		return s.read(b)
	}
}

func (s *source) SetReadDeadline(at time.Time) error {
	if !at.IsZero() {
		s.once.Do(func() { close(s.woken) })
	}
	return nil
}

func (s *source) WriteToUDPAddrPort(b []byte, _ netip.AddrPort) (int, error) { return len(b), nil }
func (s *source) LocalAddr() net.Addr                                        { return &net.UDPAddr{} }
func (s *source) Close() error                                               { return nil }

// wait blocks as a socket does on which nothing comes.
func (s *source) wait() (int, netip.AddrPort, error) {
	<-s.woken
	return 0, netip.AddrPort{}, os.ErrDeadlineExceeded
}

func TestDatagramsOfARealSocketReachTheMachine(t *testing.T) {
	t.Parallel()
	here, there := listenUDP(t), listenUDP(t)
	m := &echo{reply: here.WriteToUDPAddrPort}
	l := loop.New()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- loop.Datagrams(ctx, l, here, m, nil) }()

	to := here.LocalAddr().(*net.UDPAddr).AddrPort()
	for _, text := range []string{"one", "", string(make([]byte, 60_000))} {
		if _, err := there.WriteToUDPAddrPort([]byte(text), to); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 65535)
		there.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, _, err := there.ReadFromUDPAddrPort(buf)
		if err != nil || string(buf[:n]) != text {
			t.Fatalf("echo of %d bytes: %d bytes, %v", len(text), n, err)
		}
	}
	l.Do(ctx, func(time.Time) {
		if want := there.LocalAddr().(*net.UDPAddr).AddrPort(); m.from != want {
			t.Errorf("machine saw %v, want %v", m.from, want)
		}
	})
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Datagrams: %v, want %v", err, context.Canceled)
	}
	if _, err := there.WriteToUDPAddrPort([]byte("still open"), to); err != nil {
		t.Fatal(err)
	}
	n, _, err := here.ReadFromUDPAddrPort(make([]byte, 100))
	if err != nil || n == 0 {
		t.Errorf("reading the socket after the loop: %d bytes, %v; want it left open, without a deadline", n, err)
	}
}

func TestOpenSeesDatagramsBeforeTheMachine(t *testing.T) {
	t.Parallel()
	here, there := listenUDP(t), listenUDP(t)
	m := &echo{reply: here.WriteToUDPAddrPort}
	open := func(_ netip.AddrPort, b []byte) []byte {
		plain, ok := bytes.CutPrefix(b, []byte("sealed:"))
		if !ok {
			return nil
		}
		return plain
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- loop.Datagrams(ctx, loop.New(), here, m, open) }()
	to := here.LocalAddr().(*net.UDPAddr).AddrPort()
	for _, text := range []string{"forged", "sealed:hello"} {
		if _, err := there.WriteToUDPAddrPort([]byte(text), to); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 100)
	there.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, _, err := there.ReadFromUDPAddrPort(buf)
	if err != nil || string(buf[:n]) != "hello" {
		t.Errorf("first answer %q, %v; want hello", buf[:n], err)
	}
	cancel()
	<-ended
	if m.received != 1 {
		t.Errorf("machine received %d datagrams, want 1", m.received)
	}
}

func TestMappedAddressesComeAsIPv4(t *testing.T) {
	t.Parallel()
	sent := false
	var conn *source
	conn = newSource(func(b []byte) (int, netip.AddrPort, error) {
		if sent {
			return conn.wait()
		}
		sent = true
		return copy(b, "hi"), netip.MustParseAddrPort("[::ffff:198.51.100.7]:33445"), nil
	})
	m := &echo{}
	ctx, cancel := context.WithCancel(t.Context())
	m.reply = func([]byte, netip.AddrPort) (int, error) { cancel(); return 0, nil }
	loop.Datagrams(ctx, loop.New(), conn, m, nil)
	if want := netip.MustParseAddrPort("198.51.100.7:33445"); m.from != want {
		t.Errorf("from %v, want %v", m.from, want)
	}
}

func TestClosedSocketEndsTheLoop(t *testing.T) {
	t.Parallel()
	conn := listenUDP(t)
	conn.Close()
	if err := loop.Datagrams(t.Context(), loop.New(), conn, &echo{}, nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Datagrams: %v, want %v", err, net.ErrClosed)
	}
}

func TestSingleReadErrorsArePassedOver(t *testing.T) {
	t.Parallel()
	reads := 0
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	conn := newSource(func(b []byte) (int, netip.AddrPort, error) {
		if reads++; reads%2 == 1 {
			return 0, netip.AddrPort{}, io.ErrUnexpectedEOF
		}
		return copy(b, "hi"), netip.AddrPort{}, nil
	})
	m := &echo{}
	m.reply = func([]byte, netip.AddrPort) (int, error) {
		if m.received == 500 {
			cancel()
		}
		return 0, nil
	}
	if err := loop.Datagrams(ctx, loop.New(), conn, m, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("Datagrams: %v after %d datagrams, want it to go on", err, m.received)
	}
}

func TestSocketThatOnlyFailsEndsTheLoop(t *testing.T) {
	t.Parallel()
	reads := 0
	conn := newSource(func([]byte) (int, netip.AddrPort, error) {
		reads++
		return 0, netip.AddrPort{}, io.ErrUnexpectedEOF
	})
	err := loop.Datagrams(t.Context(), loop.New(), conn, &echo{}, nil)
	if !errors.Is(err, io.ErrUnexpectedEOF) || reads > 1000 {
		t.Errorf("Datagrams: %v after %d reads; want the socket's error, soon", err, reads)
	}
}

func TestSlowMachineHoldsTheReaderBack(t *testing.T) {
	t.Parallel()
	reads := 0
	full := make(chan struct{})
	conn := newSource(func(b []byte) (int, netip.AddrPort, error) {
		if reads++; reads == 100 {
			close(full)
		}
		return copy(b, "hi"), netip.AddrPort{}, nil
	})
	m := &echo{}
	ctx, cancel := context.WithCancel(t.Context())
	m.reply = func([]byte, netip.AddrPort) (int, error) {
		<-full // stuck until the reader has run ahead
		cancel()
		<-ctx.Done()
		return 0, nil
	}
	loop.Datagrams(ctx, loop.New(), conn, m, nil)
	if reads > 1000 {
		t.Errorf("the reader ran %d datagrams ahead", reads)
	}
}

// TestDatagramAllocatesNothing is not parallel: it counts all allocations.
func TestDatagramAllocatesNothing(t *testing.T) {
	next, received := make(chan struct{}), make(chan struct{})
	var conn *source
	conn = newSource(func(b []byte) (int, netip.AddrPort, error) {
		select {
		case <-next:
			return len(b[:1200]), netip.AddrPort{}, nil
		case <-conn.woken:
			return conn.wait()
		}
	})
	m := &echo{reply: func([]byte, netip.AddrPort) (int, error) { received <- struct{}{}; return 0, nil }}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- loop.Datagrams(ctx, loop.New(), conn, m, nil) }()
	pass := func() { next <- struct{}{}; <-received }
	for range 300 { // every packet of the pool has grown
		pass()
	}
	if n := testing.AllocsPerRun(1000, pass); n > 0 {
		t.Errorf("%v allocations for a datagram, want 0", n)
	}
	cancel()
	<-ended
}

func BenchmarkDatagrams(b *testing.B) {
	b.ReportAllocs()
	conn := newSource(func(b []byte) (int, netip.AddrPort, error) { return len(b[:1200]), netip.AddrPort{}, nil })
	ctx, cancel := context.WithCancel(b.Context())
	defer cancel()
	m := &echo{clockwork: clockwork{due: time.Now().Add(time.Hour)}}
	m.reply = func([]byte, netip.AddrPort) (int, error) {
		if m.received == b.N {
			cancel()
		}
		return 0, nil
	}
	b.SetBytes(1200)
	loop.Datagrams(ctx, loop.New(), conn, m, nil)
}

func BenchmarkDatagramsLoopback(b *testing.B) {
	b.ReportAllocs()
	here, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer here.Close()
	there, err := net.DialUDP("udp", nil, here.LocalAddr().(*net.UDPAddr))
	if err != nil {
		b.Fatal(err)
	}
	defer there.Close()
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	m := &echo{reply: here.WriteToUDPAddrPort}
	go func() { ended <- loop.Datagrams(ctx, loop.New(), here, m, nil) }()
	buf := make([]byte, 1200)
	for b.Loop() {
		if _, err := there.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := there.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
	cancel()
	<-ended
}
