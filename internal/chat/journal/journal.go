package journal

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// Errors of Create and Open.
var (
	// ErrForeign means that the file is no journal.
	ErrForeign = errors.New("not an encrypted journal")
	// ErrHead means that the head of the file is damaged: no passphrase opens it.
	ErrHead = errors.New("head of the file is damaged")
	// ErrPassphrase means that the passphrase is wrong.
	ErrPassphrase = errors.New("wrong passphrase")
	// ErrInUse means that another process has the file open.
	ErrInUse = errors.New("in use by another program")
	// ErrTooLarge means that a record is larger than [MaxRecord].
	ErrTooLarge = errors.New("record is too large")
)

var errClosed = errors.New("journal is closed")

// file is what a Journal needs of an *os.File.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// A Journal is an open file. It is used by one goroutine at a time.
type Journal struct {
	*sealer
	path   string
	file   file
	head   []byte
	mark   mark // of what is on the disk
	place  int  // of the mark that is written next
	broken error
}

// Create makes a journal without records. The file appears whole or not at all;
// one that exists is an error that wraps fs.ErrExist.
func Create(path string, passphrase []byte, c Cost) (*Journal, error) {
	if _, err := os.Lstat(path); err == nil {
		return nil, fmt.Errorf("make %s: %w", path, os.ErrExist)
	}
	head, s, err := newHead(passphrase, c)
	if err != nil {
		return nil, err
	}
	j := &Journal{sealer: s, path: path, head: head}
	if err := j.replace(func(*Journal) error { return nil }); err != nil {
		return nil, err
	}
	return j, nil
}

// Open opens the journal at path and gives its records to take, oldest first;
// take must not keep them. What is wrong with the file stands in the report: the
// end of a write that did not finish is cut off; a damaged file is kept beside
// and written anew with what is whole. An error changes nothing: it wraps
// [ErrForeign], [ErrHead], [ErrPassphrase], [ErrInUse], what the system says, or
// is that of take.
func Open(path string, passphrase []byte, take func(record []byte) error) (*Journal, Report, error) {
	var r Report
	f, err := openLocked(path)
	if err != nil {
		return nil, r, err
	}
	j := &Journal{path: path, file: f}
	if err := j.load(f, passphrase, take, &r); err != nil {
		_ = f.Close()
		return nil, r, err
	}
	if err := j.mend(&r); err != nil {
		_ = j.file.Close()
		return nil, r, err
	}
	return j, r, nil
}

// load reads the file.
func (j *Journal) load(f *os.File, passphrase []byte, take func([]byte) error, r *Report) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	b := make([]byte, min(info.Size(), int64(logStart)))
	if _, err := f.ReadAt(b, 0); err != nil {
		return err
	}
	if j.sealer, err = parseHead(b, passphrase); err != nil {
		return err
	}
	j.head = b[:headSize]
	known, place, whole := mark{}, 0, 0
	if len(b) == logStart {
		known, place, whole = j.newestMark(b[headSize:])
	}
	r.Remade = whole == marks-1
	if r.Unknown = whole == 0; r.Unknown {
		known.end = max(info.Size(), int64(logStart))
	}
	s := &scanner{sealer: j.sealer, from: f, size: max(info.Size(), int64(logStart)), at: int64(logStart)}
	if err := s.scan(known, r, take); err != nil {
		return err
	}
	j.mark = mark{records: s.frames, end: s.at, last: s.last}
	j.place = (place + 1) % marks
	return nil
}

// mend makes the file what the report says that it is.
func (j *Journal) mend(r *Report) error {
	if r.Lost() {
		aside, err := j.setAside()
		if err != nil {
			return err
		}
		r.Aside = aside
		return j.Rewrite(func([]byte) bool { return true })
	}
	if r.Torn == 0 && !r.Remade {
		return nil
	}
	if err := j.file.Truncate(j.mark.end); err != nil {
		return err
	}
	for range marks {
		j.writeMark()
	}
	return j.file.Sync()
}

