package client

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

func TestALoginThatTakes15SecondsIsGivenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.add("ann")
	ann.connect()
	ann.up = nil
	later(w, ann, 15*time.Second-1)
	if ann.hungUp != nil {
		t.Fatalf("hung up early: %v", ann.hungUp)
	}
	later(w, ann, 1)
	if !errors.Is(ann.hungUp, errLoginSlow) {
		t.Errorf("hung up with %v", ann.hungUp)
	}
	if d := ann.m.Deadline(); !d.IsZero() {
		t.Errorf("due again at %v", d)
	}
}

func TestTheOldKeyOpensFor60Seconds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		after time.Duration
		opens bool
	}{{60*time.Second - 1, true}, {60 * time.Second, false}} {
		w := cheapWorld(t)
		ann, ben := w.pair("ann", "ben")
		ben.most = 0
		ben.say(ann, "sealed before")
		ben.most = 1000
		ben.m.Resume(w.now)
		late := ben.up[len(ben.up)-1]
		ben.up = nil
		ann.renew(ben)
		w.run()
		if got := ann.told(); len(got) != 0 {
			t.Fatalf("the renewal was noticed: %v", got)
		}
		later(w, ann, c.after)
		ben.up = append(ben.up, late)
		w.run()
		if got := slices.Equal(ann.told(), []string{"from ben: sealed before"}); got != c.opens {
			t.Errorf("%v after the confirmation: opens %v, want %v", c.after, got, c.opens)
		}
	}
}

func TestTheOldKeyGoesWithTheFirstTextUnderTheNew(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.renew(ben)
	w.run()
	if ann.m.contact(ben.key).old == nil || ben.m.contact(ann.key).old == nil {
		t.Fatal("no old key after the renewal")
	}
	ann.say(ben, "new")
	w.run()
	if ben.m.contact(ann.key).old != nil {
		t.Error("the old key is still there")
	}
}

func TestSomebodyGoneIsAskedAgainWhileTextsWait(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.add("ann"), w.add("ben")
	ann.connect()
	w.run()
	ann.add(ben)
	w.run()
	ann.told()
	w.pass(time.Hour)
	ann.wants() // nothing waits for ben: nobody asks
	begin := w.now
	ann.say(ben, "are you there?")
	var at []time.Duration
	for w.now.Sub(begin) < 50*time.Second {
		w.pass(time.Second / 10)
		for _, line := range ann.told() {
			if line == "ben asked" {
				at = append(at, w.now.Sub(begin).Truncate(time.Second))
			}
		}
	}
	want := []time.Duration{0, 2, 6, 14, 24, 34, 44}
	for i := range want {
		want[i] *= time.Second
	}
	if !slices.Equal(at, want) {
		t.Errorf("asked after %v, want %v", at, want)
	}
	ben.add(ann)
	ben.connect()
	w.run()
	ben.wants("online", "ann asked", "ann open", "from ann: are you there?")
}

func TestStartsKeepAPace(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	var many []blubbel.PublicKey
	for i := range 100 {
		k, err := blubbel.ParsePublicKey(rawKey(i))
		w.ok(err)
		many = append(many, k)
	}
	ann := w.add("ann", func(c *Config) { c.Contacts = many })
	ann.connect()
	for len(ann.m.blocked) == 0 && ann.m.phase != online {
		w.lift(ann)
		w.drop(ann)
	}
	if len(ann.up) != startBurst {
		t.Fatalf("%d Starts at once, want %d", len(ann.up), startBurst)
	}
	for range 10 {
		later(w, ann, time.Second-1)
		before := len(ann.up)
		later(w, ann, 1)
		if len(ann.up) != before+1 {
			t.Fatalf("%d Starts in a second, want 1", len(ann.up)-before)
		}
	}
	if ann.state2(many[99]) != Asked {
		t.Error("who waits for the pace is not shown as asked")
	}
}

func TestWhoAsksFirstIsNotAskedInTurn(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.add("ann"), w.add("ben")
	ann.m.pace.Take(w.now, startBurst) // ann has asked many others
	ann.connect()
	ben.connect()
	w.run()
	ann.add(ben)
	ben.add(ann)
	w.run()
	ann.wants("online", "ben asked", "ben open")
	before := ann.m.contact(ben.key).current
	w.pass(time.Minute)
	ann.wants()
	if ann.m.contact(ben.key).current != before {
		t.Error("asked for another session after all")
	}
}

func (p *peer) state2(k blubbel.PublicKey) State { return p.m.contact(k).state() }

func TestSlowDownIsObeyedForLongerEachTime(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.add("ann"), w.add("ben")
	ann.connect()
	ben.connect()
	w.run()
	ann.add(ben)
	for _, wait := range []time.Duration{1, 2, 4, 8, 10, 10} {
		if got := kinds(ann.up); got != "start" {
			t.Fatalf("sends %q before a wait of %d s", got, wait)
		}
		ann.up = nil
		w.send(ann, &wire.Error{Code: blubbel.CodeSlowDown, Answered: wire.KindStart, Peer: ben.key.Bytes()})
		w.drop(ann)
		later(w, ann, wait*time.Second-1)
		if len(ann.up) > 0 {
			t.Fatalf("asks again before %d s have passed", wait)
		}
		later(w, ann, 1)
	}
	w.run()
	ben.add(ann)
	w.run()
	if ann.m.slow != 0 {
		t.Error("an Accept does not end the patience")
	}
}

