//go:build unix

package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"trunkline/blubbel/server"
	"trunkline/internal/health"
)

// buffer is what several goroutines write to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// shell is a bot whose program is a script of /bin/sh.
func shell(script string) Bot { return Bot{Program: "/bin/sh", Args: []string{"-c", script}} }

// printed is the script of the manual, in a file.
func printed(t *testing.T) string {
	t.Helper()
	_, script, found := strings.Cut(manual(t), "```sh\n")
	script, _, closed := strings.Cut(script, "```\n")
	if !found || !closed {
		t.Fatal("the manual holds no script")
	}
	if n := strings.Count(script, "\n"); n > 10 {
		t.Errorf("the ten lines are %d", n)
	}
	file := filepath.Join(t.TempDir(), "echo.sh")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestShellBotOfTheTutorialIsThatOfTheManual(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../../docs/start/first-bot.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(printed(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, append([]byte("```sh\n"), script...)) {
		t.Errorf("docs/start/first-bot.md shows another script than docs/reference/peer.md:\n%s", script)
	}
}

// loopback is a relay on this machine.
func loopback(t *testing.T) string {
	t.Helper()
	s, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("relay ended with %v", err)
		}
	})
	return l.Addr().String()
}

func TestShellBotOfTheManualAnswersEveryTextUnchanged(t *testing.T) {
	t.Parallel()
	texts := []string{
		"hello", "", " ", "two\nlines\n", "tab\tbell\a nul\x00 esc\x1b[2J", `"quoted" 'too'`, `back\slash \n \\ \" \u0041`,
		"żółw 你好 👋🏽 \u2028", "$HOME `id` $(id) %s %d * ? ~ ; & | > /dev/null", `{"ev":"message","from":"x","text":"y"}`,
		`","to":"somebody","do":"quit"}`, "-n", "-e \\c", strings.Repeat("long ", 10_000),
	}
	address := loopback(t)
	n, err := NewBlubbel(BlubbelConfig{Server: address, Key: keys[0](), Auto: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var stderr buffer
	ended := make(chan error, 1)
	bot := Bot{Program: "/bin/sh", Args: []string{printed(t)}, Stderr: &stderr}
	go func() { ended <- bot.Run(ctx, n) }()

	visitor, err := NewBlubbel(BlubbelConfig{Server: address, Key: keys[1]()})
	if err != nil {
		t.Fatal(err)
	}
	d := talk(t, visitor)
	d.find("ready")
	d.say(`{"do":"add","who":%q}`, n.client.Self())
	for _, text := range texts {
		d.say(`{"do":"send","to":%q,"text":%s}`, n.client.Self(), jsonString(t, text))
	}
	for _, text := range texts {
		s, ok := d.hear()
		for ok && s.Ev != "message" {
			s, ok = d.hear()
		}
		if s.Text != text {
			t.Errorf("%.80q came back as %.80q", text, s.Text)
		}
	}
	stop()
	if err := <-ended; err != nil || stderr.String() != "" {
		t.Errorf("the bot ended with %v and wrote %q", err, stderr.String())
	}
}

func jsonString(t *testing.T, s string) string {
	t.Helper()
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// gone reports whether a process has ended, waiting for it as long as the test
// may take.
func gone(t *testing.T, pid int) {
	t.Helper()
	for begun := time.Now(); syscall.Kill(pid, 0) == nil && !zombie(pid); {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("process %d is still there", pid)
		}
	}
}

// zombie reports whether a process has ended and nobody has asked how.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, after, _ := strings.Cut(string(b), ") ")
	return err == nil && strings.HasPrefix(after, "Z")
}

func TestCommandsOfABotAreObeyedUntilItEnds(t *testing.T) {
	t.Parallel()
	var did []string
	n := &fake{do: func(_ context.Context, c Command) error {
		did = append(did, c.Do+c.Text)
		return nil
	}}
	var stderr buffer
	bot := shell(`echo '{"do":"self"}'; echo '{"do":"send","text":"1"}'; echo complaint >&2; printf '{"do":"contacts"}'`)
	bot.Stderr = &stderr
	if err := bot.Run(t.Context(), n); err != nil {
		t.Errorf("ended with %v", err)
	}
	if got := strings.Join(did, " "); got != "self send1 contacts" || stderr.String() != "complaint\n" {
		t.Errorf("did %q, wrote %q", got, stderr.String())
	}
}

func TestBotGetsTheAnswersToItsCommands(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "heard")
	bot := shell(`echo '{"do":"send","text":"x","id":1}'; read -r a; echo "$a" > "$0"; echo '{"do":"quit"}'; cat >> "$0"`)
	bot.Args = append(bot.Args, file)
	if err := bot.Run(t.Context(), echoing()); err != nil {
		t.Errorf("ended with %v", err)
	}
	b, err := os.ReadFile(file)
	want := `{"ev":"ok","id":1,"ref":"x"}` + "\n" + `{"ev":"ok"}` + "\n"
	if string(b) != want || err != nil {
		t.Errorf("it heard %q, %v; want %q", b, err, want)
	}
}

