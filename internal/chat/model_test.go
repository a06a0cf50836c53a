package chat

import (
	"errors"
	"fmt"
	"slices"
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

func TestAPastedAddressIsSomebodyToAdd(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.update(tea.PasteMsg{Content: " test:b\n  en\n"})
		s.golden("add")
		s.called()
		s.key("x")
		s.shows("Add this contact?")
		s.key("enter")
		s.called("add test:ben")
		s.golden("added")
		if c := s.contact("ben"); c.name != id("ben").Short || c.standing != friend || c.verified {
			t.Errorf("contact %+v", c)
		}
	})
}

func TestAPastedAddressMayBeTextToo(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.update(tea.PasteMsg{Content: "test:tom"})
		s.key("esc")
		if got := s.m.input.String(); got != "test:tom" {
			t.Errorf("the input holds %q", got)
		}
		s.key("enter")
		s.called("send test:ben test:tom")
		s.update(tea.PasteMsg{Content: "hello "})
		s.update(tea.PasteMsg{Content: "test:tom"})
		if got := s.m.input.String(); got != "hello test:tom" || s.m.page != nil {
			t.Errorf("the input holds %q", got)
		}
	})
}

func TestAContactIsAddedByCommand(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.says("/add test:b en Ben Example")
		s.shows("Add Ben Example?")
		s.key("esc")
		s.called()
		s.says("/add")
		s.shows("whom? /add ADDRESS")
		s.says("/add ben")
		s.shows(`not added: not a test key: it begins with "test:"`)
		if got := s.m.input.String(); got != "/add ben" {
			t.Errorf("the input holds %q, so it cannot be mended", got)
		}
	})
}

func TestAnAddressInPiecesIsAdded(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.types("/add ")
		s.update(tea.PasteMsg{Content: "test:be\nn\n"})
		s.key("enter", "enter")
		s.called("add test:ben")
	})
}

func TestTwoContactsDoNotGetOneName(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.says("/add test:other BEN")
		s.key("enter")
		if got := s.contact("other").name; got != "BEN 2" {
			t.Errorf("the second is called %q", got)
		}
		s.says("/name ben")
		s.shows("somebody else has the name ben")
		s.says("/name Benno")
		if got := s.contact("other").name; got != "Benno" {
			t.Errorf("it is called %q", got)
		}
		s.says("/name")
		s.shows("/name NAME")
	})
}

func TestSomebodyWhoAsksIsShownOnceAndAccepted(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.happen(Asks{id("tom")}, Asks{id("tom")})
		if len(s.m.requests) != 1 {
			t.Fatalf("%d requests", len(s.m.requests))
		}
		s.shows(id("tom").Short+" wants to talk", "asks")
		s.key("tab", "home", "enter")
		s.golden("request")
		s.key("a")
		s.called("add test:tom")
		if s.m.open != s.contact("tom") || len(s.m.requests) != 0 {
			t.Error("the conversation is not open")
		}
		s.happen(Asks{id("tom")})
		if len(s.m.requests) != 0 {
			t.Error("a contact asks again and is shown")
		}
	})
}

func TestARequestIsAcceptedUnderAName(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.says("/accept")
		s.shows("nobody asks")
		s.happen(Asks{id("tom")})
		s.says("/accept Tom")
		s.called("add test:tom")
		if got := s.contact("tom").name; got != "Tom" {
			t.Errorf("the name is %q", got)
		}
		s.happen(Asks{id("one")}, Asks{id("two")})
		s.says("/accept")
		s.shows("several ask")
		s.called()
	})
}

func TestARefusedStrangerIsNotShownAgain(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.happen(Asks{id("tom")})
		s.says("/refuse")
		s.called("remove test:tom")
		s.shows("refused; they are not told")
		s.happen(Asks{id("tom")})
		s.called("remove test:tom")
		s.hides("asks", "wants to talk")
		s.receives("tom", "let me in")
		s.hides("let me in")
		// Until the user adds them.
		s.says("/add test:tom tom")
		s.shows("(refused)")
		s.key("enter")
		s.called("add test:tom")
		s.receives("tom", "thanks")
		s.shows("thanks")
	})
}

