package cli

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with a program on it.
type terminal struct {
	t      *testing.T
	master *os.File
	shown  []byte
}

// on starts a command on a terminal of 80 by 24.
func on(t *testing.T, c *exec.Cmd) *terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	tt := &terminal{t: t, master: os.NewFile(uintptr(fd), "ptmx")}
	t.Cleanup(func() { _ = tt.master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: 80}); err != nil {
		t.Fatal(err)
	}
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	c.Stdin, c.Stdout, c.Stderr = slave, slave, slave
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	_ = slave.Close()
	return tt
}

// await reads until text was shown.
func (tt *terminal) await(text string) {
	tt.t.Helper()
	if err := tt.master.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		tt.t.Fatal(err)
	}
	b := make([]byte, 4096)
	for !bytes.Contains(tt.shown, []byte(text)) {
		n, err := tt.master.Read(b)
		if err != nil {
			tt.t.Fatalf("%q is not shown, %v:\n%q", text, err, tt.shown)
		}
		tt.shown = append(tt.shown, b[:n]...)
	}
}

// drain reads until the program has closed its terminal.
func (tt *terminal) drain() {
	b := make([]byte, 4096)
	for err := error(nil); err == nil; {
		_, err = tt.master.Read(b)
	}
}

func (tt *terminal) types(keys string) {
	tt.t.Helper()
	if _, err := tt.master.WriteString(keys); err != nil {
		tt.t.Fatal(err)
	}
}

func TestExampleOfChatRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	c := w.command(w.adapt("chat")...)
	tt := on(t, c)
	tt.await("Choose a passphrase: ")
	tt.types("correct horse\r")
	tt.await("The same again: ")
	tt.types("correct horse\r")
	tt.await("echo")
	tt.types("hello there\r")
	tt.await("echo:\x1b[m hello there") // its answer
	tt.types("\x03")
	tt.drain()
	if err := c.Wait(); err != nil {
		t.Errorf("ended with %v\n%q", err, tt.shown)
	}
}

func TestChatWithoutATerminalSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.run("", "chat", "blubbel")
	if s.code != failed || s.out != "" || !strings.Contains(s.errors, "terminal") {
		t.Errorf("got %+v", s)
	}
}
