package cli

import (
	"bufio"
	"os"
	"strings"
	"syscall"
	"testing"

	"trunkline/blubbel"
)

func TestStatusIsWatchedUntilInterrupted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.serve()
	c := w.command("status", "--watch")
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	screens := 0
	lines := bufio.NewScanner(out)
	for screens < 2 && lines.Scan() {
		if strings.HasPrefix(lines.Text(), "Trunkline ") {
			screens++
		}
	}
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.Wait(); err != nil || screens != 2 {
		t.Errorf("ended with %v after %d screens", err, screens)
	}
}

func TestServerReadsItsSettingsAgainWhenTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	put(t, []byte("[log]\nlevel = \"warn\"\n"), w.dir, "trunkline.toml")
	s, err := begin(w.command("serve"))
	if err != nil {
		t.Fatal(err)
	}
	put(t, []byte("[blubbel]\nqueu = 1\n"), w.dir, "trunkline.toml")
	for _, want := range []string{"DATA-005", "no findings"} {
		if err := s.command.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		for last := ""; !strings.Contains(last, want); {
			last = w.run("", "status").out
		}
		put(t, []byte("[log]\nlevel = \"info\"\n"), w.dir, "trunkline.toml")
	}
	if s := w.run("", "stop"); s.code != done {
		t.Errorf("stop: %+v", s)
	}
	if err := s.end(); err != nil {
		t.Errorf("ended with %v", err)
	}
	if log := s.log.String(); !strings.Contains(log, "level=INFO msg=stopping") {
		t.Errorf("the new level does not hold:\n%s", log)
	}
}

func TestOnlyOneOfManyMakesAKeyFile(t *testing.T) {
	t.Parallel()
	file := t.TempDir() + "/me.pem"
	type result struct {
		address string
		made    bool
	}
	results := make(chan result, 8)
	for range cap(results) {
		go func() {
			key, made, err := OpenKey(file, blubbel.Raw)
			if err != nil {
				results <- result{address: err.Error()}
				return
			}
			results <- result{key.Public().String(), made}
		}()
	}
	made := 0
	for range cap(results) {
		r := <-results
		if r.made {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d of them made the key", made)
	}
	key, again, err := OpenKey(file, blubbel.DER)
	if err != nil || again || key.Public().Form() != blubbel.Raw {
		t.Errorf("afterwards: %v, %v, %v", key, again, err)
	}
}
