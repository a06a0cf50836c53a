package inspect_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"trunkline/blubbel/wire"
	"trunkline/internal/inspect"
	"trunkline/internal/inspect/craft"
)

// each gives frames without an error.
func each(frames ...inspect.Frame) iter.Seq2[inspect.Frame, error] {
	return func(yield func(inspect.Frame, error) bool) {
		for _, f := range frames {
			if !yield(f, nil) {
				return
			}
		}
	}
}

func explain(t *testing.T, text, to string) []inspect.Frame {
	t.Helper()
	b, err := inspect.ParseHex(text)
	if err != nil {
		t.Fatal(err)
	}
	frames, err := inspect.Explain(b, inspect.ExplainOptions{As: "blubbel", To: to})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		covered(t, f)
	}
	return frames
}

func TestTextStandsBesideTheBytes(t *testing.T) {
	frames := explain(t, "05 00000013 07 04 0000 "+hex.EncodeToString([]byte("no session here")), "")
	frames = append(frames, explain(t, "07 00000002 1b41", "")...)
	var b bytes.Buffer
	if err := inspect.Print(&b, each(frames...), inspect.PrintOptions{}); err != nil {
		t.Fatal(err)
	}
	want := `1  blubbel  error to client  24 bytes
  000000  05                                               type          error
                                                             what the payload is; this type is ours (choice)
  000001  00 00 00 13                                      length        19
                                                             bytes of payload, big-endian (single source)
  000005  07                                               code          7, no session
                                                             why the frame was not obeyed (choice)
  000006  04                                               type answered message
                                                             type of that frame, 0 for none (choice)
  000007  00 00                                            peer length   0
                                                             bytes of the key that follows (choice)
  000009                                                   peer          none
                                                             the other's key as the client wrote it (choice)
  000009  6e 6f 20 73 65 73 73 69 6f 6e 20 68 65 72 65     text          "no session here"
                                                             the same for people, UTF-8 (choice)

1  blubbel  0x07 to server  7 bytes
      ! unknown kind of packet: 0x07 to server
  000000  07                                               type          0x07
                                                             what the payload is (single source)
  000001  00 00 00 02                                      length        2
                                                             bytes of payload, big-endian (single source)
  000005  1b 41                                            unknown       2 bytes

`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestLongFieldsAreShortUnlessAllIsAskedFor(t *testing.T) {
	raw, _ := keys(t)
	b := frame(t, &wire.Message{Peer: raw, Sealed: make([]byte, 500)})
	frames, err := inspect.Explain(b, inspect.ExplainOptions{As: "blubbel", To: "server"})
	if err != nil {
		t.Fatal(err)
	}
	var short, full bytes.Buffer
	if inspect.Print(&short, each(frames...), inspect.PrintOptions{}) != nil || inspect.Print(&full, each(frames...), inspect.PrintOptions{Full: true}) != nil {
		t.Fatal("not printed")
	}
	if !strings.Contains(short.String(), "and 424 bytes more") || strings.Contains(full.String(), "bytes more") {
		t.Errorf("short\n%s\nfull\n%s", short.String(), full.String())
	}
	if got := dumped(full.String()); !bytes.Equal(got, b) {
		t.Errorf("%d bytes are shown of %d", len(got), len(b))
	}
}

// dumped reads the bytes back out of a text.
func dumped(text string) []byte {
	var out []byte
	for line := range strings.Lines(text) {
		if len(line) < 11 || line[:2] != "  " || line[2] == ' ' {
			continue
		}
		digits := strings.TrimRight(line[10:min(57, len(line))], " \n")
		b, err := hex.DecodeString(strings.ReplaceAll(digits, " ", ""))
		if err == nil {
			out = append(out, b...)
		}
	}
	return out
}

// What is unknown is shown whole, with its letters, and never reaches a
// terminal as it is.
func TestUnknownBytesAreShownWhole(t *testing.T) {
	p := record(t)
	data := append(bytes.Repeat([]byte("\x1b[31mred\x07"), 30), 0xff)
	p.add(0, craft.Datagram(ends(53)[0], ends(53)[1], data))
	var b bytes.Buffer
	if err := inspect.Print(&b, each(p.frames()...), inspect.PrintOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := dumped(b.String()); !bytes.Equal(got, data) {
		t.Errorf("%d bytes are shown of %d", len(got), len(data))
	}
	if strings.ContainsAny(b.String(), "\x1b\x07") || !strings.Contains(b.String(), ".[31mred.") {
		t.Errorf("got %q", b.String())
	}
}

func TestJSONHasEveryByteOfEveryField(t *testing.T) {
	p := record(t)
	session(t, p, 8000, 0)
	frames := p.frames()
	var b bytes.Buffer
	if err := inspect.JSON(&b, each(frames...)); err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(b.String()))
	if len(lines) != len(frames) {
		t.Fatalf("%d lines for %d frames", len(lines), len(frames))
	}
	for i, line := range lines {
		var got struct {
			Number, Packet, Conversation    int
			Time, From, To, Protocol, Bytes string
			Fields                          []struct{ Name, Bytes, Value, Meaning, Certainty string }
		}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatal(err)
		}
		var parts []string
		for _, f := range got.Fields {
			parts = append(parts, f.Bytes)
		}
		if all := strings.Join(parts, ""); all != hex.EncodeToString(frames[i].Bytes) || all != got.Bytes || got.Number != i+1 || got.From != frames[i].From.String() {
			t.Errorf("frame %d: %s", i+1, line)
		}
	}
	const want = `{"number":4,"packet":7,"time":"2026-11-22T00:00:00.007Z","conversation":1,"transport":"tcp","from":"192.0.2.1:8000","to":"192.0.2.7:40001",` +
		`"offset":261,"protocol":"blubbel","name":"login accepted to client","bytes":"0100000000","fields":[` +
		`{"name":"type","offset":0,"bytes":"01","value":"login","meaning":"what the payload is","certainty":"single source"},` +
		`{"name":"length","offset":1,"bytes":"00000000","value":"0","meaning":"bytes of payload, big-endian","certainty":"single source"}]}` + "\n"
	if lines[3] != want {
		t.Errorf("got  %swant %s", lines[3], want)
	}
}

