package chat

import (
	"context"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/google/go-cmp/cmp"

	"trunkline/internal/chat/cells"
	"trunkline/internal/chat/journal"
)

var update = flag.Bool("update", false, "write the screens of the tests as they are now")

// network is a Client that only remembers. Addresses are "test:NAME" for a few
// names; those that begin with raw are unproven.
type network struct {
	calls  []string
	refuse map[string]error // by the first word of a call
	onSend func(text string)
	ref    uint64
	events chan Event
	ending error
}

func newNetwork() *network {
	return &network{refuse: map[string]error{}, events: make(chan Event, 100)}
}

func (n *network) Run(ctx context.Context) error {
	defer close(n.events)
	if n.ending != nil {
		return n.ending
	}
	<-ctx.Done()
	return nil
}

func (n *network) Events() iter.Seq[Event] {
	return func(yield func(Event) bool) {
		for e := range n.events {
			if !yield(e) {
				return
			}
		}
	}
}

func (n *network) Self() Identity { return id("myself") }

func id(name string) Identity {
	sum := sha256.Sum256([]byte(name))
	var groups []string
	for i := range 10 {
		groups = append(groups, fmt.Sprintf("%x", sum[2*i:2*i+2]))
	}
	return Identity{Address: "test:" + name, Fingerprint: strings.Join(groups, " "), Short: strings.Join(groups[:2], " "),
		Proven: !strings.HasPrefix(name, "raw")}
}

func (n *network) Identify(address string) (Identity, error) {
	name, ok := strings.CutPrefix(strings.Join(strings.Fields(address), ""), "test:")
	if !ok || !strings.HasPrefix(name, "somebody") && !slices.Contains([]string{"ben", "tom", "eve", "other", "myself", "raw", "rawboy", "one", "two", "Ünïcödé", "世界世界世界世界世界"}, name) {
		return Identity{}, errors.New(`not a test key: it begins with "test:"`)
	}
	return id(name), nil
}

func (n *network) call(what string, words ...string) error {
	n.calls = append(n.calls, strings.Join(append([]string{what}, words...), " "))
	return n.refuse[what]
}

func (n *network) Add(_ context.Context, who string) error    { return n.call("add", who) }
func (n *network) Remove(_ context.Context, who string) error { return n.call("remove", who) }
func (n *network) Block(_ context.Context, who string) error  { return n.call("block", who) }
func (n *network) MaxText(string) int                         { return 1000 }

func (n *network) Send(_ context.Context, to, text string) (uint64, error) {
	if n.onSend != nil {
		n.onSend(text)
	}
	n.ref++
	return n.ref, n.call("send", to, text)
}

// stage is a chat without a terminal.
type stage struct {
	t   *testing.T
	m   *model
	net *network
	cmd tea.Cmd
}

// play runs a test with a chat on a screen of 80 by 24, in a bubble whose time
// begins on 1 January 2000.
func play(t *testing.T, act func(s *stage)) {
	t.Helper()
	playWith(t, NoHistory(), act)
}

func playWith(t *testing.T, p *Profile, act func(s *stage)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, Config{Profile: p})
		act(s)
	})
}

func newStage(t *testing.T, c Config) *stage {
	t.Helper()
	net := newNetwork()
	c.Network, c.Server, c.Client = "blubbel", "relay.example:8000", net
	m, err := newModel(c)
	if err != nil {
		t.Fatal(err)
	}
	m.zone = time.UTC
	s := &stage{t: t, m: m, net: net}
	s.update(m.Init()())
	s.resize(80, 24)
	return s
}

// update gives the model a message and keeps the command.
func (s *stage) update(msg tea.Msg) {
	_, s.cmd = s.m.Update(msg)
}

func (s *stage) resize(width, height int) { s.update(tea.WindowSizeMsg{Width: width, Height: height}) }

// key presses keys by their names.
func (s *stage) key(names ...string) {
	for _, name := range names {
		s.update(press(name))
	}
}

// press is the message of a key.
func press(name string) tea.KeyPressMsg {
	k := tea.KeyPressMsg{}
	for {
		switch mod, rest, _ := strings.Cut(name, "+"); {
		case mod == "ctrl" && rest != "":
			k.Mod, name = k.Mod|tea.ModCtrl, rest
			continue
		case mod == "alt" && rest != "":
			k.Mod, name = k.Mod|tea.ModAlt, rest
			continue
		case mod == "shift" && rest != "":
			k.Mod, name = k.Mod|tea.ModShift, rest
			continue
		}
		break
	}
	special := map[string]rune{
		"enter": tea.KeyEnter, "esc": tea.KeyEsc, "tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
		"left": tea.KeyLeft, "right": tea.KeyRight, "home": tea.KeyHome, "end": tea.KeyEnd, "pgup": tea.KeyPgUp,
		"pgdown": tea.KeyPgDown, "backspace": tea.KeyBackspace, "delete": tea.KeyDelete, "f1": tea.KeyF1, "space": ' ',
	}
	if code, ok := special[name]; ok {
		k.Code = code
		if name == "space" {
			k.Text = " "
		}
		return k
	}
	k.Code = []rune(name)[0]
	if k.Mod == 0 {
		k.Text = name
	}
	return k
}

