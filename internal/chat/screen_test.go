package chat

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"trunkline/internal/chat/cells"
)

func TestAnEmptyChatSaysWhatToDo(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.golden("empty")
		s.resize(40, 10)
		s.golden("empty-40x10")
		s.key("tab")
		s.golden("empty-40x10-list")
	})
}

func TestPagesFitASmallWindow(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.resize(40, 10)
		s.says("/me")
		s.golden("me-40x10")
		s.key("esc")
		s.says("/add test:rawboy Raoul")
		s.golden("add-40x10")
		s.key("pgdown")
		s.golden("add-40x10-below")
		s.key("esc")
		s.called()
		s.happen(Asks{id("rawboy")}, Changed{"test:rawboy", Away})
		s.key("tab", "enter")
		s.golden("request-40x10")
		s.key("end")
		s.shows("They are away now.")
		s.key("esc", "tab")
		s.shows("1 ask")
	})
}

func TestAListLongerThanTheScreenScrolls(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		for n := range 40 {
			who := id(fmt.Sprint("somebody", n))
			if _, err := s.m.keep(who, fmt.Sprintf("person %02d", n)); err != nil {
				t.Fatal(err)
			}
		}
		s.key("tab")
		s.shows("person 00", "person 20")
		s.hides("person 39")
		s.key("end")
		s.shows("person 39", "person 19")
		s.hides("person 10")
		for range 30 {
			s.key("up")
		}
		s.shows("person 09")
		s.hides("person 39")
		s.key("home")
		s.shows("person 00")
		s.key("end", "enter")
		s.shows("person 39 · away")
	})
}

func TestALongMessageBeingWrittenScrollsInItsLines(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.update(tea.PasteMsg{Content: "1\n2\n3\n4\n5\n6\n7\n8\n9"})
		s.golden("long-input")
		for range 8 {
			s.key("up")
		}
		s.shows("[O not verified] 1")
		s.hides("                 9")
		s.key("up") // scrolls the conversation, which has nothing above
		s.types("0")
		s.shows("[O not verified] 10")
		s.resize(40, 10)
		s.shows("[O] 10", "    2")
		s.key("ctrl+u", "delete")
		s.key("down", "down", "end")
		s.types("!")
		s.key("enter")
		s.called("send test:ben 2\n3\n4!\n5\n6\n7\n8\n9")
	})
}

func TestTheFirstLineSaysWhetherItIsConnected(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.shows("offline: connecting")
		s.happen(Online{})
		s.shows("online · relay.example:8000")
		s.happen(Offline{Why: errors.New("dial tcp 127.0.0.1:8000: connection refused"), Retry: 4 * time.Second})
		s.shows("offline, next try in 4 s: dial tcp")
		if s.cmd == nil {
			t.Fatal("nothing counts down")
		}
		time.Sleep(1500 * time.Millisecond)
		s.update(tick{})
		s.shows("next try in 3 s")
		time.Sleep(time.Minute)
		s.update(tick{})
		s.shows("next try in 1 s")
		s.happen(Online{})
		if s.update(tick{}); s.cmd != nil {
			t.Error("it counts on while online")
		}
		s.update(ended{errors.New("key in use, or taken over")})
		s.shows("offline: ended: key in use, or taken over")
		s.resize(40, 10)
		s.shows("offline: ended: key in use")
	})
}

func TestTheCountdownComesEverySecond(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.happen(Offline{Why: errors.New("refused"), Retry: 3 * time.Second})
		start := time.Now()
		if msg := s.cmd(); msg != (tick{}) || time.Since(start) != time.Second {
			t.Errorf("got %v after %v", msg, time.Since(start))
		}
		s.resize(80, 25)
		if s.cmd != nil {
			t.Error("a second tick is under way")
		}
	})
}

func TestTheOwnAddressCanBeCopied(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.says("/me")
		s.golden("me")
		if s.cmd != nil {
			t.Error("something went to the clipboard unasked")
		}
		s.key("c")
		if s.cmd == nil || fmt.Sprint(s.cmd()) != "test:myself" {
			t.Error("c does not copy the address")
		}
		s.key("q")
		s.hides("Your address")
	})
}

func TestHelpShowsEveryCommandAndScrolls(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.key("?")
		s.golden("help")
		s.key("f1")
		s.hides("Commands")
		s.says("/help")
		s.resize(40, 10)
		var seen strings.Builder
		seen.WriteString(s.screen())
		for range 20 {
			s.key("pgdown")
			seen.WriteString(s.screen())
		}
		for _, c := range commands() {
			if !strings.Contains(seen.String(), "/"+c.name) {
				t.Errorf("/%s is missing", c.name)
			}
		}
		s.golden("help-40x10-end")
		s.key("home", "down", "up", "end", "pgup", "space", "esc")
		s.types("x?")
		if got := s.m.input.String(); got != "x?" {
			t.Errorf("? in a message became %q", got)
		}
	})
}

