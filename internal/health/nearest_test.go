package health_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"trunkline/internal/health"
)

func words() []string {
	return []string{"serve", "status", "stop", "doctor", "explain", "inspect", "vectors", "peer", "chat", "bench"}
}

func TestNearestForgivesATypingMistakeInThreeCharacters(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"serve":                  "serve",
		"sevre":                  "serve",
		"srve":                   "serve",
		"doktor":                 "doctor",
		"statsu":                 "status",
		"explian":                "explain",
		"per":                    "peer",
		"chta":                   "chat",
		"xyz":                    "",
		"":                       "",
		"s":                      "",
		strings.Repeat("s", 999): "",
		"völlig anders":          "",
	} {
		if got := health.Nearest(typed, words()); got != want {
			t.Errorf("Nearest(%.20q) = %q, want %q", typed, got, want)
		}
	}
	if got := health.Nearest("bar", []string{"car", "ban", strings.Repeat("b", 9999)}); got != "car" {
		t.Errorf("of equally near words got %q, want the first", got)
	}
}

// edited changes one place of a word as a hand does: a letter too few, too
// many, another one, or two in the wrong order.
func edited(t *rapid.T, word string) string {
	letters := []rune(word)
	at := rapid.IntRange(0, len(letters)-2).Draw(t, "at")
	letter := rapid.RuneFrom([]rune("abcxyz_-ü")).Draw(t, "letter")
	switch rapid.IntRange(0, 3).Draw(t, "kind of mistake") {
	case 0:
		letters = slices.Delete(letters, at, at+1)
	case 1:
		letters = slices.Insert(letters, at, letter)
	case 2:
		letters[at] = letter
	case 3:
		letters[at], letters[at+1] = letters[at+1], letters[at]
	}
	return string(letters)
}

func TestEveryWordIsFoundAfterOneMistake(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom(words()).Draw(t, "word")
		typed := edited(t, word)
		if got := health.Nearest(typed, words()); got != word {
			t.Fatalf("Nearest(%q) = %q, want %q", typed, got, word)
		}
	})
}

func TestNearestReturnsOneOfItsWordsOrNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOf(rapid.String()).Draw(t, "words")
		typed := rapid.String().Draw(t, "typed")
		if got := health.Nearest(typed, list); got != "" && !slices.Contains(list, got) {
			t.Fatalf("Nearest(%q, %q) = %q", typed, list, got)
		}
	})
}
