package chat

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

// relay serves blubbel on the loopback until the test ends.
func relay(t *testing.T) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var serving sync.WaitGroup
	serving.Go(func() {
		if err := s.Serve(ctx, l); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		serving.Wait()
	})
	return l.Addr().String()
}

// online is a client of a profile, which gives its events to a channel.
func online(t *testing.T, p *Profile, address string) (Client, <-chan Event) {
	t.Helper()
	c, err := NewBlubbel(BlubbelConfig{Server: address, Profile: p})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	events := make(chan Event, 100)
	var running sync.WaitGroup
	running.Go(func() {
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	running.Go(func() {
		defer close(events)
		for e := range c.Events() {
			select {
			case events <- e:
			case <-ctx.Done():
			}
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return c, events
}

// await returns the first event of a type, and passes over others.
func await[T Event](t *testing.T, events <-chan Event) T {
	t.Helper()
	limit := time.After(20 * time.Second)
	for {
		select {
		case e, ok := <-events:
			if want, is := e.(T); is {
				return want
			}
			if !ok {
				t.Fatal("the events ended")
			}
		case <-limit:
			var want T
			t.Fatalf("no %T came", want)
		}
	}
}

func TestTwoProfilesTalkOverBlubbel(t *testing.T) {
	t.Parallel()
	address := relay(t)
	path := newPath(t)
	annas := profile(t, path)
	anna, annasEvents := online(t, annas, address)
	ben, bensEvents := online(t, NoHistory(), address)
	await[Online](t, annasEvents)
	await[Online](t, bensEvents)
	self := anna.Self()
	if !self.Proven || len(strings.Fields(self.Fingerprint)) != 10 || !strings.HasPrefix(self.Address, "blubbel:") {
		t.Errorf("anna is %+v", self)
	}
	// An address as a terminal cuts it.
	pieces := self.Address[:100] + "\n " + self.Address[100:] + "\n"
	id, err := ben.Identify(pieces)
	if err != nil || id != self {
		t.Fatalf("identified as %+v, %v", id, err)
	}
	if err := ben.Add(t.Context(), id.Address); err != nil {
		t.Fatal(err)
	}
	if asks := await[Asks](t, annasEvents); asks.Who != ben.Self() {
		t.Errorf("%+v asks", asks.Who)
	}
	if err := anna.Add(t.Context(), ben.Self().Address); err != nil {
		t.Fatal(err)
	}
	for await[Changed](t, bensEvents).State != Connected {
	}
	if limit := ben.MaxText(id.Address); limit < 60_000 || limit > blubbel.DefaultMaxPayload {
		t.Errorf("a text holds %d bytes", limit)
	}
	ref, err := ben.Send(t.Context(), id.Address, "hello")
	if err != nil {
		t.Fatal(err)
	}
	if got := await[Sent](t, bensEvents); got.Ref != ref {
		t.Errorf("sent %d, not %d", got.Ref, ref)
	}
	if got := await[Received](t, annasEvents); got.Text != "hello" || got.From != ben.Self().Address {
		t.Errorf("received %+v", got)
	}
	if err := ben.Block(t.Context(), id.Address); err != nil {
		t.Error(err)
	}
	if err := anna.Remove(t.Context(), ben.Self().Address); err != nil {
		t.Error(err)
	}
}

func TestAProfileKeepsItsKey(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	first := profile(t, path)
	a, err := NewBlubbel(BlubbelConfig{Server: "127.0.0.1:1", Profile: first})
	if err != nil {
		t.Fatal(err)
	}
	key, err := blubbel.GenerateKey(blubbel.Raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []standing{friend, blocked} {
		if err := first.commit(entry{Kind: kindContact, Who: key.Public().String(), Standing: s}); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second := profile(t, path)
	b, err := NewBlubbel(BlubbelConfig{Server: "127.0.0.1:1", Profile: second})
	if err != nil || a.Self() != b.Self() {
		t.Errorf("the address changed: %v", err)
	}
	if id, err := b.Identify(key.Public().String()); err != nil || id.Proven {
		t.Errorf("a raw key is %+v, %v", id, err)
	}
	for _, s := range []standing{friend, blocked} {
		broken := NoHistory()
		broken.secret = second.secret
		if err := broken.commit(entry{Kind: kindContact, Who: "blubbel:AAAA", Standing: s}); err != nil {
			t.Fatal(err)
		}
		if _, err := NewBlubbel(BlubbelConfig{Profile: broken}); !errors.Is(err, blubbel.ErrBadKey) {
			t.Errorf("%s: %v", s, err)
		}
	}
	broken := NoHistory()
	broken.secret = "nonsense"
	if _, err := NewBlubbel(BlubbelConfig{Profile: broken}); !errors.Is(err, blubbel.ErrBadKey) {
		t.Error(err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoAddressIsRefused(t *testing.T) {
	t.Parallel()
	c, err := NewBlubbel(BlubbelConfig{Server: "127.0.0.1:1", Profile: NoHistory()})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Identify(c.Self().Address); !errors.Is(err, client.ErrSelf) {
		t.Errorf("the own address: %v", err)
	}
	if _, err := c.Identify("blubbel:AAAA"); !errors.Is(err, blubbel.ErrBadKey) {
		t.Errorf("too short: %v", err)
	}
	for name, do := range map[string]func(context.Context, string) error{"add": c.Add, "remove": c.Remove, "block": c.Block} {
		if err := do(t.Context(), "nobody"); !errors.Is(err, blubbel.ErrBadKey) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.Send(t.Context(), "nobody", "hello"); !errors.Is(err, blubbel.ErrBadKey) {
		t.Errorf("send: %v", err)
	}
	if c.MaxText("nobody") != 0 {
		t.Error("nobody takes a text")
	}
}

func TestEventsOfBlubbelAreWordedForPeople(t *testing.T) {
	t.Parallel()
	key, err := blubbel.GenerateKey(blubbel.Raw)
	if err != nil {
		t.Fatal(err)
	}
	k, now, boom := key.Public(), time.Now(), errors.New("boom")
	address := k.String()
	badKey := &blubbel.Error{Code: blubbel.CodeBadKey}
	for _, c := range []struct {
		from client.Event
		want Event
	}{
		{client.Online{}, Online{}},
		{client.Offline{Why: boom, Retry: time.Second}, Offline{Why: boom, Retry: time.Second}},
		{client.Request{From: k}, Asks{Who: identity(k)}},
		{client.ContactChanged{Contact: client.Contact{Key: k, State: client.Open}}, Changed{Who: address, State: Connected}},
		{client.ContactChanged{Contact: client.Contact{Key: k, State: client.Asked}}, Changed{Who: address, State: Asked}},
		{client.ContactChanged{Contact: client.Contact{Key: k, State: client.Asking}}, Changed{Who: address, State: Asking}},
		{client.ContactChanged{Contact: client.Contact{Key: k, State: client.Gone}}, Changed{Who: address, State: Away}},
		{client.Received{From: k, Text: "x", At: now}, Received{From: address, Text: "x", At: now}},
		{client.Sent{Ref: 7, To: k}, Sent{Ref: 7}},
		{client.Failed{Ref: 7, To: k, Err: boom}, Failed{Ref: 7, Err: boom}},
		{client.Lost{From: k}, Lost{From: address}},
		{client.Refused{Err: badKey}, Refused{Err: badKey}},
		{client.Refused{Err: &blubbel.Error{Code: blubbel.CodeNotConnected}, Answered: wire.Kind(3), Peer: k}, nil},
		{nil, nil},
	} {
		if got := fromBlubbel(c.from); got != c.want {
			t.Errorf("%T became %#v, want %#v", c.from, got, c.want)
		}
	}
	if got, ok := fromBlubbel(client.Refused{Err: badKey, Peer: k}).(Refused); !ok || got.Err.Error() != k.Short()+": bad key" {
		t.Errorf("got %v", got)
	}
}
