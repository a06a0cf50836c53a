package config_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"trunkline/internal/config"
	"trunkline/internal/health"
)

// nowhere are sources without any file.
func nowhere() config.Sources { return config.Sources{Search: []string{}} }

// write makes a configuration file and returns sources that name it.
func write(t *testing.T, text string) config.Sources {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trunkline.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return config.Sources{File: path}
}

// load loads what must be free of mistakes.
func load(t *testing.T, s config.Sources) *config.Loaded {
	t.Helper()
	l, err := config.Load(s)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// mistakes loads what must have mistakes, and returns their lines without the
// folder of the file.
func mistakes(t *testing.T, s config.Sources) []string {
	t.Helper()
	l, err := config.Load(s)
	if err == nil || l != nil {
		t.Fatalf("loaded %+v, error %v; want mistakes only", l, err)
	}
	lines := health.Lines(err)
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], filepath.ToSlash(filepath.Dir(s.File))+"/", "")
	}
	return lines
}

func TestWithoutAnySourceTheDefaultsHold(t *testing.T) {
	t.Parallel()
	l := load(t, nowhere())
	if diff := cmp.Diff(config.Default(), l.Config); diff != "" {
		t.Error(diff)
	}
	if got := l.Origin("web.listen").String(); got != "default" {
		t.Errorf("origin %q", got)
	}
	if l.File != "" {
		t.Errorf("file %q", l.File)
	}
}

func TestDefaultsListenOnThisMachineOnlyAndNotForNetworksThatDoNotExist(t *testing.T) {
	t.Parallel()
	c := config.Default()
	for _, address := range []string{c.Web.Listen, c.Blubbel.Listen} {
		if !strings.HasPrefix(address, "127.0.0.1:") {
			t.Errorf("listens on %q", address)
		}
	}
	for _, address := range []string{c.Tox.Listen, c.Skynet.Listen, c.Skype.Listen} {
		if address != "" {
			t.Errorf("a network that is not built listens on %q", address)
		}
	}
}

func TestDefaultsShareNothing(t *testing.T) {
	t.Parallel()
	a := config.Default()
	a.Clock.Servers[0] = "changed"
	a.Log.Parts["blubbel"] = "debug"
	if b := config.Default(); b.Clock.Servers[0] == "changed" || len(b.Log.Parts) != 0 {
		t.Error("a change of one default value shows in another")
	}
}

func TestEveryTypeOfValueIsReadFromTheFile(t *testing.T) {
	t.Parallel()
	l := load(t, write(t, `
[web]
listen = "[::1]:81"
[blubbel]
listen = ":8001"
raw_keys = false
max_payload = 2048
queue = "1 MiB"
stall = "1m"
sessions = 7
[clock]
servers = ["a.example:123", "[2001:db8::1]:123"]
[log]
level = "warn"
[log.blubbel]
server = "debug"
[tox]
listen = ""
relay = []
`))
	want := config.Default()
	want.Web.Listen = "[::1]:81"
	want.Blubbel.Listen = ":8001"
	want.Blubbel.RawKeys = false
	want.Blubbel.MaxPayload = 2048
	want.Blubbel.Queue = 1 << 20
	want.Blubbel.Stall = time.Minute
	want.Blubbel.Sessions = 7
	want.Clock.Servers = []string{"a.example:123", "[2001:db8::1]:123"}
	want.Log.Level = "warn"
	want.Log.Parts = config.Levels{"blubbel.server": "debug"}
	if diff := cmp.Diff(want, l.Config); diff != "" {
		t.Error(diff)
	}
}

func TestEveryTypeOfValueIsReadFromText(t *testing.T) {
	t.Parallel()
	s := nowhere()
	s.Set = []string{
		"blubbel.listen=127.0.0.1:0", "blubbel.raw_keys=false", "blubbel.queue=1MiB", "blubbel.max_payload=1048576",
		"blubbel.stall=500ms", " blubbel.sessions = 7 ", "clock.servers=a:1, b:2", "log.blubbel.echo=error", "tox.listen=", "tox.relay=[]",
	}
	want := config.Default()
	want.Blubbel.Listen = "127.0.0.1:0"
	want.Blubbel.RawKeys = false
	want.Blubbel.Queue = 1 << 20
	want.Blubbel.MaxPayload = 1 << 20
	want.Blubbel.Stall = 500 * time.Millisecond
	want.Blubbel.Sessions = 7
	want.Clock.Servers = []string{"a:1", "b:2"}
	want.Log.Parts = config.Levels{"blubbel.echo": "error"}
	if diff := cmp.Diff(want, load(t, s).Config); diff != "" {
		t.Error(diff)
	}
	s.Set = []string{`clock.servers=["a:1"]`, "tox.relay="}
	if got := load(t, s).Config.Clock.Servers; !slices.Equal(got, []string{"a:1"}) {
		t.Errorf("list as in TOML: %v", got)
	}
	s.Set = []string{"clock.servers="}
	if got := load(t, s).Config.Clock.Servers; got == nil || len(got) != 0 {
		t.Errorf("empty list: %#v", got)
	}
}