func TestErrorsOfFramesAndWritersEndThePrinters(t *testing.T) {
	broken := errors.New("broken")
	failing := func(yield func(inspect.Frame, error) bool) {
		if yield(inspect.Frame{Number: 1, Protocol: "blubbel", Name: "x"}, nil) {
			yield(inspect.Frame{}, broken)
		}
	}
	for name, print := range printers() {
		var b bytes.Buffer
		if err := print(&b, failing); !errors.Is(err, broken) || b.Len() == 0 {
			t.Errorf("%s: got %v after %q", name, err, b.String())
		}
		if err := print(full{}, each(inspect.Frame{})); !errors.Is(err, errFull) {
			t.Errorf("%s: got %v from a full disk", name, err)
		}
		given := 0
		endless := func(yield func(inspect.Frame, error) bool) {
			for given = 0; given < 10000 && yield(inspect.Frame{Note: strings.Repeat("x", 1000)}, nil); given++ {
			}
		}
		if err := print(full{}, endless); !errors.Is(err, errFull) || given == 10000 {
			t.Errorf("%s: went on for %d frames on a full disk: %v", name, given, err)
		}
	}
}

type printer func(w interface{ Write([]byte) (int, error) }, frames iter.Seq2[inspect.Frame, error]) error

func printers() map[string]printer {
	return map[string]printer{
		"text": func(w interface{ Write([]byte) (int, error) }, frames iter.Seq2[inspect.Frame, error]) error {
			return inspect.Print(w, frames, inspect.PrintOptions{})
		},
		"JSON": func(w interface{ Write([]byte) (int, error) }, frames iter.Seq2[inspect.Frame, error]) error {
			return inspect.JSON(w, frames)
		},
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
