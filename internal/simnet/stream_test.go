package simnet_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trunkline/internal/simnet"
)

// end is the handler of a stream that keeps what it is told.
type end struct {
	connected int
	got       []byte
	pieces    int
	closed    []error
	drained   int

	onConnected func()
	onReceive   func(b []byte)
	onClosed    func(err error)
	onDrained   func()
}

func (e *end) Connected(time.Time) {
	e.connected++
	if e.onConnected != nil {
		e.onConnected()
	}
}

func (e *end) Receive(_ time.Time, b []byte) {
	e.got = append(e.got, b...)
	e.pieces++
	if e.onReceive != nil {
		e.onReceive(b)
	}
}

func (e *end) Closed(_ time.Time, err error) {
	e.closed = append(e.closed, err)
	if e.onClosed != nil {
		e.onClosed(err)
	}
}

func (e *end) Drained(time.Time) {
	e.drained++
	if e.onDrained != nil {
		e.onDrained()
	}
}

// streams is a network with a listener, whose ends are kept in the order of
// their coming.
type streams struct {
	w              *simnet.World
	client, server *simnet.Host
	door           *simnet.Listener
	accepted       []*simnet.Stream
	ends           []*end
}

func newStreams(t testing.TB, c simnet.Config) *streams {
	t.Helper()
	w := simnet.NewWorld(c)
	return listenOn(t, w, w.Host("client"), w.Host("server"))
}

func listenOn(t testing.TB, w *simnet.World, client, server *simnet.Host) *streams {
	t.Helper()
	n := &streams{w: w, client: client, server: server}
	var err error
	n.door, err = w.Listen(server, 443, func(_ time.Time, s *simnet.Stream) simnet.Handler {
		n.accepted = append(n.accepted, s)
		n.ends = append(n.ends, &end{})
		return n.ends[len(n.ends)-1]
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// dial connects and returns both ends.
func (n *streams) dial(t testing.TB) (s *simnet.Stream, here *end, peer *simnet.Stream, there *end) {
	t.Helper()
	here = &end{}
	count := len(n.accepted)
	s = n.w.Dial(n.client, n.door.Addr(), here)
	for i := 0; len(n.accepted) == count || here.connected == 0; i++ {
		if i == 1000 {
			t.Fatal("no connection")
		}
		wait(n.w, 100*time.Millisecond)
	}
	return s, here, n.accepted[count], n.ends[count]
}

func (e *end) wantClosed(t testing.TB, who string, want ...error) {
	t.Helper()
	if !slices.Equal(e.closed, want) {
		t.Errorf("%s was closed with %v, want %v", who, e.closed, want)
	}
}

// bad is a line with everything that a line can do.
func bad(loss float64) simnet.Link {
	return simnet.Link{Delay: 30 * time.Millisecond, Jitter: 20 * time.Millisecond, Loss: loss, Duplicate: 0.1, Reorder: 0.2}
}

func TestStreamArrivesWholeAndInOrderWhateverTheLine(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := simnet.Config{
			Seed:   rapid.Uint64().Draw(rt, "seed"),
			Path:   bad(rapid.Float64Range(0, 0.3).Draw(rt, "loss")),
			Chop:   rapid.Bool().Draw(rt, "chop"),
			Buffer: rapid.IntRange(1, 5000).Draw(rt, "buffer"),
			GiveUp: 10 * time.Minute,
		}
		c.Path.MTU = rapid.SampledFrom([]int{0, 41, 576}).Draw(rt, "mtu")
		text := rapid.SliceOfN(rapid.Byte(), 1, 3000).Draw(rt, "text")
		n := newStreams(t, c)
		answer := bytes.ToUpper(text)
		client := &end{}
		s := n.w.Dial(n.client, n.door.Addr(), client)
		feed(s, client, text)
		for range 3600 {
			wait(n.w, time.Second)
			if len(n.ends) == 1 && len(n.ends[0].closed) == 1 && len(answer) > 0 {
				feed(n.accepted[0], n.ends[0], answer)
				answer = nil
			}
			if len(client.closed) > 0 {
				break
			}
		}
		if !bytes.Equal(n.ends[0].got, text) || !bytes.Equal(client.got, bytes.ToUpper(text)) {
			rt.Fatalf("sent %d bytes, %d arrived, %d came back", len(text), len(n.ends[0].got), len(client.got))
		}
		if client.closed[0] != io.EOF || n.ends[0].closed[0] != io.EOF {
			rt.Errorf("closed with %v and %v, want EOF", client.closed, n.ends[0].closed)
		}
	})
}

// feed writes all of text as there is room, then ends the stream.
func feed(s *simnet.Stream, e *end, text []byte) {
	e.onDrained = func() {
		n, _ := s.Write(text)
		if text = text[n:]; len(text) == 0 {
			s.CloseWrite()
			e.onDrained = nil
		}
	}
	e.onDrained()
}

func TestLossDelaysAStream(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{Path: simnet.Link{Delay: 10 * time.Millisecond}})
	s, _, _, there := n.dial(t)
	n.client.CutUp()
	s.Write([]byte("hello"))
	wait(n.w, 3*time.Second)
	n.client.Heal()
	if len(there.got) != 0 {
		t.Fatal("data passed a cut line")
	}
	wait(n.w, 10*time.Second)
	if string(there.got) != "hello" {
		t.Errorf("got %q after the line was mended", there.got)
	}
}

