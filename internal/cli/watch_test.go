package cli

import (
	"bufio"
	"os"
	"path/filepath"
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

func TestFirstStartShowsWhatToTypeNext(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for folder, want := range map[string][]string{
		"": {
			"first start, nothing found in trunkline-data", "  made    trunkline-data                only you can read it",
			"talk    trunkline chat echo", "stuck?  trunkline doctor",
		},
		filepath.Join(w.dir, "deep", "er"): {"talk    trunkline chat echo --data deep/er", "stuck?  trunkline doctor --data deep/er"},
		filepath.Join(t.TempDir(), "far"):  {"nothing found in /", "talk    trunkline chat echo --data /"},
	} {
		args := []string{"serve", "--no-self-check"}
		data := w.data
		if folder != "" {
			args, data = append(args, "--data", folder), folder
			prepare(t, data)
		}
		if err := os.Remove(filepath.Join(data, "run")); err != nil {
			t.Fatal(err)
		}
		s, err := begin(w.command(args...))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.command.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		if err := s.end(); err != nil {
			t.Errorf("ended with %v", err)
		}
		screen := strings.Join(s.out, "\n") + "\n"
		for _, line := range want {
			end := "\n"
			if strings.HasSuffix(line, "/") {
				end = ""
			}
			if !strings.Contains(screen, line+end) {
				t.Errorf("%s: the screen lacks %q:\n%s", folder, line, screen)
			}
		}
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
