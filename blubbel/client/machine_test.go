package client

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

func TestLoginWithADERKeyProvesIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann := w.add("ann")
	ann.connect()
	if got := kinds(ann.up); got != "login" {
		t.Fatalf("first frames: %s", got)
	}
	w.lift(ann)
	w.drop(ann)
	if got := kinds(ann.up); got != "proof" {
		t.Fatalf("after the challenge: %s", got)
	}
	ann.wants()
	w.run()
	ann.wants("online")
}

func TestLoginWithARawKeyIsOneFrame(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	raw := w.add("raw")
	raw.connect()
	w.lift(raw)
	w.drop(raw)
	raw.wants("online")
}

func TestTwoClientsAgreeAndTalk(t *testing.T) {
	t.Parallel()
	for _, names := range [][2]string{{"ann", "ben"}, {"ben", "ann"}, {"raw", "rob"}, {"raw", "ann"}, {"ben", "rob"}} {
		t.Run(names[0]+" and "+names[1], func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			a, b := w.add(names[0]), w.add(names[1])
			a.connect()
			b.connect()
			w.run()
			a.add(b)
			w.run()
			a.wants("online", b.name+" asked")
			b.wants("online", "request "+a.name, a.name+" asking")
			w.ok(b.m.Accept(w.now, a.key))
			w.run()
			a.wants(b.name + " open")
			b.wants(a.name+" asked", a.name+" open")
			a.say(b, "hello", "")
			b.say(a, "grüß dich")
			w.run()
			a.wants("sent 1 to "+b.name, "sent 2 to "+b.name, "from "+b.name+": grüß dich")
			b.wants("sent 1 to "+a.name, "from "+a.name+": hello", "from "+a.name+": ")
			if got := a.m.Contacts()[0]; got.Proven != (b.key.Form() == blubbel.DER) {
				t.Errorf("contact %s: proven %v", b.name, got.Proven)
			}
		})
	}
}

func TestNoTextGoesOutBeforeTheOthersConfirmation(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.add("ann"), w.add("ben")
	ann.connect()
	ben.connect()
	w.run()
	ann.add(ben)
	ann.say(ben, "early")
	w.run()
	ben.add(ann)
	ben.say(ann, "early too")
	if got := kinds(ben.up); got != "accept message" {
		t.Fatalf("ben sends %s, want only Accept and confirmation", got)
	}
	w.lift(ben) // the Accept
	w.drop(ann)
	if got := kinds(ann.up); got != "message" {
		t.Fatalf("ann sends %s, want only the confirmation", got)
	}
	w.run()
	if ann.told(); !strings.Contains(strings.Join(ben.told(), "\n"), "from ann: early") {
		t.Error("the text never came")
	}
}

func TestAConfirmationWithATextIsNone(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.add("ann"), w.add("ben")
	ann.connect()
	ben.connect()
	w.run()
	ann.add(ben)
	w.run()
	ben.m.contact(ann.key).standing = wanted
	c := ben.m.contact(ann.key)
	y := ben.m.Open(c.request.sealed)
	w.ok(ben.m.accept(w.now, c, &value{b: *y}, c.request.sealed))
	ben.up = ben.up[:1] // the Accept without its confirmation
	c.pending.out.next = 0
	ben.m.seal(c, c.pending, message{text: "not empty"})
	ann.told()
	w.run()
	ann.wants("ben gone")
	if got := ann.m.Stats(); got.Unexpected != 1 || got.Sessions != 0 {
		t.Errorf("stats %+v", got)
	}
}

func TestReplayedAndReorderedMessagesAreRefused(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.say(ben, "one")
	w.lift(ann)
	again := ben.down[0]
	w.run()
	ben.down = append(ben.down, again, again)
	w.run()
	ben.wants("from ann: one")
	if got := ben.m.Stats().Repeated; got != 2 {
		t.Errorf("repeated %d, want 2", got)
	}
	ann.told()
	ann.say(ben, "two", "three")
	w.lift(ann)
	w.lift(ann)
	ben.down[0], ben.down[1] = ben.down[1], ben.down[0]
	w.run()
	ben.wants("lost from ann", "ann asked", "ann open")
	if got := ben.m.Stats(); got.Lost != 1 || got.Unopened != 1 {
		t.Errorf("stats %+v, want one gap and the overtaken text not opened", got)
	}
	ann.wants("sent 2 to ben", "sent 3 to ben")
	ann.say(ben, "four")
	w.run()
	ben.wants("from ann: four")
}

