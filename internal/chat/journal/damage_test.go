package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// subsequence reports whether got is some of want, in its order.
func subsequence(got, want []string) bool {
	for _, g := range got {
		i := slices.Index(want, g)
		if i < 0 {
			return false
		}
		want = want[i+1:]
	}
	return true
}

func TestAFileCutAtAnyByteIsNoticed(t *testing.T) {
	t.Parallel()
	want := []string{"one", "two", "three"}
	whole := contents(t, create(t, want...))
	ends := offsets(t, whole)[1:]
	for n := range len(whole) {
		path := put(t, whole[:n])
		records, r, err := try(path)
		if n < headSize {
			if err == nil {
				t.Fatalf("cut at %d: opened", n)
			}
			continue
		}
		if err != nil {
			t.Fatalf("cut at %d: %v", n, err)
		}
		kept := 0
		for _, end := range ends {
			if end <= n {
				kept++
			}
		}
		if !slices.Equal(records, want[:kept]) {
			t.Fatalf("cut at %d: records %q, want %d of them", n, records, kept)
		}
		if !r.Lost() || r.Aside == "" || !bytes.Equal(contents(t, r.Aside), whole[:n]) {
			t.Fatalf("cut at %d: report %+v", n, r)
		}
		if n >= logStart && r.Missing != uint64(len(want)-kept) {
			t.Fatalf("cut at %d: %d missing, want %d", n, r.Missing, len(want)-kept)
		}
		if n%8 > 0 {
			continue
		}
		if again, r := read(t, path); !slices.Equal(again, records) || r.String() != "" {
			t.Fatalf("cut at %d: the second time %q, %v", n, again, r)
		}
	}
}

func TestAnyFlippedByteIsNoticed(t *testing.T) {
	t.Parallel()
	want := []string{"one", "two", "three", "four"}
	whole := contents(t, create(t, want...))
	starts := offsets(t, whole)
	for n := range whole {
		flipped := bytes.Clone(whole)
		flipped[n] ^= 0x10
		records, r, err := try(put(t, flipped))
		switch {
		case n < headSize:
			if !errors.Is(err, ErrHead) && !errors.Is(err, ErrForeign) {
				t.Fatalf("byte %d of the head: %v", n, err)
			}
			continue
		case err != nil:
			t.Fatalf("byte %d: %v", n, err)
		case n < logStart:
			if !r.Remade || r.Lost() || !slices.Equal(records, want) {
				t.Fatalf("byte %d of the marks: %q, %+v", n, records, r)
			}
			continue
		}
		if !r.Lost() || r.Damaged == 0 || r.Aside == "" {
			t.Fatalf("byte %d: report %+v", n, r)
		}
		if !subsequence(records, want) || len(records) == len(want) {
			t.Fatalf("byte %d: records %q", n, records)
		}
		in := 0
		for starts[in+1] <= n {
			in++
		}
		// Damage takes its own record, in a nonce the next one too; in a size
		// what follows.
		if least := len(want) - 2; n-starts[in] >= sizeSize && len(records) < least {
			t.Fatalf("byte %d: only %q are left", n, records)
		}
		if !slices.Equal(records[:min(in, len(records))], want[:in]) {
			t.Fatalf("byte %d: %q before it", n, records)
		}
	}
}

func TestBothMarksDamagedIsSaid(t *testing.T) {
	t.Parallel()
	b := contents(t, create(t, "one", "two"))
	b[headSize] ^= 1
	b[headSize+markSize] ^= 1
	records, r := read(t, put(t, b))
	equal(t, records, "one", "two")
	if !r.Unknown || !r.Lost() || r.Aside == "" {
		t.Errorf("report %+v", r)
	}
}

