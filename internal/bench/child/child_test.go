//go:build linux

package child

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

const grace = 10 * time.Second

func start(t *testing.T, ctx context.Context, c Command) *Process {
	t.Helper()
	p, err := Start(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(grace) })
	return p
}

func shell(script string) Command { return Command{Path: "/bin/sh", Args: []string{"-c", script}} }

// gone reports whether no process has the id any more, or only a zombie.
func gone(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || strings.Contains(string(b), ") Z ")
}

func TestProcessTalksAndEndsWithItsCode(t *testing.T) {
	t.Parallel()
	c := shell("read x; echo got $x; exit 7")
	c.Talk = true
	p := start(t, t.Context(), c)
	if _, err := p.Code(); !errors.Is(err, ErrRunning) {
		t.Errorf("code before the end: %v", err)
	}
	if _, err := fmt.Fprintln(p.Stdin, "this"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(p.Stdout).ReadString('\n')
	if err != nil || line != "got this\n" {
		t.Errorf("%q, %v", line, err)
	}
	<-p.Done()
	if code, err := p.Code(); code != 7 || err != nil {
		t.Errorf("code %d, %v", code, err)
	}
}

func TestComplaintIsTheEndOfWhatWasSaid(t *testing.T) {
	t.Parallel()
	p := start(t, t.Context(), shell("i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done; echo no luck >&2; exit 1"))
	<-p.Done()
	if got := p.Complaint(); !strings.HasSuffix(got, "no luck)") || len(got) > tailSize+4 {
		t.Errorf("complaint of %d bytes: %s", len(got), got)
	}
	quiet := start(t, t.Context(), shell("exit 0"))
	<-quiet.Done()
	if got := quiet.Complaint(); got != "" {
		t.Errorf("complaint %q of a silent process", got)
	}
}

func TestWholeGroupEndsWithStop(t *testing.T) {
	t.Parallel()
	c := shell("sleep 1000 & echo $!; wait")
	c.Talk = true
	p := start(t, t.Context(), c)
	line, err := bufio.NewReader(p.Stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	grandchild, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	p.Stop(grace)
	if !gone(p.PID()) {
		t.Error("the process itself is still there")
	}
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	late := time.After(grace)
	for !gone(grandchild) {
		select {
		case <-tick.C:
		case <-late:
			t.Fatal("a process of its group is still there")
		}
	}
}

func TestProcessThatIgnoresTheRequestIsKilled(t *testing.T) {
	t.Parallel()
	c := shell("trap '' TERM; echo ready; while :; do sleep 1; done")
	c.Talk = true
	p := start(t, t.Context(), c)
	if _, err := bufio.NewReader(p.Stdout).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	p.Stop(50 * time.Millisecond)
	if code, err := p.Code(); code != -1 || err != nil {
		t.Errorf("code %d, %v", code, err)
	}
}

func TestProcessEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := start(t, ctx, shell("exec sleep 1000"))
	cancel()
	select {
	case <-p.Done():
	case <-time.After(grace):
		t.Fatal("still there")
	}
}

func TestProgramThatIsNotThereIsAnError(t *testing.T) {
	t.Parallel()
	for _, talk := range []bool{false, true} {
		if _, err := Start(t.Context(), Command{Path: "/nowhere/at/all", Talk: talk}); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("talk %v: %v", talk, err)
		}
	}
}

func TestEnvironmentAndFolderReachTheProcess(t *testing.T) {
	t.Parallel()
	c := shell("echo $COLOUR; pwd")
	c.Talk, c.Env, c.Dir = true, []string{"COLOUR=green"}, "/"
	p := start(t, t.Context(), c)
	r := bufio.NewReader(p.Stdout)
	colour, err1 := r.ReadString('\n')
	dir, err2 := r.ReadString('\n')
	if colour != "green\n" || dir != "/\n" || err1 != nil || err2 != nil {
		t.Errorf("%q %q %v %v", colour, dir, err1, err2)
	}
}
