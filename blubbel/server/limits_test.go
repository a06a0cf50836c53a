package server_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

func TestLengthAboveTheLimitIsAnsweredBeforeItsPayloadComes(t *testing.T) {
	r := newRelay(t, server.Config{MaxPayload: 4096})
	for _, c := range []struct {
		p     *peer
		kind  wire.Kind
		limit uint32
	}{
		{r.open(), wire.KindLogin, 1024},
		{r.open(), 0x77, 1024},
		{r.raw(1), wire.KindMessage, 4096},
		{r.raw(2), wire.KindStart, 4096},
	} {
		head := binary.BigEndian.AppendUint32([]byte{byte(c.kind)}, c.limit)
		if n, _ := r.m.Take(r.now, c.p.conn, head); n != 0 || c.p.closed {
			t.Errorf("a %v of the limit of %d was not waited for", c.kind, c.limit)
		}
		for _, size := range []uint32{c.limit + 1, 1<<32 - 1} {
			if size == 1<<32-1 {
				c.p = r.open() // before login every length above 1,024 is
			}
			c.p.bytes(binary.BigEndian.AppendUint32([]byte{byte(c.kind)}, size))
			c.p.refused(8, c.kind, nil)
			c.p.stays(false)
			if n, _ := r.m.Take(r.now, c.p.conn, make([]byte, 100)); n != 100 {
				t.Error("a closed connection's bytes are not taken")
			}
		}
	}
}

func TestStartsOfAConnectionAreLimited(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b, c := r.raw(1), r.raw(2), r.raw(3)
	for i := range blubbel.StartBurst {
		a.sends(start([]*peer{b, c}[i%2]))
		a.gets()
	}
	a.sends(start(b))
	a.refused(9, wire.KindStart, b.key.Bytes())
	a.stays(true)
	gone := rawKey(99).Bytes()
	a.sends(&wire.Start{Peer: gone}) // who tries keys is not told more than that
	a.refused(9, wire.KindStart, gone)
	r.wait(time.Second)
	b.frames = nil
	a.sends(start(b))
	b.gets(start(a))
	a.sends(start(b))
	a.refused(9, wire.KindStart, b.key.Bytes())
}

func TestStartsToARecipientAreLimited(t *testing.T) {
	r := newRelay(t, server.Config{})
	b := r.raw(0)
	for i := range blubbel.StartRecipientRate {
		r.raw(i + 1).sends(start(b))
	}
	if got := len(b.frames); got != blubbel.StartRecipientRate {
		t.Errorf("%d requests came through, want %d", got, blubbel.StartRecipientRate)
	}
	late, c := r.raw(50), r.raw(51)
	late.sends(start(b))
	late.refused(9, wire.KindStart, b.key.Bytes())
	late.sends(start(c)) // others can be asked
	c.gets(start(late))
	r.wait(100 * time.Millisecond)
	b.frames = nil
	late.sends(start(b))
	b.gets(start(late))
}

func TestSessionsOfAConnectionAreLimited(t *testing.T) {
	r := newRelay(t, server.Config{Sessions: 3, StartBurst: 100})
	a := r.raw(0)
	others := []*peer{r.raw(1), r.raw(2), r.raw(3), r.raw(4)}
	session(others[0], a)
	for _, p := range others[1:3] {
		a.sends(start(p))
		p.gets(start(a))
	}
	a.sends(start(others[3]))
	a.refused(9, wire.KindStart, others[3].key.Bytes())
	others[3].gets()
	others[3].sends(start(a)) // being asked does not count
	a.gets(start(others[3]))
	a.sends(accept(others[3])) // but to accept would
	a.refused(9, wire.KindAccept, others[3].key.Bytes())
	a.sends(start(others[0])) // one that is there may be renewed
	others[0].gets(start(a))
	others[1].leaves() // one fewer
	a.sends(accept(others[3]))
	others[3].gets(accept(a))
}