func TestConnectionsAreTriedWithDoublingPauses(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann := w.add("ann")
	for _, most := range []time.Duration{250, 500, 1000, 2000, 4000, 8000, 10000, 10000} {
		retry, over := ann.m.Disconnected(w.now, errors.New("nobody listens"))
		most *= time.Millisecond
		if over != nil || retry < most/2 || retry > most {
			t.Errorf("retry after %v, over %v; want %v to %v", retry, over, most/2, most)
		}
		if e := ann.events[len(ann.events)-1].(Offline); e.Retry != retry {
			t.Errorf("told %v, want %v", e.Retry, retry)
		}
	}
	ann.connect()
	w.run()
	if retry, _ := ann.disconnect(); retry < maxBackoff/2 {
		t.Errorf("retry after %v: a short connection is no reason to hurry", retry)
	}
	ann.connect()
	w.run()
	w.now = w.now.Add(maxBackoff)
	if retry, _ := ann.disconnect(); retry > firstBackoff {
		t.Errorf("retry after %v, want at most %v after a connection that lasted", retry, firstBackoff)
	}
	var retry time.Duration
	for range 5 {
		retry, _ = ann.m.Disconnected(w.now, errors.New("nobody listens"))
	}
	if retry < 4*time.Second {
		t.Errorf("retry after %v: the pauses do not grow after a connection that lasted", retry)
	}
}

func TestJitterTakesAtMostHalf(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	low, high := time.Hour, time.Duration(0)
	for range 1000 {
		d := jitter(r, time.Second)
		low, high = min(low, d), max(high, d)
	}
	if low < time.Second/2 || high > time.Second || high-low < time.Second/3 {
		t.Errorf("from %v to %v, want most of 500 ms to 1 s", low, high)
	}
}

func TestTheAgendaKeepsItsOrder(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var a agenda
	all := make([]*contact, 50)
	for i := range all {
		all[i] = &contact{slot: -1}
	}
	for range 1000 {
		c := all[r.IntN(len(all))]
		if r.IntN(4) == 0 {
			a.set(c, time.Time{})
		} else {
			a.set(c, base.Add(time.Duration(r.IntN(1000))))
		}
	}
	n, last := len(a), time.Time{}
	for c := a.due(base.Add(1000)); c != nil; c = a.due(base.Add(1000)) {
		if c.wake.Before(last) || c.slot != -1 {
			t.Fatal("out of order, or still listed")
		}
		last = c.wake
		n--
	}
	if n != 0 || !a.next().IsZero() {
		t.Errorf("%d contacts left over", n)
	}
}

func TestTextsOutliveConnections(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.most = 2
	ann.say(ben, "one", "two", "three", "four")
	w.lift(ann) // one is with the relay, two in the queue, the rest in the outbox
	w.run()
	ann.most = 2
	ann.say(ben, "five", "six", "seven")
	ann.disconnect()
	ann.most = 1000
	ann.connect()
	w.run()
	ben.wants("from ann: one", "from ann: two", "from ann: three", "from ann: four",
		"from ann: five", "from ann: six", "from ann: seven")
}

func TestASessionIsRenewedBeforeItsCountersEnd(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.m.renewAt, ann.m.lastAt = 10, 12
	first := ann.m.contact(ben.key).current
	for range 8 {
		ann.say(ben, "text")
	}
	w.run()
	ann.m.Advance(w.now)
	if kinds(ann.up) != "" {
		t.Fatalf("sends %q before the margin", kinds(ann.up))
	}
	ann.say(ben, "10th", "11th", "waits for new keys", "as well")
	if first.out.next != 12 {
		t.Errorf("counter %d, want 12: the last are used up, and no more", first.out.next)
	}
	ann.m.Advance(w.now)
	w.run()
	if ann.m.contact(ben.key).current == first {
		t.Error("no new session")
	}
	got := ben.told()
	if n := len(got); n != 12 || got[n-1] != "from ann: as well" {
		t.Errorf("ben was told %v", got)
	}
}

func TestALateAcceptanceAfterReconnectingStartsAnew(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.add("ann"), w.add("ben")
	ann.connect()
	ben.connect()
	w.run()
	ann.add(ben)
	w.run()
	ben.disconnect()
	if got := ben.state(ann); got != Asking {
		t.Fatalf("the request is %v after the connection ended", got)
	}
	ben.connect()
	w.run()
	ben.add(ann)
	if got := kinds(ben.up); got != "start" {
		t.Errorf("answers with %q, want an own Start", got)
	}
	w.pass(glareAge) // if ann has the smaller key, it ignores the Start until then
	if ben.state(ann) != Open {
		t.Errorf("state %v, want open", ben.state(ann))
	}
}

func TestAnAcceptanceOfSomebodyWhoReconnectedStartsAnew(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.add("ann"), w.add("ben")
	ann.connect()
	ben.connect()
	w.run()
	ann.add(ben)
	w.run()
	ann.disconnect()
	ann.connect()
	w.lift(ann)
	w.drop(ann)
	ann.up = nil // the Start of the new connection is late
	ben.add(ann)
	w.lift(ben)
	w.drop(ben)
	if got := kinds(ben.up); got != "message start" {
		t.Errorf("after error 7 for the Accept: sends %q, want a Start", got)
	}
}

func TestAMessageWithoutASessionGetsANewOne(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.m.contact(ben.key).current = nil // ann has lost the keys, ben does not know
	ann.m.settle(w.now, ann.m.contact(ben.key))
	ann.told()
	ben.say(ann, "nobody can read this")
	w.run()
	w.pass(2 * time.Second)
	ben.say(ann, "this they can")
	w.run()
	ann.wants("lost from ben", "ben asked", "ben open", "from ben: this they can")
}
