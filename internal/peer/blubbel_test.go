package peer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/internal/simnet"
)

// exchange is a relay in a simulated internet.
type exchange struct {
	t       *testing.T
	net     *simnet.Net
	host    *simnet.Node
	relay   *server.Server
	stop    context.CancelFunc
	stopped sync.WaitGroup
}

// relay starts a relay. It is to be called inside a bubble.
func relay(t *testing.T) *exchange {
	t.Helper()
	x := &exchange{t: t, net: simnet.New(simnet.Config{Seed: 1})}
	x.host = x.net.Host("relay")
	t.Cleanup(x.end)
	x.start()
	return x
}

func (x *exchange) start() {
	x.t.Helper()
	s, err := server.New(server.Config{})
	if err != nil {
		x.t.Fatal(err)
	}
	l, err := x.host.Listen(8000)
	if err != nil {
		x.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	x.relay, x.stop = s, stop
	x.stopped.Go(func() {
		if err := s.Serve(ctx, l); err != nil {
			x.t.Errorf("relay ended with %v", err)
		}
	})
}

func (x *exchange) end() {
	x.stop()
	x.stopped.Wait()
}

// peer starts a peer with one of the keys.
func (x *exchange) peer(key int, change func(*BlubbelConfig)) *dialog {
	x.t.Helper()
	c := BlubbelConfig{
		Server: net.JoinHostPort(x.host.Addr().String(), "8000"), Key: keys[key](),
		Dial: x.net.Host(fmt.Sprintf("peer %d", key)).Dial,
	}
	if change != nil {
		change(&c)
	}
	b, err := NewBlubbel(c)
	if err != nil {
		x.t.Fatal(err)
	}
	d := talk(x.t, b)
	for i, want := range []string{"online", "ready"} {
		if s, _ := d.hear(); s.String() != want {
			x.t.Fatalf("event %d is %v, want %s", i, s, want)
		}
	}
	return d
}

func automatic(c *BlubbelConfig) { c.Auto = true }

func address(key int) string { return keys[key]().Public().String() }

// meet returns two peers with an open session.
func (x *exchange) meet() (a, b *dialog) {
	x.t.Helper()
	a, b = x.peer(0, nil), x.peer(1, automatic)
	a.say(`{"do":"add","who":%q}`, address(1))
	a.find("contact open")
	b.find("contact open")
	return a, b
}

// bubble runs a test with simulated time; the keys are made before it.
func bubble(t *testing.T, test func(t *testing.T, x *exchange)) {
	t.Helper()
	t.Parallel()
	for _, k := range keys {
		k()
	}
	synctest.Test(t, func(t *testing.T) { test(t, relay(t)) })
}

func TestReadyTellsWhoWeAreAtLoginAndWhenAsked(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		d := x.peer(0, nil)
		d.say(`{"do":"self","id":1}`)
		s := d.find("ready id 1")
		if s.Self != address(0) || s.Fingerprint != keys[0]().Public().Fingerprint() || s.Name != "" {
			t.Errorf("got %+v", s)
		}
		if got := d.quit(); !slices.Equal(got, []string{"ok"}) {
			t.Errorf("at the end: %q", got)
		}
	})
}

func TestSelfIsAnsweredBeforeTheNetworkRuns(t *testing.T) {
	t.Parallel()
	b, err := NewBlubbel(BlubbelConfig{Server: "127.0.0.1:1", Key: keys[0](), Dial: refuse})
	if err != nil {
		t.Fatal(err)
	}
	for range 100 { // whichever goroutine is first
		answered := make(chan Event, 1)
		b.started = make(chan struct{})
		go func() { _ = b.Do(t.Context(), Command{Do: "self"}) }()
		b.emit = func(e Event) { answered <- e }
		close(b.started)
		if r, ok := (<-answered).(Ready); !ok || r.Self != address(0) {
			t.Fatalf("got %+v", r)
		}
	}
}

func refuse(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("no way out")
}