func TestAMistypedCommandIsNotSent(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		for typed, want := range map[string]string{
			"/verfy": "/verify", "/hlep": "/help", "/q": "/quit", "/ad": "/add", "/removed ben": "/remove", "/BLOK": "/block",
		} {
			s.says(typed)
			s.shows("did you mean " + want + "?")
			s.m.input.set("")
		}
		s.says("/somethingelse")
		s.shows("/somethingelse is no command; /help lists them")
		s.m.input.set("")
		s.called()
		s.says("//etc/passwd")
		s.called("send test:ben /etc/passwd")
		s.types("/quit")
		s.key("alt+enter")
		s.says("and more")
		s.called("send test:ben /quit\nand more")
		s.says("/HELP")
		s.shows("Keys")
	})
}

func TestEndingAsksNothing(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		for _, at := range []func(){
			func() {}, func() { s.key("tab") }, func() { s.key("f1") }, func() { s.says("/verify") }, func() { s.types("half a sen") },
		} {
			at()
			if s.key("ctrl+c"); !s.quits() {
				t.Errorf("Ctrl-C does not end at:\n%s", s.screen())
			}
			s.m.page, s.m.focus = nil, onInput
		}
		s.m.input.set("")
		if s.says("/quit"); !s.quits() {
			t.Error("/quit does not end")
		}
		if s.key("ctrl+alt+c"); !s.quits() {
			t.Error("Esc and Ctrl-C do not end")
		}
		if s.key("ctrl+l"); s.cmd == nil || s.quits() {
			t.Error("Ctrl-L does not draw anew")
		}
	})
}

func TestWhatStrangersWriteReachesTheScreenHarmless(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.says("/add test:eve \x1b]0;evil\aE\u202Eve")
		s.key("enter")
		s.receives("eve", "\x1b[2J\x1b[31mred\u009b1m\x07 \u202Etxt.exe")
		s.receives("eve", "世界 👨\u200d👩\u200d👧 e\u0301 "+strings.Repeat("世", 60)+strings.Repeat("\u0301", 50))
		s.receives("eve", "a\tb\rc\u2028d\xff")
		s.happen(Offline{Why: errors.New("\x1b[31mboom"), Retry: time.Second}, Refused{Err: errors.New("\x1b]52;c;aGk=\a")})
		s.golden("hostile")
	})
}

func TestEverySizeOfTheWindowIsDrawn(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben", "Ünïcödé", "世界世界世界世界世界")
		s.happen(Asks{id("tom")})
		for n := range 30 {
			s.receives("ben", strings.Repeat("世界 und mehr ", n))
		}
		s.update(tea.PasteMsg{Content: strings.Repeat("eine Zeile 世界 👍\n", 20)})
		pages := []func(){
			func() { s.m.page = nil }, func() { s.m.focus = onList }, func() { s.m.page = &page{kind: pageHelp, scroll: 10} },
			func() { s.m.page = &page{kind: pageMe} }, func() { s.m.page = &page{kind: pageVerify} },
			func() { s.m.page = &page{kind: pageRequest, id: id("tom")} }, func() { s.m.page = &page{kind: pageAdd, id: id("raw")} },
			func() { s.m.page = nil; s.m.focus = onInput; s.m.scroll = 50 },
		}
		for _, open := range pages {
			open()
			for width := 1; width < 130; width += 7 {
				for height := 1; height < 50; height += 5 {
					s.resize(width, height)
					s.screen()
					if c := s.m.View().Cursor; c != nil && (c.X >= width || c.Y >= height) {
						t.Fatalf("cursor at %d, %d of %dx%d", c.X, c.Y, width, height)
					}
				}
			}
		}
	})
}

func TestNoColourIsUsedWhereNoneIsWanted(t *testing.T) {
	t.Parallel()
	plain, coloured := newLook(true), newLook(false)
	for _, show := range []func(...string) string{plain.good, plain.poor, plain.bad, plain.strong, plain.weak, plain.bar} {
		if s := show("x"); strings.Contains(s, "[3") || strings.Contains(s, ";3") {
			t.Errorf("%q has a colour", s)
		}
	}
	if s := coloured.good("x"); !strings.Contains(s, "[32m") {
		t.Errorf("%q has none", s)
	}
}

// FuzzScreen checks that no text, name or key makes a screen that a terminal
// would act upon, or that is larger than the window.
func FuzzScreen(f *testing.F) {
	f.Add("hello", "ben", 80, 24)
	f.Add("\x1b[2J\u202e世界👨\u200d👩", "\x1b]0;x\a", 40, 10)
	f.Add("a\nb\rc\td", "e\u0301\u0301\u0301\u0301\u0301", 21, 5)
	f.Add("🇩🇪🇩 👍🏽 ❤\ufe0f", "نام", 61, 30)
	f.Fuzz(func(t *testing.T, text, name string, width, height int) {
		width, height = max(1, min(width, 300)), max(1, min(height, 100))
		s := newStage(t, Config{Profile: NoHistory()})
		s.resize(width, height)
		s.m.befriend(id("ben"), name)
		s.receives("ben", text)
		s.update(tea.PasteMsg{Content: text})
		s.screen()
		s.types(text[:min(len(text), 50)])
		s.key("enter", "tab", "down", "enter")
		s.screen()
		for _, c := range []pageKind{pageVerify, pageHelp, pageMe} {
			s.m.page = &page{kind: c}
			s.screen()
		}
		if got := cells.Line(s.contact("ben").name); cells.Width(got) < 0 {
			t.Fatal("a negative width")
		}
	})
}
