package chat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal is a pseudo-terminal: a program has the file, the test the rest.
type terminal struct {
	t      *testing.T
	file   *os.File // what the program has
	master *os.File

	mu    sync.Mutex
	shown []byte
	more  chan struct{}
}

// newTerminal opens one of 80 by 24.
func newTerminal(t *testing.T) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	master := os.NewFile(uintptr(fd), "ptmx")
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	tt := &terminal{t: t, file: file, master: master, more: make(chan struct{}, 1)}
	var reading sync.WaitGroup
	reading.Go(tt.read)
	t.Cleanup(func() {
		_ = file.Close()
		_ = master.Close()
		reading.Wait()
	})
	return tt
}

func (tt *terminal) read() {
	b := make([]byte, 4096)
	for {
		n, err := tt.master.Read(b)
		if err != nil {
			return
		}
		tt.mu.Lock()
		tt.shown = append(tt.shown, b[:n]...)
		tt.mu.Unlock()
		select {
		case tt.more <- struct{}{}:
		default:
		}
	}
}

// output is everything that was written to the terminal.
func (tt *terminal) output() []byte {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	return bytes.Clone(tt.shown)
}

// await waits until text was written.
func (tt *terminal) await(text string) {
	tt.t.Helper()
	limit := time.After(20 * time.Second)
	for !bytes.Contains(tt.output(), []byte(text)) && !bytes.Contains(ansi.ReplaceAll(tt.output(), nil), []byte(text)) {
		select {
		case <-tt.more:
		case <-limit:
			tt.t.Fatalf("%q was not written:\n%q", text, tt.output())
		}
	}
}

// typesAndSees types keys and waits until all are shown, in pieces or at once.
func (tt *terminal) typesAndSees(keys string) {
	tt.t.Helper()
	from, limit := len(tt.output()), time.After(20*time.Second)
	tt.types(keys)
	for !inPieces(ansi.ReplaceAllString(string(tt.output()[from:]), ""), keys) {
		select {
		case <-tt.more:
		case <-limit:
			tt.t.Fatalf("%q was not written:\n%q", keys, tt.output()[from:])
		}
	}
}

// ansi is a control sequence of a terminal.
var ansi = regexp.MustCompile(`\x1b\[[0-9;?<>=]*[ -/]*[@-~]`)

// inPieces reports whether shown has the characters of text in their order. Blanks
// need not be there: the cursor may jump over them.
func inPieces(shown, text string) bool {
	for _, r := range strings.ReplaceAll(text, " ", "") {
		_, rest, ok := strings.Cut(shown, string(r))
		if !ok {
			return false
		}
		shown = rest
	}
	return true
}

func (tt *terminal) types(keys string) {
	tt.t.Helper()
	if _, err := tt.master.WriteString(keys); err != nil {
		tt.t.Fatal(err)
	}
}

// run runs a chat on the terminal; end waits for it.
func (tt *terminal) run(ctx context.Context, c Config) (end func() error) {
	tt.t.Helper()
	before, err := term.GetState(int(tt.file.Fd()))
	if err != nil {
		tt.t.Fatal(err)
	}
	c.Input, c.Output, c.Network = tt.file, tt.file, "blubbel"
	result := make(chan error, 1)
	go func() { result <- Run(ctx, c) }()
	return func() error {
		tt.t.Helper()
		select {
		case err := <-result:
			if after, _ := term.GetState(int(tt.file.Fd())); after == nil || *after != *before {
				tt.t.Error("the terminal is not as it was")
			}
			return err
		case <-time.After(20 * time.Second):
			tt.t.Fatalf("the chat does not end:\n%q", tt.output())
			return nil
		}
	}
}

