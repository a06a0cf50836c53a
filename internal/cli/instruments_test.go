package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trunkline/internal/server"
)

func TestSimulationIsTheSameForASeed(t *testing.T) {
	t.Parallel()
	scenario := "../sim/testdata/two-behind-nat.json"
	first, again := call(t, "sim", scenario, "--seed", "7"), call(t, "sim", scenario, "--seed", "7")
	if first.code != done || first.errors != "" || first.out != again.out {
		t.Errorf("exit %d, %q; the log is the same: %v", first.code, first.errors, first.out == again.out)
	}
	if other := call(t, "sim", scenario, "--seed", "8"); other.out == first.out {
		t.Error("another seed gives the same log")
	}
	quiet := call(t, "sim", scenario, "--seed", "7", "--quiet")
	if !strings.HasSuffix(first.out, quiet.out) || strings.Count(quiet.out, "\n") > 6 {
		t.Errorf("the report alone is\n%s", quiet.out)
	}
	for line := range strings.Lines(call(t, "sim", scenario, "--seed", "7", "--json", "--packets").out) {
		if !json.Valid([]byte(line)) {
			t.Fatalf("no JSON: %s", line)
		}
	}
}

func TestSeedMakesUpAScenario(t *testing.T) {
	t.Parallel()
	s := call(t, "sim", "random", "--seed", "3", "--quiet")
	if s.code != done || s.errors != "" || !strings.Contains(s.out, "\nseed 3: ") {
		t.Errorf("got %+v", s)
	}
	digest, err := simulate(t.Context(), 3)
	if err != nil || digest == "" || !strings.Contains(s.out, "log "+digest) {
		t.Errorf("the bench plays another world: %q, %v", digest, err)
	}
}

func TestScenarioThatFailsIsAFailure(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "s.json")
	put(t, []byte(`{"version": 1, "length": "10s", "clients": [{"name": "ann"}, {"name": "ben"}],
		"expect": {"all_open": true, "online": ["*"]}, "timeline": [{"at": "1s", "do": "stop", "who": "ann"}]}`), file)
	s := call(t, "sim", file, "--quiet")
	if s.code == done {
		t.Errorf("got %+v", s)
	}
	for text, want := range map[string]string{
		"{}":                          "version: 0 is not within 1 and 1",
		`{"version": 1, "clints": 1}`: "clints: unknown key",
		"text":                        "sim " + file + ": ",
	} {
		put(t, []byte(text), file)
		if s := call(t, "sim", file); s.code != unable || s.out != "" || !strings.Contains(s.errors, want) {
			t.Errorf("%s: %+v", text, s)
		}
	}
}

func TestInspectExplainsBytes(t *testing.T) {
	t.Parallel()
	s := call(t, "inspect", "--hex", "01 00 00 00 00", "--as", "blubbel", "--to", "client")
	if s.code != done || s.errors != "" || !strings.Contains(s.out, "login accepted to client") {
		t.Errorf("got %+v", s)
	}
	j := call(t, "inspect", "--hex", "0100000000", "--as", "blubbel", "--to", "client", "--json")
	wants(t, "inspect --hex", j.out, `number protocol name bytes fields
		fields.[].name fields.[].offset fields.[].bytes fields.[].value fields.[].meaning fields.[].certainty`)
	for _, mistake := range []struct{ want, args string }{
		{`add --as with one of ["blubbel"]`, "--hex 00"},
		{`not hexadecimal`, "--hex zz --as blubbel"},
		{`protocol "foo" is not known`, "--hex 00 --as foo"},
		{`--to must be one of`, "--hex 00 --as blubbel --to nowhere"},
		{`no capture; name a file, or give bytes with --hex`, ""},
		{`"x" is no port; write for instance blubbel:8000`, "--as blubbel:x -"},
	} {
		s := call(t, append([]string{"inspect"}, strings.Fields(mistake.args)...)...)
		if s.code != unable || s.out != "" || !strings.Contains(s.errors, mistake.want) {
			t.Errorf("%s: %+v", mistake.args, s)
		}
	}
}

func TestInspectReadsACaptureFromItsInput(t *testing.T) {
	t.Parallel()
	s := callWith(t, string(capture()), nil, "inspect", "-", "--as", "blubbel:8000", "--full")
	if s.code != done || s.errors != "" || !strings.Contains(s.out, "login to server") {
		t.Errorf("got %+v", s)
	}
	s = callWith(t, string(capture()[:50]), nil, "inspect", "-")
	if s.code != failed || !strings.Contains(s.errors, "ends early") {
		t.Errorf("half of it: %+v", s)
	}
}

func TestBenchListsWhatThereIs(t *testing.T) {
	t.Parallel()
	s := call(t, "bench")
	if s.code != done || s.errors != "" || !strings.Contains(s.out, "\nB5  ") {
		t.Errorf("got %+v", s)
	}
	if s := call(t, "bench", "B5", "--json", filepath.Join(t.TempDir(), "no", "file")); s.code != failed || s.out != "" {
		t.Errorf("results into a folder that is not there: %+v", s)
	}
}