func TestADroppedMessageIsNoticedAndTextsAfterItArrive(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.say(ben, "kept", "dropped", "shows the gap")
	for range 3 {
		w.lift(ann)
	}
	ben.down = append(ben.down[:1:1], ben.down[2])
	w.run()
	ann.say(ben, "after", "the gap")
	w.run()
	ben.wants("from ann: kept", "lost from ann", "ann asked", "ann open", "from ann: after", "from ann: the gap")
}

func TestADroppedConfirmationIsNoticed(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.add("ann"), w.add("ben")
	ann.connect()
	ben.connect()
	w.run()
	ann.add(ben)
	w.run()
	ben.add(ann)
	w.lift(ben)
	w.lift(ben)
	ann.down = ann.down[:1] // the Accept without the confirmation
	ben.say(ann, "unheard")
	w.run()
	ann.told()
	ben.told()
	if ann.state(ben) != Open || ben.state(ann) != Open {
		t.Fatalf("states %v and %v, want both open again", ann.state(ben), ben.state(ann))
	}
	if ann.m.Stats().Lost != 1 {
		t.Errorf("stats %+v, want one gap", ann.m.Stats())
	}
}

func TestAGapUnderTheOldKeyDoesNotEndTheNewSession(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ben.renew(ann)
	w.lift(ben)
	w.drop(ann) // Accept and confirmation of ann follow
	ann.say(ben, "old 1", "old 2", "old 3")
	for len(ann.up) > 0 {
		w.lift(ann)
	}
	// accept, confirmation, then the texts under the old keys
	ben.down = append(ben.down[:2:2], ben.down[3:]...)
	for len(ben.down) > 0 {
		w.drop(ben)
	}
	ben.wants("lost from ann")
	w.run()
	ann.say(ben, "new")
	w.run()
	ben.wants("from ann: new")
}

// renew makes p ask o for new keys while the session is open.
func (p *peer) renew(o *peer) {
	c := p.m.contact(o.key)
	c.renew = true
	p.m.ask(p.w.now, c)
}

func TestStrangersCannotInject(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, ben := w.pair("ann", "ben")
	eve := w.add("eve")
	eve.connect()
	w.run()
	eve.add(ben)
	w.run()
	ben.add(eve)
	w.run()
	ben.told()

	eve.say(ben, "as ann")
	w.lift(eve)
	forged := ben.down[len(ben.down)-1]
	pk, _ := wire.Parse(wire.ToClient, forged.Kind, forged.Payload)
	ben.down = nil
	w.send(ben, &wire.Message{Peer: ann.key.Bytes(), Sealed: pk.(*wire.Message).Sealed}) // eve's, named as ann's
	w.send(ben, &wire.Message{Peer: ann.key.Bytes(), Sealed: make([]byte, 100)})
	w.send(ben, &wire.Message{Peer: ann.key.Bytes(), Sealed: nil})
	w.run()
	ben.wants()
	if got := ben.m.Stats(); got.Unopened != 2 || got.Repeated != 1 {
		t.Errorf("stats %+v, want two unopened and one with an old counter", got)
	}

	// A Start in ann's name by somebody who can seal to ben, but not open what
	// ben answers: the session is never confirmed, and the one there is stays.
	y := newExponent().public()
	sealed, err := blubbel.SealValue(ben.key, &y.b)
	w.ok(err)
	w.asked[[2]string{string(ann.key.Bytes()), string(ben.key.Bytes())}] = true
	w.send(ben, &wire.Start{Peer: ann.key.Bytes(), Sealed: sealed})
	w.run()
	ann.told()
	ann.say(ben, "still me")
	w.run()
	w.pass(time.Minute)
	ben.wants("from ann: still me")
	if ben.m.contact(ann.key).pending != nil {
		t.Error("a session that nobody confirmed is still pending")
	}
}

func TestCiphertextOfAnEarlierSessionDoesNotOpen(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.say(ben, "yesterday")
	w.lift(ann)
	old := ben.down[0]
	w.run()
	ann.disconnect()
	ben.disconnect()
	ann.connect()
	ben.connect()
	w.run()
	ann.told()
	ben.told()
	if ben.state(ann) != Open {
		t.Fatalf("no session after connecting again: %v", ben.state(ann))
	}
	ben.down = append(ben.down, old)
	w.run()
	ben.wants()
}

