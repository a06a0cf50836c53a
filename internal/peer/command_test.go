package peer

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"trunkline/internal/health"
)

// manual is docs/reference/peer.md.
func manual(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/reference/peer.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// promised reads the table of commands in the manual: what blubbel does with
// each.
func promised(t testing.TB) map[string]string {
	t.Helper()
	words := map[string]string{}
	_, table, _ := strings.Cut(manual(t), "## Commands")
	table, _, _ = strings.Cut(table, "\n## ")
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 6 {
			continue
		}
		blubbel := strings.TrimSpace(cells[4])
		if strings.Contains(blubbel, "PEER-001") {
			blubbel = "PEER-001"
		}
		for _, word := range regexp.MustCompile("`([a-z]+)`").FindAllStringSubmatch(cells[1], -1) {
			words[word[1]] = blubbel
		}
	}
	delete(words, "do")
	return words
}

func TestEveryWordStandsInTheManual(t *testing.T) {
	t.Parallel()
	words := promised(t)
	for _, w := range Words() {
		if words[w] == "" {
			t.Errorf("%s is not in the table of docs/reference/peer.md", w)
		}
		delete(words, w)
	}
	for w := range words {
		t.Errorf("the manual promises %s, which is no command", w)
	}
}

func TestEveryFieldOfAnEventStandsInTheManual(t *testing.T) {
	t.Parallel()
	text := manual(t)
	for _, e := range []Event{
		Ready{}, OK{Ref: "1", Count: new(1)}, Fault{Code: "X", Do: "y"}, Line{How: "a", Why: "b", Retry: 1},
		ContactEvent{Fingerprint: "f"}, RequestEvent{Fingerprint: "f"}, Message{},
	} {
		b, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		fields := map[string]any{}
		if err := json.Unmarshal(b, &fields); err != nil {
			t.Fatal(err)
		}
		for f := range fields {
			if !regexp.MustCompile(`\b` + f + `\b`).MatchString(text) {
				t.Errorf("%T has a field %q that the manual does not name", e, f)
			}
		}
	}
}

func TestCommandIsReadWithWhatItNeeds(t *testing.T) {
	t.Parallel()
	c, err := parseCommand([]byte(` {"do":"send","to":"a","text":"b","kind":"normal","id":7,"newer":[1]}`))
	if err != nil || c.Do != "send" || c.To != "a" || c.Text != "b" || c.Kind != "normal" || string(c.ID) != "7" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestBadCommandSaysWhatIsWrongAndKeepsTheID(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]struct{ id, line string }{
		`{"do":"sned","id":1}`:        {"1", `there is no command "sned"; did you mean send? [PEER-002]`},
		`{"do":"SELF","id":"a"}`:      {`"a"`, `there is no command "SELF"; compare the line with docs/reference/peer.md [PEER-002]`},
		`{"id":2}`:                    {"2", `there is no command ""`},
		`{"do":"\u001b[2J"}`:          {"", `there is no command "?[2J"`},
		`null`:                        {"", `there is no command ""`},
		`{"do":"send","to":5,"id":3}`: {"3", `cannot unmarshal number`},
		`{"do":["send"],"id":4}`:      {"4", `cannot unmarshal array`},
		`[]`:                          {"", `not a command`},
		`send hello`:                  {"", `write one JSON object a line, for instance {"do":"self"}`},
		`{"do":"self"`:                {"", `unexpected end of JSON input`},
		`{"do":"self"} {"do":"self"}`: {"", `after top-level value`},
		"{\"do\":\"send\",\"text\":\"\xff\",\"id\":5}":                   {"", `not valid UTF-8`},
		fmt.Sprintf(`{"do":"self","id":%q}`, strings.Repeat("x", maxID)): {"", "id of more than 256 bytes"},
	} {
		c, err := parseCommand([]byte(line))
		if health.CodeOf(err) != health.PeerBadCommand || !strings.Contains(health.Line(err), want.line) {
			t.Errorf("%s: got %q, want %q", line, health.Line(err), want.line)
		}
		if string(c.ID) != want.id {
			t.Errorf("%s: id is %s, want %s", line, c.ID, want.id)
		}
	}
}