func TestABlockedStrangerIsGone(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.happen(Asks{id("tom")})
		s.key("tab", "enter", "b")
		s.called("block test:tom")
		if s.contact("tom").standing != blocked || len(s.m.requests) != 0 {
			t.Error("not blocked")
		}
		s.happen(Asks{id("one")})
		s.key("enter")
		s.key("r")
		s.called("remove test:one")
	})
}

func TestARequestThatIsGoneSaysSo(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.happen(Asks{id("tom")}, Changed{Who: "test:tom", State: Away})
		s.key("tab", "enter")
		s.shows("They are away now.")
		s.happen(Changed{Who: "test:tom", State: Asking})
		s.hides("They are away now.")
		s.happen(Offline{})
		s.shows("They are away now.")
		s.m.requests = nil
		s.shows("The request is gone.")
		s.key("a")
		s.called()
	})
}

func TestRequestsAreBounded(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		for n := range maxRequests + 5 {
			s.happen(Asks{id(fmt.Sprint("stranger", n))})
		}
		if len(s.m.requests) != maxRequests || s.m.requests[0].id != id("stranger5") {
			t.Errorf("%d requests, the first of %s", len(s.m.requests), s.m.requests[0].id.Address)
		}
		s.screen()
	})
}

func TestTheOpenContactIsBlocked(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben", "tom")
		s.says("/block")
		s.called("block test:ben")
		s.shows("ben is blocked", "Choose somebody")
		s.receives("ben", "you there?")
		s.hides("you there?")
		s.says("/add test:ben ben")
		s.shows("You know them as ben (blocked).")
		s.key("enter")
		s.called("add test:ben")
		if s.contact("ben").standing != friend {
			t.Error("still blocked")
		}
	})
}

func TestRemovingWantsTheName(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.receives("ben", "secret plans")
		s.says("/remove")
		s.shows("removes ben and 2 messages for good: /remove ben")
		s.called()
		s.says("/remove ben")
		s.called("remove test:ben")
		s.hides("secret plans", "ben")
		s.happen(Changed{Who: "test:ben", State: Away}, Failed{Ref: 1}, Received{From: "test:ben", Text: "late"}, Lost{From: "test:ben"})
		s.hides("late")
	})
}

func TestAMessageWaitsAndIsSent(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.says("hello")
		s.called("send test:ben hello")
		s.shows("me: hello (waiting)")
		s.happen(Sent{Ref: 1})
		s.shows("me: hello (sent)")
		s.says("are you there?")
		s.happen(Failed{Ref: 2, Err: errors.New("contact was removed")})
		s.golden("sent-and-failed")
		s.net.calls = nil
		s.says("/again")
		s.called("send test:ben are you there?")
		s.shows("are you there? (waiting)", "messages tried again: 1")
		s.happen(Sent{Ref: 3}, Sent{Ref: 99})
		s.shows("are you there? (sent)")
	})
}

func TestAMessageThatTheNetworkRefusesIsMarked(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.net.refuse["send"] = errors.New("outbox is full")
		s.says("hello")
		s.shows("me: hello", "(failed: outbox is full; /again tries again)")
		if len(s.m.input.text) != 0 {
			t.Error("the text is still in the input")
		}
	})
}

func TestAMessageThatIsTooLongStaysInTheInput(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.update(tea.PasteMsg{Content: strings.Repeat("x", 1001)})
		s.key("enter")
		s.called()
		s.shows("not sent: 1001 bytes; a message to ben holds at most 1000")
		s.key("backspace", "enter")
		s.called("send test:ben " + strings.Repeat("x", 1000))
		s.update(tea.PasteMsg{Content: strings.Repeat("x", maxInput+1)})
		s.shows("not pasted: 65537 bytes")
	})
}

