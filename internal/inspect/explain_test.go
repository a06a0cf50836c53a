package inspect_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"trunkline/blubbel/wire"
	"trunkline/internal/inspect"
	"trunkline/internal/inspect/capture"
	"trunkline/internal/inspect/craft"
)

// A recordedPacket is a case of the recorded vectors.
type recordedPacket struct{ Name, Direction, Payload, Frame string }

func recorded(t testing.TB, file string) []recordedPacket {
	t.Helper()
	text, err := os.ReadFile("../../blubbel/wire/testdata/blubbel/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Cases []recordedPacket }
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	return doc.Cases
}

// Every field of every packet has a meaning of its own, and says how certain it
// is.
func TestEveryRecordedPacketIsExplained(t *testing.T) {
	seen := map[string]inspect.Field{}
	for _, c := range recorded(t, "packets.json") {
		to := strings.TrimPrefix(c.Direction, "to-")
		frames := explain(t, c.Frame, to)
		if len(frames) != 1 || frames[0].Note != "" || frames[0].Protocol != "blubbel" {
			t.Errorf("%s: got %q, %q", c.Name, names(frames), frames[0].Note)
		}
		for _, f := range frames[0].Fields {
			if f.Name == inspect.Unknown || strings.Contains(f.Meaning, "nothing") {
				t.Errorf("%s: %s at %d is not explained", c.Name, f.Name, f.Offset)
			}
			seen[frames[0].Name+"/"+f.Name] = f
		}
	}
	for _, name := range []string{
		"login to server/key", "start to client/sealed value", "message to client/counter", "message to server/sealed text", "message to client/tag",
		"message to server/ciphertext", "error to client/text", "challenge to client/sealed nonce", "proof to server/proof",
	} {
		if _, ok := seen[name]; !ok {
			t.Errorf("no recorded packet has a %s", name)
		}
	}
	for name, want := range map[string]inspect.Certainty{
		"login to server/type": inspect.SingleSource, "error to client/type": inspect.Choice, "challenge to client/type": inspect.Choice,
		"message to client/peer": inspect.SingleSource, "message to client/counter": inspect.Choice,
	} {
		if got := seen[name].Certainty; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestDirectionIsFoundOut(t *testing.T) {
	raw, der := keys(t)
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{frame(t, &wire.Login{Key: der}), "login to server 299"},
		{frame(t, &wire.LoginAccepted{}), "login accepted to client 5"},
		{frame(t, &wire.Proof{}), "proof to server 37"},
		{frame(t, &wire.Challenge{Sealed: make([]byte, 256)}), "challenge to client 261"},
		{frame(t, &wire.Error{}), "error to client 9"},
		{frame(t, &wire.Message{Peer: raw}), "message to server 133"},
		{slices.Concat([]byte{4}, raw, []byte("rest")), "message to client, as shipped 133"},
	} {
		got := names(explain(t, hex.EncodeToString(c.b), ""))
		if c.want == "login accepted to client 5" {
			c.want = "login to server 5" // an empty login is a packet too
		}
		if len(got) != 1 || got[0] != c.want {
			t.Errorf("%x: got %q, want %q", c.b[:5], got, c.want)
		}
	}
	if got := names(explain(t, "01 00000000", "client")); got[0] != "login accepted to client 5" {
		t.Errorf("got %q", got)
	}
}

func TestSeveralAndCutFramesAreExplained(t *testing.T) {
	raw, _ := keys(t)
	b := slices.Concat(frame(t, &wire.Message{Peer: raw}), frame(t, &wire.Message{Peer: raw, Sealed: make([]byte, 99)})[:150])
	frames := explain(t, hex.EncodeToString(b), "client")
	if got := names(frames); !slices.Equal(got, []string{"message to client 133", "message to client 150 missing 82"}) {
		t.Errorf("got %q", got)
	}
	if frames[1].Number != 2 || frames[1].Offset != 133 || frames[1].Note != "the bytes end inside this frame" {
		t.Errorf("got %+v", frames[1])
	}
}

func TestHexIsReadAsPeoplePasteIt(t *testing.T) {
	for _, s := range []string{"01ff20", "01 FF 20", "01:ff:20", "0x01, 0xff, 0x20", "01ff\r\n\t20\n"} {
		if b, err := inspect.ParseHex(s); err != nil || !bytes.Equal(b, []byte{1, 255, 32}) {
			t.Errorf("%q: got %x, %v", s, b, err)
		}
	}
	for _, s := range []string{"1", "zz", "01-02"} {
		if _, err := inspect.ParseHex(s); err == nil || !strings.HasPrefix(err.Error(), "not hexadecimal: ") {
			t.Errorf("%q: got %v", s, err)
		}
	}
}

func TestExplainRefusesWhatItCannotDo(t *testing.T) {
	for want, c := range map[string]struct {
		b []byte
		o inspect.ExplainOptions
	}{
		`protocol "" is not known: it is one of blubbel`:                        {[]byte{1}, inspect.ExplainOptions{}},
		`direction "up" is not known: it is server or client`:                   {[]byte{1}, inspect.ExplainOptions{As: "blubbel", To: "up"}},
		"no bytes to explain":                                                   {nil, inspect.ExplainOptions{As: "blubbel"}},
		"2097153 bytes are more than the 2097152 that can be explained at once": {make([]byte, inspect.MaxExplained+1), inspect.ExplainOptions{As: "blubbel"}},
	} {
		if _, err := inspect.Explain(c.b, c.o); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// FuzzExplain gives any bytes to both directions: every byte comes out once, in
// order, and no control character in text.
func FuzzExplain(f *testing.F) {
	for _, c := range recorded(f, "packets.json") {
		if b, err := hex.DecodeString(c.Frame); err == nil {
			f.Add(b)
		}
	}
	f.Add(append([]byte{4}, bytes.Repeat([]byte{0x81}, 200)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 {
			return
		}
		for _, to := range []string{"server", "client", ""} {
			frames, err := inspect.Explain(b, inspect.ExplainOptions{As: "blubbel", To: to})
			if err != nil {
				t.Fatal(err)
			}
			var all []byte
			for _, frame := range frames {
				covered(t, frame)
				all = append(all, frame.Bytes...)
			}
			if !bytes.Equal(all, b) {
				t.Fatalf("to %s: %d bytes of %d", to, len(all), len(b))
			}
			checkPrinted(t, frames)
		}
	})
}

func checkPrinted(t *testing.T, frames []inspect.Frame) {
	t.Helper()
	var text, js bytes.Buffer
	if err := inspect.Print(&text, each(frames...), inspect.PrintOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := inspect.JSON(&js, each(frames...)); err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(text.String(), func(r rune) bool { return r < 0x20 && r != '\n' || r == 0x7f }); i >= 0 {
		t.Fatalf("a control character in %q", text.String()[max(0, i-50):i+1])
	}
}

// FuzzOpen reads any file.
func FuzzOpen(f *testing.F) {
	for _, snap := range []int{0, 100} {
		p := record(f)
		session(f, p, 8000, snap)
		p.add(0, craft.Datagram(ends(53)[0], ends(53)[1], []byte("x")))
		f.Add(p.b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frames, err := read(bytes.NewReader(b), inspect.Options{As: []inspect.As{{Protocol: "blubbel", Port: 53}}})
		total := 0
		for i, frame := range frames {
			covered(t, frame)
			if frame.Number != i+1 || frame.Missing < 0 {
				t.Fatalf("frame %d: %+v", i+1, frame)
			}
			total += len(frame.Bytes)
		}
		if total > len(b) {
			t.Fatalf("%d bytes out of a file of %d, %v", total, len(b), err)
		}
		checkPrinted(t, frames)
	})
}

func BenchmarkOpen(b *testing.B) {
	p := record(b)
	raw, _ := keys(b)
	talk := craft.Talk{Ends: ends(8000)}
	p.add(0, talk.Open()...)
	p.add(0, talk.Send(0, frame(b, &wire.Login{Key: raw})))
	for range 1000 {
		p.add(0, talk.Send(0, frame(b, &wire.Message{Peer: raw, Sealed: make([]byte, 128)})))
	}
	file := p.b.Bytes()
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		frames, err := read(bytes.NewReader(file), inspect.Options{})
		if err != nil || len(frames) != 1001 {
			b.Fatal(len(frames), err)
		}
	}
}

func ExampleOpen() {
	var file bytes.Buffer
	w, err := capture.NewWriter(&file, capture.LinkRaw)
	if err != nil {
		fmt.Println(err)
		return
	}
	packet := craft.Segment{From: ends(8000)[1], To: ends(8000)[0], Number: 1, Flags: craft.ACK, Data: []byte{1, 0, 0, 0, 0}}.IP()
	if err := w.Write(capture.Packet{Link: capture.LinkRaw, Data: packet}); err != nil {
		fmt.Println(err)
		return
	}
	c, err := inspect.Open(&file, inspect.Options{As: []inspect.As{{Protocol: "blubbel"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for f, err := range c.Frames() {
		fmt.Println(f.Name, len(f.Fields), err)
	}
	// Output: login accepted to client 2 <nil>
}
