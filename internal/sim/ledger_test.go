package sim

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/blubbel/wire"
)

// begun is a scenario that has run for five seconds, with texts from ann to ben,
// and from ben to ann, that have arrived.
func begun(t *testing.T) (r *run, ann, ben, cat *person) {
	t.Helper()
	s := small(t, "",
		`{"at": "3s", "do": "send", "who": "ann", "to": "ben", "count": 3}`,
		`{"at": "3s", "do": "send", "who": "ben", "to": "ann"}`)
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	r, err = newRun(&s, Options{Seed: 1, keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.pass(t.Context(), 5*time.Second); err != nil || len(r.report.Broken) > 0 || r.ledger.arrived != 4 {
		t.Fatalf("%v, %v, %d texts arrived", err, r.report.Broken, r.ledger.arrived)
	}
	return r, r.people[0], r.people[1], r.people[2]
}

// breaks fails the test unless exactly this promise was broken.
func breaks(t *testing.T, r *run, what string) {
	t.Helper()
	if len(r.report.Broken) != 1 || !strings.HasSuffix(r.report.Broken[0], ": "+what) {
		t.Errorf("broken: %q, want %q", r.report.Broken, what)
	}
}

// receive has p receive a text.
func receive(p, from *person, text string) {
	p.running().Emit(client.Received{From: from.key.Public(), Text: text})
}

func TestPromiseOfOneReceiptCanBreak(t *testing.T) {
	t.Parallel()
	r, ann, ben, _ := begun(t)
	receive(ben, ann, r.ledger.pair(ann, ben).texts[2].content())
	breaks(t, r, "ben receives text #3 of ann a second time")
}

func TestPromiseOfUnchangedTextsCanBreak(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(text string) string{
		"a letter":      func(text string) string { return text[:len(text)-1] + "?" },
		"the end":       func(text string) string { return text[:len(text)-1] },
		"something new": func(text string) string { return strings.Replace(text, " 3 ", " 4 ", 1) },
		"no number":     func(text string) string { return strings.Replace(text, " 3 ", " 0 ", 1) },
	} {
		r, ann, ben, _ := begun(t)
		receive(ben, ann, change(r.ledger.pair(ann, ben).texts[2].content()))
		t.Log(name)
		breaks(t, r, "ben receives from ann what that did not send to it")
	}
}

func TestPromiseOfTheRightReceiverCanBreak(t *testing.T) {
	t.Parallel()
	r, ann, ben, cat := begun(t)
	receive(cat, ann, r.ledger.pair(ann, ben).texts[0].content())
	breaks(t, r, "cat receives from ann what that did not send to it")
	r, _, ben, _ = begun(t)
	receive(ben, ben, "gibberish")
	breaks(t, r, "ben receives something that nobody sent")
}

// sendQuietly gives ann a text to ben, and lets it get no farther than the socket.
func sendQuietly(t *testing.T, r *run, ann, ben *person) *text {
	t.Helper()
	ben.place.cut("both")
	r.ledger.give(ann.running(), ben, 0)
	texts := r.ledger.pair(ann, ben).texts
	last := texts[len(texts)-1]
	if last.fate != sent {
		t.Fatalf("the text is %v", last.fate)
	}
	return last
}

func TestPromiseOfOrderCanBreak(t *testing.T) {
	t.Parallel()
	r, ann, ben, _ := begun(t)
	first := sendQuietly(t, r, ann, ben)
	second := sendQuietly(t, r, ann, ben)
	ann.ended = r.ledger.next() // which excuses that the first is missing
	receive(ben, ann, second.content())
	if len(r.report.Broken) > 0 {
		t.Fatalf("broken: %q", r.report.Broken)
	}
	receive(ben, ann, first.content())
	breaks(t, r, "ben receives text #4 of ann after #5")
}

func TestPromiseToTellOfALossCanBreak(t *testing.T) {
	t.Parallel()
	r, ann, ben, _ := begun(t)
	sendQuietly(t, r, ann, ben)
	receive(ben, ann, sendQuietly(t, r, ann, ben).content())
	breaks(t, r, "ben receives text #5 of ann without #4, and was not told")

	for name, excuse := range map[string]func(r *run, ann, ben *person){
		"told":              func(r *run, ann, ben *person) { ben.running().Emit(client.Lost{From: ann.key.Public()}) },
		"sender cut off":    func(r *run, ann, _ *person) { r.ledger.broke(ann) },
		"receiver cut off":  func(r *run, _, ben *person) { r.ledger.broke(ben) },
		"relay has crashed": func(r *run, _, _ *person) { r.relay.crash() },
	} {
		r, ann, ben, _ := begun(t)
		sendQuietly(t, r, ann, ben)
		second := sendQuietly(t, r, ann, ben)
		excuse(r, ann, ben)
		receive(ben, ann, second.content())
		if len(r.report.Broken) > 0 {
			t.Errorf("%s: %q", name, r.report.Broken)
		}
	}
}

func TestPromiseThatWhatWasSentArrivesCanBreak(t *testing.T) {
	t.Parallel()
	r, ann, ben, _ := begun(t)
	sendQuietly(t, r, ann, ben)
	r.ledger.settle()
	breaks(t, r, "text #4 from ann to ben was sent and never arrived, though no connection ended")

	r, ann, ben, _ = begun(t)
	sendQuietly(t, r, ann, ben)
	r.ledger.meddled(r.ledger.pair(ann, ben), "drop")
	r.ledger.settle()
	if len(r.report.Broken) > 0 {
		t.Errorf("a dishonest relay: %q", r.report.Broken)
	}
}

// message is what a program gives to its connection.
func message(to *person, counter uint64, body string) *wire.Message {
	sealed := binary.BigEndian.AppendUint64(make([]byte, 4), counter)
	return &wire.Message{Peer: to.key.Public().Bytes(), Sealed: append(sealed, body...)}
}

func TestPromiseOfCountersCanBreak(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", leastText+blubbel.TagSize)
	for _, c := range []struct {
		want string
		do   func(ann *program, ben, cat *person)
	}{
		{"ann sends counter 9 with 56 bytes after counter 3", func(ann *program, ben, _ *person) { ann.Queue(message(ben, 9, long)) }},
		{"ann sends counter 3 with 56 bytes after counter 3", func(ann *program, ben, _ *person) { ann.Queue(message(ben, 3, long)) }},
		{"ann sends counter 4 with 20 bytes after counter 3", func(ann *program, ben, _ *person) { ann.Queue(message(ben, 4, long[:20])) }},
		{"ann sends a text that it was not given", func(ann *program, ben, _ *person) { ann.Queue(message(ben, 4, long)) }},
		{"ann sends a text before the session is confirmed", func(ann *program, _, cat *person) { ann.Queue(message(cat, 1, long)) }},
		{"ann confirms a session with counter 1", func(ann *program, _, cat *person) { ann.Queue(message(cat, 1, long[:blubbel.TagSize])) }},
		{"ann seals two messages with the same key and counter", func(ann *program, ben, cat *person) {
			ann.Queue(message(cat, 0, long[:blubbel.TagSize]))
			ann.Queue(message(ben, 0, long[:blubbel.TagSize]))
		}},
		{"ann takes a session for confirmed that it has not confirmed itself", func(ann *program, _, cat *person) {
			ann.r.ledger.confirmed(ann, cat)
		}},
		{"ann has sent a text that it was not given", func(ann *program, _, _ *person) { ann.Emit(client.Sent{Ref: 99}) }},
		{"ann says of text #1 to ben that it was sent, out of turn", func(ann *program, _, _ *person) { ann.Emit(client.Sent{Ref: 1}) }},
		{"ann is told of the failure of a text that does not wait", func(ann *program, _, _ *person) { ann.Emit(client.Failed{Ref: 1}) }},
	} {
		r, ann, ben, cat := begun(t)
		c.do(ann.running(), ben, cat)
		breaks(t, r, c.want)
	}
}

// TestSameKeystreamIsSeen seals what a text was sealed with once more: known
// texts show the keystream.
func TestSameKeystreamIsSeen(t *testing.T) {
	t.Parallel()
	r, ann, ben, _ := begun(t)
	prog := ann.running()
	page := prog.book.page(ben)
	stream := strings.Repeat("k", leastText)
	for n := range uint64(2) {
		x := r.ledger.pair(ann, ben).add(prog, leastText, 0)
		page.box = append(page.box, x)
		sealed := make([]byte, leastText, leastText+blubbel.TagSize)
		for i := range sealed {
			sealed[i] = stream[i] ^ x.content()[i]
		}
		prog.Queue(message(ben, 4+n, string(sealed[:cap(sealed)])))
	}
	breaks(t, r, "ann seals two messages with the same key and counter")
}

func TestPromiseOfTheRelaysMemoryCanBreak(t *testing.T) {
	t.Parallel()
	r, _, _, _ := begun(t)
	r.relay.conns[0].put(wire.KindMessage, "", make([]byte, 400<<10))
	r.relay.check()
	breaks(t, r, "relay keeps 409605 bytes for ann")

	r, _, _, _ = begun(t)
	r.relay.conns = r.relay.conns[1:]
	r.relay.check()
	breaks(t, r, "relay knows 3 connections; 2 are there")

	r, _, _, _ = begun(t)
	r.relay.mustBeEmpty()
	breaks(t, r, "everybody has left, and the relay keeps 3 connections (3 of them closed) and 1 sessions")
}

func TestBrokenPromiseEndsTheRun(t *testing.T) {
	t.Parallel()
	r, _, _, _ := begun(t)
	r.broken("on purpose")
	before := r.since()
	if err := r.play(t.Context()); err != nil || r.since() != before {
		t.Errorf("play: %v; went on for %v", err, r.since()-before)
	}
	r.finish()
	if r.report.OK() {
		t.Error("the report says that all is well")
	}
}

func TestFailedTextLeavesTheOthersInTheirOrder(t *testing.T) {
	t.Parallel()
	s := small(t, "",
		`{"at": "3s", "do": "add", "who": "ann", "to": "cat"}`,
		`{"at": "5s", "do": "send", "who": "ann", "to": "cat", "count": 4}`,
		`{"at": "20s", "do": "remove", "who": "ann", "to": "cat"}`,
		`{"at": "21s", "do": "add", "who": "ann", "to": "cat"}`,
		`{"at": "22s", "do": "send", "who": "ann", "to": "cat", "count": 2}`,
		`{"at": "25s", "do": "accept", "who": "cat", "to": "ann"}`)
	r, log := play(t, s, 1)
	good(t, r, log)
	wants(t, log, "ann        remove cat", "ann        gives up #1 cat: contact was removed", "ann        gives up #4 cat",
		"cat        received #5 ann", "cat        received #6 ann")
	if r.Texts != 6 || r.Sent != 2 || r.Arrived != 2 {
		t.Errorf("%d texts, %d sent, %d arrived; want 6, 2, 2", r.Texts, r.Sent, r.Arrived)
	}
}
