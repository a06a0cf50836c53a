package chat

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"pgregory.net/rapid"
)

// life is a chat to which anything happens, and what must come of it.
type life struct {
	*stage
	received map[string][]string // by name, in order
	fates    map[uint64]delivery // of what the network was given
	texts    int
}

func names() []string { return []string{"ben", "tom", "eve", "rawboy"} }

// event is something that the network may say at any time.
func (l *life) event(t *rapid.T) Event {
	name := rapid.SampledFrom(names()).Draw(t, "name")
	ref := uint64(rapid.IntRange(0, int(l.net.ref)+1).Draw(t, "ref"))
	switch rapid.IntRange(0, 8).Draw(t, "event") {
	case 0:
		return Online{}
	case 1:
		return Offline{Why: errors.New("gone\x1b[0m"), Retry: time.Duration(rapid.IntRange(0, 20).Draw(t, "retry")) * time.Second}
	case 2:
		return Asks{id(name)}
	case 3:
		return Changed{"test:" + name, rapid.SampledFrom([]State{Away, Asked, Asking, Connected}).Draw(t, "state")}
	case 4:
		return Sent{ref}
	case 5:
		return Failed{ref, errors.New("outbox is full")}
	case 6:
		return Lost{"test:" + name}
	case 7:
		return Refused{errors.New("bad key")}
	}
	l.texts++
	return Received{"test:" + name, fmt.Sprint(l.texts, rapid.String().Draw(t, "text")), time.Now()}
}

// expect notes what must come of an event, before it happens.
func (l *life) expect(event Event) {
	switch e := event.(type) {
	case Received:
		if c := l.m.Profile.contact(e.From); c != nil && c.standing == friend {
			l.received[e.From] = append(l.received[e.From], e.Text)
		}
	case Sent:
		if _, waits := l.fates[e.Ref]; waits {
			l.fates[e.Ref] = sent
		}
	case Failed:
		if _, waits := l.fates[e.Ref]; waits {
			l.fates[e.Ref] = failed
		}
	}
}

func (l *life) step(t *rapid.T) {
	switch rapid.IntRange(0, 5).Draw(t, "step") {
	case 0, 1:
		var events []Event
		for range rapid.IntRange(1, 4).Draw(t, "events") {
			e := l.event(t)
			l.expect(e)
			events = append(events, e)
		}
		if !l.happen(events...) {
			t.Fatal("the events were not stored")
		}
	case 2:
		l.key(rapid.SliceOfN(rapid.SampledFrom([]string{
			"enter", "tab", "up", "down", "left", "right", "home", "end", "pgup", "pgdown", "esc", "backspace", "delete",
			"ctrl+n", "f1", "?", "a", "r", "y", "n", "c", "space", "alt+enter", "ctrl+w", "ctrl+home", "ctrl+end", "ctrl+u",
		}), 1, 6).Draw(t, "keys")...)
	case 3:
		l.says(rapid.SampledFrom([]string{
			"/verify", "/me", "/help", "/again", "/accept", "/refuse", "/name x", "/nonsense", "//x", "hello", "世界\x1b",
			"/add test:ben ben", "/add test:tom", "/add test:rawboy", "/add nobody",
		}).Draw(t, "line"))
	case 4:
		l.update(tea.PasteMsg{Content: rapid.StringN(0, 200, -1).Draw(t, "paste")})
	case 5:
		l.resize(rapid.IntRange(1, 140).Draw(t, "width"), rapid.IntRange(1, 50).Draw(t, "height"))
	}
}

// check compares the conversations with what happened.
func (l *life) check(t *rapid.T) {
	for _, c := range l.m.Profile.contacts {
		var got []string
		for _, m := range c.messages {
			if m.delivery == received {
				got = append(got, m.text)
			}
		}
		if !slices.Equal(got, l.received[c.address]) {
			t.Fatalf("%s said %q, kept is %q", c.address, l.received[c.address], got)
		}
		if c.unread > len(got) {
			t.Fatalf("%d of %d are unread", c.unread, len(got))
		}
	}
	for ref := range l.m.sending {
		if l.fates[ref] == sent || l.fates[ref] == failed {
			t.Fatalf("message %d waits although it is %s", ref, l.fates[ref])
		}
	}
	if l.m.focus == onList && len(l.m.rows()) > 0 && l.m.cursor >= len(l.m.rows()) {
		t.Fatalf("the cursor is on line %d of %d", l.m.cursor, len(l.m.rows()))
	}
}

func TestWhateverHappensTheScreenIsWholeAndNothingIsLost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		l := &life{stage: newStage(t, Config{Profile: NoHistory()}), received: map[string][]string{}, fates: map[uint64]delivery{}}
		l.net.onSend = func(string) { l.fates[l.net.ref+1] = waiting }
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			l.step(rt)
			l.screen()
			l.check(rt)
		}
	})
}
