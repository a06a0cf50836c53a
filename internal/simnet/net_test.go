package simnet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/internal/loop"
	"trunkline/internal/simnet"
)

var (
	_ loop.PacketConn = (*simnet.PacketConn)(nil)
	_ net.Conn        = (*simnet.Conn)(nil)
)

// conns connects a client to a server and returns both ends.
func conns(t *testing.T, n *simnet.Net) (client, server *simnet.Node, here, there *simnet.Conn) {
	t.Helper()
	client, server = n.Host("client"), n.Host("server")
	l, err := server.Listen(443)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Dial(t.Context(), "tcp", "server:443")
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return client, server, c.(*simnet.Conn), s.(*simnet.Conn)
}

func TestConnectionTakesTheTimeOfTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		n := simnet.New(simnet.Config{Path: simnet.Link{Delay: time.Second}})
		_, server, here, there := conns(t, n)
		if took := time.Since(begin); took != 3*time.Second { // the server accepts after 3 packets
			t.Errorf("connecting took %v", took)
		}
		if got, want := here.RemoteAddr().String(), server.Addr().String()+":443"; got != want || there.LocalAddr().String() != want {
			t.Errorf("connected to %v, want %v", got, want)
		}
		if here.LocalAddr().String() != there.RemoteAddr().String() {
			t.Errorf("client is %v, seen as %v", here.LocalAddr(), there.RemoteAddr())
		}
		begin = time.Now()
		fmt.Fprint(here, "hello")
		b := make([]byte, 100)
		if k, err := there.Read(b); err != nil || string(b[:k]) != "hello" || time.Since(begin) != time.Second {
			t.Errorf("read %q, %v after %v", b[:k], err, time.Since(begin))
		}
		here.Close()
		there.Close()
	})
}

func TestServerAndClientsTalkOverABadNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Config{Seed: 1, Path: bad(0.05), Chop: true})
		l, err := n.Host("server").Listen(7)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { // an echo server
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				wg.Go(func() {
					defer c.Close()
					io.Copy(c, c)
				})
			}
		})
		var clients sync.WaitGroup
		for i := range 20 {
			h := n.Host(fmt.Sprint("client", i), n.NAT("home", simnet.Symmetric()))
			clients.Go(func() { echoOver(t, h, bytes.Repeat([]byte{byte(i)}, 100_000)) })
		}
		clients.Wait()
		l.Close()
		wg.Wait()
		if n.Count(simnet.Lost) == 0 || n.Count(simnet.Repeated) == 0 {
			t.Error("the network was not bad")
		}
	})
}

func echoOver(t *testing.T, h *simnet.Node, text []byte) {
	c, err := h.Dial(t.Context(), "tcp", "server:7")
	if err != nil {
		t.Error(err)
		return
	}
	defer c.Close()
	var wg sync.WaitGroup
	wg.Go(func() {
		c.Write(text)
		c.(*simnet.Conn).CloseWrite()
	})
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, text) {
		t.Errorf("%s: %d of %d bytes came back, %v", h.Name(), len(got), len(text), err)
	}
	wg.Wait()
}

func TestReadAfterThePeersCloseGivesTheDataThenEOF(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, here, there := conns(t, simnet.New(simnet.Config{}))
		fmt.Fprint(here, "last words")
		here.Close()
		synctest.Wait()
		b := make([]byte, 4)
		var got []byte
		for {
			k, err := there.Read(b)
			got = append(got, b[:k]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if string(got) != "last words" {
			t.Errorf("got %q", got)
		}
		there.Close()
	})
}

func TestUnreadBytesHoldTheWriterBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, here, there := conns(t, simnet.New(simnet.Config{Buffer: 10_000}))
		here.SetWriteDeadline(time.Now().Add(time.Hour))
		k, err := here.Write(make([]byte, 50_000))
		if !errors.Is(err, os.ErrDeadlineExceeded) || k < 19_999 || k > 20_001 {
			t.Errorf("wrote %d bytes, %v; want about 20000 and a deadline", k, err)
		}
		here.SetWriteDeadline(time.Time{})
		done := make(chan error, 1)
		go func() {
			_, err := here.Write(make([]byte, 50_000-k))
			here.Close()
			done <- err
		}()
		got, err := io.ReadAll(there)
		if len(got) != 50_000 || err != nil {
			t.Errorf("read %d bytes, %v", len(got), err)
		}
		if err := <-done; err != nil {
			t.Errorf("the blocked write: %v", err)
		}
		there.Close()
	})
}

func TestDeadlinesEndReadsAndWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, here, there := conns(t, simnet.New(simnet.Config{}))
		defer there.Close()
		defer here.Close()
		begin := time.Now()
		wantTimeout := func(what string, after time.Duration, err error) {
			t.Helper()
			var ne net.Error
			if !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &ne) || !ne.Timeout() {
				t.Errorf("%s: %v, want a timeout", what, err)
			}
			if took := time.Since(begin); took != after {
				t.Errorf("%s: after %v, want %v", what, took, after)
			}
		}
		b := make([]byte, 10)
		here.SetDeadline(begin.Add(time.Minute))
		_, err := here.Read(b)
		wantTimeout("read", time.Minute, err)
		_, err = here.Write(b)
		wantTimeout("write", time.Minute, err)
		here.SetReadDeadline(begin)
		_, err = here.Read(b)
		wantTimeout("read with a past deadline", time.Minute, err)

		here.SetDeadline(time.Time{})
		time.AfterFunc(time.Minute, func() { here.SetReadDeadline(time.Now()) })
		_, err = here.Read(b)
		wantTimeout("read while the deadline comes nearer", 2*time.Minute, err)

		here.SetReadDeadline(time.Now().Add(time.Second))
		time.AfterFunc(500*time.Millisecond, func() { here.SetReadDeadline(time.Now().Add(time.Minute)) })
		time.AfterFunc(10*time.Second, func() { there.Write([]byte("late")) })
		if k, err := here.Read(b); string(b[:k]) != "late" {
			t.Errorf("read while the deadline moves away: %q, %v", b[:k], err)
		}
	})
}

func TestCloseEndsWhatWaitsAtThisEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Config{Buffer: 100})
		_, _, here, there := conns(t, n)
		errs := make(chan error, 3)
		go func() { _, err := here.Read(make([]byte, 1)); errs <- err }()
		go func() { _, err := here.Read(make([]byte, 1)); errs <- err }()
		go func() { _, err := here.Write(make([]byte, 1000)); errs <- err }()
		synctest.Wait()
		here.Close()
		for range 3 {
			if err := <-errs; !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v, want %v", err, net.ErrClosed)
			}
		}
		for what, err := range map[string]error{
			"Close":       here.Close(),
			"CloseWrite":  here.CloseWrite(),
			"SetDeadline": here.SetDeadline(time.Time{}),
		} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s after Close: %v, want %v", what, err, net.ErrClosed)
			}
		}
		there.Close()
	})
}

func TestResetReachesTheReaderAfterTheData(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, _, here, there := conns(t, simnet.New(simnet.Config{}))
		fmt.Fprint(there, "never read")
		fmt.Fprint(here, "an answer")
		synctest.Wait()
		here.Close() // with something unread
		synctest.Wait()
		b := make([]byte, 100)
		if k, err := there.Read(b); string(b[:k]) != "an answer" || err != nil {
			t.Errorf("read %q, %v", b[:k], err)
		}
		if _, err := there.Read(b); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("read: %v, want %v", err, syscall.ECONNRESET)
		}
		if _, err := there.Write(b); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("write: %v, want %v", err, syscall.ECONNRESET)
		}
		there.Close()
	})
}

func TestDialFailsWithTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Config{GiveUp: time.Minute})
		client, server := n.Host("client"), n.Host("server")
		dial := func(network, address string) error {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			c, err := client.Dial(ctx, network, address)
			if c != nil {
				t.Errorf("dialing %s %s: connected", network, address)
			}
			return err
		}
		var dns *net.DNSError
		if err := dial("tcp", "nobody:1"); !errors.As(err, &dns) || !dns.IsNotFound {
			t.Errorf("unknown name: %v", err)
		}
		for _, bad := range [][2]string{{"udp", "server:1"}, {"tcp", "server"}, {"tcp", "server:http"}, {"tcp", "server:65536"}} {
			if dial(bad[0], bad[1]) == nil {
				t.Errorf("dialing %v: no error", bad)
			}
		}
		if err := dial("tcp", "server:1"); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("nobody listens: %v", err)
		}
		server.Cut()
		if err := dial("tcp", "server:1"); !errors.Is(err, syscall.ETIMEDOUT) {
			t.Errorf("cut off: %v", err)
		}
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := client.Dial(ctx, "tcp", "server:1"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Second {
			t.Errorf("impatient: %v after %v", err, time.Since(begin))
		}
		client.Crash()
		if err := dial("tcp", "server:1"); !errors.Is(err, simnet.ErrHostDown) {
			t.Errorf("from a crashed host: %v", err)
		}
	})
}

func TestDialByIPv6(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Config{})
		client, server := n.Host("client"), n.Host("server")
		l, err := server.Listen(0)
		if err != nil {
			t.Fatal(err)
		}
		port := l.Addr().(*net.TCPAddr).Port
		c, err := client.Dial(t.Context(), "tcp6", fmt.Sprintf("server:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := c.RemoteAddr().String(), netip.AddrPortFrom(server.Addr6(), uint16(port)).String(); got != want {
			t.Errorf("connected to %s, want %s", got, want)
		}
		c.Close()
		c, err = client.Dial(t.Context(), "tcp", c.RemoteAddr().String()) // as an address, not a name
		if err != nil {
			t.Fatal(err)
		}
		if k, err := c.Read(nil); k != 0 || err != nil {
			t.Errorf("reading nothing: %d, %v", k, err)
		}
		c.Close()
		l.Close()
	})
}