func TestAWrongSealIsDropped(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, ben := w.pair("ann", "ben")
	y := newExponent().public()
	toAnn, err := blubbel.SealValue(ann.key, &y.b)
	w.ok(err)
	one := new(value)
	one.b[blubbel.ValueSize-1] = 1
	trivial, err := blubbel.SealValue(ben.key, &one.b)
	w.ok(err)
	for _, sealed := range [][]byte{toAnn, nil, make([]byte, 256), make([]byte, 512), trivial} {
		w.send(ben, &wire.Start{Peer: ann.key.Bytes(), Sealed: sealed})
	}
	w.run()
	if got := ben.m.Stats().Unsealed; got != 5 {
		t.Errorf("unsealed %d, want 5", got)
	}
	ann.say(ben, "undisturbed")
	w.run()
	ben.wants("from ann: undisturbed")

	ann.renew(ben)
	w.lift(ann)
	ben.down = nil
	w.send(ann, &wire.Accept{Peer: ben.key.Bytes(), Sealed: toAnn[:10]})
	w.send(ann, &wire.Accept{Peer: ben.key.Bytes(), Sealed: trivialTo(t, ann.key)})
	w.run()
	if got := ann.m.Stats().Unsealed; got != 2 || ann.m.contact(ben.key).start == nil {
		t.Errorf("unsealed %d, want 2 and the own Start still waiting", got)
	}
}

