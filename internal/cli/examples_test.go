package cli

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// fields splits a line as a shell does: quotes keep words together.
func fields(line string) (words []string) {
	var word strings.Builder
	quote, inside := rune(0), false
	for _, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, inside = r, true
		case quote == 0 && r == ' ':
			if inside {
				words = append(words, word.String())
			}
			word.Reset()
			inside = false
		default:
			word.WriteRune(r)
			inside = true
		}
	}
	if inside {
		words = append(words, word.String())
	}
	return words
}

func TestEveryCommandHasHelpThatEndsWithItsExample(t *testing.T) {
	t.Parallel()
	app, err := model()
	if err != nil {
		t.Fatal(err)
	}
	listed := examples()
	for n := range visible(app.Node) {
		s := call(t, append(strings.Fields(name(n)), "--help")...)
		example, ok := listed[name(n)]
		delete(listed, name(n))
		if !ok || fields(example)[0] != "trunkline" || !strings.HasPrefix(example, path(n)+" ") && example != path(n) {
			t.Errorf("%s: its example is %q", name(n), example)
		}
		if s.code != done || s.errors != "" || !strings.HasSuffix(s.out, "\nExample:\n  "+example+"\n") {
			t.Errorf("%s --help exits with %d, writes %q and\n%s", name(n), s.code, s.errors, s.out)
		}
		if !strings.Contains(s.out, "Usage: trunkline "+name(n)) {
			t.Errorf("%s --help does not say how to call it:\n%s", name(n), s.out)
		}
		for _, word := range fields(example) {
			flag, _, _ := strings.Cut(word, "=")
			if strings.HasPrefix(flag, "--") && !strings.Contains(s.out, flag) {
				t.Errorf("the example of %s uses %s, which its help does not show", name(n), flag)
			}
		}
	}
	for extra := range listed {
		t.Errorf("there is an example of %s, which is no command", extra)
	}
}

func TestHelpOfTheProgramAndOfFamilies(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"--help"}, {"-h"}, {"bot", "--help"}, {"config", "--help"}} {
		s := call(t, args...)
		if s.code != done || s.errors != "" || !strings.Contains(s.out, "Usage: trunkline") {
			t.Errorf("%q exits with %d, writes %q and\n%s", args, s.code, s.errors, s.out)
		}
	}
}

func TestHiddenCommandsAreNotShown(t *testing.T) {
	t.Parallel()
	s := call(t, "--help")
	man := call(t, "man")
	for _, hidden := range []string{"worker", "reference"} {
		if strings.Contains(s.out, "\n  "+hidden) || strings.Contains(man.out, ".SS trunkline "+hidden) {
			t.Errorf("%s is shown", hidden)
		}
	}
}

