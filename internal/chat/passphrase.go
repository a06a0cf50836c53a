package chat

import (
	"bytes"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/term"

	"trunkline/internal/health"
)

var (
	errCancelled = errors.New("passphrase: not given")
	errDiffer    = errors.New("passphrase: the two differ")
)

// maxPassphrase is the length of the longest passphrase, in bytes.
const maxPassphrase = 1024

// AskPassphrase returns a function for [OpenProfile] that asks on a terminal
// without showing what is typed, and twice for a new profile. Prompts go to out.
func AskPassphrase(in *os.File, out io.Writer) func(isNew bool) ([]byte, error) {
	return func(isNew bool) ([]byte, error) {
		raw, err := term.MakeRaw(int(in.Fd()))
		if err != nil {
			return nil, ErrNotTerminal
		}
		defer func() { _ = term.Restore(int(in.Fd()), raw) }()
		return ask(in, out, isNew)
	}
}

// ask is AskPassphrase with a terminal that is in raw mode.
func ask(in io.Reader, out io.Writer, isNew bool) ([]byte, error) {
	if !isNew {
		return prompt(in, out, "Passphrase: ")
	}
	_, _ = fmt.Fprint(out, "A new profile. The passphrase encrypts its key, contacts and messages; nobody can reset it.\r\n")
	first, err := prompt(in, out, "Choose a passphrase: ")
	if err != nil || len(first) == 0 {
		return first, err
	}
	again, err := prompt(in, out, "The same again: ")
	defer clear(again)
	if err == nil && subtle.ConstantTimeCompare(first, again) == 0 {
		err = health.Do(errDiffer, "start again")
	}
	if err != nil {
		clear(first)
		return nil, err
	}
	return first, nil
}

// prompt reads a line of keys as a terminal in raw mode sends them.
func prompt(in io.Reader, out io.Writer, text string) ([]byte, error) {
	_, _ = fmt.Fprint(out, text)
	defer func() { _, _ = fmt.Fprint(out, "\r\n") }()
	line := make([]byte, 0, maxPassphrase)
	for key := make([]byte, 1); ; {
		if _, err := io.ReadFull(in, key); err != nil {
			clear(line)
			return nil, errCancelled
		}
		switch key[0] {
		case '\r', '\n':
			return line, nil
		case 0x03, 0x04: // Ctrl-C, Ctrl-D
			clear(line)
			return nil, errCancelled
		case 0x15: // Ctrl-U
			line = line[:0]
		case 0x08, 0x7f:
			_, n := utf8.DecodeLastRune(line)
			line = line[:len(line)-n]
		default:
			if len(line) < maxPassphrase {
				line = append(line, key[0])
			}
		}
	}
}

// PassphraseFrom returns a function for [OpenProfile] that takes the first line
// of r, for tests and for secrets that another program hands over.
func PassphraseFrom(r io.Reader) func(isNew bool) ([]byte, error) {
	return func(bool) ([]byte, error) {
		b, err := io.ReadAll(io.LimitReader(r, maxPassphrase+2))
		if err != nil {
			return nil, fmt.Errorf("passphrase: %w", err)
		}
		line, _, _ := bytes.Cut(b, []byte("\n"))
		return bytes.TrimSuffix(line, []byte("\r")), nil
	}
}
