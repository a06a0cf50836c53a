package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// history is a journal in use, and what it must hold.
type history struct {
	path         string
	j            *Journal
	acknowledged []string
	maybe        []string // of a write that a kill interrupted: all, some or none
	count        int
}

func (h *history) open(t *rapid.T) {
	var records []string
	j, r, err := Open(h.path, secret, func(b []byte) error {
		records = append(records, string(b))
		return nil
	})
	if err != nil || r.Lost() {
		t.Fatalf("opened with %+v, %v", r, err)
	}
	kept := len(records) - len(h.acknowledged)
	if kept < 0 || kept > len(h.maybe) || !slices.Equal(records, slices.Concat(h.acknowledged, h.maybe[:kept])) {
		t.Fatalf("opened with %q; acknowledged were %q, then perhaps %q", records, h.acknowledged, h.maybe)
	}
	h.j, h.acknowledged, h.maybe = j, records, nil
}

// some are a few new records of any size.
func (h *history) some(t *rapid.T) (records [][]byte, texts []string) {
	for range rapid.IntRange(1, 4).Draw(t, "records") {
		h.count++
		text := fmt.Sprint(h.count, strings.Repeat("x", rapid.IntRange(0, 300).Draw(t, "size")))
		records, texts = append(records, []byte(text)), append(texts, text)
	}
	return records, texts
}

func (h *history) append(t *rapid.T) {
	records, texts := h.some(t)
	if err := h.j.Append(records...); err != nil {
		t.Fatal(err)
	}
	h.acknowledged = append(h.acknowledged, texts...)
}

// appendToFullDisk fails, and must leave no trace.
func (h *history) appendToFullDisk(t *rapid.T) {
	records, _ := h.some(t)
	whole := h.j.file
	h.j.file = &faulty{file: whole, short: rapid.Bool().Draw(t, "short"), noSync: true}
	if h.j.Append(records...) == nil {
		t.Fatal("a full disk took something")
	}
	h.j.file = whole
}

// killInAppend lets only a part of a write reach the file.
func (h *history) killInAppend(t *rapid.T) {
	records, texts := h.some(t)
	before, err := os.ReadFile(h.path)
	if err != nil {
		t.Fatal(err)
	}
	tape := &tape{File: h.j.file.(*os.File)}
	h.j.file = tape
	if err := h.j.Append(records...); err != nil {
		t.Fatal(err)
	}
	h.close(t)
	n := rapid.IntRange(0, len(tape.writes)).Draw(t, "writes")
	disk := before
	for i, w := range tape.writes[:n] {
		if i == n-1 {
			w.b = w.b[:rapid.IntRange(0, len(w.b)).Draw(t, "bytes")]
		}
		disk = overwrite(disk, w.b, w.at)
	}
	if err := os.WriteFile(h.path, disk, 0o600); err != nil {
		t.Fatal(err)
	}
	h.maybe = texts
	if n > 1 { // the second write is the mark: the first was on the disk
		h.acknowledged, h.maybe = append(h.acknowledged, texts...), nil
	}
	h.open(t)
}

// rewrite drops every third record.
func (h *history) rewrite(t *rapid.T) {
	var want []string
	i := 0
	err := h.j.Rewrite(func(b []byte) bool {
		keep := i%3 != 2
		if keep {
			want = append(want, string(b))
		}
		i++
		return keep
	})
	if err != nil {
		t.Fatal(err)
	}
	h.acknowledged = want
}

func (h *history) close(t *rapid.T) {
	if err := h.j.Close(); err != nil {
		t.Fatal(err)
	}
}

func (h *history) reopen(t *rapid.T) {
	h.close(t)
	h.open(t)
}

func TestAnyHistoryKeepsWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		h := &history{path: filepath.Join(dir, fmt.Sprint(runs))}
		j, err := Create(h.path, secret, cheap())
		if err != nil {
			t.Fatal(err)
		}
		h.j = j
		steps := []func(*rapid.T){h.append, h.append, h.appendToFullDisk, h.killInAppend, h.rewrite, h.reopen}
		for range rapid.IntRange(1, 8).Draw(t, "steps") {
			rapid.SampledFrom(steps).Draw(t, "step")(t)
		}
		h.reopen(t)
		h.close(t)
		if left, _ := filepath.Glob(h.path + ".*"); len(left) > 0 {
			t.Fatalf("left over: %q", left)
		}
	})
}

// TestAnyDamageIsSaid flips, cuts, doubles or removes any part of a file.
func TestAnyDamageIsSaid(t *testing.T) {
	t.Parallel()
	want := []string{"one", "two", "three", "four", "five"}
	whole := contents(t, create(t, want...))
	path := put(t, nil)
	rapid.Check(t, func(t *rapid.T) {
		b := bytes.Clone(whole)
		for range rapid.IntRange(1, 3).Draw(t, "damages") {
			from := rapid.IntRange(0, len(b)-1).Draw(t, "from")
			to := rapid.IntRange(from+1, len(b)).Draw(t, "to")
			switch rapid.SampledFrom([]string{"flip", "cut", "double", "remove", "zero"}).Draw(t, "damage") {
			case "flip":
				b[from] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
			case "cut":
				b = b[:max(from, 1)]
			case "double":
				b = slices.Insert(b, to, bytes.Clone(b[from:to])...)
			case "remove":
				b = slices.Delete(b, from, min(to, len(b)))
			case "zero":
				clear(b[from:to])
			}
			if len(b) < 2 {
				break
			}
		}
		if bytes.Equal(b, whole) {
			return
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		defer func() {
			list, _ := filepath.Glob(path + ".*")
			for _, name := range list {
				_ = os.Remove(name)
			}
		}()
		records, r, err := try(path)
		if err != nil {
			return // of the head
		}
		if r.String() == "" || !subsequence(records, want) {
			t.Fatalf("records %q, report %+v", records, r)
		}
	})
}

func TestARewriteThatFailsLeavesTheOldFile(t *testing.T) {
	t.Parallel()
	path := create(t, "one", "two")
	j, _, err := Open(path, secret, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	// Something is in the way of the new file.
	if err := os.MkdirAll(filepath.Join(path+".new", "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	if j.Rewrite(func([]byte) bool { return false }) == nil {
		t.Error("it was written anew all the same")
	}
	if err := os.RemoveAll(path + ".new"); err != nil {
		t.Fatal(err)
	}
	add(t, j, "three")
	// Or the old one cannot be read.
	whole := j.file
	j.file = unreadable{whole}
	if err := j.Rewrite(func([]byte) bool { return true }); !errors.Is(err, errFull) {
		t.Errorf("error %v", err)
	}
	j.file = whole
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left over: %q", left)
	}
	add(t, j, "four")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	records, r := read(t, path)
	equal(t, records, "one", "two", "three", "four")
	if r.String() != "" {
		t.Errorf("report %v", r)
	}
}

// unreadable is a file on a disk that fails.
type unreadable struct{ file }

func (unreadable) ReadAt([]byte, int64) (int, error) { return 0, errFull }

func TestAFileThatCannotBePutAsideIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := contents(t, create(t, "one", "two"))
	b[len(b)-1] ^= 1
	dir := filepath.Join(t.TempDir(), strings.Repeat("d", 200))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, strings.Repeat("p", 250)) // no room for ".damaged"
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := try(path); err == nil {
		t.Error("it was mended without a copy")
	}
	if !bytes.Equal(contents(t, path), b) {
		t.Error("the file has changed")
	}
}