func TestLaterSourcesWin(t *testing.T) {
	t.Parallel()
	s := write(t, "[web]\nlisten = \"127.0.0.1:1\"\n[blubbel]\nlisten = \"127.0.0.1:2\"\nsessions = 5\nqueue = 4096\n")
	s.Environ = []string{"HOME=/root", "TRUNKLINE_BLUBBEL_LISTEN=127.0.0.1:3", "TRUNKLINE_BLUBBEL_SESSIONS=6", "TRUNKLINE_LOG_BLUBBEL_SERVER=debug"}
	s.Set = []string{"blubbel.sessions=7", "blubbel.sessions=8"}
	l := load(t, s)
	for key, want := range map[string][2]string{
		"web.listen":         {"127.0.0.1:1", s.File + ":2"},
		"blubbel.listen":     {"127.0.0.1:3", "TRUNKLINE_BLUBBEL_LISTEN"},
		"blubbel.queue":      {"4KiB", s.File + ":6"},
		"blubbel.stall":      {"5s", "default"},
		"log.blubbel.server": {"debug", "TRUNKLINE_LOG_BLUBBEL_SERVER"},
	} {
		i := slices.IndexFunc(l.Values(), func(v config.Value) bool { return v.Key == key })
		if i < 0 {
			t.Errorf("%s is not among the values", key)
			continue
		}
		v := l.Values()[i]
		if v.Value != want[0] || v.Origin != want[1] {
			t.Errorf("%s: %v from %s, want %v", key, v.Value, v.Origin, want)
		}
	}
	if got := l.Config.Blubbel.Sessions; got != 8 {
		t.Errorf("sessions %d, want that of the last --set", got)
	}
	if got := l.Origin("blubbel.sessions"); got.String() != "--set" || got.Source != "command line" {
		t.Errorf("origin %+v", got)
	}
}

func TestFileIsNamedOrFound(t *testing.T) {
	t.Parallel()
	one := write(t, "web.listen = \":1\"").File
	two := write(t, "web.listen = \":2\"").File
	missing := filepath.Join(t.TempDir(), "none.toml")
	for name, c := range map[string]struct {
		s    config.Sources
		want string
	}{
		"named":             {config.Sources{File: one, Search: []string{two}, Environ: []string{"TRUNKLINE_CONFIG=" + two}}, ":1"},
		"by environment":    {config.Sources{Search: []string{one}, Environ: []string{"TRUNKLINE_CONFIG=" + two}}, ":2"},
		"first that exists": {config.Sources{Search: []string{missing, one, two}}, ":1"},
		"none exists":       {config.Sources{Search: []string{missing}}, "127.0.0.1:8080"},
	} {
		if got := load(t, c.s).Config.Web.Listen; got != c.want {
			t.Errorf("%s: listen %q, want %q", name, got, c.want)
		}
	}
	want := []string{"none.toml: no such file or directory; name a readable file with --config"}
	if diff := cmp.Diff(want, mistakes(t, config.Sources{File: missing})); diff != "" {
		t.Error(diff)
	}
	folder := config.Sources{File: t.TempDir()}
	if _, err := config.Load(folder); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a folder as file: %v", err)
	}
}