func TestRecordsThatMovedAreNotShown(t *testing.T) {
	t.Parallel()
	whole := contents(t, create(t, "aa", "bb", "cc", "dd", "ee"))
	at := offsets(t, whole)
	part := func(i int) []byte { return whole[at[i]:at[i+1]] }
	for name, c := range map[string]struct {
		order []int
		want  []string
	}{
		"swapped":         {[]int{0, 2, 1, 3, 4}, []string{"aa", "ee"}},
		"twice":           {[]int{0, 1, 1, 2, 3, 4}, []string{"aa", "bb", "cc", "dd", "ee"}},
		"taken out":       {[]int{0, 2, 3, 4}, []string{"aa", "dd", "ee"}},
		"the last twice":  {[]int{0, 1, 2, 3, 4, 4}, []string{"aa", "bb", "cc", "dd", "ee"}},
		"the last gone":   {[]int{0, 1, 2, 3}, []string{"aa", "bb", "cc", "dd"}},
		"the first gone":  {[]int{1, 2, 3, 4}, []string{"cc", "dd", "ee"}},
		"reversed":        {[]int{4, 3, 2, 1, 0}, nil},
		"all gone":        {nil, nil},
		"one and nothing": {[]int{0}, []string{"aa"}},
	} {
		b := bytes.Clone(whole[:logStart])
		for _, i := range c.order {
			b = append(b, part(i)...)
		}
		records, r := read(t, put(t, b))
		if !slices.Equal(records, c.want) {
			t.Errorf("%s: records %q, want %q", name, records, c.want)
		}
		if r.String() == "" {
			t.Errorf("%s: nothing was said", name)
		}
	}
}

// TestRecordsOfAnotherCourseAreNotShown takes records from a file that went
// another way after it was copied: same key, same place.
func TestRecordsOfAnotherCourseAreNotShown(t *testing.T) {
	t.Parallel()
	start := contents(t, create(t, "start"))
	course := func(records ...string) []byte {
		path := put(t, start)
		j, _, err := Open(path, secret, func([]byte) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		add(t, j, records...)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		return contents(t, path)
	}
	ours, other := course("a1", "a2"), course("b1", "b2")
	at := offsets(t, ours)
	mixed := append(bytes.Clone(ours[:at[2]]), other[at[2]:]...)
	records, r := read(t, put(t, mixed))
	equal(t, records, "start", "a1")
	if r.Damaged != 1 {
		t.Errorf("report %+v", r)
	}
}

// tape is a file that remembers what was written to it.
type tape struct {
	*os.File
	writes []write
}

type write struct {
	b    []byte
	at   int64
	size int // of acknowledged records after it; -1: unknown
}

func (f *tape) WriteAt(b []byte, at int64) (int, error) {
	f.writes = append(f.writes, write{b: bytes.Clone(b), at: at, size: -1})
	return f.File.WriteAt(b, at)
}

// TestAKillAtAnyByteOfAnyWriteLosesNothingAcknowledged plays back the writes of a
// session up to every byte.
func TestAKillAtAnyByteOfAnyWriteLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	t.Run("a new file", func(t *testing.T) { killAnywhere(t) })
	t.Run("a file in use", func(t *testing.T) { killAnywhere(t, "zero") })
}