func TestClosedListenerEndsAcceptAndResetsWhoWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Config{})
		client, server := n.Host("client"), n.Host("server")
		l, err := server.Listen(443)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := server.Listen(443); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("second Listen: %v, want %v", err, syscall.EADDRINUSE)
		}
		waiting, err := client.Dial(t.Context(), "tcp", "server:443")
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		l.Close()
		if _, err := waiting.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("a connection that nobody accepted: %v, want %v", err, syscall.ECONNRESET)
		}
		if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept: %v, want %v", err, net.ErrClosed)
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			t.Errorf("second Close: %v, want %v", err, net.ErrClosed)
		}
		waiting.Close()

		l, _ = server.Listen(443)
		accepted := make(chan error, 1)
		go func() { _, err := l.Accept(); accepted <- err }()
		synctest.Wait()
		server.Crash()
		if err := <-accepted; !errors.Is(err, net.ErrClosed) {
			t.Errorf("Accept on a crashed host: %v, want %v", err, net.ErrClosed)
		}
	})
}

func TestConnectionsThatNobodyAcceptsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Config{})
		client, server := n.Host("client"), n.Host("server")
		if _, err := server.Listen(443); err != nil {
			t.Fatal(err)
		}
		reset := 0
		for range 200 {
			c, err := client.Dial(t.Context(), "tcp", "server:443")
			if err == nil {
				c.SetReadDeadline(time.Now().Add(time.Second))
				_, err = c.Read(make([]byte, 1))
			}
			switch {
			case errors.Is(err, syscall.ECONNRESET):
				reset++
			case !errors.Is(err, os.ErrDeadlineExceeded):
				t.Fatal(err)
			}
		}
		if reset != 200-128 {
			t.Errorf("%d connections reset, want all but 128 of 200", reset)
		}
	})
}

func TestCrashIsSilentToThePeerAndEndsTheHostsPrograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Config{})
		_, server, here, there := conns(t, n)
		sock, err := server.ListenPacket(9)
		if err != nil {
			t.Fatal(err)
		}
		errs := make(chan error, 2)
		go func() { _, err := there.Read(make([]byte, 1)); errs <- err }()
		go func() { _, _, err := sock.ReadFromUDPAddrPort(make([]byte, 1)); errs <- err }()
		synctest.Wait()
		server.Crash()
		for range 2 {
			if err := <-errs; !errors.Is(err, simnet.ErrHostDown) {
				t.Errorf("on the crashed host: %v, want %v", err, simnet.ErrHostDown)
			}
		}
		here.SetReadDeadline(time.Now().Add(24 * time.Hour))
		if _, err := here.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the peer: %v, want it to know nothing for a day", err)
		}
		server.Restart()
		here.SetReadDeadline(time.Time{})
		fmt.Fprint(here, "hello?")
		if _, err := here.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("the peer after the restart: %v, want %v", err, syscall.ECONNRESET)
		}
		here.Close()
		there.Close()
	})
}

func TestPartitionOfANetStopsAndResumesAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Config{})
		client, _, here, there := conns(t, n)
		n.Partition(client)
		fmt.Fprint(here, "patience")
		time.AfterFunc(30*time.Second, n.Reunite)
		begin := time.Now()
		b := make([]byte, 100)
		k, err := there.Read(b)
		if took := time.Since(begin); string(b[:k]) != "patience" || took < 30*time.Second || took > time.Minute {
			t.Errorf("read %q, %v after %v", b[:k], err, took)
		}
		here.Close()
		there.Close()
	})
}

// echoBox answers each datagram and stops after silence.
type echoBox struct {
	reply func(b []byte, to netip.AddrPort) (int, error)
	due   time.Time
	woken int
}

func (e *echoBox) Deadline() time.Time { return e.due }
func (e *echoBox) Advance(time.Time)   { e.due, e.woken = time.Time{}, e.woken+1 }
func (e *echoBox) Receive(now time.Time, from netip.AddrPort, b []byte) {
	e.due = now.Add(time.Minute)
	e.reply(b, from)
}

