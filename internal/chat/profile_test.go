package chat

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"trunkline/internal/chat/journal"
)

func newPath(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "folder", "profile")
}

// fate lists the texts of a conversation with what became of each.
func fate(c *contact) []string {
	var list []string
	for _, m := range c.messages {
		if m.delivery != note {
			list = append(list, fmt.Sprintf("%s %s %s", m.grade, m.delivery, m.text))
		}
	}
	return list
}

func TestAProfileRemembersEverything(t *testing.T) {
	t.Parallel()
	playWith(t, profile(t, newPath(t)), func(s *stage) {
		s.knows("ben", "tom", "eve")
		s.says("hello")
		s.happen(Sent{Ref: 1})
		s.says("/verify")
		s.key("y")
		s.says("again")
		s.happen(Failed{Ref: 2, Err: errors.New("outbox is full")})
		s.receives("tom", "one\x1b[31m\xff")
		s.receives("tom", "two")
		s.happen(Asks{id("other")})
		s.says("/refuse")
		s.m.show(s.contact("eve"))
		s.says("/block")
		s.m.show(s.contact("ben"))
		s.types("half a sen")
		s = s.restart()
		ben, tom := s.contact("ben"), s.contact("tom")
		if !ben.verified || ben.draft != "half a sen" || tom.verified || tom.unread != 2 || ben.unread != 0 {
			t.Errorf("ben %+v, tom %+v", ben, tom)
		}
		if got := fate(ben); !slices.Equal(got, []string{"O sent hello", "E failed again"}) {
			t.Errorf("ben: %q", got)
		}
		if got := fate(tom); !slices.Equal(got, []string{"O received one\x1b[31m\uFFFD", "O received two"}) {
			t.Errorf("tom: %q", got)
		}
		if s.contact("other").standing != refused || s.contact("eve").standing != blocked {
			t.Errorf("other %+v, eve %+v", s.contact("other"), s.contact("eve"))
		}
		s.key("ctrl+n")
		s = s.restart()
		if s.contact("tom").unread != 0 {
			t.Error("unread again")
		}
		s.says("/again")
		s.m.show(s.contact("ben"))
		s.m.input.set("")
		s.says("/again")
		s.happen(Sent{Ref: 1})
		if got := fate(s.contact("ben")); !slices.Equal(got, []string{"O sent hello", "E sent again"}) {
			t.Errorf("after /again: %q", got)
		}
	})
}

func TestWhatWaitsGoesOutTheNextTime(t *testing.T) {
	t.Parallel()
	playWith(t, profile(t, newPath(t)), func(s *stage) {
		s.knows("ben")
		s.says("one")
		s.says("two")
		s.happen(Sent{Ref: 1})
		s.says("three")
		s = s.restart()
		s.called("send test:ben two", "send test:ben three")
		s.happen(Sent{Ref: 1})
		s = s.restart()
		s.called("send test:ben three")
		s.happen(Sent{Ref: 1})
		s = s.restart()
		s.called()
	})
}

func TestWhatWaitedWhenItWasKilledIsNotSentTwice(t *testing.T) {
	t.Parallel()
	playWith(t, profile(t, newPath(t)), func(s *stage) {
		s.knows("ben")
		s.says("one")
		s = s.kill()
		s.called()
		s.m.show(s.contact("ben"))
		s.shows("me: one", "the program was killed; it may")
		s.says("/again")
		s.called("send test:ben one")
	})
}

// TestAMessageIsOnTheDiskBeforeTheNetworkHasIt opens a copy of the file at the
// moment of sending.
func TestAMessageIsOnTheDiskBeforeTheNetworkHasIt(t *testing.T) {
	t.Parallel()
	playWith(t, profile(t, newPath(t)), func(s *stage) {
		s.knows("ben")
		stored := false
		s.net.onSend = func(text string) {
			b, err := os.ReadFile(s.m.Profile.path)
			if err != nil {
				t.Fatal(err)
			}
			path := newPath(t)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, b, 0o600)); err != nil {
				t.Fatal(err)
			}
			stored = slices.Equal(fate(profile(t, path).contact("test:ben")), []string{"O failed " + text})
		}
		s.says("hello")
		if !stored {
			t.Error("the network had it first")
		}
	})
}

func TestNothingIsShownThatTheDiskDoesNotHave(t *testing.T) {
	t.Parallel()
	playWith(t, profile(t, newPath(t)), func(s *stage) {
		s.knows("ben")
		s.says("going out")
		good := s.m.Profile.journal
		full, err := journal.Create(newPath2(t), []byte("x"), cheap())
		if err != nil || full.Close() != nil {
			t.Fatal(err)
		}
		s.m.Profile.journal = full // takes nothing
		if s.happen(Received{From: "test:ben", Text: "coming in"}, Sent{Ref: 1}, Online{}) {
			t.Error("the events count as stored")
		}
		s.hides("coming in", "(sent)")
		s.shows("cannot store what comes in")
		if s.cmd == nil {
			t.Error("nothing tries again")
		}
		s.types("do not lose this")
		s.key("enter")
		s.shows("cannot store")
		if got := s.m.input.String(); got != "do not lose this" {
			t.Errorf("the input holds %q", got)
		}
		s.called("send test:ben going out")
		s.says("/verify")
		s.key("y")
		if s.contact("ben").verified {
			t.Error("verified, but not stored")
		}
		s.key("esc")
		s.update(retry{})
		s.hides("coming in")
		s.m.Profile.journal = good
		s.update(retry{})
		s.shows("coming in", "(sent)", "online")
		s.hides("cannot store")
		s.update(retry{})
		if got := len(fate(s.contact("ben"))); got != 2 {
			t.Errorf("%d messages", got)
		}
	})
}