func TestWordsThatBlubbelLacksAreRefused(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		d := x.peer(0, nil)
		d.say(`{"do":"add","who":%q}`, address(1))
		for word, promise := range promised(t) {
			if word == "quit" || word == "send" { // of which one ends, and the other waits
				continue
			}
			d.say(`{"do":%q,"who":%q,"to":%q,"text":"x","id":%q}`, word, address(1), address(1), word)
			lacks := false
			for s, _ := d.hear(); ; s, _ = d.hear() {
				if string(s.ID) == strconv.Quote(word) && s.Ev != "contact" {
					lacks = s.Code == "PEER-001"
					break
				}
			}
			if lacks != (promise == "PEER-001") {
				t.Errorf("%s: the manual says %q", word, promise)
			}
		}
		d.say(`{"do":"send","to":%q,"text":"x","kind":"action"}`, address(1))
		d.find("error PEER-001")
	})
}

func TestTwoPeersAgreeOnASession(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		a, b := x.peer(0, nil), x.peer(1, nil)
		a.say(`{"do":"add","who":%q,"id":1}`, address(1))
		a.find("ok id 1")
		s := b.find("contact_request")
		if s.From != address(0) || s.Text != "" || s.Fingerprint != keys[0]().Public().Fingerprint() {
			t.Errorf("request %+v", s)
		}
		if s := b.find("contact asking"); s.Presence != "unknown" || s.Who != address(0) {
			t.Errorf("who asks: %+v", s)
		}
		b.say(`{"do":"accept","who":%q,"id":2}`, address(0))
		b.find("ok id 2")
		for i, d := range []*dialog{a, b} {
			s := d.find("contact open")
			if s.Who != address(1-i) || s.Presence != "online" || !s.Proven || s.Fingerprint != keys[1-i]().Public().Fingerprint() {
				t.Errorf("contact %+v", s)
			}
		}
		a.say(`{"do":"send","to":%q,"text":"hello","id":3}`, address(1))
		a.find("ok id 3 1")
		m := b.find("message hello")
		if m.From != address(0) || m.To != address(1) || m.Kind != "normal" || m.Grade != "O" || !m.At.Equal(time.Now()) {
			t.Errorf("message %+v at %v", m, time.Now())
		}
	})
}

func TestAutoAcceptsWhoeverAsks(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		a, b := x.meet()
		b.say(`{"do":"send","to":%q,"text":"first"}`, address(0))
		a.find("message first")
		if slices.Contains(b.transcript(), "contact_request") {
			t.Errorf("asked the program: %q", b.transcript())
		}
	})
}

func TestTenThousandMessagesEachWayComeOnceAndInOrder(t *testing.T) {
	const many = 10_000
	bubble(t, func(t *testing.T, x *exchange) {
		a, b := x.meet()
		var writing sync.WaitGroup
		for i, d := range []*dialog{a, b} {
			writing.Go(func() {
				for n := range many {
					d.say(`{"do":"send","to":%q,"text":"%d","id":%d}`, address(1-i), n, n)
				}
			})
		}
		for i, d := range []*dialog{a, b} {
			messages, answers := 0, map[string]bool{}
			for messages < many || len(answers) < many {
				s, ok := d.hear()
				switch {
				case !ok:
					t.Fatalf("ended after %d messages and %d answers", messages, len(answers))
				case s.Ev == "message" && s.Text == strconv.Itoa(messages):
					messages++
				case s.Ev == "ok" && string(s.ID) == strconv.Itoa(len(answers)) && s.Ref != "" && !answers[s.Ref]:
					answers[s.Ref] = true
				case s.Ev != "contact" && s.Ev != "ok" || s.Ref != "":
					t.Fatalf("peer %d: unexpected %+v after %d messages and %d answers", i, s, messages, len(answers))
				}
			}
		}
		writing.Wait()
		for i, d := range []*dialog{a, b} {
			if got := d.quit(); !slices.Equal(got, []string{"ok"}) {
				t.Errorf("peer %d, afterwards: %.200q", i, got)
			}
		}
	})
}

func TestMessagesBeforeTheSessionWaitAndGoOutInOrder(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		a, b := x.peer(0, nil), x.peer(1, nil)
		a.say(`{"do":"add","who":%q}`, address(1))
		for i := range 100 {
			a.say(`{"do":"send","to":%q,"text":"%d","id":%d}`, address(1), i, i)
		}
		b.find("contact asking")
		synctest.Wait()
		if slices.ContainsFunc(a.transcript(), func(l string) bool { return strings.HasPrefix(l, "ok id") }) {
			t.Errorf("ok before anything went out: %q", a.transcript())
		}
		b.say(`{"do":"add","who":%q}`, address(0))
		for i := range 100 {
			b.find(fmt.Sprintf("message %d", i))
			a.find(fmt.Sprintf("ok id %d %d", i, i+1))
		}
	})
}

