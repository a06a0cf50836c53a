package wire_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
	fields "trunkline/internal/wire"
)

func rawKey() []byte { return slices.Repeat([]byte{0x81}, blubbel.RawKeySize) }

// derKey has the head of a DER key of 2048 bits and nothing else of one: the
// packets look no further.
func derKey() []byte {
	head := []byte{0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
		0x0d, 0x01, 0x01, 0x01, 0x05, 0x00, 0x03, 0x82}
	return append(head, make([]byte, blubbel.MinDERKeySize-len(head))...)
}

func TestEveryShorterPayloadIsRefusedOrWhole(t *testing.T) {
	for _, c := range recorded[recordedPacket](t, "packets.json") {
		b := c.payload(t)
		for n := range len(b) + 1 {
			p, err := wire.Parse(c.direction(), c.Kind, b[:n])
			if err != nil {
				if _, ok := errors.AsType[*fields.FieldError](err); !ok {
					t.Errorf("%s cut to %d: error %v names no field", c.Name, n, err)
				}
				continue
			}
			again, err := p.AppendBinary(nil)
			if err != nil || !bytes.Equal(again, b[:n]) {
				t.Errorf("%s cut to %d: encodes to %x, %v", c.Name, n, again, err)
			}
		}
	}
}

func TestFramesSplitWhereverTheStreamIsCut(t *testing.T) {
	var stream []byte
	var want []wire.Kind
	for _, c := range recorded[recordedPacket](t, "packets.json")[:12] {
		stream = append(stream, fromHex(t, c.Frame)...)
		want = append(want, c.Kind)
	}
	for cut := range stream {
		first, rest := splitAll(t, stream[:cut])
		second, left := splitAll(t, append(bytes.Clone(rest), stream[cut:]...))
		if got := append(first, second...); !slices.Equal(got, want) || len(left) != 0 {
			t.Fatalf("cut at %d: got %v with %d bytes left, want %v", cut, got, len(left), want)
		}
	}
}

func splitAll(t *testing.T, b []byte) (kinds []wire.Kind, rest []byte) {
	t.Helper()
	for {
		f, after, ok, err := wire.Split(b, blubbel.DefaultMaxPayload)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return kinds, b
		}
		if f.Size() != len(b)-len(after) {
			t.Fatalf("frame of %d bytes took %d", f.Size(), len(b)-len(after))
		}
		kinds, b = append(kinds, f.Kind), after
	}
}

func TestPayloadAboveTheLimitIsRefusedUnread(t *testing.T) {
	for _, limit := range []int{0, 1, blubbel.MaxLoginPayload, blubbel.DefaultMaxPayload, blubbel.HighestMaxPayload} {
		head := wire.AppendHead(nil, wire.KindMessage, limit+1)
		f, _, ok, err := wire.Split(head, limit)
		if !errors.Is(err, wire.ErrTooLarge) || ok || f.Kind != wire.KindMessage {
			t.Errorf("limit %d: got %v, %v, %v", limit, f, ok, err)
		}
		if _, _, ok, err := wire.Split(wire.AppendHead(nil, wire.KindMessage, limit), limit); err != nil || ok != (limit == 0) {
			t.Errorf("limit %d kept: got %v, %v", limit, ok, err)
		}
	}
}

// Who appends to a payload must not overwrite the next frame.
func TestPayloadCannotGrowIntoTheNextFrame(t *testing.T) {
	stream := []byte{4, 0, 0, 0, 1, 'a', 4, 0, 0, 0, 1, 'b'}
	f, rest, _, _ := wire.Split(stream, 10)
	_ = append(f.Payload, "xxxxxx"...)
	if g, _, ok, err := wire.Split(rest, 10); !ok || err != nil || string(g.Payload) != "b" {
		t.Errorf("the next frame is %q, %v, %v", g.Payload, ok, err)
	}
}