func TestBenchTakesFlagsWithOneHyphen(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"bench all -short":         "bench all --short",
		"bench -json - -peer=none": "bench --json - --peer=none",
		"bench -h --gate":          "bench -h --gate",
		"serve -data x":            "serve -data x",
		"":                         "",
	} {
		if got := strings.Join(goStyle(strings.Fields(in)), " "); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

func TestLoadProcessIsNotStartedByHand(t *testing.T) {
	t.Parallel()
	if s := call(t, "worker", "whatever"); s.code != failed || s.out != "" || s.errors == "" {
		t.Errorf("got %+v", s)
	}
}

func TestChatFindsWhomTheServerKnows(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	nobody := chatCmd{With: "echo", dataFlag: dataFlag{w.data}}
	if _, err := nobody.find(t.Context()); !errors.Is(err, server.ErrNotRunning) {
		t.Errorf("without a server: %v", err)
	}
	for named, want := range map[string]string{"": "127.0.0.1:8000", "192.0.2.1:9": "192.0.2.1:9"} {
		c := chatCmd{With: "blubbel", dataFlag: dataFlag{w.data}, Server: named}
		if got, err := c.find(t.Context()); err != nil || got != (place{"blubbel", want, ""}) {
			t.Errorf("without a server, to %q: %+v, %v", named, got, err)
		}
	}
	w.serve()
	if s := w.run("", "doctor", "--only", "blubbel"); s.code != done { // it waits for the echo contact
		t.Fatalf("doctor: %+v", s)
	}
	here := relay(t, w.data)
	for _, c := range []struct{ with, server, want string }{
		{"echo", "", here}, {"blubbel", "", here}, {"echo", "192.0.2.1:9", "192.0.2.1:9"},
	} {
		got, err := (&chatCmd{With: c.with, Server: c.server, dataFlag: dataFlag{w.data}}).find(t.Context())
		if err != nil || got.server != c.want || (got.contact != "") != (c.with == "echo") {
			t.Errorf("%+v: %+v, %v", c, got, err)
		}
	}
	_, err := (&chatCmd{With: "nobody", dataFlag: dataFlag{w.data}}).find(t.Context())
	if _, ok := errors.AsType[usageError](err); !ok {
		t.Errorf("nobody: %v", err)
	}
}

func TestPeerLogsOnStderrWithoutTexts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	s := w.run("", "doctor", "--only", "blubbel")
	if s.code != done {
		t.Fatalf("doctor: %+v", s)
	}
	var status server.Status
	if err := json.Unmarshal([]byte(w.run("", "status", "--json").out), &status); err != nil {
		t.Fatal(err)
	}
	_, echo, ok := status.Find("echo")
	if !ok {
		t.Fatal("no echo contact")
	}
	in := fmt.Sprintf(`{"do":"add","who":%q}`+"\n"+`{"do":"send","to":%[1]q,"text":"the secret","id":1}`+"\n", echo.Address)
	s = w.run(in, "peer", "blubbel", "--server", echo.Server, "--profile", "me.pem", "--raw", "--debug")
	if s.code != done || !strings.Contains(s.out, `"ev":"ok","id":1,"ref":"1"`) || !strings.Contains(s.errors, "logged in") {
		t.Errorf("got %+v", s)
	}
	if strings.Contains(s.errors, "secret") {
		t.Errorf("it logs texts: %s", s.errors)
	}
}

func TestDoctorThatIsInterruptedCouldNotLook(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithCancel(t.Context())
	stop()
	var out, errs strings.Builder
	code := Main(ctx, []string{"doctor", "--data", t.TempDir()}, &Env{Stdout: &out, Stderr: &errs, Environ: settings(), Exe: os.Executable})
	if code != unable || !strings.HasPrefix(errs.String(), "doctor: context canceled") {
		t.Errorf("exit %d, %q, %q", code, out.String(), errs.String())
	}
}

// broken is an output that takes nothing.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestOutputThatTakesNothingIsAFailure(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "me.pem")
	put(t, pem(), file)
	for _, args := range [][]string{
		{"version"}, {"version", "--json"}, {"explain"}, {"explain", "NET-003"}, {"config", "show"}, {"config", "describe"},
		{"config", "check"}, {"completion", "bash"}, {"completion", "zsh"}, {"completion", "fish"}, {"man"}, {"keygen", file},
		{"vectors", "../../blubbel/wire/testdata"}, {"doctor", "--only", "disk"}, {"bench"}, {"sim", "random", "--quiet"},
	} {
		var errs strings.Builder
		code := Main(t.Context(), args, &Env{Stdout: broken{}, Stderr: &errs, Environ: settings(), Exe: os.Executable})
		if code != failed || !strings.Contains(errs.String(), "disk full") {
			t.Errorf("%q: exit %d, %q", args, code, errs.String())
		}
	}
}