func TestLongestIDIsEchoed(t *testing.T) {
	t.Parallel()
	id := fmt.Sprintf("%q", strings.Repeat("x", maxID-2))
	c, err := parseCommand(fmt.Appendf(nil, `{"do":"self","id":%s}`, id))
	if err != nil || string(c.ID) != id {
		t.Errorf("got %s, %v", c.ID, err)
	}
}

func TestLinesAreReadWhateverTheirSizeAndEnd(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("a", MaxLine-1)
	for _, size := range []int{16, 64 << 10} {
		in := longest + "\n" + longest + "aa\nnext\r\n\n" + strings.Repeat("b", 2*MaxLine) + "\nlast"
		r := bufio.NewReaderSize(strings.NewReader(in), size)
		for i, want := range []string{longest + "\n", "", "next\r\n", "\n", "", "last"} {
			got, err := readLine(r)
			if want == "" {
				if !errors.Is(err, errLongLine) || health.CodeOf(err) != health.PeerBadCommand {
					t.Errorf("line %d: a line that is too long gives %v", i, err)
				}
				continue
			}
			if err != nil || string(got) != want {
				t.Errorf("line %d: got %.20q (%d), %v; want %.20q (%d)", i, got, len(got), err, want, len(want))
			}
		}
		if _, err := readLine(r); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
}

func TestLongLineWithoutEndIsRefusedAtTheEnd(t *testing.T) {
	t.Parallel()
	r := bufio.NewReader(strings.NewReader(strings.Repeat("a", MaxLine+1)))
	if _, err := readLine(r); !errors.Is(err, errLongLine) {
		t.Errorf("got %v", err)
	}
	if _, err := readLine(r); err != io.EOF {
		t.Errorf("then %v", err)
	}
}

func FuzzParseCommand(f *testing.F) {
	for _, word := range Words() {
		f.Add(fmt.Appendf(nil, `{"do":%q,"id":{"a":[1]},"who":"w","to":"t","text":"x\ny"}`, word))
	}
	f.Add([]byte(`{"do":"x","id":"` + strings.Repeat("y", maxID) + `"}`))
	f.Add([]byte("{\"do\":\"self\",\"id\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, line []byte) {
		c, err := parseCommand(line)
		if len(c.ID) > maxID || !utf8.Valid(c.ID) {
			t.Errorf("id %q", c.ID)
		}
		if err == nil && !slices.Contains(Words(), c.Do) {
			t.Errorf("command %q was let through", c.Do)
		}
		var answer Event = OK{head: answering("ok", c)}
		if err != nil {
			answer = fault(c.ID, c.Do, err)
		}
		b, merr := json.Marshal(answer)
		if merr != nil || bytes.ContainsRune(b, '\n') {
			t.Errorf("the answer is no line: %q, %v", b, merr)
		}
	})
}

func FuzzReadLine(f *testing.F) {
	f.Add([]byte("a\nbb\n\nccc"), uint8(2))
	f.Add([]byte(strings.Repeat("x", 100)+"\n"), uint8(1))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		r := bufio.NewReaderSize(&pieces{in, int(piece) + 1}, 16)
		var got []byte
		for {
			line, err := readLine(r)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err) // no input here is above MaxLine
			}
			if i := bytes.IndexByte(line, '\n'); i >= 0 && i != len(line)-1 {
				t.Errorf("two lines in one: %q", line)
			}
			got = append(got, line...)
		}
		if !bytes.Equal(got, in) {
			t.Errorf("lines are %q of %q", got, in)
		}
	})
}

// pieces hands out b in pieces of n bytes.
type pieces struct {
	b []byte
	n int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.b[:min(p.n, len(p.b))])
	p.b = p.b[n:]
	return n, nil
}