func TestPastedLinesAreOneMessage(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.update(tea.PasteMsg{Content: "one\r\ntwo\rthree\n\tfour\x1b[31m\x00"})
		s.called()
		s.golden("pasted")
		s.key("enter")
		s.called("send test:ben one\ntwo\nthree\n\tfour[31m")
		s.happen(Sent{Ref: 1})
		s.golden("pasted-sent")
	})
}

func TestPastingDoesNothingOnAPage(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.key("f1")
		s.update(tea.PasteMsg{Content: "secret"})
		if len(s.m.input.text) != 0 || s.m.page == nil {
			t.Error("it went into a message that nobody sees")
		}
	})
}

func TestUnreadMessagesAreCountedAndVisited(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben", "tom", "rawboy")
		s.receives("tom", "one")
		s.receives("tom", "two")
		s.receives("rawboy", "three")
		s.receives("ben", "read at once")
		s.golden("unread")
		s.key("ctrl+n")
		if s.m.open != s.contact("tom") || s.contact("tom").unread != 0 {
			t.Error("tom is not open and read")
		}
		s.key("ctrl+n")
		s.shows("rawboy · away · not verified · unproven key")
		s.happen(Asks{id("eve")})
		s.key("ctrl+n")
		s.shows("Somebody wants to talk")
		s.key("r", "ctrl+n")
		s.shows("nothing is unread")
	})
}

func TestNothingIsReadWhileItIsNotOnTheScreen(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.key("f1")
		s.receives("ben", "one")
		if s.contact("ben").unread != 1 {
			t.Error("read behind the help")
		}
		s.key("esc")
		if s.contact("ben").unread != 0 {
			t.Error("unread on the screen")
		}
		s.resize(40, 10)
		s.key("tab")
		s.receives("ben", "two")
		if s.contact("ben").unread != 1 {
			t.Error("read behind the list")
		}
		s.golden("list-40x10")
		s.key("enter")
		s.golden("talk-40x10")
	})
}

func TestArrowsAndTabWalkTheList(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben", "tom", "eve")
		s.key("tab", "down", "down", "down", "up", "enter")
		if s.m.open != s.contact("tom") || s.m.focus != onInput {
			t.Errorf("open is %v", s.m.open.name)
		}
		s.key("tab", "end", "enter")
		if s.m.open != s.contact("eve") {
			t.Errorf("open is %v", s.m.open.name)
		}
		s.key("esc", "home", "k", "j", "right")
		if s.m.open != s.contact("tom") {
			t.Errorf("open is %v", s.m.open.name)
		}
		s.key("tab", "tab")
		if s.m.focus != onInput {
			t.Error("Tab does not come back")
		}
		s.key("tab", "?")
		s.shows("Keys")
		s.key("esc", "esc")
		s.types("x")
		if s.m.input.String() != "x" {
			t.Error("Esc does not come back")
		}
	})
}

func TestTheListStaysOnItsContactWhenSomebodyAsks(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben", "tom")
		s.key("tab", "down")
		s.happen(Asks{id("eve")})
		s.key("enter")
		if s.m.open != s.contact("tom") {
			t.Errorf("opened %v", s.m.open.name)
		}
	})
}

func TestEnterInAnEmptyListDoesNothing(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.key("tab", "enter")
		s.says("hello?")
		s.shows("nobody to send it to")
		s.called()
	})
}

