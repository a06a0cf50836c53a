package main

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// free returns a free UDP address of the given loopback host.
func free(t *testing.T, host string) netip.AddrPort {
	t.Helper()
	conn, err := net.ListenPacket("udp4", host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort()
}

// start runs f until the test ends.
func start(t *testing.T, f func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
}

func TestHostWithoutNATIsOpen(t *testing.T) {
	t.Parallel()
	far := places{free(t, "127.0.0.1"), free(t, "127.0.0.1"), free(t, "127.0.0.2")}
	start(t, func(ctx context.Context) error { return serve(ctx, far) })
	got, err := ask(t.Context(), far, 100*time.Millisecond)
	if want := "mapping=same filtering=open\n"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// A nat answers as the far side would if a NAT stood in between.
type nat struct {
	perPeer bool     // the answers of the places differ
	answers []string // what gets through: "address", "port"
}

func (n nat) serve(ctx context.Context, at places) error {
	var wg sync.WaitGroup
	for i, place := range []netip.AddrPort{at.same, at.otherPort, at.otherAddress} {
		s, err := open(ctx, place)
		if err != nil {
			return err
		}
		outside := "you 198.51.100.11:40000"
		if n.perPeer {
			outside += strings.Repeat("1", i)
		}
		wg.Go(func() {
			for {
				line, from, ok := s.next()
				if !ok {
					return
				}
				if line == "me" {
					s.tell(from, outside)
				}
				for _, a := range n.answers {
					if line == "from "+a {
						s.tell(from, a)
					}
				}
			}
		})
	}
	wg.Wait()
	return nil
}

func TestKindsOfNATAreTold(t *testing.T) {
	for want, n := range map[string]nat{
		"mapping=same filtering=open\n":                 {answers: []string{"address", "port"}},
		"mapping=same filtering=address\n":              {answers: []string{"port"}},
		"mapping=same filtering=address-and-port\n":     {},
		"mapping=per-peer filtering=address-and-port\n": {perPeer: true},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			far := places{free(t, "127.0.0.1"), free(t, "127.0.0.1"), free(t, "127.0.0.2")}
			start(t, func(ctx context.Context) error { return n.serve(ctx, far) })
			if got, err := ask(t.Context(), far, 100*time.Millisecond); err != nil || got != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
}

func TestNobodyAnsweringIsNoUDP(t *testing.T) {
	t.Parallel()
	nobody := free(t, "127.0.0.1")
	got, err := ask(t.Context(), places{nobody, nobody, nobody}, 10*time.Millisecond)
	if err != nil || got != "no udp\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestTwoHostsWithoutNATMeetDirectly(t *testing.T) {
	t.Parallel()
	at := free(t, "127.0.0.1")
	start(t, func(ctx context.Context) error { return meet(ctx, at) })
	var answers [2]string
	var errs [2]error
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i], errs[i] = punch(t.Context(), at, 500*time.Millisecond) })
	}
	wg.Wait()
	if answers != [2]string{"direct\n", "direct\n"} || errs != [2]error{} {
		t.Errorf("got %q, %v", answers, errs)
	}
}

func TestHostAloneNeedsARelay(t *testing.T) {
	t.Parallel()
	at := free(t, "127.0.0.1")
	start(t, func(ctx context.Context) error { return meet(ctx, at) })
	if got, err := punch(t.Context(), at, 100*time.Millisecond); err != nil || got != "relay\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestPuncherSpeaksFirstToTheMeetingThenToThePeer(t *testing.T) {
	meeting := netip.MustParseAddrPort("198.51.100.1:7003")
	peer := netip.MustParseAddrPort("198.51.100.12:4000")
	moved := netip.MustParseAddrPort("198.51.100.12:4001") // by a symmetric NAT
	p := &puncher{meeting: meeting}
	want := func(when string, to netip.AddrPort, line string, open bool) {
		t.Helper()
		if gotTo, got := p.say(); gotTo != to || got != line || p.open != open {
			t.Errorf("%s: says %q to %v, open %v; want %q to %v, open %v", when, got, gotTo, p.open, line, to, open)
		}
	}
	want("at first", meeting, "hello", false)
	p.hear("nonsense", meeting)
	want("after nonsense", meeting, "hello", false)
	if !p.hear(peer.String(), meeting) {
		t.Error("the peer's address is not news")
	}
	want("knowing the peer", peer, "punch", false)
	if p.hear(moved.String(), meeting) {
		t.Error("a second address is news")
	}
	p.hear("what", moved)
	want("after a stranger's line", peer, "punch", false)
	p.hear("punch", moved)
	want("having heard the peer", moved, "punch+", false)
	p.hear("punch+", moved)
	want("heard by the peer", moved, "punch+", true)
}

func TestBadCommandLinesAreRefused(t *testing.T) {
	for _, args := range []string{"", "serve", "serve 127.0.0.1", "ask x y", "ask ::1 ::1", "meet", "punch 127.0.0.1 127.0.0.2", "dance 127.0.0.1"} {
		if got, err := run(t.Context(), strings.Fields(args)); err == nil || !strings.Contains(err.Error(), "usage") {
			t.Errorf("%q: got %q, %v", args, got, err)
		}
	}
}

func TestServerEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	far := places{free(t, "127.0.0.1"), free(t, "127.0.0.1"), free(t, "127.0.0.2")}
	if err := serve(ctx, far); err != nil && ctx.Err() == nil {
		t.Error(err)
	}
}
