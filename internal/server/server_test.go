package server_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	wordsblubbel "trunkline/blubbel"
	"trunkline/internal/config"
	"trunkline/internal/health"
	"trunkline/internal/network/blubbel"
	"trunkline/internal/server"
)

// buffer is what several goroutines write and a test reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// echoKey is made once: a key for each server would cost a second each.
var echoKey = sync.OnceValue(func() []byte {
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	key, err := wordsblubbel.NewSecretKey(pair)
	if err != nil {
		panic(err)
	}
	pem, err := key.PEM()
	if err != nil {
		panic(err)
	}
	return pem
})

// folder is a data folder that a server used before.
func folder(t *testing.T) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	for _, dir := range []string{"keys", "run"} {
		if err := os.MkdirAll(filepath.Join(data, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	putKey(t, data, echoKey())
	return data
}

func putKey(t *testing.T, data string, pem []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(data, "keys", "blubbel-echo.pem"), pem, 0o600); err != nil {
		t.Fatal(err)
	}
}

// fresh is a data folder with a key and nothing else: its next start is a first
// one, without the second that a key takes.
func fresh(t *testing.T) string {
	t.Helper()
	data := folder(t)
	if err := os.Remove(filepath.Join(data, "run")); err != nil {
		t.Fatal(err)
	}
	return data
}

// exchange is a server that runs.
type exchange struct {
	*server.Server
	status   server.Status // when everything answered
	out, log buffer
	data     string
	end      context.CancelFunc
	ended    chan error
}

func load(t *testing.T, set ...string) *config.Loaded {
	t.Helper()
	set = append([]string{"web.listen=127.0.0.1:0", "blubbel.listen=127.0.0.1:0", "clock.servers=[]"}, set...)
	loaded, err := config.Load(config.Sources{Search: []string{}, Set: set})
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// start runs a server on data until the test ends.
func start(t *testing.T, data string, change func(*server.Options), set ...string) *exchange {
	t.Helper()
	x := &exchange{data: data, ended: make(chan error, 1)}
	ready := make(chan server.Status, 1)
	o := server.Options{
		Data: data, Config: load(t, set...), Stdout: &x.out, Stderr: &x.log,
		Ready: func(s server.Status) { ready <- s },
	}
	if change != nil {
		change(&o)
	}
	s, err := server.New(o)
	if err != nil {
		t.Fatal(err)
	}
	x.Server = s
	ctx, cancel := context.WithCancel(t.Context())
	x.end = cancel
	go func() { x.ended <- s.Run(ctx) }()
	select {
	case x.status = <-ready:
	case err := <-x.ended:
		t.Fatalf("server ended: %v\n%s", err, x.log.String())
	}
	t.Cleanup(func() { x.stop(t) })
	return x
}

func (x *exchange) stop(t *testing.T) {
	t.Helper()
	x.end()
	err, ok := <-x.ended
	if ok && err != nil {
		t.Errorf("server ended with %v", err)
	}
	if ok {
		close(x.ended)
	}
}

func (x *exchange) network(t *testing.T, name string) server.NetworkStatus {
	t.Helper()
	n, ok := x.status.Network(name)
	if !ok {
		t.Fatalf("status has no network %s", name)
	}
	return n
}

// echo is the address of the server's echo contact.
func (x *exchange) echo(t *testing.T) wordsblubbel.PublicKey {
	t.Helper()
	key, err := wordsblubbel.ParseText(x.network(t, "blubbel").Echo.Address)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestFirstStartMakesWhatItNeedsForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "deep", "data")
	x := start(t, data, func(o *server.Options) { o.SelfCheck = true })
	err := filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	for _, want := range []string{
		"first start, nothing found in " + data, "made    " + data, "on this machine only",
		"hear it back", "2 of 2 ok", "trunkline chat echo --data " + data, "\n" + server.ReadyLine + "\n",
	} {
		if !strings.Contains(x.out.String(), want) {
			t.Errorf("screen lacks %q:\n%s", want, x.out.String())
		}
	}
}

func TestNextStartMakesNothingAndKeepsTheKeys(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	check := func(o *server.Options) { o.SelfCheck = true }
	first := start(t, data, check)
	first.stop(t)
	second := start(t, data, check)
	if strings.Contains(second.out.String(), "made") || strings.Contains(second.out.String(), "self-check") {
		t.Errorf("second start says:\n%s", second.out.String())
	}
	if err := blubbel.Probe(t.Context(), second.network(t, "blubbel").TCP[0], false, first.echo(t)); err != nil {
		t.Errorf("the echo contact has another key: %v", err)
	}
}

func TestAddressesAreWrittenForPrograms(t *testing.T) {
	t.Parallel()
	x := start(t, folder(t), nil)
	b, err := os.ReadFile(filepath.Join(x.data, "run", "addresses.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]map[string][]string
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	for network, socket := range map[string]string{"web": "http", "blubbel": "tcp"} {
		addresses := got[network][socket]
		if len(addresses) != 1 {
			t.Fatalf("%s: %v", network, got)
		}
		c, err := net.Dial("tcp", addresses[0])
		if err != nil {
			t.Fatalf("%s does not answer: %v", network, err)
		}
		_ = c.Close()
	}
	x.stop(t)
	if _, err := os.Stat(filepath.Join(x.data, "run", "addresses.json")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("addresses.json is still there: %v", err)
	}
}

func TestSecondServerOnOneFolderIsRefusedAndNamesThePID(t *testing.T) {
	t.Parallel()
	x := start(t, folder(t), nil)
	s, err := server.New(server.Options{Data: x.data, Config: load(t)})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Run(t.Context())
	if health.CodeOf(err) != health.DataInUse {
		t.Fatalf("got %v", err)
	}
	if line := health.Line(err); !strings.Contains(line, "pid") || !strings.Contains(line, "trunkline stop --data "+x.data) {
		t.Errorf("line %q", line)
	}
	if _, err := server.Dial(x.data).Status(t.Context()); err != nil {
		t.Errorf("the first one suffered: %v", err)
	}
}

func TestBusyPortTurnsOffItsNetworkOnly(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	x := start(t, folder(t), nil, "blubbel.listen="+held.Addr().String())
	if n := x.network(t, "blubbel"); n.On || n.Why == "" {
		t.Errorf("blubbel is %+v", n)
	}
	if n := x.network(t, "web"); !n.On {
		t.Errorf("web is %+v", n)
	}
	if len(x.status.Findings) != 1 || x.status.Findings[0].Code != health.PortHeld || x.status.Findings[0].Network != "blubbel" {
		t.Errorf("findings %v", x.status.Findings)
	}
	if !strings.Contains(x.out.String(), "off: held by") {
		t.Errorf("screen:\n%s", x.out.String())
	}
}

func TestNetworkWithoutAddressIsNotThere(t *testing.T) {
	t.Parallel()
	x := start(t, folder(t), nil, "blubbel.listen=", "web.listen=")
	if len(x.status.Networks) != 0 || len(x.status.Findings) != 0 {
		t.Errorf("status %+v", x.status)
	}
}

func TestStopOverTheSocketEndsTheServer(t *testing.T) {
	t.Parallel()
	long := filepath.Join(t.TempDir(), strings.Repeat("long", 20), strings.Repeat("path", 20))
	for _, data := range []string{folder(t), long} {
		x := start(t, data, nil)
		remote := server.Dial(data)
		s, err := remote.Status(t.Context())
		if err != nil || s.PID != os.Getpid() || len(s.Networks) != 2 {
			t.Fatalf("status %+v, %v", s, err)
		}
		if err := remote.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-x.ended; err != nil {
			t.Errorf("ended with %v", err)
		}
		close(x.ended)
		if _, err := remote.Status(t.Context()); !errors.Is(err, server.ErrNotRunning) {
			t.Errorf("after the end: %v", err)
		}
	}
}

func TestLeftoversOfAKilledServerAreRemoved(t *testing.T) {
	t.Parallel()
	data := folder(t)
	for _, name := range []string{"run/pid", "run/.new-1", "keys/.new-2", "run/addresses.json", "run/control.sock"} {
		path := filepath.Join(data, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("99999\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	x := start(t, data, nil)
	left, _ := filepath.Glob(filepath.Join(data, "*", ".new-*"))
	if len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if _, err := server.Dial(x.data).Status(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReloadTakesLevelsAndRefusesMistakes(t *testing.T) {
	t.Parallel()
	next := make(chan func() (*config.Loaded, error), 1)
	x := start(t, folder(t), func(o *server.Options) {
		o.Reload = func() (*config.Loaded, error) { return (<-next)() }
	})
	next <- func() (*config.Loaded, error) { return nil, errors.New("blubbel.listen: nonsense") }
	x.Reload()
	found := x.Status().Findings
	if len(found) != 1 || found[0].Code != health.ConfigRefused {
		t.Fatalf("findings %v", found)
	}
	next <- func() (*config.Loaded, error) { return load(t, "log.level=debug", "blubbel.queue=1MiB"), nil }
	x.Reload()
	if found := x.Status().Findings; len(found) != 0 {
		t.Errorf("findings stay: %v", found)
	}
	for _, want := range []string{"key=log.level restart=false", "key=blubbel.queue restart=true"} {
		if !strings.Contains(x.log.String(), want) {
			t.Errorf("log lacks %q:\n%s", want, x.log.String())
		}
	}
}

func TestDamagedEchoKeyIsAFindingAndNotTheEnd(t *testing.T) {
	t.Parallel()
	data := folder(t)
	putKey(t, data, []byte("damaged"))
	x := start(t, data, nil)
	address := x.network(t, "blubbel").TCP[0]
	if err := blubbel.Probe(t.Context(), address, false, wordsblubbel.PublicKey{}); err != nil {
		t.Errorf("the relay does not answer: %v", err)
	}
	for _, f := range x.Status().Findings {
		if strings.Contains(f.Detail, "blubbel-echo.pem") {
			return
		}
	}
	t.Errorf("findings %v", x.Status().Findings)
}

func TestAsShippedRelayPassesItsSelfCheck(t *testing.T) {
	t.Parallel()
	x := start(t, fresh(t), func(o *server.Options) { o.SelfCheck = true }, "blubbel.framing=as-shipped")
	if !strings.Contains(x.out.String(), "2 of 2 ok") || strings.Contains(x.out.String(), "chat echo") {
		t.Errorf("screen:\n%s", x.out.String())
	}
}

func TestFiguresCountTheEchoContact(t *testing.T) {
	t.Parallel()
	x := start(t, fresh(t), func(o *server.Options) { o.SelfCheck = true })
	body := get(t, "http://"+x.network(t, "web").HTTP[0]+"/metrics")
	for _, want := range []string{
		`trunkline_blubbel_finished_logins_total{key="der"} 2`,
		`trunkline_blubbel_transferred_frames_total{direction="in",kind="message"} 4`,
		`trunkline_finding{code="NET-003"} 0`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("figures lack %s:\n%s", want, body)
		}
	}
}

func TestClientsThatAreTurnedAwayAreAFinding(t *testing.T) {
	t.Parallel()
	x := start(t, folder(t), nil, "blubbel.connections=1", "blubbel.echo=false")
	address := x.network(t, "blubbel").TCP[0]
	first, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	for x.metric(t, "trunkline_blubbel_open_connections") != "1" {
	}
	second, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if _, err := second.Read(make([]byte, 1)); err == nil {
		t.Fatal("a second connection was taken")
	}
	x.Look()
	for _, f := range x.Status().Findings {
		if f.Code == health.ConnectionsFull && f.Network == "blubbel" {
			return
		}
	}
	t.Errorf("findings %v", x.Status().Findings)
}

// metric is the value of a figure without labels.
func (x *exchange) metric(t *testing.T, name string) string {
	t.Helper()
	for line := range strings.Lines(get(t, "http://"+x.network(t, "web").HTTP[0]+"/metrics")) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