func trivialTo(t *testing.T, k blubbel.PublicKey) []byte {
	sealed, err := blubbel.SealValue(k, new([blubbel.ValueSize]byte))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestAnAcceptThatNobodyAskedForIsIgnored(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	sealed, err := ann.m.suite.seal(ann.key, &newExponent().public().b)
	w.ok(err)
	w.send(ann, &wire.Accept{Peer: ben.key.Bytes(), Sealed: sealed})
	w.send(ann, &wire.Accept{Peer: key(t, "eve").Public().Bytes(), Sealed: sealed})
	w.run()
	if got := ann.m.Stats().Unexpected; got != 2 {
		t.Errorf("unexpected %d, want 2", got)
	}
	ann.say(ben, "as before")
	w.run()
	ben.wants("from ann: as before")
}

func TestAReplayedStartCostsNothing(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.add("ann"), w.add("ben", func(c *Config) { c.Contacts = []blubbel.PublicKey{key(t, "ann").Public()} })
	ann.connect()
	w.run()
	ben.connect()
	w.run() // ann has a request now
	ben.disconnect()
	ben.connect()
	w.lift(ben)
	w.drop(ben)
	ben.m.contact(ann.key).hangUp() // only ann asks
	ben.up = nil
	ann.add(ben)
	ann.m.contact(ben.key).hangUp()
	ann.up = nil
	ann.renew(ben)
	w.lift(ann)
	start := ben.down[len(ben.down)-1]
	w.run()
	if ben.state(ann) != Open {
		t.Fatalf("state %v, want open", ben.state(ann))
	}
	opened := 0
	open := ben.m.suite.open
	ben.m.suite.open = func(b []byte) ([blubbel.ValueSize]byte, error) { opened++; return open(b) }
	for range 100 {
		ben.receive(start)
	}
	if opened != 0 {
		t.Errorf("%d values opened for 100 replays of one Start", opened)
	}
}

func TestTextThatIsNotUTF8IsDropped(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	if _, err := ann.m.Send(w.now, ben.key, "\xff"); !errors.Is(err, ErrNotText) {
		t.Errorf("Send: %v, want %v", err, ErrNotText)
	}
	c := ann.m.contact(ben.key)
	ann.m.seal(c, c.current, message{text: "a\xc3"})
	ann.say(ben, "next")
	w.run()
	ben.wants("from ann: next")
	if got := ben.m.Stats().NotText; got != 1 {
		t.Errorf("not text %d, want 1", got)
	}
}

func TestTheLongestTextFitsBothWays(t *testing.T) {
	t.Parallel()
	for _, names := range [][2]string{{"raw", "ann"}, {"ann", "raw"}, {"ann", "ben"}} {
		w := newWorld(t)
		a, b := w.pair(names[0], names[1])
		limit := blubbel.DefaultMaxPayload - blubbel.CounterSize - blubbel.TagSize - max(a.key.Len(), b.key.Len())
		if _, err := a.m.Send(w.now, b.key, strings.Repeat("x", limit+1)); !errors.Is(err, ErrTooLong) {
			t.Errorf("%v: %d bytes: %v, want %v", names, limit+1, err, ErrTooLong)
		}
		a.say(b, strings.Repeat("x", limit))
		if got := len(a.up[0].Payload); got > blubbel.DefaultMaxPayload {
			t.Errorf("%v: %d bytes go to the relay", names, got)
		}
		w.lift(a)
		if got := len(b.down[0].Payload); got > blubbel.DefaultMaxPayload {
			t.Errorf("%v: %d bytes come from the relay", names, got)
		}
		w.run()
		if e := b.events[0].(Received); len(e.Text) != limit {
			t.Errorf("%v: %d bytes arrived, want %d", names, len(e.Text), limit)
		}
	}
}

func TestOutboxKeepsOrderAndBounds(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann := w.add("ann", func(c *Config) { c.Outbox = 3 })
	ben := w.add("ben", func(c *Config) { c.AutoAccept = true })
	if _, err := ann.m.Send(w.now, ben.key, "to nobody"); !errors.Is(err, ErrUnknownContact) {
		t.Errorf("Send to a stranger: %v", err)
	}
	ann.add(ben)
	ann.say(ben, "one", "two", "three")
	if _, err := ann.m.Send(w.now, ben.key, "four"); !errors.Is(err, ErrOutboxFull) {
		t.Errorf("the fourth text: %v", err)
	}
	if got := ann.m.Contacts()[0].Waiting; got != 3 {
		t.Errorf("%d texts wait, want 3", got)
	}
	ben.connect()
	ann.connect()
	w.run()
	ben.wants("online", "ann asked", "ann open", "from ann: one", "from ann: two", "from ann: three")
}

func TestTextsWaitWhileThereIsNoRoom(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	eve := w.add("eve", func(c *Config) { c.AutoAccept = true })
	eve.connect()
	w.run()
	ann.add(eve)
	w.run()
	ann.told()
	ann.most = 3
	for i := range 5 {
		ann.say(ben, fmt.Sprint(i))
	}
	ann.say(eve, "fair")
	if len(ann.up) != 3 {
		t.Fatalf("%d frames queued, want 3", len(ann.up))
	}
	w.lift(ann)
	ann.wants("sent 1 to ben")
	w.run()
	ben.wants("from ann: 0", "from ann: 1", "from ann: 2", "from ann: 3", "from ann: 4")
	if got := eve.told(); got[len(got)-1] != "from ann: fair" {
		t.Errorf("eve was told %v", got)
	}
	if got := strings.Join(ann.told(), ", "); got != "sent 2 to ben, sent 3 to ben, sent 4 to ben, sent 6 to eve, sent 5 to ben" {
		t.Errorf("ann was told %s; want contacts in turn", got)
	}
}

func TestResumeSendsWhatWaitedForRoom(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.most = 0
	ann.say(ben, "held")
	w.run()
	ben.wants()
	ann.most = 1
	ann.m.Resume(w.now)
	w.run()
	ben.wants("from ann: held")
}

func TestRemovedContactsTextsFail(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.most = 1
	ann.say(ben, "on its way", "waits", "waits too")
	w.ok(ann.m.Remove(w.now, ben.key))
	w.run()
	ann.wants("failed 2 to ben: contact was removed", "failed 3 to ben: contact was removed", "ben gone", "sent 1 to ben")
	ben.wants("from ann: on its way")
	if err := ann.m.Remove(w.now, ben.key); !errors.Is(err, ErrUnknownContact) {
		t.Errorf("Remove again: %v", err)
	}
	ben.say(ann, "hello?")
	w.run()
	ann.wants()
	if got := ann.m.Stats().Unopened; got != 1 {
		t.Errorf("unopened %d, want 1", got)
	}
}

func TestBlockedContactsAreIgnoredUntilAdded(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	w.ok(ann.m.Block(w.now, ben.key))
	ann.wants("ben gone")
	ben.renew(ann)
	w.run()
	ann.wants()
	if got := ann.m.Stats().Ignored; got != 1 {
		t.Errorf("ignored %d, want 1", got)
	}
	ann.add(ben)
	w.run()
	ann.wants("ben asked", "ben open")
	for _, who := range []blubbel.PublicKey{{}, ann.key} {
		if ann.m.Block(w.now, who) == nil || ann.m.Add(w.now, who) == nil {
			t.Errorf("%q can be blocked or added", who)
		}
	}
}

func TestConfiguredBlockedAreIgnored(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann := w.add("ann", func(c *Config) { c.Blocked = []blubbel.PublicKey{key(t, "ben").Public()}; c.AutoAccept = true })
	ben := w.add("ben")
	ann.connect()
	ben.connect()
	w.run()
	ben.add(ann)
	w.run()
	ann.wants("online")
}

func TestAcceptNeedsARequest(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	for _, who := range []*peer{ben, w.add("eve")} {
		if err := ann.m.Accept(w.now, who.key); !errors.Is(err, ErrNotAsking) {
			t.Errorf("Accept of %s: %v", who.name, err)
		}
	}
}

func TestTheTakenOverClientGivesUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	here := w.add("ann")
	here.connect()
	w.run()
	there := w.add("ann")
	there.connect()
	w.run()
	if !errors.Is(here.hungUp, &blubbel.Error{Code: blubbel.CodeKeyInUse}) {
		t.Fatalf("hung up with %v", here.hungUp)
	}
	retry, over := here.m.Disconnected(w.now, here.hungUp)
	if code, ok := errors.AsType[*blubbel.Error](over); !ok || code.Code != blubbel.CodeKeyInUse || retry != 0 {
		t.Errorf("over %v, retry %v; want the end", over, retry)
	}
	there.wants("online")
}

