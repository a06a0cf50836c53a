package chat

import (
	"errors"
	"os"
	"strings"
	"testing"

	"trunkline/internal/health"
)

func TestAPassphraseIsTypedBlind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		typed string
		isNew bool
		want  string
		err   error
	}{
		{"secret\r", false, "secret", nil},
		{"secret\n", false, "secret", nil},
		{"\r", false, "", nil},
		{"sekrx\x7f\x7f\x08cret\r", false, "secret", nil},
		{"gr\u00fc\x7f\u00fcn\r", false, "gr\u00fcn", nil},
		{"\x7f\x7fa\r", false, "a", nil},
		{"wrong\x15right\r", false, "right", nil},
		{"secret\x03", false, "", errCancelled},
		{"\x04", false, "", errCancelled},
		{"secret", false, "", errCancelled},
		{strings.Repeat("x", 2000) + "\r", false, strings.Repeat("x", 1024), nil},
		{"secret\rsecret\r", true, "secret", nil},
		{"secret\rsecrte\r", true, "", errDiffer},
		{"secret\r\x03", true, "", errCancelled},
		{"\r", true, "", nil},
	} {
		var out strings.Builder
		got, err := ask(strings.NewReader(c.typed), &out, c.isNew)
		if string(got) != c.want || !errors.Is(err, c.err) {
			t.Errorf("%q: got %q, %v; want %q, %v", c.typed, got, err, c.want, c.err)
		}
		if strings.Contains(out.String(), "secret") || !strings.HasSuffix(out.String(), "\r\n") {
			t.Errorf("%q: shown was %q", c.typed, out.String())
		}
	}
}

func TestAPassphraseComesFromAFile(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"secret\nmore\n": "secret", "secret\r\n": "secret", "secret": "secret", "": ""} {
		got, err := PassphraseFrom(strings.NewReader(text))(true)
		if string(got) != want || err != nil {
			t.Errorf("%q: got %q, %v", text, got, err)
		}
	}
	dir, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	if _, err := PassphraseFrom(dir)(false); err == nil {
		t.Error("a folder was read")
	}
}

func TestWithoutATerminalOneLineSaysSo(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _, _ = r.Close(), w.Close() }()
	want := "chat: not a terminal; use trunkline peer for scripts"
	if got := health.Line(CheckTerminal(r, w)); got != want {
		t.Errorf("got %q", got)
	}
	err = Run(t.Context(), Config{Client: newNetwork(), Profile: NoHistory(), Input: r, Output: w})
	if got := health.Line(err); got != want {
		t.Errorf("Run says %q", got)
	}
	if _, err := AskPassphrase(r, w)(true); health.Line(err) != want {
		t.Errorf("AskPassphrase says %v", err)
	}
}