func TestAChatRunsOnATerminal(t *testing.T) {
	t.Parallel()
	tt, n := newTerminal(t), newNetwork()
	path := newPath(t)
	end := tt.run(t.Context(), Config{Client: n, Profile: profile(t, path), Open: "test:ben", OpenName: "ben"})
	tt.await("[O not verified]")
	n.events <- Online{}
	tt.await("online")
	tt.types("hello there\r")
	tt.await("hello there")
	n.events <- Sent{Ref: 1}
	tt.await("sent)") // its bracket was there before
	n.events <- Received{From: "test:ben", Text: "\x1b]52;c;aGVsbG8=\a\x1b[6n and hi", At: time.Now()}
	tt.await("and hi")
	tt.types("\x1b[200~two\rlines\x1b[201~")
	tt.await("lines")
	tt.types("\x03")
	if err := end(); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"\x1b]52", "\x1b[6n"} {
		if bytes.Contains(tt.output(), []byte(bad)) {
			t.Errorf("the terminal was told %q", bad)
		}
	}
	tt.await("\x1b[?1049l") // the screen before is back
	p := profile(t, path)
	if c := p.contact("test:ben"); len(fate(c)) != 2 || c.draft != "two\nlines" {
		t.Errorf("stored: %q, draft %q", fate(c), c.draft)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// TestTwoChatsTalkOnTwoTerminals has everything but tmux and the program.
func TestTwoChatsTalkOnTwoTerminals(t *testing.T) {
	t.Parallel()
	address := relay(t)
	open := func(path string) (*terminal, Client, Config) {
		p := profile(t, path)
		c, err := NewBlubbel(BlubbelConfig{Server: address, Profile: p})
		if err != nil {
			t.Fatal(err)
		}
		return newTerminal(t), c, Config{Client: c, Profile: p, Server: address}
	}
	annas, bens := newPath(t), newPath(t)
	anna, annaClient, annaConfig := open(annas)
	ben, benClient, benConfig := open(bens)
	endAnna, endBen := anna.run(t.Context(), annaConfig), ben.run(t.Context(), benConfig)
	anna.await("online · " + address)
	ben.await("online · " + address)
	anna.types("/add " + benClient.Self().Address + " ben\r")
	anna.await("Add ben?")
	anna.types("\r")
	ben.await(annaClient.Self().Short + " wants to talk")
	ben.types("/accept anna\r")
	ben.await("anna · ")
	ben.await("connected")
	anna.await("connected")
	anna.types("from anna\r")
	ben.await("from anna")
	ben.types("from ben\r")
	anna.await("from ben")
	anna.types("\x03")
	ben.types("\x03")
	if err := errors.Join(endAnna(), endBen()); err != nil {
		t.Error(err)
	}
	for path, want := range map[string]string{
		annas: "O sent from anna, O received from ben", bens: "O received from anna, O sent from ben",
	} {
		p := profile(t, path)
		if got := strings.Join(fate(p.contacts[0]), ", "); got != want {
			t.Errorf("stored: %q, want %q", got, want)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestTheNetworkIsNotReadWhileTheDiskTakesNothing runs on a profile that cannot
// be written.
func TestTheNetworkIsNotReadWhileTheDiskTakesNothing(t *testing.T) {
	t.Parallel()
	tt, n := newTerminal(t), newNetwork()
	p := profile(t, newPath(t))
	if err := p.commit(entry{Kind: kindContact, Who: "test:ben", Name: "ben", Standing: friend}); err != nil {
		t.Fatal(err)
	}
	if err := p.journal.Close(); err != nil {
		t.Fatal(err)
	}
	end := tt.run(t.Context(), Config{Client: n, Profile: p, Open: "test:ben"})
	for range maxBatch {
		n.events <- Received{From: "test:ben", Text: "into the void", At: time.Now()}
	}
	tt.await("cannot store what comes in")
	// One batch waits for the disk, one for its turn; the rest stays outside.
	most := cap(n.events) + 2*maxBatch + 2
	for given := maxBatch; len(n.events) < cap(n.events); given++ {
		if given > most {
			t.Fatalf("%d events were taken", given)
		}
		n.events <- Received{From: "test:ben", Text: "into the void", At: time.Now()}
	}
	if bytes.Contains(tt.output(), []byte("into the void")) {
		t.Error("a message is shown that is nowhere stored")
	}
	tt.types("\x03")
	if err := end(); err == nil || !strings.Contains(err.Error(), "journal is closed") {
		t.Errorf("it ends with %v", err)
	}
}

func TestAChatEndsWithItsTerminal(t *testing.T) {
	t.Parallel()
	tt := newTerminal(t)
	path := newPath(t)
	result := make(chan error, 1)
	go func() {
		result <- Run(t.Context(), Config{Client: newNetwork(), Profile: profile(t, path), Open: "test:ben", OpenName: "ben",
			Input: tt.file, Output: tt.file})
	}()
	tt.await("[O not verified]")
	tt.typesAndSees("half a sen")
	if err := tt.master.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-result:
		if err != nil {
			t.Errorf("it ends with %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the chat goes on without a terminal")
	}
	p := profile(t, path)
	if got := p.contact("test:ben").draft; got != "half a sen" {
		t.Errorf("the draft is %q", got)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

func TestTheContextEndsAChat(t *testing.T) {
	t.Parallel()
	tt := newTerminal(t)
	ctx, cancel := context.WithCancel(t.Context())
	end := tt.run(ctx, Config{Client: newNetwork(), Profile: NoHistory()})
	tt.await("Choose somebody")
	cancel()
	if err := end(); err != nil {
		t.Error(err)
	}
}

func TestTheEndOfTheNetworkIsShownAndReturned(t *testing.T) {
	t.Parallel()
	tt, n := newTerminal(t), newNetwork()
	n.ending = errors.New("key in use, or taken over")
	end := tt.run(t.Context(), Config{Client: n, Profile: NoHistory()})
	tt.await("ended: key in use")
	tt.types("\x03")
	if err := end(); !errors.Is(err, n.ending) {
		t.Errorf("error %v", err)
	}
}

// TestWhatComesInAtTheEndIsStored lets a message come in after the program has
// ended on the screen.
func TestWhatComesInAtTheEndIsStored(t *testing.T) {
	t.Parallel()
	tt, n := newTerminal(t), newNetwork()
	path := newPath(t)
	late := &lateNetwork{network: n}
	end := tt.run(t.Context(), Config{Client: late, Profile: profile(t, path), Open: "test:ben", OpenName: "ben"})
	tt.await("[O not verified]")
	tt.types("\x03")
	if err := end(); err != nil {
		t.Error(err)
	}
	p := profile(t, path)
	if got := strings.Join(fate(p.contact("test:ben")), ", "); got != "O received at the last moment" {
		t.Errorf("stored: %q", got)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// lateNetwork brings a message when it is told to end.
type lateNetwork struct{ *network }

func (n *lateNetwork) Run(ctx context.Context) error {
	<-ctx.Done()
	n.events <- Received{From: "test:ben", Text: "at the last moment", At: time.Now()}
	close(n.events)
	return nil
}

func TestAPassphraseIsNotShownOnATerminal(t *testing.T) {
	t.Parallel()
	tt := newTerminal(t)
	path := filepath.Join(t.TempDir(), "profile")
	opened := make(chan error, 1)
	go func() {
		p, err := openProfile(path, AskPassphrase(tt.file, tt.file), cheap())
		if err == nil {
			err = p.Close()
		}
		opened <- err
	}()
	tt.await("Choose a passphrase: ")
	tt.types("secret\r")
	tt.await("The same again: ")
	tt.types("secret\r")
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	if out := tt.output(); bytes.Contains(out, []byte("secret")) {
		t.Errorf("shown: %q", out)
	}
	if err := profile(t, path).Close(); err != nil {
		t.Error(err)
	}
}