func TestRefusedLoginsEndOrAreTriedAgain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		code blubbel.Code
		over bool
	}{
		{blubbel.CodeBadKey, true},
		{blubbel.CodeKeyInUse, false}, // perhaps by our own connection of before a crash, which will end
		{blubbel.CodeBadFrame, false},
		{blubbel.CodeSlowDown, false},
	} {
		w := newWorld(t)
		raw := w.add("raw")
		raw.connect()
		raw.up = nil
		w.send(raw, &wire.Error{Code: c.code, Answered: wire.KindLogin})
		w.run()
		if !errors.Is(raw.hungUp, &blubbel.Error{Code: c.code}) {
			t.Errorf("%v: hung up with %v", c.code, raw.hungUp)
		}
		if _, over := raw.m.Disconnected(w.now, raw.hungUp); (over != nil) != c.over {
			t.Errorf("%v: over %v, want %v", c.code, over, c.over)
		}
	}
}

// Ben connects anew and asks for a session; Ann accepts, and hears nothing of Ben
// until she has given the session up, which he has confirmed.
func TestSidesThatKeepDifferentSessionsMeetAgain(t *testing.T) {
	t.Parallel()
	for name, early := range map[string][]string{"silent": nil, "with texts": {"too early", "also"}} {
		w := cheapWorld(t)
		ann, ben := w.pair("ann", "ben")
		_, _ = ben.disconnect()
		ann.deaf = wire.KindMessage
		ben.connect()
		w.run()
		ben.say(ann, early...)
		w.pass(blubbel.ConfirmTimeout + time.Second)
		ann.told()
		ben.told()
		ann.deaf = 0
		w.run()
		lost := slices.Contains(ann.told(), "lost from ben")
		if lost != (len(early) > 0) {
			t.Errorf("%s: Ann was told of a loss: %v", name, lost)
		}
		w.pass(time.Minute)
		ann.told()
		ben.told()
		ann.say(ben, "one")
		ben.say(ann, "two")
		w.run()
		if got := ann.told(); !slices.Contains(got, "from ben: two") {
			t.Errorf("%s: Ann was told %q", name, got)
		}
		if got := ben.told(); !slices.Contains(got, "from ann: one") {
			t.Errorf("%s: Ben was told %q", name, got)
		}
	}
}

func TestChallengesAreAnsweredOnceAndOnlyAtLogin(t *testing.T) {
	t.Parallel()
	challenge := func(w *world, p *peer) {
		c, err := blubbel.NewChallenge(p.key)
		w.ok(err)
		w.send(p, &wire.Challenge{Sealed: c.Sealed})
	}
	for name, prepare := range map[string]func(w *world, p *peer){
		"a second one":  func(w *world, p *peer) { w.lift(p); challenge(w, p); w.drop(p); p.up = nil },
		"after login":   func(w *world, p *peer) { w.run(); challenge(w, p) },
		"to a raw key":  func(w *world, p *peer) { p.up = nil; challenge(w, p) },
		"session value": func(w *world, p *peer) { p.up = nil; y := newExponent().public(); sealTo(w, p, y) },
	} {
		w := newWorld(t)
		p := w.add(map[bool]string{true: "raw", false: "ann"}[name == "to a raw key"])
		p.connect()
		prepare(w, p)
		w.run()
		if p.hungUp == nil || len(p.up) > 0 {
			t.Errorf("%s: answered with %q, hung up with %v; want only the end", name, kinds(p.up), p.hungUp)
		}
	}
}