func TestWhatIsNotSentByTheEndIsAnsweredWithAnError(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		d := x.peer(0, nil)
		d.say(`{"do":"add","who":%q}`, address(1))
		d.say(`{"do":"send","to":%q,"text":"a","id":1}`, address(1))
		d.say(`{"do":"send","to":%q,"text":"b","id":2}`, address(1))
		d.say(`{"do":"quit","id":3}`)
		got := d.rest()
		if want := []string{"ok id 3", "error id 1", "error id 2"}; !endsWith(got, want) {
			t.Errorf("said %q, want %q at the end", got, want)
		}
	})
}

// endsWith compares the last lines, those of contacts left out.
func endsWith(lines, end []string) bool {
	lines = slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasPrefix(l, "contact") })
	i := len(lines) - len(end)
	return i >= 0 && slices.Equal(lines[i:], end)
}

func TestMistakesInCommandsAreNamed(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		a, _ := x.meet()
		to := address(1)
		for i, c := range []struct{ line, code, why string }{
			{`{"do":"send","to":"` + address(2) + `","text":"x","id":%d}`, "PEER-004", "unknown contact"},
			{`{"do":"send","text":"x","id":%d}`, "PEER-002", `"to" is missing`},
			{`{"do":"add","id":%d}`, "PEER-002", `"who" is missing`},
			{`{"do":"add","who":"blubbel:AAAA","id":%d}`, "PEER-004", "not a blubbel key"},
			{`{"do":"add","who":"` + to[:len(to)-9] + `","id":%d}`, "PEER-004", "not a blubbel key"},
			{`{"do":"add","who":"ben@example.org","id":%d}`, "PEER-004", "not a blubbel key"},
			{`{"do":"add","who":"` + address(0) + `","id":%d}`, "PEER-004", "your own key"},
			{`{"do":"block","who":"` + address(0) + `","id":%d}`, "PEER-004", "your own key"},
			{`{"do":"accept","who":"` + to + `","id":%d}`, "PEER-002", "did not ask"},
			{`{"do":"remove","who":"` + address(2) + `","id":%d}`, "PEER-004", "unknown contact"},
			{`{"do":"send","to":"` + to + `","text":"` + strings.Repeat("x", 70_000) + `","id":%d}`, "PEER-002", "text is too long"},
		} {
			a.say(c.line, i)
			s := a.find(fmt.Sprintf("error id %d %s", i, c.code))
			if !strings.Contains(s.Why, c.why) || s.Do == "" || s.What == "" {
				t.Errorf("%.60s: %+v", c.line, s)
			}
		}
		a.say("{\"do\":\"send\",\"to\":%q,\"text\":\"\xff\"}", to)
		if s := a.find("error PEER-002"); !strings.Contains(s.Why, "UTF-8") {
			t.Errorf("invalid UTF-8: %+v", s)
		}
		a.say(`{"do":"send","to":%q,"text":"","id":"empty"}`, to)
		a.find(`ok id "empty" 1`)
	})
}

func TestContactsAreListedUntilRemoved(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		a, b := x.meet()
		a.say(`{"do":"contacts","id":1}`)
		if s := a.find("contact id 1 open"); s.Who != address(1) {
			t.Errorf("contact %+v", s)
		}
		a.find("ok id 1 1")
		a.say(`{"do":"remove","who":%q,"id":2}`, address(1))
		a.find("ok id 2")
		a.say(`{"do":"contacts","id":3}`)
		a.find("ok id 3 0")
		b.say(`{"do":"send","to":%q,"text":"anybody?"}`, address(0))
		a.say(`{"do":"send","to":%q,"text":"x","id":4}`, address(1))
		a.find("error id 4 PEER-004")
	})
}