func TestFingerprintsAreCompared(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.says("/verify")
		s.shows("with whom?")
		s.knows("ben")
		s.receives("ben", "before")
		s.says("/verify")
		s.golden("verify")
		s.resize(40, 10)
		s.golden("verify-40x10")
		s.resize(80, 24)
		s.key("z")
		s.shows("Compare both")
		s.key("y")
		if !s.contact("ben").verified {
			t.Fatal("not verified")
		}
		s.receives("ben", "after")
		s.says("hi")
		s.happen(Sent{Ref: 1})
		s.golden("verified")
		s.says("/verify")
		s.shows("You have found them to be the same before.")
		s.key("n")
		if s.contact("ben").verified {
			t.Error("still verified although they differ")
		}
		s.shows("The fingerprints differ", "[O not verified]")
		s.says("/verify")
		s.key("esc")
		if s.contact("ben").verified {
			t.Error("Esc verifies")
		}
	})
}

func TestAGradeIsThatOfTheMomentOfSending(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.says("before")
		s.happen(Sent{Ref: 1})
		s.says("while")
		s.says("/verify")
		s.key("y")
		s.happen(Sent{Ref: 2})
		var grades []Grade
		for _, m := range s.contact("ben").messages {
			if m.delivery == sent {
				grades = append(grades, m.grade)
			}
		}
		if !slices.Equal(grades, []Grade{OpenPath, EndToEnd}) {
			t.Errorf("grades %v", grades)
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

func TestDraftsStayWithTheirContacts(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben", "tom")
		s.types("dear ben")
		s.key("tab", "down", "enter")
		if got := s.m.input.String(); got != "" {
			t.Errorf("tom's draft is %q", got)
		}
		s.types("dear tom")
		s.m.show(s.contact("ben"))
		if got := s.m.input.String(); got != "dear ben" {
			t.Errorf("ben's draft is %q", got)
		}
		s.key("enter")
		s.m.show(s.contact("tom"))
		s.m.show(s.contact("ben"))
		if got := s.m.input.String(); got != "" {
			t.Errorf("what was sent is a draft: %q", got)
		}
	})
}

func TestAConversationScrolls(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		for n := range 100 {
			s.receives("ben", fmt.Sprintf("line %d.", n))
		}
		s.shows("line 99.")
		s.key("pgup", "pgup")
		s.hides("line 99.")
		s.shows("lines below")
		before := conversation(s.screen())
		s.receives("ben", "new below, \n in two lines")
		if after := conversation(s.screen()); after != before {
			t.Errorf("what is read moved:\n%s\n%s", before, after)
		}
		if s.contact("ben").unread != 1 {
			t.Error("what is below the screen counts as read")
		}
		s.key("down", "up", "ctrl+home")
		s.shows("── 1 January 2000 ──", "line 0.")
		s.key("ctrl+home", "pgup", "pgdown")
		s.hides("line 0.")
		s.key("ctrl+end")
		s.shows("new below")
		s.key("pgup")
		s.says("mine")
		s.shows("me: mine")
	})
}

// conversation is the part of the screen that scrolls.
func conversation(screen string) string {
	return strings.Join(strings.Split(screen, "\n")[2:22], "\n")
}

func TestDaysAreTold(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.receives("ben", "today")
		time.Sleep(25 * time.Hour)
		s.receives("ben", "tomorrow")
		s.golden("days")
	})
}

func TestWhatWasLostIsSaid(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		s.happen(Lost{From: "test:ben"}, Refused{Err: errors.New("bad key")})
		s.shows("were lost on the way", "the relay says: bad key")
		if s.contact("ben").unread != 0 {
			t.Error("a note counts as a message")
		}
	})
}

func TestStatesAreShownInWords(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.knows("ben")
		for state, sign := range map[State]string{Away: "- ben", Asked: "~ ben", Connected: "* ben", Asking: "? ben"} {
			s.happen(Changed{Who: "test:ben", State: state})
			s.shows("ben · "+string(state), sign)
		}
	})
}

func TestTheNetworksRefusalsAreShown(t *testing.T) {
	t.Parallel()
	play(t, func(s *stage) {
		s.net.refuse["add"] = errors.New("this is your own key")
		s.says("/add test:ben")
		s.key("enter")
		s.shows("this is your own key")
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