// types presses the keys of a text.
func (s *stage) types(text string) {
	for _, r := range text {
		s.update(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

// says types a line and presses Enter.
func (s *stage) says(text string) {
	s.types(text)
	s.key("enter")
}

// happen gives the model a batch of events; it reports whether it was stored.
func (s *stage) happen(events ...Event) bool {
	b := batch{events: events, taken: make(chan struct{})}
	s.update(b)
	select {
	case <-b.taken:
		return true
	default:
		return false
	}
}

// knows adds contacts and opens the first.
func (s *stage) knows(names ...string) {
	s.t.Helper()
	for _, name := range names {
		s.says("/add test:" + name + " " + name)
		s.key("enter")
	}
	s.m.show(s.contact(names[0]))
	s.net.calls = nil
}

func (s *stage) contact(name string) *contact {
	s.t.Helper()
	c := s.m.Profile.contact("test:" + name)
	if c == nil {
		s.t.Fatalf("nobody is %s", name)
	}
	return c
}

func (s *stage) receives(from, text string) {
	s.happen(Received{From: "test:" + from, Text: text, At: time.Now()})
}

var styles = regexp.MustCompile("\x1b\\[[0-9;]*m")

// screen is what is shown, without styles.
func (s *stage) screen() string {
	s.t.Helper()
	text := s.raw()
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if w := cells.Width(l); w > s.m.width {
			s.t.Fatalf("line %d takes %d cells of %d: %q", i, w, s.m.width, l)
		}
		lines[i] = strings.TrimRight(l, " ")
	}
	if s.m.height >= leastHeight && s.m.width >= leastWidth && len(lines) != s.m.height {
		s.t.Fatalf("%d lines on a screen of %d:\n%s", len(lines), s.m.height, text)
	}
	return strings.Join(lines, "\n")
}

// raw is the screen with its spaces, which must not hold anything that a
// terminal acts upon.
func (s *stage) raw() string {
	s.t.Helper()
	text := styles.ReplaceAllString(s.m.View().Content, "")
	for _, r := range text {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			s.t.Fatalf("the screen holds %U:\n%q", r, text)
		}
	}
	return text
}

// shows fails unless each text is on the screen.
func (s *stage) shows(texts ...string) {
	s.t.Helper()
	screen := s.screen()
	for _, text := range texts {
		if !strings.Contains(screen, text) {
			s.t.Fatalf("%q is not on the screen:\n%s", text, screen)
		}
	}
}

func (s *stage) hides(texts ...string) {
	s.t.Helper()
	screen := s.screen()
	for _, text := range texts {
		if strings.Contains(screen, text) {
			s.t.Fatalf("%q is on the screen:\n%s", text, screen)
		}
	}
}

// golden compares the screen with testdata/NAME.txt. The cursor's place stands
// below it.
func (s *stage) golden(name string) {
	s.t.Helper()
	got := s.screen() + "\n"
	if c := s.m.View().Cursor; c != nil {
		got += fmt.Sprintf("[cursor in column %d of line %d]\n", c.X+1, c.Y+1)
	}
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			s.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		s.t.Errorf("screen %s differs (-want +got; -update writes it):\n%s", name, diff)
	}
}

// called compares what the network was asked for since the last time.
func (s *stage) called(want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.net.calls); diff != "" {
		s.t.Errorf("calls differ (-want +got):\n%s", diff)
	}
	s.net.calls = nil
}

// quits reports whether the last key ended the program.
func (s *stage) quits() bool {
	if s.cmd == nil {
		return false
	}
	_, ok := s.cmd().(tea.QuitMsg)
	return ok
}

func passphrase(s string) func(bool) ([]byte, error) {
	return func(bool) ([]byte, error) { return []byte(s), nil }
}

func cheap() journal.Cost { return journal.Cost{Passes: 1, Memory: 8, Lanes: 1} }

// profile opens or makes a profile.
func profile(t *testing.T, path string) *Profile {
	t.Helper()
	p, err := openProfile(path, passphrase("secret"), cheap())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// restart closes the profile as a program does that ends, and plays on with it.
func (s *stage) restart() *stage {
	s.t.Helper()
	if err := s.m.close(); err != nil {
		s.t.Fatal(err)
	}
	return newStage(s.t, Config{Profile: profile(s.t, s.m.Profile.path)})
}

// kill leaves the profile as a program does that is killed, and plays on.
func (s *stage) kill() *stage {
	s.t.Helper()
	if err := s.m.Profile.journal.Close(); err != nil {
		s.t.Fatal(err)
	}
	return newStage(s.t, Config{Profile: profile(s.t, s.m.Profile.path)})
}