func TestEndOfABotIsReported(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"exit 0":                           "",
		"cat >/dev/null & exit 0":          "",
		"exit 3":                           "bot /bin/sh: exit status 3",
		"exec >&-; cat >/dev/null; exit 4": "bot /bin/sh: exit status 4",
		"kill -SEGV $$":                    "bot /bin/sh: signal: segmentation fault",
	} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			err := shell(script).Run(t.Context(), &fake{})
			if got := text(err); !strings.HasPrefix(got, want) || want == "" && err != nil {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestBotThatEndsWhileEventsComeIsJudgedByItsExitCode(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"exec <&-; exit 0": "", "exec <&-; exit 5": "bot /bin/sh: exit status 5",
	} {
		var emitted counter
		if err := shell(script).Run(t.Context(), flood(&emitted)); text(err) != want {
			t.Errorf("%s: got %v", script, err)
		}
	}
}

func TestErrorOfTheNetworkEndsABot(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	n := &fake{run: func(context.Context, func(Event)) error { return broken }}
	if err := shell("cat >/dev/null; exit 1").Run(t.Context(), n); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestBotThatDoesNotReadIsEnded(t *testing.T) {
	t.Parallel()
	for _, script := range []string{"sleep 1000", "trap '' INT; sleep 1000 & echo; wait; wait"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			var emitted counter
			bot, begun := shell(script), time.Now()
			bot.Hang = 200 * time.Millisecond
			err := bot.Run(t.Context(), flood(&emitted))
			if health.CodeOf(err) != health.BotHangs || !strings.Contains(health.Line(err), "does not read its input; let the program read") {
				t.Errorf("got %q", health.Line(err))
			}
			if took := time.Since(begun); took > 10*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}

func TestBotThatFloodsIsReadMoreSlowlyAndReportedOnce(t *testing.T) {
	t.Parallel()
	const burst, rate, lines = 50, 200, 150
	var stderr buffer
	bot := shell(fmt.Sprintf(`i=0; while [ $i -lt %d ]; do echo '{"do":"self"}'; i=$((i+1)); done`, lines))
	bot.Stderr, bot.Rate, bot.Burst = &stderr, rate, burst
	n, begun := echoing(), time.Now()
	did := 0
	do := n.do
	n.do = func(ctx context.Context, c Command) error {
		did++
		return do(ctx, c)
	}
	if err := bot.Run(t.Context(), n); err != nil {
		t.Errorf("ended with %v", err)
	}
	if least := time.Second * (lines - burst) / rate; time.Since(begun) < least*9/10 || did != lines {
		t.Errorf("%d commands in %v; %d take %v", did, time.Since(begun), lines, least)
	}
	if got := strings.Count(stderr.String(), string(health.BotFloods)); got != 1 {
		t.Errorf("reported %d times: %q", got, stderr.String())
	}
}

func TestProgramThatCannotRunIsExplained(t *testing.T) {
	t.Parallel()
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for program, want := range map[string]string{
		plain:           "permission denied",
		"./nothere":     "no such file or directory",
		"no-such-thing": "executable file not found",
	} {
		err := Bot{Program: program}.Run(t.Context(), &fake{})
		if line := health.Line(err); !strings.HasPrefix(line, "bot: ") || !strings.Contains(line, want) ||
			!strings.HasSuffix(line, "; give the path of a program that may be run, for instance ./echo.sh") {
			t.Errorf("%s: %q", program, line)
		}
	}
}

func TestEndOfTheContextEndsABotAndWhatItStarted(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"obedient":   `sleep 1000 & echo $! >"$0"; echo '{"do":"self"}'; wait`,
		"foreground": `echo $$ >"$0"; echo '{"do":"self"}'; sleep 1000`,
		"stubborn":   `trap '' INT; sleep 1000 & echo $! >"$0"; echo '{"do":"self"}'; while :; do wait; done`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			file := filepath.Join(t.TempDir(), "pid")
			bot := shell(script)
			bot.Args = append(bot.Args, file)
			var ended time.Time
			err := bot.Run(ctx, &fake{do: func(context.Context, Command) error {
				ended = time.Now()
				stop()
				return nil
			}})
			if took := time.Since(ended); err != nil || took > 6*time.Second {
				t.Errorf("ended with %v after %v", err, took)
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
			if err != nil {
				t.Fatal(err)
			}
			gone(t, pid)
		})
	}
}