// sealTo sends p a session value as a challenge.
func sealTo(w *world, p *peer, y *value) {
	sealed, err := blubbel.SealValue(p.key, &y.b)
	w.ok(err)
	w.send(p, &wire.Challenge{Sealed: sealed})
}

func TestNothingIsDoneForARelayBeforeLogin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ann, ben := w.add("ann", func(c *Config) { c.AutoAccept = true }), w.add("ben")
	y := newExponent().public()
	sealed, err := blubbel.SealValue(ann.key, &y.b)
	w.ok(err)
	opened := false
	ann.m.suite.open = func([]byte) (y [blubbel.ValueSize]byte, err error) { opened = true; return }
	ann.connect()
	ann.up = nil
	w.send(ann, &wire.Start{Peer: ben.key.Bytes(), Sealed: sealed})
	w.send(ann, &wire.Accept{Peer: ben.key.Bytes(), Sealed: sealed})
	w.send(ann, &wire.Message{Peer: ben.key.Bytes(), Sealed: sealed})
	w.run()
	ann.wants()
	if opened || len(ann.up) > 0 || ann.m.Stats().Unexpected != 2 || ann.m.Stats().Unopened != 1 {
		t.Errorf("opened %v, sent %q, stats %+v", opened, kinds(ann.up), ann.m.Stats())
	}
}

func TestErrorsThatEndTheConnection(t *testing.T) {
	t.Parallel()
	for _, code := range []blubbel.Code{blubbel.CodeBadFrame, blubbel.CodeNotLoggedIn, blubbel.CodeTooLarge} {
		w := cheapWorld(t)
		ann, _ := w.pair("ann", "ben")
		w.send(ann, &wire.Error{Code: code, Answered: wire.KindMessage})
		w.run()
		ann.wants("refused message to nobody: " + code.String())
		if _, over := ann.m.Disconnected(w.now, ann.hungUp); over != nil || ann.hungUp == nil {
			t.Errorf("%v: hung up with %v, over %v; want another attempt", code, ann.hungUp, over)
		}
	}
}

func TestErrorsThatChangeNothingAreOnlyCounted(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	before := ann.m.Stats().Refused
	for _, p := range []*wire.Error{
		{Code: blubbel.CodeLoggedIn, Answered: wire.KindLogin},
		{Code: blubbel.CodeNotConnected, Answered: wire.KindStart, Peer: ben.key.Bytes()},
		{Code: blubbel.CodeNoSession, Answered: wire.KindAccept, Peer: ben.key.Bytes()},
		{Code: blubbel.CodeSlowDown, Answered: wire.KindMessage, Peer: ben.key.Bytes()},
		{Code: blubbel.CodeNoSession, Answered: wire.KindMessage, Peer: key(t, "eve").Public().Bytes()},
		{Code: 200, Answered: 77},
	} {
		w.send(ann, p)
	}
	w.run()
	ann.wants()
	if got := ann.m.Stats().Refused - before; got != 6 || ann.state(ben) != Open {
		t.Errorf("refused %d, want 6; state %v, want open", got, ann.state(ben))
	}
}

func TestRequestsOfStrangersAreBounded(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann := w.add("ann")
	ann.connect()
	w.run()
	opened := 0
	ann.m.suite.open = func([]byte) (y [blubbel.ValueSize]byte, err error) { opened++; return }
	for i := range maxStrangers + 50 {
		w.send(ann, &wire.Start{Peer: rawKey(i), Sealed: make([]byte, 256)})
	}
	w.send(ann, &wire.Start{Peer: rawKey(maxStrangers), Sealed: make([]byte, 512)}) // asks again: no second event
	w.send(ann, &wire.Start{Peer: rawKey(1), Sealed: make([]byte, 641)})            // longer than any sealed value
	w.send(ann, &wire.Start{Peer: ann.key.Bytes(), Sealed: make([]byte, 256)})      // ourselves
	w.send(ann, &wire.Start{Peer: make([]byte, 128), Sealed: make([]byte, 256)})    // no key
	w.run()
	requests := 0
	for _, e := range ann.events {
		if _, ok := e.(Request); ok {
			requests++
		}
	}
	contacts := ann.m.Contacts()
	if len(contacts) != maxStrangers || requests != maxStrangers+50 || opened != 0 {
		t.Errorf("%d contacts, %d requests, %d values opened; want %d, %d, 0", len(contacts), requests, opened, maxStrangers, maxStrangers+50)
	}
	if first := contacts[0].Key; string(first.Bytes()) != string(rawKey(50)) {
		t.Error("not the oldest requests were forgotten")
	}
	if got := ann.m.Stats(); got.Ignored != 2 || got.Unsealed != 1 {
		t.Errorf("stats %+v", got)
	}
}