func killAnywhere(t *testing.T, want ...string) {
	t.Parallel()
	path := create(t, want...)
	before := contents(t, path)
	j, _, err := Open(path, secret, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	tape := &tape{File: j.file.(*os.File)}
	j.file = tape
	first := len(want)
	for n := range first + 1 {
		a, b := fmt.Sprintf("a%d", n), fmt.Sprintf("b%d", n)
		if err := j.Append([]byte(a), []byte(b)); err != nil {
			t.Fatal(err)
		}
		tape.writes[len(tape.writes)-2].size = len(want) + 2 // its fsync acknowledged it
		want = append(want, a, b)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	disk, acknowledged := before, first
	for i, w := range tape.writes {
		for n := range len(w.b) + 1 {
			killed := overwrite(disk, w.b[:n], w.at)
			records, r, err := try(put(t, killed))
			if err != nil || r.Lost() {
				t.Fatalf("killed at byte %d of write %d: %+v, %v", n, i, r, err)
			}
			if len(records) < acknowledged || !slices.Equal(records, want[:len(records)]) {
				t.Fatalf("killed at byte %d of write %d: %q, of which %d were acknowledged", n, i, records, acknowledged)
			}
		}
		disk = overwrite(disk, w.b, w.at)
		acknowledged = max(acknowledged, w.size)
	}
}

func overwrite(disk, b []byte, at int64) []byte {
	disk = bytes.Clone(disk)
	if short := int(at) + len(b) - len(disk); short > 0 {
		disk = append(disk, make([]byte, short)...)
	}
	copy(disk[at:], b)
	return disk
}

func TestAWriteThatDidNotFinishIsCutOffAndSaid(t *testing.T) {
	t.Parallel()
	b := append(contents(t, create(t, "one")), 0, 0, 0, 99, 1, 2)
	path := put(t, b)
	records, r := read(t, path)
	equal(t, records, "one")
	if r.Torn != 6 || r.Lost() {
		t.Errorf("report %+v", r)
	}
	if got := len(contents(t, path)); got != len(b)-6 {
		t.Errorf("%d bytes are left of %d", got, len(b))
	}
}

// faulty is a file whose operations fail when told.
type faulty struct {
	file
	short, noSync, noTruncate bool
}

var errFull = errors.New("no space left on device")

func (f *faulty) WriteAt(b []byte, at int64) (int, error) {
	if f.short {
		n, _ := f.file.WriteAt(b[:len(b)/2], at)
		return n, errFull
	}
	return f.file.WriteAt(b, at)
}

func (f *faulty) Sync() error {
	if f.noSync {
		return io.ErrUnexpectedEOF
	}
	return f.file.Sync()
}

func (f *faulty) Truncate(n int64) error {
	if f.noTruncate {
		return errFull
	}
	return f.file.Truncate(n)
}

func TestAnAppendThatFailsMayBeTriedAgain(t *testing.T) {
	t.Parallel()
	path := create(t, "one")
	j, _, err := Open(path, secret, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{file: j.file, short: true}
	j.file = f
	if err := j.Append([]byte("two")); !errors.Is(err, errFull) {
		t.Errorf("disk full: %v", err)
	}
	f.short, f.noSync = false, true
	if err := j.Append([]byte("two")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("no sync: %v", err)
	}
	f.noSync = false
	add(t, j, "two", "three")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	records, r := read(t, path)
	equal(t, records, "one", "two", "three")
	if r.String() != "" {
		t.Errorf("report %v", r)
	}
}

func TestAJournalThatCannotGoBackTakesNothingMore(t *testing.T) {
	t.Parallel()
	path := create(t, "one")
	j, _, err := Open(path, secret, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	f := &faulty{file: j.file, short: true, noTruncate: true}
	j.file = f
	if err := j.Append([]byte("two")); !errors.Is(err, errFull) {
		t.Errorf("disk full: %v", err)
	}
	f.short = false
	if err := j.Append([]byte("three")); err == nil {
		t.Error("it took a record behind half a one")
	}
	_ = j.Close()
	records, r := read(t, path)
	equal(t, records, "one")
	if r.Torn == 0 || r.Lost() {
		t.Errorf("report %+v", r)
	}
}

func TestDamagedFilesAreKeptApart(t *testing.T) {
	t.Parallel()
	whole := contents(t, create(t, "one", "two"))
	path := put(t, nil)
	for n := range 3 {
		flipped := bytes.Clone(whole)
		flipped[len(whole)-1-n] ^= 1
		if err := os.WriteFile(path, flipped, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, r := read(t, path); !bytes.Equal(contents(t, r.Aside), flipped) {
			t.Errorf("time %d: %s is another file", n, r.Aside)
		}
	}
	if list, _ := filepath.Glob(path + ".damaged*"); len(list) != 3 {
		t.Errorf("kept: %q", list)
	}
}

// FuzzOpen checks that no file makes Open fail otherwise than with an error, or
// give records that were never stored.
func FuzzOpen(f *testing.F) {
	want := []string{"one", "two", "three"}
	whole := contents(f, create(f, want...))
	f.Add(whole, uint16(0), []byte{})
	f.Add(whole[:len(whole)-10], uint16(300), []byte{0, 0, 1})
	f.Add(whole, uint16(headSize), bytes.Repeat([]byte{0}, 200))
	f.Add([]byte(magic), uint16(0), []byte{})
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte, at uint16, patch []byte) {
		if len(b) > 1<<16 {
			return
		}
		b = overwrite(b, patch, int64(at))
		path := filepath.Join(dir, fmt.Sprint(os.Getpid()))
		defer func() {
			list, _ := filepath.Glob(path + "*")
			for _, name := range list {
				_ = os.Remove(name)
			}
		}()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		records, r, err := try(path)
		if err != nil {
			return
		}
		if !subsequence(records, want) {
			t.Fatalf("records %q", records)
		}
		if len(records) < len(want) && r.String() == "" {
			t.Fatalf("%q are left and nothing is said: %+v", records, r)
		}
	})
}