func TestWritesAreChoppedAndJoined(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{Chop: true, Seed: 5})
	s, _, _, there := n.dial(t)
	sizes := make(map[int]bool)
	n.ends[0].onReceive = func(b []byte) { sizes[len(b)] = true }
	for range 200 {
		s.Write(make([]byte, 100))
		wait(n.w, 500*time.Microsecond)
	}
	wait(n.w, time.Second)
	less, more := 0, 0
	for size := range sizes {
		if size < 100 {
			less++
		}
		if size > 100 {
			more++
		}
	}
	if less < 10 || more < 10 || len(there.got) != 20_000 {
		t.Errorf("%d sizes below what was written, %d above, %d bytes", less, more, len(there.got))
	}
}

func TestSegmentsFitTheSmallestLineOfBothEnds(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{Path: simnet.Link{MTU: 1400}})
	n.server.SetLine(simnet.Link{}, simnet.Link{MTU: 600})
	s, here, peer, there := n.dial(t)
	for _, e := range []*end{here, there} {
		e.onReceive = func(b []byte) {
			if len(b) > 560 {
				t.Errorf("a piece of %d bytes over lines of 600", len(b))
			}
		}
	}
	s.Write(make([]byte, 10_000))
	peer.Write(make([]byte, 10_000))
	wait(n.w, time.Second)
	if len(there.got) != 10_000 || len(here.got) != 10_000 || n.w.Count(simnet.TooBig) != 0 {
		t.Errorf("%d and %d bytes came, %d packets too big", len(there.got), len(here.got), n.w.Count(simnet.TooBig))
	}
}

func TestCloseSendsWhatWasWritten(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{Path: bad(0.2), Seed: 1})
	s, here, peer, there := n.dial(t)
	s.Write(make([]byte, 20_000))
	s.Close()
	if _, err := s.Write([]byte("more")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after Close: %v, want %v", err, net.ErrClosed)
	}
	wait(n.w, time.Minute)
	peer.Close()
	wait(n.w, 5*time.Minute)
	if len(there.got) != 20_000 {
		t.Errorf("%d bytes came, want 20000", len(there.got))
	}
	there.wantClosed(t, "the peer", io.EOF)
	here.wantClosed(t, "the closer")
	if n.w.Step() {
		t.Error("something is still going on")
	}
}

func TestHalfClosedStreamStillReads(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{})
	s, here, peer, there := n.dial(t)
	s.Write([]byte("question"))
	s.CloseWrite()
	wait(n.w, time.Second)
	there.wantClosed(t, "the server", io.EOF)
	if _, err := s.Write([]byte("more")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Write after CloseWrite: %v, want %v", err, syscall.EPIPE)
	}
	peer.Write([]byte("answer"))
	peer.Close()
	wait(n.w, time.Second)
	if string(there.got) != "question" || string(here.got) != "answer" {
		t.Errorf("server got %q, client %q", there.got, here.got)
	}
	here.wantClosed(t, "the client", io.EOF)
}

func TestClosingWithSomethingUnreadResets(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{})
	s, here, peer, there := n.dial(t)
	peer.Pause()
	s.Write([]byte("nobody reads this"))
	wait(n.w, time.Second)
	peer.Close()
	wait(n.w, time.Second)
	here.wantClosed(t, "the writer", syscall.ECONNRESET)
	if _, err := s.Write([]byte("more")); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Write: %v, want %v", err, syscall.ECONNRESET)
	}

	s, here, peer, _ = n.dial(t)
	peer.Close()
	wait(n.w, time.Second)
	here.wantClosed(t, "the client", io.EOF)
	s.Write([]byte("too late"))
	wait(n.w, time.Second)
	if _, err := s.Write([]byte("more")); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Write to a closed peer: %v, want %v", err, syscall.ECONNRESET)
	}
	there.wantClosed(t, "the closer")
}