func newPath2(t *testing.T) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "profile")
}

func TestTheFileDoesNotShowWhatItHolds(t *testing.T) {
	t.Parallel()
	playWith(t, profile(t, newPath(t)), func(s *stage) {
		s.knows("ben")
		s.says("attack at dawn")
		s.receives("ben", "roger that")
		b, err := os.ReadFile(s.m.Profile.path)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"ben", "attack", "roger", "kind"} {
			if bytes.Contains(b, []byte(text)) {
				t.Errorf("the file holds %q", text)
			}
		}
	})
}

func TestARemovedContactIsGoneFromTheFile(t *testing.T) {
	t.Parallel()
	playWith(t, profile(t, newPath(t)), func(s *stage) {
		s.knows("ben", "tom")
		for n := range 50 {
			s.receives("ben", fmt.Sprint("long story, part ", n))
		}
		s.types("half a sen")
		before := size(t, s.m.Profile.path)
		s.m.input.set("")
		s.says("/remove ben")
		if after := size(t, s.m.Profile.path); after > before/3 {
			t.Errorf("%d bytes of %d are left", after, before)
		}
		s = s.restart()
		if s.m.Profile.contact("test:ben") != nil || s.contact("tom") == nil || len(s.m.Profile.notes) > 0 {
			t.Errorf("contacts %v, notes %q", s.m.Profile.addresses(friend), s.m.Profile.notes)
		}
	})
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

func TestOldMessagesLeaveTheMemory(t *testing.T) {
	t.Parallel()
	p := NoHistory()
	if err := p.commit(entry{Kind: kindContact, Who: "test:ben", Name: "ben", Standing: friend}); err != nil {
		t.Fatal(err)
	}
	for n := range 2*maxKept + 5 {
		if err := p.commit(entry{Kind: kindMessage, Who: "test:ben", ID: uint64(n + 1), Text: fmt.Sprint(n), Delivery: received}); err != nil {
			t.Fatal(err)
		}
	}
	c := p.contact("test:ben")
	if got := c.messages[len(c.messages)-1].text; len(c.messages) > maxKept+5 || got != fmt.Sprint(2*maxKept+4) {
		t.Errorf("%d messages, the last is %s", len(c.messages), got)
	}
}

func TestNothingIsKeptWithoutHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	play(t, func(s *stage) {
		s.knows("ben")
		s.says("hello")
		s.says("/remove ben")
		if s.m.Profile.Kept() || s.m.close() != nil {
			t.Error("something was kept")
		}
	})
	if list, _ := os.ReadDir(dir); len(list) > 0 {
		t.Errorf("files: %v", list)
	}
}

func TestTheEchoContactIsAddedAndOpened(t *testing.T) {
	t.Parallel()
	playWith(t, profile(t, newPath(t)), func(s *stage) {
		path := s.m.Profile.path
		if err := s.m.close(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			s = newStage(t, Config{Profile: profile(t, path), Open: "test:ben", OpenName: "echo"})
			s.called("add test:ben")
			s.shows("echo · away · not verified", "The relay sees")
			if err := s.m.close(); err != nil {
				t.Fatal(err)
			}
		}
		// Another server's echo gets another name.
		s = newStage(t, Config{Profile: profile(t, path), Open: "test:tom", OpenName: "echo"})
		s.shows("echo 2 · away")
		s = newStage(t, Config{Profile: NoHistory(), Open: "test:tom"})
		s.shows(id("tom").Short + " · away")
		if _, err := newModel(Config{Client: s.net, Profile: NoHistory(), Open: "nobody"}); err == nil {
			t.Error("an address that is none was opened")
		}
	})
}

// TestAProfileOfTheFirstVersionOpens opens a file that was written when the
// format was new. It must not be written anew: later versions have to read it.
func TestAProfileOfTheFirstVersionOpens(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(filepath.Join("testdata", "profile-1"))
	if err != nil {
		t.Fatal(err)
	}
	path := newPath2(t)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	p := profile(t, path)
	ben, tom := p.contact("test:ben"), p.contact("test:tom")
	if ben == nil || tom == nil || ben.name != "Ben" || !ben.verified || ben.draft != "half a sen" || tom.standing != blocked || tom.verified {
		t.Fatalf("ben %+v, tom %+v", ben, tom)
	}
	if p.secret != "a key" || ben.unread != 1 || len(p.notes) > 0 {
		t.Errorf("key %q, %d unread, notes %q", p.secret, ben.unread, p.notes)
	}
	want := []string{"O sent hello", "O received seen", "E failed lost", "E received 世界\n", "E waiting next time"}
	if got := fate(ben); !slices.Equal(got, want) {
		t.Errorf("messages %q, want %q", got, want)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}
