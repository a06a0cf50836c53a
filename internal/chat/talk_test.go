package chat

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
)

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