// copyDir copies what an example reads.
func copyDir(t *testing.T, from string, to ...string) {
	t.Helper()
	if err := os.CopyFS(filepath.Join(to...), os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// capture is a pcap file of a connection to port 8000 on which somebody logs in
// with a raw key.
func capture() []byte {
	o := binary.LittleEndian
	b := o.AppendUint32(nil, 0xa1b2c3d4)
	b = o.AppendUint16(b, 2)
	b = o.AppendUint16(b, 4)
	for _, v := range []uint32{0, 0, 65535, 101} { // raw IP
		b = o.AppendUint32(b, v)
	}
	login := "\x01\x00\x00\x00\x80\x80" + strings.Repeat("\x07", 126) + "\x01"
	for i, payload := range []string{"", login} {
		packet := tcp(uint32(1000+i), payload, i == 0)
		for _, v := range []int{i, 0, len(packet), len(packet)} {
			b = o.AppendUint32(b, uint32(v))
		}
		b = append(b, packet...)
	}
	return b
}

// tcp is an IPv4 packet from 192.0.2.1:50000 to 192.0.2.2:8000.
func tcp(seq uint32, payload string, first bool) []byte {
	o, flags := binary.BigEndian, byte(0x18)
	if first {
		flags = 0x02
	}
	b := []byte{0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}
	o.PutUint16(b[2:], uint16(40+len(payload)))
	b = o.AppendUint16(b, 50000)
	b = o.AppendUint16(b, 8000)
	b = o.AppendUint32(b, seq)
	b = o.AppendUint32(b, 0)
	b = append(b, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0)
	return append(b, payload...)
}

// stand prepares a folder in which the examples can be run as they are.
func stand(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	prepare(t, filepath.Join(w.dir, "exchange"))
	put(t, pem(), w.dir, "bot.pem")
	put(t, []byte("#!/bin/sh\nread -r event\necho \"heard $event\" >&2\n"), w.dir, "echo.sh")
	if err := os.Chmod(filepath.Join(w.dir, "echo.sh"), 0o700); err != nil {
		t.Fatal(err)
	}
	scenario, err := os.ReadFile("../sim/testdata/two-behind-nat.json")
	if err != nil {
		t.Fatal(err)
	}
	put(t, scenario, w.dir, "scenario.json")
	put(t, capture(), w.dir, "capture.pcap")
	copyDir(t, "../../blubbel/wire/testdata", w.dir, "blubbel/wire/testdata")
	put(t, []byte(call(t, "config", "describe").out), w.dir, "trunkline.toml")
	return w
}

// TestEveryExampleRuns runs the words of each example; only the addresses and
// folders that it names are those of the test. The example of bench, which takes
// minutes and a peer, is parsed only.
func TestEveryExampleRuns(t *testing.T) {
	t.Parallel()
	w := stand(t)
	w.serve()
	type run struct{ in, out, errors string } // what it is given, and what it must write
	runs := map[string]run{
		"status":          {out: `"networks":[`},
		"doctor":          {out: "data folder        ok"},
		"explain":         {out: "port held by another program"},
		"peer":            {in: `{"do":"self","id":1}` + "\n", out: `"ev":"ready","id":1`},
		"bot run":         {errors: `heard {"ev":"`},
		"keygen":          {out: "fingerprint  "},
		"inspect":         {out: `"protocol":"blubbel","name":"login to server"`},
		"vectors":         {out: " 0 failed, 0 skipped"},
		"sim":             {out: "every promise and expectation held"},
		"config show":     {out: `blubbel.framing = "as-shipped"`},
		"config describe": {out: "[blubbel]"},
		"config check":    {out: "trunkline.toml: no mistakes"},
		"completion":      {out: "complete -o default -F _trunkline trunkline"},
		"man":             {out: ".TH TRUNKLINE 1"},
		"version":         {out: `"protocols":[`},
		"stop":            {}, // last: the others need the server
	}
	elsewhere := []string{"serve", "chat", "bench"}
	for _, name := range []string{
		"status", "doctor", "explain", "keygen", "peer", "bot run", "inspect", "vectors", "sim",
		"config show", "config describe", "config check", "completion", "man", "version", "stop",
	} {
		r := runs[name]
		s := w.run(r.in, w.adapt(name)...)
		if s.code != done || !strings.Contains(s.out, r.out) || !strings.Contains(s.errors, r.errors) {
			t.Errorf("%s: exit %d\n%s\n%s", examples()[name], s.code, s.out, s.errors)
		}
		if r.errors == "" && s.errors != "" {
			t.Errorf("%s complains: %s", examples()[name], s.errors)
		}
		delete(runs, name)
	}
	for name := range examples() {
		if _, left := runs[name]; left {
			t.Errorf("the example of %s is not run", name)
		}
	}
	if n := len(examples()); n != 16+len(elsewhere) {
		t.Errorf("%d examples: one of them is run nowhere", n)
	}
}

// adapt returns the words of an example after the program's name.
func (w *world) adapt(name string) []string {
	w.t.Helper()
	words := fields(examples()[name])[1:]
	for i, word := range words {
		switch word {
		case "127.0.0.1:8000":
			words[i] = relay(w.t, w.data)
		case "/tmp/exchange":
			words[i] = filepath.Join(w.dir, "exchange")
		}
	}
	return words
}

func TestExampleOfServeRuns(t *testing.T) {
	t.Parallel()
	w := stand(t)
	s, err := begin(w.command(w.adapt("serve")...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(w.dir, "exchange", "run", "addresses.json")); err != nil {
		t.Error(err)
	}
	if err := s.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err != nil {
		t.Errorf("ended with %v\n%s", err, s.log.String())
	}
}

func TestExampleOfBenchIsACommand(t *testing.T) {
	t.Parallel()
	for _, line := range []string{examples()["bench"], "trunkline bench all -short", "trunkline bench all --short -json -"} {
		if err := parses(fields(line)[1:]); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if err := parses([]string{"bench", "all", "-shrt"}); err == nil {
		t.Error("a flag that bench does not have is taken")
	}
}

// parses reports whether the words are a command, without running it.
func parses(args []string) error {
	var table commands
	parser, err := newParser(&table, &Env{Stdout: discard{}, Stderr: discard{}})
	if err != nil {
		return err
	}
	exited := false
	parser.Exit = func(code int) {
		if exited = true; code != done {
			err = errors.New("exit code other than 0")
		}
	}
	if _, perr := parse(parser, goStyle(args), &exited); perr != nil && !exited {
		return perr
	}
	return err
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