// rawKey returns the i-th of many keys that nobody holds.
func rawKey(i int) []byte {
	k := make([]byte, blubbel.RawKeySize)
	k[0], k[1], k[2], k[len(k)-1] = 0xff, byte(i>>8), byte(i), 1
	return k
}

func TestGuestsAreBoundedInNumberAndInWork(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann := w.add("ann", func(c *Config) { c.AutoAccept = true })
	ann.connect()
	w.run()
	w.now = w.now.Add(time.Hour)
	start := func(i int) {
		sealed, _ := ann.m.suite.seal(ann.key, &newCheap(i).public().b)
		w.send(ann, &wire.Start{Peer: rawKey(i), Sealed: sealed})
		w.drop(ann)
		ann.up = nil
	}
	for i := range guestBurst + 10 {
		start(i)
	}
	if got := len(ann.m.Contacts()); got != guestBurst {
		t.Errorf("%d guests at once, want %d", got, guestBurst)
	}
	for i := guestBurst; i < maxGuests+20; i++ {
		w.pass(time.Second / guestRate)
		start(i)
	}
	w.pass(time.Minute)
	if got := len(ann.m.Contacts()); got != maxGuests {
		t.Errorf("%d guests, want %d", got, maxGuests)
	}
	ann.told()
	ann.disconnect()
	ann.connect()
	w.run()
	w.pass(time.Minute)
	ann.wants("offline: cut", "online") // guests are not asked at login
}

func newCheap(i int) *exponent {
	e := new(exponent)
	e.x[exponentSize-1], e.x[exponentSize-2] = byte(i), 7
	return e
}