// setAside copies the file to a name that is free.
func (j *Journal) setAside() (string, error) {
	name := j.path + ".damaged"
	to, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	for n := 2; errors.Is(err, os.ErrExist) && n < 1000; n++ {
		name = j.path + ".damaged" + strconv.Itoa(n)
		to, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	}
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, io.NewSectionReader(j.file, 0, 1<<62))
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
		_ = os.Remove(name)
		return "", err
	}
	return name, nil
}

// Append adds records. They are on the disk when it returns; after an error the
// journal is as it was before, and Append may be tried again.
func (j *Journal) Append(records ...[]byte) error {
	if j.broken != nil {
		return j.broken
	}
	next := j.mark
	var b []byte
	for _, r := range records {
		if len(r) > MaxRecord {
			return ErrTooLarge
		}
		n := newNonce()
		b = j.appendFrame(b, next.last, n, r)
		next.last = n
		next.records++
	}
	next.end += int64(len(b))
	_, err := j.file.WriteAt(b, j.mark.end)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		if terr := j.file.Truncate(j.mark.end); terr != nil {
			j.broken = errors.Join(err, terr)
		}
		return err
	}
	j.mark = next
	j.writeMark()
	return nil
}

// writeMark writes the mark of what is on the disk already. Failing does no harm:
// the mark before it still holds.
func (j *Journal) writeMark() {
	at := int64(headSize + j.place*markSize)
	if _, err := j.file.WriteAt(j.sealMark(j.place, j.mark), at); err == nil {
		j.place = (j.place + 1) % marks
	}
}

// Rewrite replaces the file by one with the records that keep wants, under the
// same passphrase. The old file stays until the new one is whole.
func (j *Journal) Rewrite(keep func(record []byte) bool) error {
	if j.broken != nil {
		return j.broken
	}
	s := &scanner{sealer: j.sealer, from: j.file, size: j.mark.end, at: int64(logStart)}
	return j.replace(func(to *Journal) error {
		return s.scan(j.mark, new(Report), func(record []byte) error {
			if !keep(record) {
				return nil
			}
			return to.Append(record)
		})
	})
}

// replace makes a new file with what fill appends, and puts it in the place of
// the one at j.path, which it closes.
func (j *Journal) replace(fill func(to *Journal) error) error {
	name := j.path + ".new"
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	to := &Journal{sealer: j.sealer, path: j.path, file: &lazy{f}, head: j.head, mark: mark{end: int64(logStart)}}
	if err := to.write(f, fill); err != nil {
		_ = f.Close()
		_ = os.Remove(name)
		return err
	}
	if to.file, err = j.install(f); err != nil {
		_ = os.Remove(name)
		return err
	}
	syncFolder(filepath.Dir(j.path))
	*j = *to
	return nil
}

// write fills a new file and brings it to the disk.
func (j *Journal) write(f *os.File, fill func(to *Journal) error) error {
	if err := lockFile(f); err != nil {
		return err
	}
	if _, err := f.WriteAt(j.head, 0); err != nil {
		return err
	}
	if err := fill(j); err != nil {
		return err
	}
	for range marks {
		j.writeMark()
	}
	return f.Sync()
}

// syncFolder brings a rename to the disk where the system can do that.
func syncFolder(path string) {
	if d, err := os.Open(path); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

// lazy is a file that is brought to the disk once, at the end.
type lazy struct{ *os.File }

// Sync does nothing.
func (*lazy) Sync() error { return nil }

// Close closes the file.
func (j *Journal) Close() error {
	if j.broken == errClosed {
		return nil
	}
	j.broken = errClosed
	return errors.Join(j.file.Sync(), j.file.Close())
}

// openLocked opens a file for this process alone.
func openLocked(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			return nil, err
		}
		if err := lockFile(f); err != nil {
			_ = f.Close()
			return nil, ErrInUse
		}
		// Rewrite may have put another file in its place meanwhile.
		if same(f, path) {
			return f, nil
		}
		_ = f.Close()
	}
}

func same(f *os.File, path string) bool {
	a, err := f.Stat()
	if err != nil {
		return true
	}
	b, err := os.Stat(path)
	return err != nil || os.SameFile(a, b)
}
