package blubbel_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	words "trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/blubbel/wire"
	"trunkline/internal/config"
	"trunkline/internal/health"
	"trunkline/internal/network"
	"trunkline/internal/network/blubbel"
)

// Keys are made once: each takes a tenth of a second.
var (
	echoKey    = sync.OnceValue(makeKey)
	visitorKey = sync.OnceValue(makeKey)
)

func makeKey() *words.SecretKey {
	pair, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	key, err := words.NewSecretKey(pair)
	if err != nil {
		panic(err)
	}
	return key
}

func giveEcho(context.Context) (*words.SecretKey, error) { return echoKey(), nil }

// start runs an adapter on loopback until the test ends.
func start(t *testing.T, change func(*blubbel.Config)) *blubbel.Adapter {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := blubbel.Config{Listener: l, Settings: config.Default().Blubbel, EchoKey: giveEcho}
	if change != nil {
		change(&c)
	}
	a, err := blubbel.New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("adapter ended with %v", err)
		}
	})
	return a
}

// address is where the relay of an adapter answers.
func address(a *blubbel.Adapter) string {
	_, server := a.Echo()
	return server
}

// contact waits for the echo contact and returns its key.
func contact(t *testing.T, a *blubbel.Adapter) words.PublicKey {
	t.Helper()
	if _, err := a.SelfCheck(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, _ := a.Echo()
	key, err := words.ParseText(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func asShipped(c *blubbel.Config) { c.Settings.Framing = config.AsShipped }

func TestEchoContactAnswersEveryTextInOrder(t *testing.T) {
	t.Parallel()
	a := start(t, nil)
	echo := contact(t, a)
	c, err := client.New(client.Config{Key: visitorKey(), Server: address(a), Contacts: []words.PublicKey{echo}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	defer running.Wait()
	defer stop()
	texts := []string{"hello", "", "żółw\n\x00", strings.Repeat("x", 60_000)}
	for i := range 500 {
		texts = append(texts, strings.Repeat("y", i))
	}
	for _, text := range texts {
		if _, err := c.Send(ctx, echo, text); err != nil {
			t.Fatal(err)
		}
	}
	for e := range c.Events() {
		got, ok := e.(client.Received)
		if !ok {
			continue
		}
		if got.From != echo || got.Text != texts[0] {
			t.Fatalf("%.40q from %v, want %.40q", got.Text, got.From, texts[0])
		}
		if texts = texts[1:]; len(texts) == 0 {
			return
		}
	}
}

func TestSelfCheckTalksWithTheEchoContact(t *testing.T) {
	t.Parallel()
	what, err := start(t, nil).SelfCheck(t.Context())
	if what != "log in, say hello, hear it back" || err != nil {
		t.Errorf("got %q, %v", what, err)
	}
}

func TestSelfCheckLogsInWhereThereIsNoEchoContact(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*blubbel.Config){
		"as shipped": asShipped,
		"off":        func(c *blubbel.Config) { c.Settings.Echo = false },
		"no key":     func(c *blubbel.Config) { c.EchoKey = nil },
	} {
		a := start(t, change)
		if what, err := a.SelfCheck(t.Context()); what != "log in" || err != nil {
			t.Errorf("%s: got %q, %v", name, what, err)
		}
		if who, server := a.Echo(); who != "" || server == "" {
			t.Errorf("%s: echo contact %q at %q", name, who, server)
		}
	}
}

func TestSelfCheckDoesNotWaitForeverForTheEchoContact(t *testing.T) {
	t.Parallel()
	a := start(t, func(c *blubbel.Config) {
		c.EchoKey = func(ctx context.Context) (*words.SecretKey, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
	})
	ctx, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if _, err := a.SelfCheck(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestEchoContactIsNotCounted(t *testing.T) {
	t.Parallel()
	a := start(t, nil)
	echo := contact(t, a)
	for a.Connected() > 0 { // the self-check's client, whose end the relay may not have seen
		runtime.Gosched()
	}
	if n := a.Stats().LoggedIn[words.DER]; n != 1 {
		t.Errorf("%d clients, one is the echo contact", n)
	}
	connected := make(chan int, 1)
	c, err := client.New(client.Config{Key: visitorKey(), Server: address(a), Contacts: []words.PublicKey{echo}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = c.Run(ctx) })
	for e := range c.Events() {
		if _, ok := e.(client.Online); ok {
			connected <- a.Connected()
			break
		}
	}
	stop()
	running.Wait()
	if n := <-connected; n != 1 {
		t.Errorf("%d connected, want 1", n)
	}
}

func TestEchoContactThatCannotRunIsAFindingAndTheRelayGoesOn(t *testing.T) {
	t.Parallel()
	a := start(t, func(c *blubbel.Config) {
		c.EchoKey = func(context.Context) (*words.SecretKey, error) { return nil, errors.New("key is damaged") }
	})
	if err := blubbel.Probe(t.Context(), address(a), false, words.PublicKey{}); err != nil {
		t.Errorf("relay: %v", err)
	}
	for len(a.Health()[0].Findings) == 0 {
		runtime.Gosched()
	}
	check := a.Health()[0]
	f := check.Findings[0]
	if check.OK || f.Code != health.SelfCheckFailed || f.Network != blubbel.Name || !strings.Contains(f.Detail, "key is damaged") {
		t.Errorf("check %+v", check)
	}
}

func TestHealthyAdapterHasNoFindings(t *testing.T) {
	t.Parallel()
	a := start(t, nil)
	contact(t, a)
	checks := a.Health()
	if len(checks) != 1 || !checks[0].OK || checks[0].Network != blubbel.Name {
		t.Errorf("got %+v", checks)
	}
	if a.Name() != "blubbel" {
		t.Errorf("name %q", a.Name())
	}
	got := strings.Join(network.CapabilitiesOf(a).Names(), " ")
	if got != "presence self-check echo" {
		t.Errorf("capabilities %q", got)
	}
}

func TestSettingsReachTheRelay(t *testing.T) {
	t.Parallel()
	a := start(t, func(c *blubbel.Config) {
		c.Settings.RawKeys = false
		c.Settings.Echo = false
		c.Settings.FramesPerSecond = 0
		c.Settings.MaxPayload = 2048
		c.Settings.LoginTimeout = 50 * time.Millisecond
	})
	conn, err := net.Dial("tcp", address(a))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	key := make([]byte, words.RawKeySize)
	key[0], key[len(key)-1] = 0x80, 1
	b, err := wire.AppendFrame(nil, &wire.Login{Key: key})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1)
	if _, err := conn.Read(answer); err != nil || wire.Kind(answer[0]) != wire.KindError {
		t.Errorf("a raw key is answered with %x, %v", answer, err)
	}
	silent, err := net.Dial("tcp", address(a))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	if _, err := silent.Read(answer); err == nil {
		t.Error("who does not log in is not sent away")
	}
}

func TestAdapterSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	if _, err := blubbel.New(blubbel.Config{}); err == nil || err.Error() != "no listener" {
		t.Errorf("got %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	s := config.Default().Blubbel
	s.MaxPayload = 1
	if _, err := blubbel.New(blubbel.Config{Listener: l, Settings: s}); err == nil || !strings.Contains(err.Error(), "MaxPayload") {
		t.Errorf("got %v", err)
	}
}

func TestLocalAddressIsReachableFromThisMachine(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		"0.0.0.0:8000":     "127.0.0.1:8000",
		"[::]:8000":        "[::1]:8000",
		"192.0.2.7:8000":   "192.0.2.7:8000",
		"[2001:db8::1]:80": "[2001:db8::1]:80",
		"pipe":             "pipe",
	} {
		if got := blubbel.LocalAddress(listen); got != want {
			t.Errorf("%s: got %s, want %s", listen, got, want)
		}
	}
}