func TestDialingNobodyIsRefused(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{Path: simnet.Link{Delay: 10 * time.Millisecond}})
	e := &end{}
	s := n.w.Dial(n.client, addrPortFrom(n.server.Addr(), 80), e)
	wait(n.w, 20*time.Millisecond)
	e.wantClosed(t, "the dialer", syscall.ECONNREFUSED)
	if _, err := s.Write(nil); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Write: %v", err)
	}
	n.door.Close()
	e = &end{}
	n.w.Dial(n.client, n.door.Addr(), e)
	wait(n.w, time.Second)
	e.wantClosed(t, "the dialer of a closed listener", syscall.ECONNREFUSED)
}

func TestListenerMayTurnAConnectionAway(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{})
	door, err := n.w.Listen(n.server, 0, func(time.Time, *simnet.Stream) simnet.Handler { return nil })
	if err != nil {
		t.Fatal(err)
	}
	e := &end{}
	n.w.Dial(n.client, door.Addr(), e)
	wait(n.w, time.Second)
	e.wantClosed(t, "the dialer", syscall.ECONNRESET)
}

func TestDialingASilentHostTimesOut(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{GiveUp: 30 * time.Second})
	n.server.CutUp()
	e := &end{}
	n.w.Dial(n.client, n.door.Addr(), e)
	wait(n.w, 29*time.Second)
	e.wantClosed(t, "the dialer, early")
	wait(n.w, 2*time.Second)
	e.wantClosed(t, "the dialer", syscall.ETIMEDOUT)
	if len(n.accepted) != 0 {
		t.Error("the listener accepted a handshake that never ended")
	}
}

func TestDialWithoutAWayFails(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	h := w.Host("a", w.NAT("home", simnet.FullCone()))
	e := &end{}
	w.Dial(h, netip.MustParseAddrPort("[2001:db8::1]:443"), e)
	wait(w, time.Second)
	e.wantClosed(t, "the dialer without IPv6", syscall.ENETUNREACH)
	h.Crash()
	e = &end{}
	w.Dial(h, netip.MustParseAddrPort("198.51.100.1:443"), e)
	wait(w, time.Second)
	e.wantClosed(t, "the dialer of a crashed host", simnet.ErrHostDown)
}

func TestListenerKeepsFewUnfinishedHandshakes(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{GiveUp: time.Minute})
	n.server.CutUp()
	for range 500 {
		n.w.Dial(n.client, n.door.Addr(), &end{})
	}
	wait(n.w, 500*time.Millisecond)
	if got := n.w.Count(simnet.Overflow); got != 500-128 {
		t.Errorf("%d handshakes dropped, want all but 128 of 500", got)
	}
	wait(n.w, 2*time.Minute)
	n.server.Heal()
	n.dial(t)
}

func TestOneDeadDirectionMakesBothEndsGiveUp(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{GiveUp: time.Minute})
	s, here, peer, there := n.dial(t)
	n.server.CutUp()
	s.Write([]byte("heard"))
	peer.Write([]byte("not heard"))
	wait(n.w, 59*time.Second)
	if string(there.got) != "heard" || len(here.got) != 0 {
		t.Errorf("server got %q, client %q", there.got, here.got)
	}
	here.wantClosed(t, "the client, early")
	wait(n.w, 3*time.Minute)
	here.wantClosed(t, "the client", syscall.ETIMEDOUT)
	there.wantClosed(t, "the server", syscall.ETIMEDOUT)
}

func TestCrashedPeerIsSilentUntilItRestarts(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{})
	s, here, _, there := n.dial(t)
	n.server.Crash()
	wait(n.w, 24*time.Hour)
	here.wantClosed(t, "an idle client of a crashed server")
	s.Write([]byte("anybody there?"))
	wait(n.w, 10*time.Second)
	here.wantClosed(t, "the client while the server is down")
	n.server.Restart()
	wait(n.w, time.Minute)
	here.wantClosed(t, "the client after the restart", syscall.ECONNRESET)
	there.wantClosed(t, "the crashed server")
}