func TestTextsThatWaitFailWhenTheirContactIsRemoved(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		a := x.peer(0, nil)
		a.say(`{"do":"add","who":%q}`, address(1))
		a.say(`{"do":"send","to":%q,"text":"x","id":1}`, address(1))
		a.say(`{"do":"block","who":%q,"id":2}`, address(1))
		if s := a.find("error id 1"); s.What != "send" || s.Why != "contact was removed" {
			t.Errorf("got %+v", s)
		}
	})
}

func TestBlockedPersonIsNotHeard(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		a, b := x.peer(0, nil), x.peer(1, nil)
		b.say(`{"do":"block","who":%q,"id":1}`, address(0))
		b.find("ok id 1")
		a.say(`{"do":"add","who":%q}`, address(1))
		time.Sleep(time.Minute)
		if got := b.quit(); !slices.Equal(got, []string{"ok"}) {
			t.Errorf("the one who blocks hears %q", got)
		}
	})
}

func TestPeerFindsItsWayBackToARelayThatRestarts(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		a, b := x.meet()
		x.end()
		for _, d := range []*dialog{a, b} {
			s := d.find("offline PEER-005")
			if s.Why == "" || s.Retry <= 0 {
				t.Errorf("offline: %+v", s)
			}
			if s := d.find("contact gone"); s.Presence != "unknown" {
				t.Errorf("nobody knows whether they are there: %+v", s)
			}
		}
		a.say(`{"do":"send","to":%q,"text":"later","id":1}`, address(1))
		time.Sleep(time.Minute)
		x.start()
		b.find("online")
		a.find("online")
		a.find("contact open")
		b.find("message later")
		a.find("ok id 1 1")
		if got := a.quit(); slices.Contains(got, "ready") || strings.Count(fmt.Sprint(a.transcript()), "ready") > 1 {
			t.Errorf("ready came twice by itself: %q", a.transcript())
		}
	})
}

func TestAnswersOfTheRelayAreTold(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		a, b := x.meet()
		b.quit()
		a.say(`{"do":"send","to":%q,"text":"gone?"}`, address(1))
		s := a.find("error BLB-006")
		if s.ID != nil || s.What != "relay" || !strings.Contains(s.Why, "not connected") || s.Do == "" {
			t.Errorf("not connected: %+v", s)
		}
		if s := a.find("contact gone"); s.Who != address(1) || s.Presence != "offline" || !s.Proven {
			t.Errorf("the contact is %+v", s)
		}
	})
	t.Run("no session", func(t *testing.T) {
		bubble(t, func(t *testing.T, x *exchange) {
			a, b := x.meet()
			b.quit()
			x.peer(1, nil)
			a.say(`{"do":"send","to":%q,"text":"who?"}`, address(1))
			if s := a.find("error BLB-007"); s.What != "relay" || s.Do == "" {
				t.Errorf("no session: %+v", s)
			}
		})
	})
}

func TestLoginElsewhereEndsThePeer(t *testing.T) {
	bubble(t, func(t *testing.T, x *exchange) {
		a := x.peer(0, nil)
		x.peer(0, nil)
		s := a.find("error BLB-004")
		if s.What != "blubbel" || s.Do == "" {
			t.Errorf("taken over: %+v", s)
		}
		if err := <-a.ended; !errors.Is(err, &blubbel.Error{Code: blubbel.CodeKeyInUse}) {
			t.Errorf("ended with %v", err)
		}
	})
}

func TestPeerWithoutAKeyIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := NewBlubbel(BlubbelConfig{Server: "127.0.0.1:1"}); !errors.Is(err, blubbel.ErrBadKey) {
		t.Errorf("got %v", err)
	}
}

func TestUnreachableServerIsToldAndTriedAgain(t *testing.T) {
	t.Parallel()
	keys[0]()
	synctest.Test(t, func(t *testing.T) {
		b, err := NewBlubbel(BlubbelConfig{Server: "relay:1", Key: keys[0](), Dial: refuse})
		if err != nil {
			t.Fatal(err)
		}
		d := talk(t, b)
		for range 5 {
			if s := d.find("offline PEER-005"); s.Why != "connect to relay:1: no way out" || s.Retry <= 0 || s.Retry > 10 {
				t.Errorf("got %+v", s)
			}
		}
	})
}
