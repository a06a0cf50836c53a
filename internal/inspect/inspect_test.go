package inspect_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
	"trunkline/internal/inspect"
	"trunkline/internal/inspect/capture"
	"trunkline/internal/inspect/craft"
)

// keys are the recorded public keys: raw, then DER.
func keys(t testing.TB) (raw, der []byte) {
	t.Helper()
	text, err := os.ReadFile("../../blubbel/wire/testdata/blubbel/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Cases []struct{ Name, Key string }
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	for _, c := range file.Cases {
		b, err := hex.DecodeString(c.Key)
		if err != nil {
			t.Fatal(err)
		}
		switch c.Name {
		case "raw-1":
			raw = b
		case "der-2048":
			der = b
		}
	}
	if len(raw) != 128 || len(der) != 294 {
		t.Fatal("the recorded keys are not there")
	}
	return raw, der
}

func frame(t testing.TB, p wire.Packet) []byte {
	t.Helper()
	b, err := wire.AppendFrame(nil, p)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A pcap is a capture file that is being written.
type pcap struct {
	t    testing.TB
	b    bytes.Buffer
	w    *capture.Writer
	link capture.LinkType
	n    int
}

func record(t testing.TB) *pcap {
	t.Helper()
	p := &pcap{t: t, link: capture.LinkEthernet}
	w, err := capture.NewWriter(&p.b, p.link)
	if err != nil {
		t.Fatal(err)
	}
	p.w = w
	return p
}

// add adds IP packets, a millisecond apart, cut to snap bytes unless it is 0.
func (p *pcap) add(snap int, packets ...[]byte) {
	p.t.Helper()
	for _, ip := range packets {
		p.n++
		b := craft.Link(p.link, ip)
		length := len(b)
		if snap > 0 {
			b = b[:min(snap, length)]
		}
		at := time.UnixMilli(1795305600000 + int64(p.n)).UTC()
		if err := p.w.Write(capture.Packet{Time: at, Link: p.link, Data: b, Length: length}); err != nil {
			p.t.Fatal(err)
		}
	}
}

func (p *pcap) frames(as ...inspect.As) []inspect.Frame {
	p.t.Helper()
	frames, err := read(&p.b, inspect.Options{As: as})
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range frames {
		covered(p.t, f)
	}
	return frames
}

func read(r io.Reader, o inspect.Options) ([]inspect.Frame, error) {
	c, err := inspect.Open(r, o)
	if err != nil {
		return nil, err
	}
	var out []inspect.Frame
	for f, err := range c.Frames() {
		if err != nil {
			return out, err
		}
		out = append(out, f)
	}
	return out, nil
}

// covered checks that the fields of a frame are its bytes, each once and in
// order, and that every field says what it is.
func covered(t testing.TB, f inspect.Frame) {
	t.Helper()
	var all []byte
	for _, field := range f.Fields {
		if field.Offset != len(all) {
			t.Errorf("%s: %s stands at %d, want %d", f.Name, field.Name, field.Offset, len(all))
		}
		if field.Meaning == "" || field.Name == "" || (field.Certainty == "") != (field.Name == inspect.Unknown) {
			t.Errorf("%s: field %+v", f.Name, field)
		}
		all = append(all, field.Bytes...)
	}
	if !bytes.Equal(all, f.Bytes) {
		t.Errorf("%s: fields are %d bytes of %d", f.Name, len(all), len(f.Bytes))
	}
}

// names tells the frames in short: what they are, how long, what is missing.
func names(frames []inspect.Frame) []string {
	var out []string
	for _, f := range frames {
		s := fmt.Sprintf("%s %d", f.Name, len(f.Bytes))
		if f.Missing > 0 {
			s += fmt.Sprintf(" missing %d", f.Missing)
		}
		out = append(out, s)
	}
	return out
}

func wantNames(t *testing.T, frames []inspect.Frame, want ...string) {
	t.Helper()
	if got := names(frames); !slices.Equal(got, want) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func ends(port uint16) [2]netip.AddrPort {
	return [2]netip.AddrPort{netip.MustParseAddrPort("192.0.2.7:40001"), netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), port)}
}

// session records a whole conversation of a client with the relay.
func session(t testing.TB, p *pcap, port uint16, snap int) {
	t.Helper()
	_, der := keys(t)
	raw, _ := keys(t)
	talk := craft.Talk{Ends: ends(port), Next: [2]uint32{1 << 31, 1<<32 - 5}}
	p.add(snap, talk.Open()...)
	p.add(snap,
		talk.Send(0, frame(t, &wire.Login{Key: der})),
		talk.Send(1, frame(t, &wire.Challenge{Sealed: make([]byte, 256)})),
		talk.Send(0, frame(t, &wire.Proof{})),
		talk.Send(1, frame(t, &wire.LoginAccepted{})),
		talk.Send(0, frame(t, &wire.Start{Peer: raw, Sealed: make([]byte, 640)})),
		talk.Send(1, frame(t, &wire.Accept{Peer: raw, Sealed: make([]byte, 512)})),
		talk.Send(0, frame(t, &wire.Message{Peer: raw, Sealed: slices.Concat(make([]byte, 11), []byte{7}, []byte("hidden"), make([]byte, 16))})),
		talk.Send(1, frame(t, &wire.Error{Code: blubbel.CodeNoSession, Answered: wire.KindMessage, Peer: raw, Text: "no\x1b session"})),
	)
	p.add(snap, talk.Close()...)
}

func sessionNames() []string {
	return []string{
		"login to server 299", "challenge to client 261", "proof to server 37", "login accepted to client 5", "start to server 773",
		"accept to client 645", "message to server 167", "error to client 148",
	}
}

func TestConversationBecomesFrames(t *testing.T) {
	p := record(t)
	session(t, p, 8000, 0)
	frames := p.frames()
	wantNames(t, frames, sessionNames()...)
	sent := map[netip.AddrPort]int64{}
	for i, f := range frames {
		if f.Offset != sent[f.From] {
			t.Errorf("frame %d stands at %d of its stream, want %d", i+1, f.Offset, sent[f.From])
		}
		sent[f.From] += int64(len(f.Bytes))
		if f.Number != i+1 || f.Packet != i+4 || f.Conversation != 1 || f.Transport != "tcp" || f.Protocol != "blubbel" || f.Note != "" {
			t.Errorf("frame %d: %+v", i+1, f)
		}
		if want := time.UnixMilli(1795305600000 + int64(f.Packet)).UTC(); !f.Time.Equal(want) {
			t.Errorf("frame %d at %v, want %v", i+1, f.Time, want)
		}
		client, relay := ends(8000)[0], ends(8000)[1]
		if toServer := strings.HasSuffix(f.Name, "to server"); toServer != (f.From == client) || toServer != (f.To == relay) {
			t.Errorf("%s goes from %v to %v", f.Name, f.From, f.To)
		}
	}
}

func TestValuesAreShownForPeople(t *testing.T) {
	p := record(t)
	session(t, p, 8000, 0)
	var all []string
	for _, f := range p.frames() {
		for _, field := range f.Fields {
			all = append(all, fmt.Sprintf("%s/%s=%s (%s)\n", f.Name, field.Name, field.Value, field.Certainty))
		}
	}
	got := strings.Join(all, "")
	for _, want := range []string{
		"login to server/type=login (single source)\nlogin to server/length=294 (single source)\nlogin to server/key=der, fingerprint ",
		"challenge to client/type=proof (choice)\n", "challenge to client/sealed nonce=256 bytes (choice)\n",
		"start to server/peer=raw, fingerprint ", "start to server/sealed value=640 bytes (single source)\n",
		"message to server/counter=7 (choice)\nmessage to server/sealed text=6 bytes (choice)\nmessage to server/tag=16 bytes (choice)\n",
		"error to client/code=7, no session (choice)\nerror to client/type answered=message (choice)\nerror to client/peer length=128 (choice)\n",
		`error to client/text="no\x1b session" (choice)`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestFramesDoNotDependOnSegments(t *testing.T) {
	raw, der := keys(t)
	stream := slices.Concat(frame(t, &wire.Login{Key: der}), frame(t, &wire.Proof{}), frame(t, &wire.Message{Peer: raw}),
		frame(t, &wire.Message{Peer: raw, Sealed: make([]byte, 40)}), frame(t, &wire.Start{Peer: der, Sealed: make([]byte, 9)}))
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		p := record(t)
		talk := craft.Talk{Ends: ends(8000)}
		p.add(0, talk.Open()...)
		for rest := stream; len(rest) > 0; {
			n := 1 + rnd.IntN(min(len(rest), 1+int(seed)*10))
			p.add(0, talk.Send(0, rest[:n]))
			rest = rest[n:]
		}
		p.add(0, talk.Close()...)
		wantNames(t, p.frames(), "login to server 299", "proof to server 37", "message to server 133", "message to server 173", "start to server 308")
	}
}

func TestProtocolIsRecognisedByPortOrContent(t *testing.T) {
	_, der := keys(t)
	login := frame(t, &wire.Login{Key: der})
	badKey := bytes.Clone(login)
	badKey[200] ^= 1 // still a key; its last byte decides
	badKey[5+270] = 0
	http := []byte("GET / HTTP/1.1\r\n\r\n")
	for name, c := range map[string]struct {
		port  uint16
		first []byte
		as    []inspect.As
		want  string
	}{
		"usual port":                    {8000, login, nil, "blubbel"},
		"another port":                  {9999, login, nil, "blubbel"},
		"one byte":                      {9999, login[:1], nil, "unknown"},
		"cut login":                     {9999, login[:298], nil, "unknown"},
		"cut login at the usual port":   {8000, login[:298], nil, "blubbel"},
		"late at the usual port":        {8000, frame(t, &wire.Message{Peer: der}), nil, "blubbel"},
		"late elsewhere":                {9999, frame(t, &wire.Message{Peer: der}), nil, "unknown"},
		"late elsewhere, as told":       {9999, frame(t, &wire.Message{Peer: der}), []inspect.As{{Protocol: "blubbel", Port: 9999}}, "blubbel"},
		"HTTP at the usual port":        {8000, http, nil, "unknown"},
		"HTTP elsewhere":                {80, http, nil, "unknown"},
		"HTTP, as told":                 {80, http, []inspect.As{{Protocol: "blubbel", Port: 80}}, "blubbel"},
		"told for another port":         {9999, http, []inspect.As{{Protocol: "blubbel"}}, "unknown"},
		"no login to a server":          {8000, frame(t, &wire.Error{}), nil, "unknown"},
		"4 GiB":                         {8000, []byte{4, 0xff, 0xff, 0xff, 0xff}, nil, "unknown"},
		"long, of no protocol":          {8000, bytes.Repeat([]byte{9}, 5000), nil, "unknown"},
		"a frame that is none":          {8000, frame(t, &wire.Message{Peer: der})[:5], nil, "unknown"},
		"a message to nobody":           {8000, []byte{4, 0, 0, 1, 0, 'x'}, nil, "unknown"},
		"a whole frame that is no good": {8000, []byte{6, 0, 0, 0, 1, 0}, nil, "unknown"},
	} {
		p := record(t)
		talk := craft.Talk{Ends: ends(c.port)}
		p.add(0, talk.Open()...)
		p.add(0, talk.Send(0, c.first))
		p.add(0, talk.Close()...)
		frames := p.frames(c.as...)
		if len(frames) == 0 || frames[0].Protocol != c.want {
			t.Errorf("%s: got %+v", name, names(frames))
		}
		if n := 0; len(frames) > 0 {
			for _, f := range frames {
				n += len(f.Bytes)
			}
			if n != len(c.first) {
				t.Errorf("%s: %d bytes of %d", name, n, len(c.first))
			}
		}
	}
}

// The relay may be heard first when a capture begins late.
func TestRelayIsRecognisedByWhatItSays(t *testing.T) {
	raw, _ := keys(t)
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"documented": {frame(t, &wire.Message{Peer: raw, Sealed: make([]byte, 30)}), "message to client 163"},
		"as shipped": {slices.Concat([]byte{4}, raw, []byte("rest")), "message to client, as shipped 133"},
	} {
		p := record(t)
		talk := craft.Talk{Ends: ends(8000), Next: [2]uint32{5, 6}}
		p.add(0, talk.Send(1, c.b), talk.Send(0, frame(t, &wire.Message{Peer: raw})))
		frames := p.frames()
		if got := names(frames); len(got) != 2 || got[0] != c.want || got[1] != "message to server 133" {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestFramingOfTheAncestorIsExplained(t *testing.T) {
	raw, _ := keys(t)
	p := record(t)
	talk := craft.Talk{Ends: ends(8000)}
	p.add(0, talk.Open()...)
	p.add(0, talk.Send(0, frame(t, &wire.Login{Key: raw})), talk.Send(1, []byte{1, 0, 0, 0, 0}))
	for _, kind := range []byte{2, 3, 4} {
		p.add(0, talk.Send(1, slices.Concat([]byte{kind}, raw, bytes.Repeat([]byte{kind}, 30))))
	}
	frames := p.frames()
	wantNames(t, frames, "login to server 133", "login accepted to client 5", "start to client, as shipped 159",
		"accept to client, as shipped 159", "message to client, as shipped 159")
	last := frames[4]
	if last.Note == "" || last.Fields[1].Name != "peer" || last.Fields[1].Offset != 1 || len(last.Fields[1].Bytes) != 128 {
		t.Errorf("got %+v", last)
	}
}

func TestCutCapturesKeepTheirFraming(t *testing.T) {
	p := record(t)
	session(t, p, 8000, 14+20+20+100) // 100 bytes of data a packet
	frames := p.frames()
	wantNames(t, frames,
		"login to server 100 missing 199", "gap 0 missing 199", "challenge to client 100 missing 161", "gap 0 missing 161",
		"proof to server 37", "login accepted to client 5", "start to server 100 missing 673", "gap 0 missing 673",
		"accept to client 100 missing 545", "gap 0 missing 545", "message to server 100 missing 67", "gap 0 missing 67",
		"error to client 100 missing 48", "gap 0 missing 48")
	for _, f := range frames {
		if f.Missing > 0 && f.Note == "" {
			t.Errorf("%s does not tell that it is cut", f.Name)
		}
	}
}

func TestFrameBehindAGapIsFound(t *testing.T) {
	raw, _ := keys(t)
	long := frame(t, &wire.Message{Peer: raw, Sealed: make([]byte, 3000)})
	short := frame(t, &wire.Message{Peer: raw, Sealed: make([]byte, 30)})
	for name, c := range map[string]struct {
		lost [2]int // bytes of the stream that the capture misses
		want []string
	}{
		"inside a frame": {[2]int{200, 300}, []string{"message to server 200 missing 100", "gap 0 missing 100", "unknown 2833", "message to server 163"}},
		"to the end of a frame": {[2]int{200, 3133}, []string{
			"message to server 200 missing 2933", "gap 0 missing 2933", "message to server 163"}},
		"into the next": {[2]int{200, 3140}, []string{"message to server 200 missing 2933", "gap 0 missing 2940", "unknown 156"}},
		"inside a head": {[2]int{3, 100}, []string{"message to server 3", "gap 0 missing 97", "unknown 3196"}},
		"a whole frame": {[2]int{0, 3133}, []string{"gap 0 missing 3133", "message to server 163"}},
	} {
		p := record(t)
		talk := craft.Talk{Ends: ends(8000)}
		p.add(0, talk.Open()...)
		p.add(0, talk.Send(0, frame(t, &wire.Login{Key: raw})))
		stream := slices.Concat(long, short)
		if c.lost[0] > 0 {
			p.add(0, talk.Send(0, stream[:c.lost[0]]))
		}
		talk.Send(0, stream[c.lost[0]:c.lost[1]])
		p.add(0, talk.Send(0, stream[c.lost[1]:]))
		p.add(0, talk.Close()...)
		got := names(p.frames())
		if !slices.Equal(got[1:], c.want) {
			t.Errorf("%s:\ngot  %q\nwant %q", name, got[1:], c.want)
		}
	}
}

func TestDamagedFramesAreExplainedAsFarAsTheyGo(t *testing.T) {
	raw, _ := keys(t)
	p := record(t)
	talk := craft.Talk{Ends: ends(8000)}
	p.add(0, talk.Open()...)
	p.add(0, talk.Send(0, frame(t, &wire.Login{Key: raw})),
		talk.Send(0, []byte{6, 0, 0, 0, 3, 1, 2, 3}),     // a proof of three bytes
		talk.Send(0, []byte{9, 0, 0, 0, 2, 'h', 'i'}),    // no such type
		talk.Send(0, []byte{4, 0xff, 0, 0, 0, 'x'}),      // 4 GiB
		talk.Send(0, []byte("lost")),                     // nobody knows
		talk.Send(0, frame(t, &wire.Message{Peer: raw})), // found again
		talk.Send(0, []byte{4, 0}))                       // the end
	p.add(0, talk.Close()...)
	frames := p.frames()
	wantNames(t, frames, "login to server 133", "proof to server 8", "0x09 to server 7", "message to server 6", "unknown 4",
		"message to server 133", "message to server 2")
	for i, want := range []string{"", "field proof at byte 0: input ends early", "unknown kind of packet: 0x09 to server", "payload above the limit", "where a frame begins", "", "ends inside this frame"} {
		if !strings.Contains(frames[i].Note, want) || (want == "") != (frames[i].Note == "") {
			t.Errorf("frame %d: got note %q, want %q", i+1, frames[i].Note, want)
		}
	}
}

func TestOtherPacketsAreShownAsUnknown(t *testing.T) {
	e := ends(53)
	p := record(t)
	p.add(0, craft.Datagram(e[0], e[1], []byte("question")))
	arp := append(make([]byte, 12), 0x08, 0x06, 1, 2)
	if err := p.w.Write(capture.Packet{Link: p.link, Data: arp, Length: 60}); err != nil {
		t.Fatal(err)
	}
	frames := p.frames()
	wantNames(t, frames, "unknown 8", "unknown 16 missing 44")
	if frames[0].Transport != "udp" || frames[0].From != e[0] || frames[1].Note != "this packet cannot be followed: not IP" || frames[1].From.IsValid() {
		t.Errorf("got %+v", frames)
	}
}

func TestErrorsComeAfterWhatCouldBeRead(t *testing.T) {
	p := record(t)
	session(t, p, 8000, 0)
	cut := p.b.Bytes()[:p.b.Len()-250]
	frames, err := read(bytes.NewReader(cut), inspect.Options{})
	if !errors.Is(err, capture.ErrCut) || len(frames) < 7 {
		t.Errorf("%d frames, then %v", len(frames), err)
	}
	if _, err := read(strings.NewReader("no capture at all"), inspect.Options{}); !errors.Is(err, capture.ErrFormat) {
		t.Errorf("got %v", err)
	}
	_, err = inspect.Open(&p.b, inspect.Options{As: []inspect.As{{Protocol: "blubber"}}})
	if err == nil || err.Error() != `protocol "blubber" is not known: it is one of blubbel` {
		t.Errorf("got %v", err)
	}
}

func TestReaderMayStopEarly(t *testing.T) {
	p := record(t)
	session(t, p, 8000, 0)
	c, err := inspect.Open(&p.b, inspect.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for f := range c.Frames() {
		if f.Number == 3 {
			break
		}
	}
}

// Frames that never end take no more memory than all may together.
func TestUnfinishedFramesAreBounded(t *testing.T) {
	raw, _ := keys(t)
	p := record(t)
	data := make([]byte, 60000)
	var given int
	for i := range 4 { // each a frame of 1 MiB that stops before its end
		talk := craft.Talk{Ends: ends(8000)}
		talk.Ends[0] = netip.AddrPortFrom(talk.Ends[0].Addr(), uint16(1000+i))
		p.add(0, talk.Open()...)
		head := append(wire.AppendHead(nil, wire.KindMessage, 1<<20), raw...)
		p.add(0, talk.Send(0, frame(t, &wire.Login{Key: raw})), talk.Send(0, head))
		given += 133 + len(head)
		for range 17 {
			p.add(0, talk.Send(0, data))
			given += len(data)
		}
	}
	refused := 0
	told := 0
	frames, err := read(&p.b, inspect.Options{Unfinished: 3 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		covered(t, f)
		if strings.Contains(f.Note, "too many frames are incomplete") {
			refused++
		}
		told += len(f.Bytes)
	}
	if refused != 1 || told != given {
		t.Errorf("%d frames refused; %d bytes told of %d", refused, told, given)
	}
}
