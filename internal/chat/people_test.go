package chat

import (
	"errors"
	"fmt"
	"testing"

	tea "charm.land/bubbletea/v2"
)

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
