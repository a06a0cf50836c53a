package client

import (
	"strings"
	"testing"

	"trunkline/blubbel"
)

// BenchmarkMessage seals and opens a text of 100 bytes between DER keys.
func BenchmarkMessage(b *testing.B) {
	out, in := newTestHalves(b)
	text := strings.Repeat("x", 100)
	var sealed, opened []byte
	b.SetBytes(100)
	b.ReportAllocs()
	for b.Loop() {
		sealed = out.seal(sealed[:0], text)
		var err error
		if opened, err = in.open(opened, sealed); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMachineMessage is a text from Send at one machine to Received at the
// other, with the frames between them.
func BenchmarkMachineMessage(b *testing.B) {
	w := cheapWorld(b)
	ann, ben := w.pair("ann", "ben")
	text := strings.Repeat("x", 100)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ann.m.Send(w.now, ben.key, text); err != nil {
			b.Fatal(err)
		}
		w.lift(ann)
		w.drop(ben)
		ann.events, ben.events = ann.events[:0], ben.events[:0]
	}
}

// BenchmarkSession opens a session between two clients with keys of 2048 bits,
// the work of both together.
func BenchmarkSession(b *testing.B) {
	w := newWorld(b)
	ann, ben := w.pair("ann", "ben")
	b.ReportAllocs()
	for b.Loop() {
		ann.renew(ben)
		ann.m.asks = queue[*contact]{}
		if c := ann.m.contact(ben.key); c.start == nil { // the pace would not allow it
			c.queued = false
			ann.m.sendStart(w.now, c)
		}
		w.run()
		ann.events, ben.events = nil, nil
	}
	if got := ann.m.Stats().Sessions; got < 2 {
		b.Fatalf("%d sessions", got)
	}
}

// BenchmarkExponent is the part of a session that is not RSA: a public value.
func BenchmarkExponent(b *testing.B) {
	x := newExponent()
	for b.Loop() {
		x.public()
	}
}

// BenchmarkOpenValue is the RSA operation of a Start, done outside the loop.
func BenchmarkOpenValue(b *testing.B) {
	k := key(b, "ann")
	sealed, err := blubbel.SealValue(k.Public(), &newExponent().public().b)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := k.OpenValue(sealed); err != nil {
			b.Fatal(err)
		}
	}
}