func TestSlowReaderHoldsTheWriterBack(t *testing.T) {
	t.Parallel()
	const buffer = 10_000
	n := newStreams(t, simnet.Config{Buffer: buffer, Path: bad(0.05), GiveUp: time.Minute})
	s, here, peer, there := n.dial(t)
	peer.Pause()
	total := 0
	for range 100 {
		taken, err := s.Write(make([]byte, 1000))
		if err != nil {
			t.Fatal(err)
		}
		total += taken
		wait(n.w, 10*time.Second) // far more than GiveUp in all
	}
	if total < 2*buffer-1 || total > 2*buffer+1 {
		t.Errorf("%d bytes taken, want about the two buffers of %d", total, buffer)
	}
	if len(there.got) != 0 || here.drained != 0 {
		t.Errorf("%d bytes received while paused, writer told %d times", len(there.got), here.drained)
	}
	here.onDrained = func() { total += first(s.Write(make([]byte, 1000))) }
	peer.Resume()
	wait(n.w, 5*time.Minute)
	if len(there.got) != total || here.drained == 0 {
		t.Errorf("%d of %d bytes received after Resume, writer told %d times", len(there.got), total, here.drained)
	}
}

func first(n int, _ error) int { return n }

func TestPausedEndIsToldOfTheEndAfterTheData(t *testing.T) {
	t.Parallel()
	n := newStreams(t, simnet.Config{})
	s, _, peer, there := n.dial(t)
	peer.Pause()
	s.Write([]byte("data"))
	s.Close()
	wait(n.w, time.Second)
	there.wantClosed(t, "the paused reader")
	peer.Resume()
	if string(there.got) != "data" {
		t.Errorf("got %q", there.got)
	}
	there.wantClosed(t, "the resumed reader", io.EOF)
}

func TestNATLetsOnlyAnswersIn(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	home := w.NAT("home", simnet.PortRestricted())
	inside, outside := w.Host("inside", home), w.Host("outside")
	n := listenOn(t, w, inside, outside)
	s, here, peer, _ := n.dial(t)
	peer.Write([]byte("welcome"))
	wait(w, time.Second)
	if string(here.got) != "welcome" || peer.RemoteAddr().Addr() != home.Addr() || s.LocalAddr().Addr() != inside.Addr() {
		t.Errorf("got %q; the server sees %v", here.got, peer.RemoteAddr())
	}
	back := listenOn(t, w, outside, inside)
	e := &end{}
	w.Dial(outside, addrPortFrom(home.Addr(), back.door.Addr().Port()), e)
	wait(w, 10*time.Minute)
	if e.wantClosed(t, "a dialer from outside", syscall.ETIMEDOUT); len(back.accepted) != 0 {
		t.Error("a connection came in unasked")
	}
}

func TestForgottenMappingMakesAHalfOpenConnection(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{GiveUp: time.Minute})
	kind := simnet.Symmetric()
	kind.StreamLifetime = 5 * time.Minute
	n := listenOn(t, w, w.Host("inside", w.NAT("home", kind)), w.Host("outside"))
	s, here, peer, there := n.dial(t)
	for range 3 { // traffic in either direction keeps it
		wait(w, 4*time.Minute)
		s.Write([]byte("x"))
		wait(w, 4*time.Minute)
		peer.Write([]byte("y"))
	}
	wait(w, time.Second)
	if string(here.got) != "yyy" || string(there.got) != "xxx" {
		t.Fatalf("got %q and %q", here.got, there.got)
	}
	wait(w, 6*time.Minute)
	peer.Write([]byte("are you there?"))
	wait(w, 2*time.Minute)
	there.wantClosed(t, "the outside end", syscall.ETIMEDOUT)
	here.wantClosed(t, "the inside end, which knows nothing")
	s.Write([]byte("hello?")) // from a new outside port, to a server that knows it not
	wait(w, time.Minute)
	here.wantClosed(t, "the inside end", syscall.ECONNRESET)
}

func TestPortUsedAgainReplacesADeadConnection(t *testing.T) {
	t.Parallel()
	w := simnet.NewWorld(simnet.Config{})
	home := w.NAT("home", simnet.Kind{LowPort: 5000, HighPort: 5000})
	first := w.Host("first", home)
	n := listenOn(t, w, first, w.Host("server"))
	_, _, _, old := n.dial(t)
	first.Crash()
	home.Flush()
	n.client = w.Host("second", home)
	s, _, _, young := n.dial(t)
	s.Write([]byte("new"))
	wait(w, time.Second)
	old.wantClosed(t, "the old connection", syscall.ECONNRESET)
	if string(young.got) != "new" || len(old.got) != 0 {
		t.Errorf("the new connection got %q, the old %q", young.got, old.got)
	}
}