func TestLoopRunsAMachineOnASocketOfANet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Config{Path: simnet.Link{Delay: 50 * time.Millisecond}})
		server, client := n.Host("server"), n.Host("client", n.NAT("home", simnet.PortRestricted()))
		here, err := server.ListenPacket(33445)
		if err != nil {
			t.Fatal(err)
		}
		there, err := client.ListenPacket(0)
		if err != nil {
			t.Fatal(err)
		}
		m := &echoBox{reply: here.WriteToUDPAddrPort}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- loop.Datagrams(ctx, loop.New(), here, m, nil) }()
		begin := time.Now()
		b := make([]byte, 100)
		for range 3 {
			there.WriteToUDPAddrPort([]byte("ping"), netip.AddrPortFrom(server.Addr(), 33445))
			k, from, err := there.ReadFromUDPAddrPort(b)
			if string(b[:k]) != "ping" || err != nil || from.String() != here.LocalAddr().String() {
				t.Errorf("read %q from %v, %v", b[:k], from, err)
			}
		}
		if took := time.Since(begin); took != 300*time.Millisecond {
			t.Errorf("three round trips took %v", took)
		}
		time.Sleep(2 * time.Minute)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) || m.woken != 1 {
			t.Errorf("Datagrams: %v, machine woken %d times", err, m.woken)
		}
	})
}

func TestSocketOfANetKeepsBoundedMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New(simnet.Config{})
		h := n.Host("a")
		c, err := h.ListenPacket(1)
		if err != nil {
			t.Fatal(err)
		}
		to := netip.AddrPortFrom(h.Addr(), 1)
		b := make([]byte, 8)
		next := 0
		for sent := 0; sent < 1000; { // the ring wraps and grows
			for range 7 {
				c.WriteToUDPAddrPort(fmt.Append(nil, sent), to)
				sent++
			}
			for range 5 {
				if k, _, err := c.ReadFromUDPAddrPort(b); err != nil || len(b[:k]) == 0 {
					t.Fatal(err)
				}
				next++
			}
			if n.Count(simnet.Overflow) > 0 {
				break
			}
			if k, _, _ := c.ReadFromUDPAddrPort(b); string(b[:k]) != fmt.Sprint(next) {
				t.Fatalf("read %q, want %d", b[:k], next)
			}
			next++
		}
		for range 300 {
			c.WriteToUDPAddrPort([]byte("flood"), to)
		}
		c.SetReadDeadline(time.Now().Add(time.Second))
		kept := 0
		for {
			if _, _, err := c.ReadFromUDPAddrPort(b); err != nil {
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Error(err)
				}
				break
			}
			kept++
		}
		if kept != 256 || n.Count(simnet.Overflow) == 0 {
			t.Errorf("%d datagrams kept, %d dropped; want 256 and the rest", kept, n.Count(simnet.Overflow))
		}
	})
}

func TestClosedSocketOfANet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := simnet.New(simnet.Config{}).Host("a")
		c, err := h.ListenPacket(0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.WriteToUDPAddrPort(make([]byte, 65508), netip.AddrPort{}); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("a datagram of 65508 bytes: %v, want %v", err, syscall.EMSGSIZE)
		}
		read := make(chan error, 1)
		go func() { _, _, err := c.ReadFromUDPAddrPort(nil); read <- err }()
		synctest.Wait()
		c.Close()
		_, werr := c.WriteToUDPAddrPort(nil, netip.AddrPort{})
		for what, err := range map[string]error{"read": <-read, "write": werr, "close": c.Close(), "deadline": c.SetReadDeadline(time.Time{})} {
			if !errors.Is(err, net.ErrClosed) {
				t.Errorf("%s: %v, want %v", what, err, net.ErrClosed)
			}
		}
		if _, err := h.ListenPacket(uint16(c.LocalAddr().(*net.UDPAddr).Port)); err != nil {
			t.Errorf("the port is not free again: %v", err)
		}
	})
}

// TestNetRunsOnTheRealClockToo: a Net outside of a bubble.
func TestNetRunsOnTheRealClockToo(t *testing.T) {
	t.Parallel()
	n := simnet.New(simnet.Config{Path: simnet.Link{Delay: time.Millisecond, Loss: 0.01}})
	_, _, here, there := conns(t, n)
	var wg sync.WaitGroup
	wg.Go(func() {
		defer here.Close()
		here.Write(make([]byte, 100_000))
	})
	if got, err := io.ReadAll(there); len(got) != 100_000 || err != nil {
		t.Errorf("read %d bytes, %v", len(got), err)
	}
	there.Close()
	wg.Wait()
}

func BenchmarkConn(b *testing.B) {
	b.ReportAllocs()
	n := simnet.New(simnet.Config{})
	client, server := n.Host("client"), n.Host("server")
	l, err := server.Listen(1)
	if err != nil {
		b.Fatal(err)
	}
	c, err := client.Dial(b.Context(), "tcp", "server:1")
	if err != nil {
		b.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		b.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() { io.Copy(io.Discard, s) })
	block := make([]byte, 16<<10)
	b.SetBytes(int64(len(block)))
	for b.Loop() {
		if _, err := c.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	c.Close()
	wg.Wait()
	s.Close()
	l.Close()
}
