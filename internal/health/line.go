package health

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"unicode"
)

// advised is an error with what to do about it. Its text is that of err, so
// wrapping it does not put the advice in the middle of a sentence.
type advised struct {
	err error
	do  string
}

func (a *advised) Error() string  { return a.err.Error() }
func (a *advised) Unwrap() error  { return a.err }
func (a *advised) Advice() string { return a.do }

// coded is an error that is a finding of the table.
type coded struct {
	err  error
	code Code
}

func (c *coded) Error() string { return c.err.Error() }
func (c *coded) Unwrap() error { return c.err }

// Do adds to err what a person should do about it, for [Line] to show. A nil
// err stays nil. Of several advices the outermost is shown: it was given by
// whoever knew most about what was being done.
func Do(err error, do string) error {
	if err == nil || do == "" {
		return err
	}
	return &advised{err, do}
}

// WithCode marks err as a finding of the table. A nil err stays nil.
func WithCode(err error, code Code) error {
	if err == nil || code == "" {
		return err
	}
	return &coded{err, code}
}

// CodeOf returns the outermost code that err carries, or "".
func CodeOf(err error) Code {
	if c, ok := errors.AsType[*coded](err); ok {
		return c.code
	}
	return ""
}

// Advice returns what to do about err: the outermost [Do], else the cure of
// its code, else what usually helps with this error of the system, else "".
// An error type of another package gives advice with a method Advice() string.
func Advice(err error) string {
	if a, ok := errors.AsType[interface {
		error
		Advice() string
	}](err); ok {
		if do := a.Advice(); do != "" {
			return do
		}
	}
	if e, ok := Lookup(CodeOf(err)); ok {
		return e.Cure
	}
	return usual(err)
}

// usual is what mostly helps with an error that nobody described.
func usual(err error) string {
	for _, u := range []struct {
		err error
		do  string
	}{
		{syscall.EADDRINUSE, "stop the program that holds it or choose another port"},
		{syscall.ECONNREFUSED, "check the address and that the server runs"},
		{syscall.EMFILE, "raise the limit on open files (ulimit -n)"},
		{syscall.ENOSPC, "free some space"},
		{fs.ErrPermission, "check who owns it and its mode"},
		{fs.ErrNotExist, "check the name"},
		{context.DeadlineExceeded, "try again; `trunkline doctor` looks for the cause"},
	} {
		if errors.Is(err, u.err) {
			return u.do
		}
	}
	return ""
}

// Line returns err as the one line that a person reads: `what: why; do`, with
// the finding's code in brackets if it has one. Several joined errors become
// one line too; [Lines] keeps them apart. The text is safe for a terminal.
func Line(err error) string {
	if err == nil {
		return ""
	}
	line := said(err)
	if code := CodeOf(err); code != "" {
		line += " [" + string(code) + "]"
	}
	return line
}

// said is the line without the code.
func said(err error) string {
	line := unstutter(Clean(err.Error()))
	if do := Clean(Advice(err)); do != "" && !strings.HasSuffix(line, do) {
		line += "; " + do
	}
	return line
}

// Lines returns a [Line] for each error that err joins, in their order.
func Lines(err error) []string {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []string{Line(err)}
	}
	var lines []string
	for _, e := range joined.Unwrap() {
		lines = append(lines, Lines(e)...)
	}
	return lines
}

// unstutter drops a part of `a: b: c` that only repeats the one before it.
func unstutter(s string) string {
	return strings.Join(slices.Compact(strings.Split(s, ": ")), ": ")
}

// Clean makes s one line that is safe to print on a terminal: line ends become
// ", " and control characters, which a stranger may have sent, become "?".
func Clean(s string) string {
	s = strings.ReplaceAll(strings.TrimSpace(s), "\n", ", ")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}
