package blubbel_test

import (
	"errors"
	"fmt"
	"testing"

	"trunkline/blubbel"
)

func TestEveryCodeHasItsOwnWords(t *testing.T) {
	seen := map[string]bool{}
	for i, c := range blubbel.Codes() {
		if int(c) != i+1 {
			t.Errorf("code %d stands at place %d", c, i)
		}
		if seen[c.String()] || c.String() == fmt.Sprintf("code %d", uint8(c)) {
			t.Errorf("code %d reads %q", c, c)
		}
		seen[c.String()] = true
	}
	for _, c := range []blubbel.Code{0, 10, 255} {
		if got, want := c.String(), fmt.Sprintf("code %d", uint8(c)); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestErrorsAreToldApartByCode(t *testing.T) {
	err := fmt.Errorf("send: %w", &blubbel.Error{Code: blubbel.CodeNoSession, Text: "none with her"})
	if !errors.Is(err, &blubbel.Error{Code: blubbel.CodeNoSession}) {
		t.Error("not found by its code")
	}
	if errors.Is(err, &blubbel.Error{Code: blubbel.CodeSlowDown}) || errors.Is(err, blubbel.ErrBadKey) {
		t.Error("found by another code")
	}
}

func TestErrorGivesTheRelaysWordsOnce(t *testing.T) {
	for text, want := range map[string]string{
		"":             "no session",
		"no session":   "no session",
		"ask her once": "no session: ask her once",
	} {
		if got := (&blubbel.Error{Code: blubbel.CodeNoSession, Text: text}).Error(); got != want {
			t.Errorf("text %q: got %q, want %q", text, got, want)
		}
	}
}

func TestLongestTextFillsAFrame(t *testing.T) {
	k := recordedKeys(t)["3072"].Public()
	if got, want := blubbel.MaxText(k, blubbel.DefaultMaxPayload), 65536-422-12-16; got != want {
		t.Errorf("got %d bytes, want %d", got, want)
	}
	if got := blubbel.MaxText(k, 100); got != 0 {
		t.Errorf("a frame that is too small for the key: got %d bytes", got)
	}
}
