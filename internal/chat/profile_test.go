package chat

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"trunkline/internal/chat/journal"
	"trunkline/internal/health"
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

func TestErrorsOfAProfileSayWhatToDo(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	if err := profile(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ path, passphrase, want string }{
		"wrong":   {path, "sesame", "profile PATH: wrong passphrase; try again; nobody can open it without"},
		"empty":   {newPath(t), "", "profile PATH: a profile needs a passphrase; choose one, or keep nothing with --no-history"},
		"key":     {file("key", "-----BEGIN PRIVATE KEY-----\n"), "x", "profile PATH: not an encrypted journal; name another file with --profile; a key of `trunkline keygen` is not one"},
		"foreign": {file("text", "hello"), "x", "profile PATH: not an encrypted journal; name another file with --profile; a key of `trunkline keygen` is not one"},
		"head":    {file("half", string(whole[:90])), "secret", "profile PATH: head of the file is damaged: the file ends in it; restore a copy of the file; nothing in it can be read without its head"},
		"folder":  {dir, "x", "profile PATH: is a directory"},
		"below":   {file("under", "") + "/profile", "x", "profile PATH: not a directory"},
	} {
		_, err := openProfile(c.path, passphrase(c.passphrase), cheap())
		if got, want := health.Line(err), strings.ReplaceAll(c.want, "PATH", c.path); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
	}
	if b, _ := os.ReadFile(path); !bytes.Equal(b, whole) {
		t.Error("the profile has changed")
	}
	open := profile(t, path)
	if _, err := openProfile(path, passphrase("secret"), cheap()); !errors.Is(err, journal.ErrInUse) || health.Advice(err) == "" {
		t.Errorf("the second of two gets %v", err)
	}
	if err := open.Close(); err != nil {
		t.Error(err)
	}
}

func TestNoFileIsMadeWithoutAPassphrase(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	want := errors.New("cancelled")
	if _, err := OpenProfile(path, func(isNew bool) ([]byte, error) {
		if !isNew {
			t.Error("it is said to be there")
		}
		return nil, want
	}); !errors.Is(err, want) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(filepath.Dir(path)); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a folder was made")
	}
}

func TestAProfileOfANewerVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	for _, record := range []string{`{"kind":"room","who":"test:ben"}`, `{"kind":7}`, "not JSON"} {
		path := newPath2(t)
		j, err := journal.Create(path, []byte("secret"), cheap())
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(j.Append([]byte(record)), j.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := openProfile(path, passphrase("secret"), cheap()); !errors.Is(err, errNewer) {
			t.Errorf("%s: error %v", record, err)
		}
	}
}

// TestDamageIsSaidAndTakesVerifiedMarksBack flips a byte of a message.
func TestDamageIsSaidAndTakesVerifiedMarksBack(t *testing.T) {
	t.Parallel()
	playWith(t, profile(t, newPath(t)), func(s *stage) {
		s.knows("ben")
		s.says("/verify")
		s.key("y")
		before := size(t, s.m.Profile.path)
		s.receives("ben", "lost")
		s.receives("ben", "kept")
		if err := s.m.close(); err != nil {
			t.Fatal(err)
		}
		path := s.m.Profile.path
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[before+60] ^= 1
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		s = newStage(t, Config{Profile: profile(t, path)})
		s.shows("are damaged", path[:20], "Compare fingerprints with ben again", "Enter go on")
		if s.contact("ben").verified {
			t.Error("still verified")
		}
		if got := fate(s.contact("ben")); !slices.Equal(got, []string{"E received kept"}) {
			t.Errorf("messages %q", got)
		}
		if kept, err := os.ReadFile(path + ".damaged"); err != nil || !bytes.Equal(kept, b) {
			t.Errorf("the damaged file is not kept: %v", err)
		}
		s.key("enter")
		s.hides("damaged")
		s = s.restart()
		s.hides("damaged")
		if s.contact("ben").verified {
			t.Error("verified again")
		}
	})
}

// TestAProfileCutAnywhereKeepsABeginning cuts a file at many places behind its
// head; the journal's own test tries every one.
func TestAProfileCutAnywhereKeepsABeginning(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	playWith(t, profile(t, path), func(s *stage) {
		s.knows("ben")
		for n := range 3 {
			s.receives("ben", fmt.Sprint("message ", n))
		}
		if err := s.m.close(); err != nil {
			t.Fatal(err)
		}
	})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for n := 268; n < len(whole); n += 37 {
		cut := filepath.Join(dir, fmt.Sprint(n))
		if err := os.WriteFile(cut, whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		p := profile(t, cut)
		if len(p.notes) == 0 {
			t.Fatalf("cut at %d: nothing is said", n)
		}
		if c := p.contact("test:ben"); c != nil {
			for i, text := range fate(c) {
				if text != fmt.Sprint("O received message ", i) {
					t.Fatalf("cut at %d: message %d is %q", n, i, text)
				}
			}
		}
		if err := p.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestALostKeyIsNotReplacedSilently(t *testing.T) {
	t.Parallel()
	playWith(t, profile(t, newPath(t)), func(s *stage) {
		s.knows("ben") // and no key was ever stored
		_, err := NewBlubbel(BlubbelConfig{Server: "127.0.0.1:1", Profile: s.m.Profile})
		if err == nil || !strings.Contains(err.Error(), "its key is lost") {
			t.Errorf("error %v", err)
		}
	})
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

// FuzzProfile checks that whatever an encrypted record holds, it is an error or
// a profile that can be shown.
func FuzzProfile(f *testing.F) {
	f.Add(`{"kind":"contact","who":"test:ben","name":"ben","standing":"contact","verified":true}`, `{"kind":"message","who":"test:ben","id":3,"text":"x","delivery":"waiting","at":"2000-01-01T00:00:00Z"}`)
	f.Add(`{"kind":"contact","who":"test:ben"}`, `{"kind":"read","who":"test:ben","id":18446744073709551615}`)
	f.Add(`{"kind":"contact","who":"test:ben"}`, `{"kind":"forget","who":"test:ben"}`)
	f.Add(`{"kind":"end"}`, `[]`)
	f.Fuzz(func(t *testing.T, first, second string) {
		p := NoHistory()
		for _, record := range []string{first, second, second} {
			e, err := decode([]byte(record))
			if err != nil {
				continue
			}
			_ = p.apply(e)
			if again, err := encode([]entry{e}); err != nil || len(again) != 1 {
				t.Fatalf("%s is not written again: %v", record, err)
			}
		}
		if err := p.recover(true); err != nil {
			t.Fatal(err)
		}
		m, err := newModel(Config{Client: newNetwork(), Profile: p})
		if err != nil {
			return // an address of another network
		}
		s := &stage{t: t, m: m, net: newNetwork()}
		s.resize(80, 24)
		for _, c := range p.contacts {
			m.show(c)
			s.screen()
		}
	})
}
