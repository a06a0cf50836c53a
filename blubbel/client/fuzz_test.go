package client

import (
	"testing"
	"unicode/utf8"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

// hostile is a client in the middle of everything: a session open with ben,
// eve asked, a request of rob, texts waiting.
func hostile(t testing.TB, auto bool) (w *world, ann *peer) {
	w = cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.m.conf.AutoAccept = auto
	eve, rob := w.add("eve"), w.add("rob")
	eve.connect()
	rob.connect()
	w.run()
	ann.add(eve)
	rob.add(ann)
	w.run()
	ann.say(eve, "waits")
	ann.say(ben, "sent")
	w.run()
	ann.told()
	return w, ann
}

// stream is frames as a relay writes them.
func stream(t testing.TB, packets ...wire.Packet) (b []byte) {
	for _, p := range packets {
		var err error
		if b, err = wire.AppendFrame(b, p); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// FuzzStreamFromTheRelay feeds a client with whatever a relay might write.
func FuzzStreamFromTheRelay(f *testing.F) {
	w, ann := hostile(f, false)
	ben, eve := w.peers[1], w.peers[2]
	seal := func() []byte {
		sealed, _ := ann.m.suite.seal(ann.key, &newCheap(3).public().b)
		return sealed
	}
	message := ben.m.contact(ann.key).current.out.seal(nil, "hello")
	f.Add(stream(f, &wire.LoginAccepted{}, &wire.Challenge{Sealed: make([]byte, 256)}), uint8(1), false)
	f.Add(stream(f, &wire.Start{Peer: ben.key.Bytes(), Sealed: seal()}, &wire.Start{Peer: rawKey(1), Sealed: seal()}), uint8(7), true)
	f.Add(stream(f, &wire.Accept{Peer: eve.key.Bytes(), Sealed: seal()}, &wire.Accept{Peer: ben.key.Bytes(), Sealed: seal()}), uint8(0), false)
	f.Add(stream(f, &wire.Message{Peer: ben.key.Bytes(), Sealed: message}, &wire.Message{Peer: ben.key.Bytes(), Sealed: message}), uint8(3), false)
	for _, code := range blubbel.Codes() {
		f.Add(stream(f,
			&wire.Error{Code: code, Answered: wire.KindStart, Peer: eve.key.Bytes()},
			&wire.Error{Code: code, Answered: wire.KindMessage, Peer: ben.key.Bytes(), Text: "why"},
			&wire.Error{Code: code, Answered: wire.KindAccept, Peer: ben.key.Bytes()},
		), uint8(9), true)
	}
	f.Add([]byte{0x04, 0xff, 0xff, 0xff, 0xff}, uint8(2), false)
	f.Fuzz(func(t *testing.T, b []byte, step uint8, auto bool) {
		w, ann := hostile(t, auto)
		before := len(ann.m.Contacts())
		feedInPieces(w, ann, b, 1+int(step))
		frames := len(b)/wire.HeadSize + 1
		if got := len(ann.m.Contacts()); got > before+frames {
			t.Errorf("%d contacts after %d frames", got, frames)
		}
		if got := len(ann.up); got > 3*frames {
			t.Errorf("%d frames in answer to %d", got, frames)
		}
		for _, e := range ann.events {
			if r, ok := e.(Received); ok && !utf8.ValidString(r.Text) {
				t.Errorf("text %q", r.Text)
			}
		}
		w.pass(blubbel.StartTimeout + 2*blubbel.ConfirmTimeout)
		for _, c := range ann.m.roster.inOrder {
			if c.pending != nil || c.start != nil && c.outbox.len() == 0 || c.slot >= 0 && c.wake.Before(w.now) {
				t.Errorf("after three minutes something is still under way with %s", w.nameOf(c.key))
			}
		}
		ann.disconnect()
		ann.connect()
		w.run()
		if ann.m.phase != online {
			t.Error("does not log in any more")
		}
	})
}

// feedInPieces is the reader without its goroutine.
func feedInPieces(w *world, p *peer, b []byte, step int) {
	var buf []byte
	for len(b) > 0 {
		n := min(step, len(b))
		buf, b = append(buf, b[:n]...), b[n:]
		for {
			pk, sealed, rest, err := p.m.frames(w.now, buf)
			if err != nil {
				return
			}
			buf = append([]byte(nil), rest...)
			if pk == nil {
				break
			}
			p.m.Opened(w.now, pk, p.m.Open(sealed))
		}
	}
}