func TestFrameOfARefusedPacketLeavesNothing(t *testing.T) {
	before := []byte("before")
	for name, p := range map[string]wire.Packet{
		"error text": &wire.Error{Text: string(make([]byte, blubbel.MaxErrorText+1))},
		"error peer": &wire.Error{Peer: make([]byte, blubbel.MaxDERKeySize+1)},
		"login":      &wire.Login{Key: make([]byte, blubbel.MaxLoginPayload+1)},
		"challenge":  &wire.Challenge{Sealed: make([]byte, blubbel.MaxLoginPayload+1)},
		"no peer":    &wire.Message{},
		"cut peer":   &wire.Message{Peer: rawKey()[:127]},
		"two peers":  &wire.Start{Peer: append(rawKey(), rawKey()...)},
		"cut der":    &wire.Accept{Peer: derKey()[:200]},
		"ciphertext": &wire.Message{Peer: rawKey(), Sealed: make([]byte, blubbel.HighestMaxPayload+1)},
	} {
		got, err := wire.AppendFrame(before, p)
		if !errors.Is(err, fields.ErrRange) || !bytes.Equal(got, before) {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
		if got, err := p.AppendBinary(before); err == nil || !bytes.Equal(got, before) {
			t.Errorf("%s alone: got %d bytes, %v", name, len(got), err)
		}
	}
}

func TestUnknownKindIsNamed(t *testing.T) {
	_, err := wire.Parse(wire.ToServer, 0x42, []byte("x"))
	if !errors.Is(err, wire.ErrUnknownKind) || err.Error() != "unknown kind of packet: 0x42 to server" {
		t.Errorf("got %v", err)
	}
	_, err = wire.Parse(wire.ToServer, wire.KindError, nil)
	if !errors.Is(err, wire.ErrUnknownKind) || err.Error() != "unknown kind of packet: error to server" {
		t.Errorf("got %v", err)
	}
	if got := wire.ToClient.String(); got != "to client" {
		t.Errorf("got %q", got)
	}
}

func TestUnknownCodesDecode(t *testing.T) {
	p, err := wire.Parse(wire.ToClient, wire.KindError, []byte{0xee, 0xdd, 0, 0})
	if err != nil {
		t.Fatal(err)
	}
	if e := p.(*wire.Error); e.Code != 0xee || e.Answered != 0xdd || len(e.Peer) != 0 || e.Text != "" {
		t.Errorf("got %+v", e)
	}
}

func TestKindsHaveTheWordsOfTheSpecification(t *testing.T) {
	want := []string{"0x00", "login", "start", "accept", "message", "error", "proof", "0x07"}
	for k, word := range want {
		if got := wire.Kind(k).String(); got != word {
			t.Errorf("kind %d reads %q, want %q", k, got, word)
		}
	}
}

func TestFieldsOfAPacketCoverIt(t *testing.T) {
	for _, file := range []string{"packets.json", "packets_malformed.json"} {
		for _, c := range recorded[recordedPacket](t, file) {
			list, _ := wire.Dissect(c.direction(), c.Kind, c.payload(t))
			var all []byte
			for _, f := range list {
				if f.Offset != len(all) {
					t.Errorf("%s: %s stands at %d, want %d", c.Name, f.Name, f.Offset, len(all))
				}
				all = append(all, f.Bytes...)
			}
			if !bytes.Equal(all, c.payload(t)) {
				t.Errorf("%s: %d of %d bytes listed", c.Name, len(all), len(c.payload(t)))
			}
		}
	}
}

func TestFieldsAreNamedAsInTheSpecification(t *testing.T) {
	names := func(d wire.Direction, k wire.Kind, payload []byte) string {
		list, err := wire.Dissect(d, k, payload)
		var out strings.Builder
		for _, f := range list {
			out.WriteString(f.Name + ";")
		}
		return fmt.Sprint(out.String(), err)
	}
	errorPacket := append([]byte{7, 4, 0, 128}, append(rawKey(), "no session"...)...)
	for _, c := range []struct{ got, want string }{
		{names(wire.ToServer, wire.KindLogin, rawKey()), "key;<nil>"},
		{names(wire.ToClient, wire.KindLogin, nil), "<nil>"},
		{names(wire.ToServer, wire.KindStart, append(derKey(), 1)), "peer;sealed value;<nil>"},
		{names(wire.ToClient, wire.KindMessage, append(rawKey(), 1)), "peer;ciphertext;<nil>"},
		{names(wire.ToClient, wire.KindError, errorPacket), "code;type answered;peer length;peer;text;<nil>"},
		{names(wire.ToServer, 9, []byte{1}), "unknown;unknown kind of packet: 0x09 to server"},
		{names(wire.ToServer, wire.KindProof, []byte{1}), "unknown;field proof at byte 0: input ends early"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

func TestMessagesAreReadAndWrittenWithoutAllocating(t *testing.T) {
	m := wire.Message{Peer: derKey(), Sealed: make([]byte, 300)}
	stream, err := wire.AppendFrame(nil, &m)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 0, len(stream))
	var got wire.Message
	allocs := testing.AllocsPerRun(100, func() {
		f, _, ok, err := wire.Split(stream, blubbel.DefaultMaxPayload)
		if !ok || err != nil {
			t.Fatal(err)
		}
		if err := got.UnmarshalBinary(f.Payload); err != nil {
			t.Fatal(err)
		}
		if buf, err = got.AppendBinary(wire.AppendHead(buf[:0], f.Kind, len(f.Payload))); err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 || !bytes.Equal(buf, stream) {
		t.Errorf("%v allocations a message; %d bytes of %d equal: %v", allocs, len(buf), len(stream), bytes.Equal(buf, stream))
	}
}

func FuzzParseToServer(f *testing.F) { fuzzParse(f, wire.ToServer) }

func FuzzParseToClient(f *testing.F) { fuzzParse(f, wire.ToClient) }

// fuzzParse checks that what is accepted encodes to the same bytes and that
// every byte is listed, accepted or not.
func fuzzParse(f *testing.F, d wire.Direction) {
	for _, file := range []string{"packets.json", "packets_malformed.json"} {
		for _, c := range recorded[recordedPacket](f, file) {
			f.Add(uint8(c.Kind), c.payload(f))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		before := bytes.Clone(b)
		list, dissectErr := wire.Dissect(d, wire.Kind(kind), b)
		n := 0
		for _, field := range list {
			if field.Offset != n {
				t.Fatalf("%s at %d, want %d", field.Name, field.Offset, n)
			}
			n += field.Len()
		}
		p, err := wire.Parse(d, wire.Kind(kind), b)
		if n != len(b) || (err == nil) != (dissectErr == nil) || !bytes.Equal(b, before) {
			t.Fatalf("%d of %d bytes listed; parse: %v, dissect: %v", n, len(b), err, dissectErr)
		}
		if err != nil {
			return
		}
		again, err := p.AppendBinary(nil)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("%x became %x, %v", b, again, err)
		}
	})
}

func FuzzSplit(f *testing.F) {
	type stream struct {
		Stream string
		Limit  int
	}
	for _, c := range recorded[stream](f, "frames.json") {
		f.Add(fromHex(f, c.Stream), c.Limit)
	}
	f.Fuzz(func(t *testing.T, b []byte, limit int) {
		limit = max(0, min(limit, blubbel.HighestMaxPayload))
		var again []byte
		rest := b
		for {
			frame, after, ok, err := wire.Split(rest, limit)
			if err != nil && (ok || !errors.Is(err, wire.ErrTooLarge)) {
				t.Fatalf("%v, %v", ok, err)
			}
			if !ok {
				break
			}
			if len(frame.Payload) > limit || len(after) >= len(rest) {
				t.Fatalf("a payload of %d bytes with limit %d, %d bytes left of %d", len(frame.Payload), limit, len(after), len(rest))
			}
			again = append(wire.AppendHead(again, frame.Kind, len(frame.Payload)), frame.Payload...)
			rest = after
		}
		if again = append(again, rest...); !bytes.Equal(again, b) {
			t.Fatalf("%x became %x", b, again)
		}
	})
}

func BenchmarkMessage(b *testing.B) {
	m := wire.Message{Peer: rawKey(), Sealed: make([]byte, 128)}
	stream, err := wire.AppendFrame(nil, &m)
	if err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, len(stream))
	var got wire.Message
	b.ReportAllocs()
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		f, _, _, _ := wire.Split(stream, blubbel.DefaultMaxPayload)
		_ = got.UnmarshalBinary(f.Payload)
		buf, _ = got.AppendBinary(wire.AppendHead(buf[:0], f.Kind, len(f.Payload)))
	}
}