func TestFrameForAFullQueueWaitsAndIsNotLost(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b := r.raw(1), r.raw(2)
	session(a, b)
	b.room = 0
	want := server.Todo{Full: b, Size: wire.HeadSize + blubbel.RawKeySize + len("sealed")}
	for range 2 {
		if todo := a.sends(message(b)); !reflect.DeepEqual(todo, want) {
			t.Fatalf("Todo = %+v, want %+v", todo, want)
		}
		a.gets()
	}
	if got := r.m.Stats().Stalls; got != 1 {
		t.Errorf("%d stalls, want 1: the second frame waits behind the first", got)
	}
	b.room = 1
	if todo := a.bytes(nil); todo.Full == nil {
		t.Error("the second frame was taken too")
	}
	if got := r.m.Stats().Stalls; got != 2 {
		t.Errorf("%d stalls, want one for each frame", got)
	}
	b.gets(message(a))
	r.m.Cut(r.now, b.conn)
	r.m.Cut(r.now, b.conn)
	if !errors.Is(b.why, server.ErrSlowReader) || r.m.Stats().Cuts != 1 {
		t.Errorf("cut: %v, %d cuts", b.why, r.m.Stats().Cuts)
	}
	a.bytes(nil)
	a.refused(6, wire.KindMessage, b.key.Bytes())
}

func TestAcceptForAFullQueueOpensTheSessionWhenItIsTaken(t *testing.T) {
	r := newRelay(t, server.Config{})
	a, b := r.raw(1), r.raw(2)
	a.sends(start(b))
	b.gets(start(a))
	a.room = 0
	b.sends(accept(a))
	a.sends(message(b))
	a.refused(7, wire.KindMessage, b.key.Bytes())
	a.room = -1
	b.bytes(nil)
	a.gets(accept(b))
	a.sends(message(b))
	b.gets(message(a))
}

func TestStartThatWaitsForRoomCostsItsRateOnce(t *testing.T) {
	r := newRelay(t, server.Config{StartBurst: 2})
	a, b := r.raw(1), r.raw(2)
	b.room = 0
	a.sends(start(b))
	for range 5 {
		a.bytes(nil)
	}
	b.room = -1
	a.bytes(nil)
	a.sends(start(b))
	a.gets()
	b.gets(start(a), start(a))
}

func TestWhoDoesNotReadTheAnswersIsNotRead(t *testing.T) {
	r := newRelay(t, server.Config{})
	a := r.raw(1)
	r.raw(2)
	a.room = 0
	frame, _ := wire.AppendFrame(nil, &wire.Message{Peer: rawKey(2).Bytes()})
	n, todo := r.m.Take(r.now, a.conn, bytes.Repeat(frame, 1000))
	// The answer to the login has left a to be looked at first.
	if n != 0 || todo.Full != a {
		t.Fatalf("%d bytes taken and Todo %+v, want none and room at a itself", n, todo)
	}
	a.room = -1
	r.m.Take(r.now, a.conn, frame)
	a.refused(7, wire.KindMessage, rawKey(2).Bytes())
}

func TestTooManyFramesASecondAreReadSlower(t *testing.T) {
	r := newRelay(t, server.Config{FramesPerSecond: 100})
	a, b := r.raw(1), r.raw(2)
	session(a, b)
	frame, _ := wire.AppendFrame(nil, message(b))
	stream := bytes.Repeat(frame, 300)
	began := r.now
	for len(stream) > 0 {
		n, todo := r.m.Take(r.now, a.conn, stream)
		stream = stream[n:]
		if todo.Wait > 0 {
			r.wait(todo.Wait)
		}
	}
	if got := len(b.frames); got != 300 {
		t.Errorf("%d of 300 frames arrived", got)
	}
	if took := r.now.Sub(began); took < 1900*time.Millisecond || took > 2100*time.Millisecond {
		t.Errorf("300 frames took %v, want 2s: 100 at once and 100 a second", took)
	}
	off := newRelay(t, server.Config{FramesPerSecond: -1})
	a, b = off.raw(1), off.raw(2)
	session(a, b)
	if n, todo := off.m.Take(off.now, a.conn, bytes.Repeat(frame, 20_000)); n != 20_000*len(frame) {
		t.Errorf("without the limit %d bytes were taken, and then %+v", n, todo)
	}
}

func TestSettingsThatCannotBeAreAllNamed(t *testing.T) {
	_, err := server.NewMachine(server.Config{MaxPayload: 2 << 20, Queue: -1, Stall: -1, Sessions: -1, StartRate: -1, AsShipped: true, RefuseRaw: true})
	for _, word := range []string{"MaxPayload", "Queue", "Stall", "Sessions", "StartRate", "AsShipped"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v does not name %s", err, word)
		}
	}
	if _, err := server.NewMachine(server.Config{MaxPayload: 10}); err == nil {
		t.Error("a login would not fit, and nothing was said")
	}
}
