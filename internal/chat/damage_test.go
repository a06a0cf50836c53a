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