func TestAllMistakesAreNamedAtOnceWithTheirPlace(t *testing.T) {
	t.Parallel()
	s := write(t, `# first line
[web]
listn = "127.0.0.1:80"
listen = 80

[blubell]
sessions = 3

[blubbel]
stall = 5
framing = "shipped"
max_payload = "2MiB"
listen = { port = 8000 }
advertise = "chat.example.org"
queue = "many"

[tox]
listen = "127.0.0.1:33445"
relay = [443]

[empty]

[log]
level = "loud"
blubbel.srever = "debug"
web = "chatty"
`)
	s.Environ = []string{"TRUNKLINE_BLUBEL_LISTEN=x", "TRUNKLINE_BLUBBEL_RAW_KEYS=maybe", "TRUNKLINE_DATA=/d", "TRUNKLINE_CONFIG=x"}
	s.Set = []string{"web.listen", "blubbel.sesions=3", "skype.listen=:33033", "clock.servers=nowhere"}
	want := []string{
		`trunkline.toml:3 web.listn: unknown key; did you mean web.listen?`,
		`trunkline.toml:4 web.listen: 80 is no text; write a text in quotes`,
		`trunkline.toml:7 blubell.sessions: unknown key; did you mean blubbel.sessions?`,
		`trunkline.toml:10 blubbel.stall: 5 is no duration; write a number and a unit, for instance "5s" or "2m"`,
		`trunkline.toml:13 blubbel.listen: a table is no text; write a text in quotes`,
		`trunkline.toml:15 blubbel.queue: "many" is no size; write a number of bytes, or one with a unit, for instance "256KiB"`,
		"trunkline.toml:21 empty: unknown key; `trunkline config describe` lists all keys",
		`trunkline.toml:25 log.blubbel.srever: unknown key; did you mean log.blubbel.server?`,
		`TRUNKLINE_BLUBBEL_RAW_KEYS blubbel.raw_keys: "maybe" is no true or false; write true or false`,
		`TRUNKLINE_BLUBEL_LISTEN: unknown variable; did you mean TRUNKLINE_BLUBBEL_LISTEN?`,
		`--set: "web.listen" is not KEY=VALUE; write for instance --set blubbel.listen=127.0.0.1:8001`,
		`--set blubbel.sesions: unknown key; did you mean blubbel.sessions?`,
		`trunkline.toml:11 blubbel.framing: "shipped" is none of the known values; write documented or as-shipped`,
		`trunkline.toml:14 blubbel.advertise: address "chat.example.org": missing port in address; write HOST:PORT, for instance chat.example.org:8000`,
		`trunkline.toml:12 blubbel.max_payload: "2MiB" is out of range; write a value from 1KiB to 1MiB`,
		`trunkline.toml:18 tox.listen: the network tox is not built yet; leave the key empty`,
		`trunkline.toml:19 tox.relay: the network tox is not built yet; leave the key empty`,
		`--set skype.listen: the network skype is not built yet; leave the key empty`,
		`trunkline.toml:24 log.level: "loud" is none of the known values; write debug, info, warn or error`,
		`trunkline.toml:26 log.web: "chatty" is none of the known values; write debug, info, warn or error`,
		`--set clock.servers: address "nowhere": missing port in address; write HOST:PORT, for instance pool.ntp.org:123`,
	}
	if diff := cmp.Diff(want, mistakes(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestMistakesKeepTheirPartsForMachines(t *testing.T) {
	t.Parallel()
	s := nowhere()
	s.Set = []string{"web.listn=x"}
	_, err := config.Load(s)
	problems, ok := errors.AsType[config.Problems](err)
	if !ok {
		t.Fatalf("got %T, want Problems", err)
	}
	want := config.Problems{{Where: "--set", Key: "web.listn", What: "unknown key", Do: "did you mean web.listen?"}}
	if diff := cmp.Diff(want, problems); diff != "" {
		t.Error(diff)
	}
	if got, want := err.Error(), "--set web.listn: unknown key; did you mean web.listen?"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
}

func TestBrokenFilesAreRefusedWithTheirLine(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"[web]\nlisten = \n":                      "trunkline.toml:2: ",
		"[web]\nlisten = \"a\"\nlisten = \"b\"\n": "trunkline.toml:3: ",
		"a = \"\xff\"":                            "trunkline.toml:1: ",
		"[web":                                    "trunkline.toml:1: ",
		"[[web]]\nlisten = \":1\"\n":              "trunkline.toml:1 web: unknown key; ",
		"web = 3":                                 "trunkline.toml:1 web: unknown key; ",
		"listen = \":1\"":                         "trunkline.toml:1 listen: unknown key; did you mean web.listen?",
		"x.y = 1":                                 "trunkline.toml:1 x.y: unknown key; ",
		strings.Repeat("#", 1<<20+1):              "trunkline.toml: larger than 1MiB; name a readable file with --config",
		"tox.relay = [1, \"a\"]":                  `trunkline.toml:1 tox.relay: "a" is no number; write a list, for instance [443, 3389]`,
		"tox.relay = 443":                         "trunkline.toml:1 tox.relay: 443 is no list of numbers; ",
		"web.listen = 2020-01-01":                 "trunkline.toml:1 web.listen: 2020-01-01 ",
		"web.listen = []":                         "trunkline.toml:1 web.listen: a list is no text; ",
		"blubbel.sessions = 1.5":                  "trunkline.toml:1 blubbel.sessions: 1.5 is no number; write a whole number",
		"blubbel.echo = \"yes\"":                  `trunkline.toml:1 blubbel.echo: "yes" is no true or false; `,
		"\"web.listen\" = \":1\"":                 `trunkline.toml:1 "web.listen": unknown key; did you mean web.listen?`,
		"log.blubbel = 3":                         "trunkline.toml:1 log.blubbel: 3 is no text; ",
		"log.level.x = \"debug\"":                 "trunkline.toml:1 log.level: a table is no text; ",
		"blubbel.queue = -1":                      `trunkline.toml:1 blubbel.queue: "-1" is no size; `,
		"a\x1b[2J = 1":                            "trunkline.toml:1: ",
		"web.\"\\u001b[2J\" = \"x\"":              "trunkline.toml:1 web.?[2J: unknown key; ",
		"blubbel.listen = \"\\u001b\"":            `trunkline.toml:1 blubbel.listen: address "\x1b": missing port`,
	} {
		lines := mistakes(t, write(t, text))
		if len(lines) != 1 || !strings.HasPrefix(lines[0], want) {
			t.Errorf("%.40q:\ngot  %q\nwant %q...", text, lines, want)
		}
	}
}

func TestReservedVariablesAreLeftAlone(t *testing.T) {
	t.Parallel()
	s := nowhere()
	s.Environ = []string{"TRUNKLINE_DATA=/d", "TRUNKLINE_HELPER=1", "TRUNKLINE", "NOTIFY_SOCKET=/run/x", "broken"}
	s.Reserved = []string{"TRUNKLINE_HELPER"}
	load(t, s)
	s.Reserved = nil
	want := []string{"TRUNKLINE_HELPER: unknown variable; `trunkline config describe` lists all keys"}
	if diff := cmp.Diff(want, mistakes(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestAnEmptyAddressTurnsEveryNetworkOff(t *testing.T) {
	t.Parallel()
	s := nowhere()
	s.Set = []string{"web.listen=", "blubbel.listen=", "tox.listen=", "skynet.listen=", "skype.listen="}
	l := load(t, s)
	if c := l.Config; c.Web.Listen+c.Blubbel.Listen+c.Tox.Listen+c.Skynet.Listen+c.Skype.Listen != "" {
		t.Errorf("something still listens: %+v", c)
	}
}

func TestTwoNetworksCannotShareAnAddress(t *testing.T) {
	t.Parallel()
	s := nowhere()
	s.Set = []string{"web.listen=127.0.0.1:8000"}
	want := []string{`blubbel.listen: address "127.0.0.1:8000" is that of web.listen; give each its own port`}
	if diff := cmp.Diff(want, mistakes(t, s)); diff != "" {
		t.Error(diff)
	}
	s.Set = []string{"web.listen=127.0.0.1:0", "blubbel.listen=127.0.0.1:0"}
	load(t, s) // port 0: each takes a free one
}

func TestAsShippedFramingNeedsRawKeys(t *testing.T) {
	t.Parallel()
	s := nowhere()
	s.Set = []string{"blubbel.framing=as-shipped"}
	load(t, s)
	s.Set = append(s.Set, "blubbel.raw_keys=false")
	want := []string{`--set blubbel.raw_keys: as-shipped framing knows raw keys only, and these are refused; set blubbel.raw_keys = true or blubbel.framing = "documented"`}
	if diff := cmp.Diff(want, mistakes(t, s)); diff != "" {
		t.Error(diff)
	}
}

func TestAddressesAreHostAndPort(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address          string
		listen, announce bool
	}{
		{"127.0.0.1:8000", true, true},
		{"[::1]:80", true, true},
		{"[fe80::1%eth0]:80", true, true},
		{"chat.example.org:65535", true, true},
		{":8000", true, false},
		{"127.0.0.1:0", true, false},
		{"127.0.0.1", false, false},
		{"127.0.0.1:65536", false, false},
		{"127.0.0.1:-1", false, false},
		{"127.0.0.1:+80", false, false},
		{"127.0.0.1:http", false, false},
		{"127.0.0.1:", false, false},
		{"::1:80", false, false},
		{"http://x:80", false, false},
		{"a b:80", false, false},
		{"x\x00:80", false, false},
	} {
		if err := config.CheckAddress(c.address, true); (err == nil) != c.listen {
			t.Errorf("listen %q: %v, want accepted %t", c.address, err, c.listen)
		}
		if err := config.CheckAddress(c.address, false); (err == nil) != c.announce {
			t.Errorf("announce %q: %v, want accepted %t", c.address, err, c.announce)
		}
	}
}

func TestEveryBoundIsEnforcedAtBothEnds(t *testing.T) {
	t.Parallel()
	bounded := 0
	for _, k := range config.Keys() {
		if k.Min == "" || !k.Built {
			continue
		}
		bounded++
		for _, edge := range []string{k.Min, k.Max} {
			s := nowhere()
			s.Set = []string{k.Name + "=" + edge}
			if _, err := config.Load(s); err != nil {
				t.Errorf("%s = %s is refused: %v", k.Name, edge, err)
			}
		}
	}
	if bounded < 10 {
		t.Errorf("only %d keys have bounds", bounded)
	}
	for _, set := range []string{
		"blubbel.max_payload=1023", "blubbel.max_payload=1048577", "blubbel.stall=9ms", "blubbel.stall=61s", "blubbel.sessions=0",
		"blubbel.start_rate=0", "blubbel.pending_per_address=0", "blubbel.connections=-1", "blubbel.frames_per_second=-1", "blubbel.login_timeout=-5s",
	} {
		s := nowhere()
		s.Set = []string{set}
		key, _, _ := strings.Cut(set, "=")
		if lines := mistakes(t, s); len(lines) != 1 || !strings.HasPrefix(lines[0], "--set "+key+": ") || !strings.Contains(lines[0], "out of range; write a value from ") {
			t.Errorf("%s: %q", set, lines)
		}
	}
}

func TestSizesAreReadAndWritten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]config.Size{"0": 0, "1": 1, "1024": 1024, "64KiB": 65536, " 3 MiB ": 3 << 20, "2GiB": 2 << 30, "7TiB": 7 << 40} {
		got, err := config.ParseSize(text)
		if err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
		if again, err := config.ParseSize(got.String()); err != nil || again != got {
			t.Errorf("%d is written %q and read %d, %v", got, got, again, err)
		}
	}
	for _, text := range []string{"", "KiB", "-1", "1.5MiB", "1kb", "9223372036854775808", "8388608TiB", "1 KiB KiB", "0x10"} {
		if got, err := config.ParseSize(text); err == nil {
			t.Errorf("%q became %d", text, got)
		}
	}
}

func TestThePartWithTheLongestNameDecidesTheLevel(t *testing.T) {
	t.Parallel()
	l := config.Log{Level: "warn", Parts: config.Levels{"blubbel": "info", "blubbel.server": "debug"}}
	for part, want := range map[string]slog.Level{
		"blubbel.server":      slog.LevelDebug,
		"blubbel.server.conn": slog.LevelDebug,
		"blubbel.echo":        slog.LevelInfo,
		"blubbel":             slog.LevelInfo,
		"web":                 slog.LevelWarn,
		"":                    slog.LevelWarn,
	} {
		if got := l.LevelOf(part); got != want {
			t.Errorf("%q: %v, want %v", part, got, want)
		}
	}
	if got := (config.Log{Level: "error"}).LevelOf("web"); got != slog.LevelError {
		t.Errorf("general level: %v", got)
	}
	if got := (config.Log{}).LevelOf("web"); got != slog.LevelInfo {
		t.Errorf("zero value: %v", got)
	}
}

func FuzzFile(f *testing.F) {
	var b bytes.Buffer
	if err := config.Describe(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.String())
	f.Add("[[web]]\n[log.blubbel]\nserver = {}")
	f.Add("log = [{}]\nclock.servers = [[1]]")
	path := filepath.Join(f.TempDir(), "fuzz.toml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := config.Load(config.Sources{File: path})
		if err != nil {
			if _, ok := errors.AsType[config.Problems](err); !ok {
				t.Fatalf("error %T: %v", err, err)
			}
			return
		}
		var shown bytes.Buffer
		if err := l.Show(&shown); err != nil {
			t.Fatal(err)
		}
	})
}

func FuzzSet(f *testing.F) {
	f.Add("blubbel.listen=127.0.0.1:0")
	f.Add("tox.relay=[443, 3389]")
	f.Add("clock.servers=[\"a:1\"]\nx=1")
	f.Add("blubbel.queue=9999999TiB")
	f.Fuzz(func(t *testing.T, text string) {
		s := nowhere()
		s.Set = []string{text}
		l, err := config.Load(s)
		if err == nil && !strings.Contains(text, "=") {
			t.Fatalf("%q was accepted: %+v", text, l)
		}
	})
}
