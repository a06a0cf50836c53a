//go:build interop && linux

package chat_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience is how long a screen may take to show something.
const patience = 30 * time.Second

// stage is a server and a tmux of its own.
type stage struct {
	t                *testing.T
	program          string
	dir, data, relay string
	shots            string // folder of the captures
	count            int
	env              []string // of the programs, as NAME=VALUE
}

// newStage starts the server. Without tmux the test fails: a missing peer is no
// reason to skip.
func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{t: t, program: program(t), dir: t.TempDir(), shots: shots(t)}
	s.data = filepath.Join(s.dir, "data")
	t.Cleanup(func() { _ = s.command("kill-server").Run() })
	s.serve()
	return s
}

// program is the executable: $TRUNKLINE, or one built for the test.
func program(t *testing.T) string {
	t.Helper()
	if p := os.Getenv("TRUNKLINE"); p != "" {
		return p
	}
	p := filepath.Join(t.TempDir(), "trunkline")
	build := exec.Command("go", "build", "-o", p, "trunkline/cmd/trunkline")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return p
}

func shots(t *testing.T) string {
	t.Helper()
	out := os.Getenv("CI_OUT")
	if out == "" {
		return t.ArtifactDir()
	}
	dir := filepath.Join(out, "chat", t.Name())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// serve starts the server and ends it with the test.
func (s *stage) serve() {
	s.t.Helper()
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	server := exec.Command(s.program, "serve", "--data", s.data, "--no-self-check", "--set", "log.level=debug",
		"--set", "clock.servers=[]", "--set", "web.listen=", "--set", "blubbel.listen=127.0.0.1:0")
	server.Stderr = log
	out, err := server.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != "running. Ctrl-C stops it." {
	}
	b, err := os.ReadFile(filepath.Join(s.data, "run", "addresses.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var addresses struct{ Blubbel struct{ TCP []string } }
	if err := json.Unmarshal(b, &addresses); err != nil || len(addresses.Blubbel.TCP) == 0 {
		s.t.Fatalf("addresses.json: %s, %v", b, err)
	}
	s.relay = addresses.Blubbel.TCP[0]
	s.await("the server's echo", func() bool {
		b, err := os.ReadFile(filepath.Join(s.dir, "log"))
		return err == nil && bytes.Contains(b, []byte("part=blubbel.echo"))
	}, func() string { return "" })
}

// await looks until something is so; shot tells what is, instead.
func (s *stage) await(what string, is func() bool, shot func() string) {
	s.t.Helper()
	limit, look := time.After(patience), time.NewTicker(50*time.Millisecond)
	defer look.Stop()
	for !is() {
		select {
		case <-look.C:
		case <-limit:
			s.t.Fatalf("there is no sign of %s:\n%s", what, shot())
		}
	}
}

// command is a command for the tmux of this test.
func (s *stage) command(args ...string) *exec.Cmd {
	c := exec.Command("tmux", append([]string{"-u", "-f", "/dev/null", "-S", filepath.Join(s.dir, "tmux")}, args...)...)
	c.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "TMUX=")
	return c
}

func (s *stage) tmux(args ...string) string {
	s.t.Helper()
	out, err := s.command(args...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("tmux %q: %v\n%s", args, err, out)
	}
	return string(out)
}

// pane is one person's terminal.
type pane struct {
	*stage
	name string
	args []string
}

// person opens a terminal of 80 by 24 with `trunkline chat` and these arguments.
func (s *stage) person(name string, args ...string) *pane {
	s.t.Helper()
	p := &pane{stage: s, name: name, args: slices.Concat([]string{"env"}, s.env, []string{s.program, "chat"}, args)}
	s.tmux("new-session", "-d", "-s", name, "-x", "80", "-y", "24", p.line())
	return p
}

// line is what the pane's shell runs: the program, then a line with its exit
// code, which stays.
func (p *pane) line() string {
	return quote(p.args) + `; printf '\r\nended with %d.\r\n' $?; exec sleep 1000`
}

// again runs the program again in the same terminal.
func (p *pane) again() {
	p.t.Helper()
	p.tmux("respawn-pane", "-k", "-t", p.name, p.line())
}

func quote(args []string) string {
	var quoted []string
	for _, a := range args {
		quoted = append(quoted, "'"+strings.ReplaceAll(a, "'", `'\''`)+"'")
	}
	return strings.Join(quoted, " ")
}

// types types a text; says ends it with Enter.
func (p *pane) types(text string) {
	p.t.Helper()
	p.tmux("send-keys", "-t", p.name, "-l", "--", text)
}

func (p *pane) says(text string) {
	p.t.Helper()
	p.types(text)
	p.keys("Enter")
}

// keys presses keys by tmux's names.
func (p *pane) keys(names ...string) {
	p.t.Helper()
	p.tmux(append([]string{"send-keys", "-t", p.name}, names...)...)
}

// pastes pastes a text as a terminal does.
func (p *pane) pastes(text string) {
	p.t.Helper()
	load := p.command("load-buffer", "-")
	load.Stdin = strings.NewReader(text)
	if out, err := load.CombinedOutput(); err != nil {
		p.t.Fatalf("load-buffer: %v\n%s", err, out)
	}
	p.tmux("paste-buffer", "-p", "-r", "-t", p.name)
}

func (p *pane) resize(width, height int) {
	p.t.Helper()
	p.tmux("resize-window", "-t", p.name, "-x", strconv.Itoa(width), "-y", strconv.Itoa(height))
}

// screen is what the terminal shows.
func (p *pane) screen() string {
	p.t.Helper()
	return p.tmux("capture-pane", "-p", "-t", p.name)
}

// shot keeps a capture, with its colours beside it.
func (p *pane) shot(what string) string {
	p.t.Helper()
	p.count++
	text := p.screen()
	name := filepath.Join(p.shots, fmt.Sprintf("%02d-%s-%s", p.count, p.name, what))
	colours := p.tmux("capture-pane", "-e", "-p", "-t", p.name)
	for _, f := range []struct{ ext, text string }{{".txt", text}, {".ansi", colours}} {
		if err := os.WriteFile(name+f.ext, []byte(f.text), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	return text
}

// await waits until a screen is as wanted, and returns it.
func (p *pane) await(what string, is func(screen string) bool) (screen string) {
	p.t.Helper()
	p.stage.await(p.name+": "+what, func() bool {
		screen = p.screen()
		return is(screen)
	}, func() string { return p.shot("failed") })
	return screen
}

// shows waits for texts.
func (p *pane) shows(texts ...string) string {
	p.t.Helper()
	return p.await(fmt.Sprintf("%q", texts), func(screen string) bool {
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				return false
			}
		}
		return true
	})
}

// hides waits until a text is gone.
func (p *pane) hides(text string) {
	p.t.Helper()
	p.await("a screen without "+text, func(screen string) bool { return !strings.Contains(screen, text) })
}

// ended waits for the end of the program and returns its exit code.
func (p *pane) ended() int {
	p.t.Helper()
	var told []string
	p.stage.await(p.name+": the line of its end", func() bool {
		told = ending.FindStringSubmatch(p.screen())
		return told != nil
	}, p.screen)
	code, err := strconv.Atoi(told[1])
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

// ending is the line that the pane's shell writes.
var ending = regexp.MustCompile(`(?m)^ended with (\d+)\.`)

// pid is the process of the program.
func (p *pane) pid() int {
	p.t.Helper()
	shell := strings.TrimSpace(p.tmux("display-message", "-p", "-t", p.name, "#{pane_pid}"))
	out, err := exec.Command("pgrep", "-P", shell).Output()
	if err != nil {
		p.t.Fatalf("pgrep: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		p.t.Fatal(err)
	}
	return pid
}

// kill ends the program without asking it.
func (p *pane) kill() {
	p.t.Helper()
	if err := syscall.Kill(p.pid(), syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	if code := p.ended(); code != 128+int(syscall.SIGKILL) {
		p.t.Fatalf("it ended with %d", code)
	}
}

// closes closes the window, and waits for the program to end by itself.
func (p *pane) closes() {
	p.t.Helper()
	process := fmt.Sprintf("/proc/%d", p.pid())
	p.tmux("kill-session", "-t", p.name)
	p.stage.await(p.name+": the end of the program", func() bool {
		_, err := os.Stat(process)
		return errors.Is(err, os.ErrNotExist)
	}, func() string { return process })
}

// nowhere fails if a file below the folders holds one of the texts.
func (s *stage) nowhere(texts ...string) {
	s.t.Helper()
	err := filepath.Walk(s.dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, text := range texts {
			if bytes.Contains(b, []byte(text)) {
				s.t.Errorf("%s holds %q", path, text)
			}
		}
		return err
	})
	if err != nil {
		s.t.Error(err)
	}
}
