//go:build interop && linux

package chat_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// passphraseFile makes a file with a passphrase.
func (s *stage) passphraseFile(text string) string {
	s.t.Helper()
	f, err := os.CreateTemp(s.t.TempDir(), "passphrase")
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := f.WriteString(text + "\n"); err != nil {
		s.t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		s.t.Fatal(err)
	}
	return f.Name()
}

func (s *stage) profile(name string) string { return filepath.Join(s.dir, name+".profile") }

// address reads a person's address from the screen that shows it.
func (p *pane) address() string {
	p.t.Helper()
	p.resize(100, 30)
	p.says("/me")
	screen := p.shows("Your address", "Your fingerprint", "c copy the address")
	p.shot("me")
	_, rest, _ := strings.Cut(screen, "blubbel:")
	address, _, _ := strings.Cut(rest, "\n\n")
	p.keys("Escape")
	p.hides("Your address")
	p.resize(80, 24)
	return "blubbel:" + address // in pieces, as a terminal cuts it
}

// fingerprints reads the two of the screen that compares them, line by line.
func fingerprints(screen string) (own, theirs string) {
	var lines []string
	for line := range strings.Lines(screen) {
		if words := strings.Fields(line); len(words) == 5 && len(strings.Join(words, "")) == 20 {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) != 4 {
		return "", ""
	}
	return lines[0] + " " + lines[1], lines[2] + " " + lines[3]
}

func TestTwoPeopleTalkInTheirTerminals(t *testing.T) {
	s := newStage(t)
	anna := s.person("anna", "echo", "--data", s.data, "--profile", s.profile("anna"))
	anna.shows("Choose a passphrase:")
	anna.says("open sesame")
	anna.shows("The same again:")
	anna.says("open sesame")
	anna.shows("online · "+s.relay, "echo · connected · not verified", "The relay sees who talks with whom")
	anna.says("hello echo")
	anna.shows("O me: hello echo (sent)", "O echo: hello echo")
	anna.shot("echo")

	ben := s.person("ben", "blubbel", "--server", s.relay, "--profile", s.profile("ben"),
		"--passphrase-file", s.passphraseFile("correct horse"))
	ben.shows("online", "No contacts yet")
	ben.shot("empty")

	// Anna adds Ben, who accepts.
	anna.pastes(ben.address())
	anna.shows("Add this contact?", "Messages have grade O")
	anna.shot("add")
	anna.keys("Enter")
	anna.shows("asked, no answer")
	anna.says("/name ben")
	ben.shows("wants to talk", "asks")
	ben.keys("Tab", "Enter")
	ben.shows("Somebody wants to talk", "a accept  r refuse  b block")
	ben.shot("request")
	ben.keys("a")
	ben.shows("connected · not verified")
	ben.says("/name anna")
	anna.shows("ben · connected · not verified")

	s.talk(anna, ben)
	s.unread(anna, ben)
	s.verify(anna, ben)
	s.sizes(anna, ben)

	for _, p := range []*pane{anna, ben} {
		p.keys("C-c")
		if code := p.ended(); code != 0 {
			t.Errorf("%s ended with %d:\n%s", p.name, code, p.screen())
		}
	}
	s.nowhere("hello", "grüße", "zweite zeile", "PRIVATE KEY-----\\n")
}

// talk sends texts both ways.
func (s *stage) talk(anna, ben *pane) {
	anna.says("hello ben")
	anna.shows("me: hello ben (sent)")
	ben.shows("anna: hello ben")
	ben.says("grüße, 世界 👍🏽 e\u0301")
	ben.shows("me: grüße, 世界 👍 e\u0301 (sent)")
	anna.shows("ben: grüße, 世界 👍 e\u0301")
	anna.pastes("erste zeile\nzweite zeile\ndritte zeile\n")
	anna.shows("] erste zeile", "zweite zeile", "dritte zeile")
	if strings.Contains(ben.screen(), "zeile") {
		s.t.Error("what was pasted went out by itself")
	}
	anna.keys("Enter")
	ben.shows("anna: erste zeile", "dritte zeile")
	anna.shows("dritte zeile (sent)")
	anna.shot("talk")
	ben.shot("talk")
	anna.says("/vrify")
	anna.shows("did you mean /verify?")
	anna.keys("C-u")
}

// unread lets messages come in beside the conversation that is open.
func (s *stage) unread(anna, ben *pane) {
	anna.keys("Tab", "Home", "Enter")
	anna.shows("echo · connected")
	for _, text := range []string{"one", "two", "three"} {
		ben.says(text)
	}
	anna.shows("3 unread", "3 O")
	anna.shot("unread")
	anna.keys("C-n")
	anna.shows("ben: one", "ben: three")
	anna.hides("3 unread")
	anna.keys("C-n")
	anna.shows("nothing is unread")
}

// verify compares fingerprints on both sides.
func (s *stage) verify(anna, ben *pane) {
	anna.says("/verify")
	ben.says("/verify")
	annaOwn, annaTheirs := fingerprints(anna.shows("y the same"))
	benOwn, benTheirs := fingerprints(ben.shows("y the same"))
	anna.shot("verify")
	if annaOwn == "" || annaOwn == benOwn || annaOwn != benTheirs || benOwn != annaTheirs {
		s.t.Errorf("anna compares %q with %q, ben %q with %q", annaOwn, annaTheirs, benOwn, benTheirs)
	}
	anna.keys("y")
	ben.keys("y")
	anna.shows("ben · connected · verified", "[E verified]")
	ben.shows("anna · connected · verified", "[E verified]")
	anna.says("only you")
	anna.shows("E me: only you (sent)")
	ben.shows("E anna: only you", "O anna: hello ben")
	anna.shot("verified")
}

// sizes changes the windows.
func (s *stage) sizes(anna, ben *pane) {
	anna.resize(40, 10)
	anna.await("its narrow screen", func(screen string) bool {
		return strings.Contains(screen, "[E]") && !strings.Contains(screen, "│")
	})
	anna.shot("40x10")
	anna.keys("Tab")
	anna.shows("* ben", "Enter open")
	anna.shot("40x10-list")
	anna.keys("Tab")
	anna.says("from a small window")
	ben.shows("from a small window")
	ben.resize(130, 40)
	ben.shows("│", "from a small window")
	ben.keys("F1")
	ben.shows("/add ADDRESS [NAME]", "nobody tells whether it arrived")
	ben.shot("help")
	ben.keys("Escape")
	ben.hides("/add ADDRESS")
}

func TestAKillLosesNothingAndAPassphraseIsNeeded(t *testing.T) {
	s := newStage(t)
	good := s.passphraseFile("correct horse")
	anna := s.person("anna", "echo", "--data", s.data, "--profile", s.profile("anna"), "--passphrase-file", good)
	anna.shows("echo · connected")
	anna.says("remember this")
	anna.shows("me: remember this (sent)", "echo: remember this")
	anna.kill()
	anna.again()
	anna.shows("me: remember this (sent)", "echo: remember this", "echo · connected")
	if strings.Contains(anna.screen(), "echo 2") {
		t.Error("the echo was added twice")
	}
	anna.shot("after-kill")
	second := s.person("second", "blubbel", "--server", s.relay, "--profile", s.profile("anna"), "--passphrase-file", good)
	if code := second.ended(); code != 1 {
		t.Errorf("a second program on the profile ended with %d", code)
	}
	second.shows("in use by another program")
	s.tmux("new-session", "-d", "-s", "keeps the server of tmux", "sleep 1000")
	anna.types("half a sen")
	anna.shows("] half a sen")
	anna.closes()
	anna = s.person("anna", "blubbel", "--server", s.relay, "--profile", s.profile("anna"), "--passphrase-file", good)
	anna.shows("* echo", "online")
	anna.keys("Tab", "Enter")
	anna.shows("] half a sen", "echo: remember this")
	anna.keys("C-c")
	anna.ended()
	before, err := os.ReadFile(s.profile("anna"))
	if err != nil {
		t.Fatal(err)
	}
	wrong := s.person("wrong", "blubbel", "--server", s.relay, "--profile", s.profile("anna"))
	wrong.shows("Passphrase:")
	wrong.says("open sesame")
	if code := wrong.ended(); code != 1 {
		t.Errorf("with a wrong passphrase it ended with %d", code)
	}
	wrong.shows("wrong passphrase")
	wrong.shot("wrong")
	if after, _ := os.ReadFile(s.profile("anna")); !bytes.Equal(before, after) {
		t.Error("a wrong passphrase changed the profile")
	}
	s.nowhere("remember this")
}

func TestNothingIsKeptWithoutHistoryAndColourIsLeftOut(t *testing.T) {
	s := newStage(t)
	s.env = []string{"NO_COLOR=1"}
	anna := s.person("anna", "echo", "--data", s.data, "--no-history", "--profile", s.profile("anna"))
	anna.shows("echo · connected")
	anna.says("gone tomorrow")
	anna.shows("echo: gone tomorrow")
	styled := anna.tmux("capture-pane", "-e", "-p", "-t", anna.name)
	if colour := regexp.MustCompile(`\x1b\[[0-9;]*\b(3[0-8]|4[0-8]|9[0-7])\b[0-9;]*m`).FindString(styled); colour != "" {
		t.Errorf("there is a colour, %q:\n%q", colour, styled)
	}
	anna.says("/me")
	anna.shows("Nothing is kept")
	anna.keys("Escape", "C-c")
	if code := anna.ended(); code != 0 {
		t.Errorf("it ended with %d", code)
	}
	if _, err := os.Stat(s.profile("anna")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the profile is there: %v", err)
	}
	s.nowhere("gone tomorrow")
}

func TestWithoutATerminalOneLineSaysSo(t *testing.T) {
	c := exec.Command(program(t), "chat", "blubbel", "--server", "127.0.0.1:1", "--profile", filepath.Join(t.TempDir(), "p"))
	var said bytes.Buffer
	c.Stderr = &said
	out, err := c.Output()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.ExitCode() != 1 || len(out) > 0 {
		t.Errorf("ended with %v, wrote %q", err, out)
	}
	if got, want := said.String(), "chat: not a terminal; use trunkline peer for scripts\n"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}
