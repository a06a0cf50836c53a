package health_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"trunkline/internal/health"
)

type selfAdvised struct{}

func (selfAdvised) Error() string  { return "key: unknown" }
func (selfAdvised) Advice() string { return "write it right" }

func TestLineIsWhatWhyAndDo(t *testing.T) {
	t.Parallel()
	plain := errors.New("no space left")
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"nothing":         {nil, ""},
		"plain":           {plain, "no space left"},
		"advised":         {health.Do(fmt.Errorf("write log: %w", plain), "free some space"), "write log: no space left; free some space"},
		"wrapped later":   {fmt.Errorf("serve: %w", health.Do(plain, "free some space")), "serve: no space left; free some space"},
		"outermost wins":  {health.Do(health.Do(plain, "inner"), "outer"), "no space left; outer"},
		"said already":    {health.Do(errors.New("disk: full; free some"), "free some"), "disk: full; free some"},
		"stutter":         {fmt.Errorf("open x: %w", errors.New("open x: no such file")), "open x: no such file"},
		"own method":      {fmt.Errorf("load: %w", selfAdvised{}), "load: key: unknown; write it right"},
		"two lines":       {errors.New("a\nb"), "a, b"},
		"terminal codes":  {errors.New("peer said \x1b[2Jhello\r"), "peer said ?[2Jhello"},
		"code only":       {health.WithCode(errors.New("/d: mode 0755"), health.KeyReadable), "/d: mode 0755; chmod 0700 on the data folder and 0600 on the key files in it [KEY-002]"},
		"code and advice": {health.WithCode(health.Do(plain, "rm x"), health.DiskNearlyFull), "no space left; rm x [DATA-003]"},
		"joined":          {errors.Join(errors.New("a"), errors.New("b")), "a, b"},
	} {
		if got := health.Line(c.err); got != c.want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, c.want)
		}
	}
}

func TestLineKnowsWhatHelpsWithErrorsOfTheSystem(t *testing.T) {
	t.Parallel()
	_, missing := os.Open("/nowhere/at/all")
	for _, c := range []struct {
		err  error
		want string
	}{
		{missing, "open /nowhere/at/all: no such file or directory; check the name"},
		{&fs.PathError{Op: "open", Path: "k", Err: syscall.EACCES}, "open k: permission denied; check who owns it and its mode"},
		{&net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}, "dial tcp: connection refused; check the address and that the server runs"},
		{fmt.Errorf("accept: %w", syscall.EMFILE), "accept: too many open files; raise the limit on open files (ulimit -n)"},
		{fmt.Errorf("write: %w", syscall.ENOSPC), "write: no space left on device; free some space"},
		{fmt.Errorf("listen: %w", syscall.EADDRINUSE), "listen: address already in use; stop the program that holds it or choose another port"},
		{fmt.Errorf("login: %w", context.DeadlineExceeded), "login: context deadline exceeded; try again; `trunkline doctor` looks for the cause"},
	} {
		if got := health.Line(c.err); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestAdviceAndCodeLeaveTheErrorItself(t *testing.T) {
	t.Parallel()
	if health.Do(nil, "x") != nil || health.WithCode(nil, health.ClockOff) != nil {
		t.Error("nil became an error")
	}
	err := fmt.Errorf("start: %w", health.WithCode(health.Do(fs.ErrExist, "rename it"), health.DataInUse))
	if !errors.Is(err, fs.ErrExist) {
		t.Error("the cause is lost")
	}
	if got, want := err.Error(), "start: file already exists"; got != want {
		t.Errorf("text: got %q, want %q", got, want)
	}
	if got := health.CodeOf(err); got != health.DataInUse {
		t.Errorf("code: got %q", got)
	}
	if got := health.CodeOf(fs.ErrExist); got != "" {
		t.Errorf("code of a plain error: %q", got)
	}
	if health.DataInUse.Area() != "DATA" {
		t.Errorf("area: %q", health.DataInUse.Area())
	}
	if same := errors.New("x"); health.Do(same, "") != same || health.WithCode(same, "") != same {
		t.Error("an empty advice or code wraps")
	}
}

func TestLinesKeepsJoinedErrorsApart(t *testing.T) {
	t.Parallel()
	err := errors.Join(health.Do(errors.New("a: wrong"), "mend a"), errors.Join(errors.New("b"), errors.New("c")))
	want := []string{"a: wrong; mend a", "b", "c"}
	if diff := cmp.Diff(want, health.Lines(err)); diff != "" {
		t.Error(diff)
	}
	if health.Lines(nil) != nil {
		t.Error("no error has lines")
	}
}

func FuzzLineIsOneCleanLine(f *testing.F) {
	f.Add("a: b", "do it")
	f.Add("a: a: a", "x\ny")
	f.Add("\x00\xff\u202e", "")
	f.Fuzz(func(t *testing.T, text, do string) {
		line := health.Line(health.Do(errors.New(text), do))
		for _, r := range line {
			if !unicode.IsPrint(r) && r != unicode.ReplacementChar {
				t.Fatalf("line %q of %q and %q holds %q", line, text, do, r)
			}
		}
	})
}

func FuzzParseCode(f *testing.F) {
	f.Add("net3")
	f.Add("PEER-001")
	f.Fuzz(func(t *testing.T, text string) {
		code, err := health.ParseCode(text)
		if err != nil {
			return
		}
		if _, known := health.Lookup(code); !known {
			t.Fatalf("%q became %q, which is not in the table", text, code)
		}
	})
}
