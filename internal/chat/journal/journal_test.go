package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// cheap keeps the tests fast; the cost of a passphrase is tried once.
func cheap() Cost { return Cost{Passes: 1, Memory: 8, Lanes: 1} }

var secret = []byte("open sesame")

// create makes a journal with these records and closes it.
func create(t testing.TB, records ...string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "profile")
	j, err := Create(path, secret, cheap())
	if err != nil {
		t.Fatal(err)
	}
	add(t, j, records...)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

func add(t testing.TB, j *Journal, records ...string) {
	t.Helper()
	for _, r := range records {
		if err := j.Append([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
}

// read opens a journal and returns what it holds.
func read(t testing.TB, path string) ([]string, Report) {
	t.Helper()
	records, r, err := try(path)
	if err != nil {
		t.Fatal(err)
	}
	return records, r
}

func try(path string) (records []string, r Report, err error) {
	j, r, err := Open(path, secret, func(b []byte) error {
		records = append(records, string(b))
		return nil
	})
	if err != nil {
		return nil, r, err
	}
	return records, r, j.Close()
}

// offsets returns the offsets of the records of a whole file, and its end.
func offsets(t testing.TB, b []byte) []int {
	t.Helper()
	var list []int
	at := logStart
	for at < len(b) {
		list = append(list, at)
		at += sizeSize + int(binary.BigEndian.Uint32(b[at:]))
	}
	if at != len(b) {
		t.Fatalf("records end at %d of %d", at, len(b))
	}
	return append(list, at)
}

func contents(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t testing.TB, b []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "profile")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func equal(t testing.TB, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Fatalf("got records %q, want %q", got, want)
	}
}

func TestRecordsComeBackInOrder(t *testing.T) {
	t.Parallel()
	path := create(t, "one", "", "three")
	j, r, err := Open(path, secret, func([]byte) error { return nil })
	if err != nil || r.String() != "" || r.Records != 3 {
		t.Fatalf("opened with report %+v, error %v", r, err)
	}
	if err := j.Append([]byte("four"), []byte("five")); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	records, r := read(t, path)
	equal(t, records, "one", "", "three", "four", "five")
	if r.String() != "" {
		t.Errorf("report %v", r)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v", info.Mode())
	}
}

func TestNothingCanBeReadWithoutThePassphrase(t *testing.T) {
	t.Parallel()
	path := create(t, "attack at dawn")
	if b := contents(t, path); bytes.Contains(b, []byte("attack")) {
		t.Error("the file holds the text")
	}
}

func TestAWrongPassphraseChangesNothing(t *testing.T) {
	t.Parallel()
	path := create(t, "one")
	// A write that did not finish would be cut off, were the passphrase right.
	before := append(contents(t, path), 0, 0, 0)
	path = put(t, before)
	_, _, err := Open(path, []byte("open sesam"), func([]byte) error { t.Error("gave a record"); return nil })
	if !errors.Is(err, ErrPassphrase) {
		t.Errorf("error is %v", err)
	}
	if !bytes.Equal(contents(t, path), before) {
		t.Error("the file has changed")
	}
}

func TestOnlyOneProgramHasAJournal(t *testing.T) {
	t.Parallel()
	path := create(t, "one")
	j, _, err := Open(path, secret, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := try(path); !errors.Is(err, ErrInUse) {
		t.Errorf("the second one gets %v", err)
	}
	if err := j.Rewrite(func([]byte) bool { return true }); err != nil {
		t.Fatal(err)
	}
	if _, _, err := try(path); !errors.Is(err, ErrInUse) {
		t.Errorf("after it was written anew, the second one gets %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := try(path); err != nil {
		t.Errorf("after Close: %v", err)
	}
}

func TestAnExistingFileIsNotOverwritten(t *testing.T) {
	t.Parallel()
	path := put(t, []byte("mine"))
	if _, err := Create(path, secret, cheap()); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error is %v", err)
	}
	if got := string(contents(t, path)); got != "mine" {
		t.Errorf("the file holds %q now", got)
	}
}

func TestWhatIsNoJournalIsNamed(t *testing.T) {
	t.Parallel()
	good := contents(t, create(t, "one"))
	costly := bytes.Clone(good)
	costly[len(magic)+4] = 0xff
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"empty":               {nil, ErrForeign},
		"a key file":          {[]byte("-----BEGIN PRIVATE KEY-----\n"), ErrForeign},
		"end in the magic":    {good[:5], ErrForeign},
		"end in the head":     {good[:headSize-1], ErrHead},
		"a cost of 4 TiB":     {costly, ErrHead},
		"the magic and noise": {append([]byte(magic), make([]byte, 500)...), ErrHead},
	} {
		path := put(t, c.b)
		if _, _, err := try(path); !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want %v", name, err, c.want)
		}
		if !bytes.Equal(contents(t, path), c.b) {
			t.Errorf("%s: the file has changed", name)
		}
	}
	if _, _, err := try(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestACostOutOfBoundsIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []Cost{{}, {1, 8, 0}, {1, 7, 1}, {17, 8, 1}, {1, 8, 5}, {1, 256<<10 + 1, 1}} {
		if _, err := Create(filepath.Join(t.TempDir(), "p"), secret, c); !errors.Is(err, ErrHead) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestTheUsualCostOpensToo(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "p")
	j, err := Create(path, secret, DefaultCost())
	if err != nil {
		t.Fatal(err)
	}
	add(t, j, "one")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	records, _ := read(t, path)
	equal(t, records, "one")
}

func TestARecordThatIsTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	path := create(t)
	j, _, err := Open(path, secret, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append([]byte("good"), make([]byte, MaxRecord+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("error is %v", err)
	}
	if err := j.Append(make([]byte, MaxRecord)); err != nil {
		t.Errorf("the largest: %v", err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if records, _ := read(t, path); len(records) != 1 || len(records[0]) != MaxRecord {
		t.Errorf("%d records", len(records))
	}
}

func TestAnErrorOfTheReaderChangesNothing(t *testing.T) {
	t.Parallel()
	before := append(contents(t, create(t, "one", "two")), 1, 2, 3)
	path := put(t, before)
	want := errors.New("from a newer version")
	if _, _, err := Open(path, secret, func([]byte) error { return want }); !errors.Is(err, want) {
		t.Errorf("error is %v", err)
	}
	if !bytes.Equal(contents(t, path), before) {
		t.Error("the file has changed")
	}
}

func TestWritingAnewKeepsWhatIsWanted(t *testing.T) {
	t.Parallel()
	path := create(t, "keep 1", "drop 1", "keep 2", "drop 2")
	if err := os.WriteFile(path+".new", []byte("left by a kill"), 0o600); err != nil {
		t.Fatal(err)
	}
	j, _, err := Open(path, secret, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Rewrite(func(b []byte) bool { return strings.HasPrefix(string(b), "keep") }); err != nil {
		t.Fatal(err)
	}
	add(t, j, "keep 3")
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	records, r := read(t, path)
	equal(t, records, "keep 1", "keep 2", "keep 3")
	if r.String() != "" {
		t.Errorf("report: %v", r)
	}
	if left, _ := filepath.Glob(path + ".*"); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestAClosedJournalTakesNothing(t *testing.T) {
	t.Parallel()
	path := create(t, "one")
	j, _, err := Open(path, secret, func([]byte) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(j.Close(), j.Close()); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	if j.Append([]byte("two")) == nil || j.Rewrite(func([]byte) bool { return true }) == nil {
		t.Error("it took something")
	}
	records, _ := read(t, path)
	equal(t, records, "one")
}

func TestAReportIsWordedForPeople(t *testing.T) {
	t.Parallel()
	r := Report{Records: 5, Torn: 3, Damage: []Span{{300, 40}}, Damaged: 2, Missing: 1, Aside: "p.damaged"}
	want := "the last write did not finish: 3 bytes behind the last whole record were cut off. " +
		"40 bytes at byte 300 are damaged. 1 more places are damaged. records that were stored are missing: 1. " +
		"5 records are whole. The file as it was is kept as p.damaged."
	if got := r.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := fmt.Sprint(Report{Remade: true}, Report{Unknown: true}); !strings.Contains(got, "made anew") || !strings.Contains(got, "both marks") {
		t.Error(got)
	}
}