func TestConfigMistakesAreRefused(t *testing.T) {
	t.Parallel()
	k := key(t, "raw")
	for name, c := range map[string]Config{
		"no key":         {},
		"empty contact":  {Key: k, Contacts: []blubbel.PublicKey{{}}},
		"empty blocked":  {Key: k, Blocked: []blubbel.PublicKey{{}}},
		"large payload":  {Key: k, MaxPayload: blubbel.HighestMaxPayload + 1},
		"negative bound": {Key: k, MaxPayload: -1},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	c, err := New(Config{Key: k, Contacts: []blubbel.PublicKey{k.Public(), k.Public()}})
	if err != nil || len(c.machine.Contacts()) != 0 {
		t.Errorf("own key among the contacts: %v, %d contacts", err, len(c.machine.Contacts()))
	}
}

func TestWhatChangesWhileAValueIsOpenedCounts(t *testing.T) {
	t.Parallel()
	for name, meanwhile := range map[string]func(w *world, ann, ben *peer){
		"the connection ends":   func(_ *world, ann, _ *peer) { ann.disconnect() },
		"the contact goes":      func(w *world, ann, ben *peer) { w.ok(ann.m.Remove(w.now, ben.key)) },
		"the contact is cut":    func(w *world, ann, ben *peer) { w.ok(ann.m.Block(w.now, ben.key)) },
		"the Start is too old":  func(w *world, ann, _ *peer) { later(w, ann, blubbel.StartTimeout) },
		"the value is no value": nothing,
	} {
		w := cheapWorld(t)
		ann, ben := w.add("ann"), w.add("ben")
		ann.connect()
		ben.connect()
		w.run()
		ann.add(ben)
		w.run()
		ben.add(ann)
		w.lift(ben)
		accept := &wire.Accept{}
		w.ok(accept.UnmarshalBinary(ann.down[0].Payload))
		sealed := ann.m.Admit(w.now, accept)
		if sealed == nil {
			t.Fatalf("%s: the Accept is not worth opening", name)
		}
		meanwhile(w, ann, ben)
		ann.up = nil
		y := ann.m.Open(sealed)
		if name == "the value is no value" {
			y = new([blubbel.ValueSize]byte)
		}
		ann.m.Opened(w.now, accept, y)
		if c := ann.m.contact(ben.key); len(ann.up) > 0 || c != nil && c.pending != nil {
			t.Errorf("%s: answers with %q", name, kinds(ann.up))
		}
	}
}

func TestAStartOpenedForNobodyIsDropped(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.m.conf.AutoAccept = true
	ben.renew(ann)
	w.lift(ben)
	start := &wire.Start{}
	w.ok(start.UnmarshalBinary(ann.down[0].Payload))
	sealed := ann.m.Admit(w.now, start)
	w.ok(ann.m.Block(w.now, ben.key))
	ann.told()
	ann.m.Opened(w.now, start, ann.m.Open(sealed))
	ann.wants()
	if len(ann.up) > 0 || len(ann.m.Contacts()) > 0 {
		t.Errorf("somebody blocked meanwhile is answered with %q", kinds(ann.up))
	}
	ann.add(ben)
	ann.disconnect()
	ann.m.Opened(w.now, start, ann.m.Open(sealed))
	if len(ann.up) > 0 {
		t.Errorf("answers with %q without a connection", kinds(ann.up))
	}
}

func TestAGapDuringARenewalWaitsForIt(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.say(ben, "lost", "shows it")
	w.lift(ann)
	w.lift(ann)
	ben.down = ben.down[1:]
	shows := ben.down
	ben.down = nil
	ben.renew(ann)
	w.lift(ben)
	w.drop(ann)
	w.lift(ann) // the Accept; the confirmation waits
	w.drop(ben)
	ben.down = append(shows, ben.down...)
	w.drop(ben)
	ben.wants("lost from ann", "ann asked")
	if got := kinds(ben.up); got != "message" {
		t.Errorf("sends %q, want only the confirmation of the session that is under way", got)
	}
	w.run()
	ben.wants("ann open")
}

func TestError6EndsAnAgreementAsWell(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.add("ann"), w.add("ben")
	ann.connect()
	ben.connect()
	w.run()
	ann.add(ben)
	w.run()
	ben.add(ann)
	w.lift(ben)
	ben.disconnect()
	w.run() // the confirmation reaches nobody
	ann.wants("online", "ben asked", "refused message to ben: recipient not connected", "ben gone")
}

func TestAddingEndsABlockForGood(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	w.ok(ann.m.Block(w.now, ben.key))
	ann.add(ben)
	w.run()
	w.ok(ann.m.Remove(w.now, ben.key))
	ann.told()
	ben.renew(ann)
	w.run()
	ann.wants("request ben", "ben asking")
}

func TestFramesAreBoundedWithRoomForALongerKey(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, _ := w.pair("ann", "ben")
	const most = blubbel.DefaultMaxPayload + blubbel.MaxDERKeySize
	for n, want := range map[int]error{most: nil, most + 1: wire.ErrTooLarge} {
		head := wire.AppendHead(nil, wire.KindMessage, n)
		if _, _, rest, err := ann.m.frames(w.now, head); !errors.Is(err, want) || len(rest) != len(head) {
			t.Errorf("a frame of %d bytes: %v, want %v", n, err, want)
		}
	}
}

func TestARelayThatLetsTooMuchWaitIsLeft(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	defer there.Close()
	l := newLink(here)
	p := &wire.Accept{Peer: key(t, "raw").Public().Bytes(), Sealed: make([]byte, blubbel.DefaultMaxPayload)}
	frames := 0
	for ; l.why == nil && frames < 1000; frames++ {
		if room := l.room(); room != (len(l.waiting) < queueSize) {
			t.Fatalf("room %v with %d bytes waiting", room, len(l.waiting))
		}
		l.queue(p)
	}
	if want := maxQueue/blubbel.DefaultMaxPayload + 1; l.why != errStalled || frames < want-1 || frames > want {
		t.Errorf("left after %d frames: %v; want some %d", frames, l.why, want)
	}
}

func TestTheGuestWhoWasSilentLongestMakesRoom(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	r := roster{byKey: make(map[string]*contact)}
	var guests []*contact
	for i, name := range []string{"ann", "ben", "eve"} {
		c := r.add(key(t, name).Public(), guest)
		c.current = new(session)
		c.heardAt = w.now.Add(-time.Duration(i) * time.Minute)
		guests = append(guests, c)
	}
	if got := r.surplus(guest, 4); got != nil {
		t.Errorf("%v has to go though there is room", got.key)
	}
	if got := r.surplus(guest, 3); got != guests[2] {
		t.Errorf("%v has to go, want the one who was silent longest", got.key)
	}
	guests[0].current = nil
	if got := r.surplus(guest, 3); got != guests[0] {
		t.Errorf("%v has to go, want the one who is gone", got.key)
	}
}
