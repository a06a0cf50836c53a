package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxRecord is the size of the largest record, in bytes.
const MaxRecord = 8 << 20

const (
	sizeSize   = 4
	maxSpans   = 16
	leastFrame = sizeSize + nonceSize + tagSize
)

// A Span is a part of a file, in bytes.
type Span struct{ At, Size int64 }

// A Report says what [Open] found. The zero Report, but for Records, means that
// everything is as it was left.
type Report struct {
	Records int    // that are whole
	Torn    int64  // bytes of a write that did not finish; they were cut off
	Damage  []Span // what was acknowledged and does not open; at most 16 are listed
	Damaged int    // how many there are
	Missing uint64 // acknowledged records that are not there any more
	Remade  bool   // one of the two marks was damaged, or half written
	Unknown bool   // both were: how far the file was acknowledged is not known
	Aside   string // where the damaged file is kept as it was
}

// Lost reports whether something that was acknowledged may be lost. The journal
// was written anew then, without what is damaged.
func (r Report) Lost() bool { return r.Damaged > 0 || r.Missing > 0 || r.Unknown }

// String is what a person should know, empty for nothing.
func (r Report) String() string {
	var s string
	if r.Torn > 0 {
		s += fmt.Sprintf("the last write did not finish: %d bytes behind the last whole record were cut off. ", r.Torn)
	}
	if r.Remade {
		s += "one of the two marks of the file's end was damaged and is made anew. "
	}
	if r.Unknown {
		s += "both marks of the file's end are damaged: records may be missing at the end. "
	}
	for _, d := range r.Damage {
		s += fmt.Sprintf("%d bytes at byte %d are damaged. ", d.Size, d.At)
	}
	if n := r.Damaged - len(r.Damage); n > 0 {
		s += fmt.Sprintf("%d more places are damaged. ", n)
	}
	if r.Missing > 0 {
		s += fmt.Sprintf("records that were stored are missing: %d. ", r.Missing)
	}
	if r.Lost() {
		s += fmt.Sprintf("%d records are whole. ", r.Records)
	}
	if r.Aside != "" {
		s += "The file as it was is kept as " + r.Aside + ". "
	}
	if s != "" {
		s = s[:len(s)-1]
	}
	return s
}

func (r *Report) damage(at, size int64) {
	r.Damaged++
	if n := len(r.Damage); n > 0 && r.Damage[n-1].At+r.Damage[n-1].Size == at {
		r.Damage[n-1].Size += size
		r.Damaged--
		return
	}
	if len(r.Damage) < maxSpans {
		r.Damage = append(r.Damage, Span{at, size})
	}
}

// appendFrame seals a record that follows the one with the nonce last.
func (s *sealer) appendFrame(b []byte, last, n nonce, record []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(nonceSize+len(record)+tagSize))
	return s.seal(b, n, record, s.bind(domainRecord, last[:]))
}

// scanner reads the records of a file from the beginning.
type scanner struct {
	*sealer
	from   io.ReaderAt
	size   int64 // of the file
	at     int64
	last   nonce
	frames uint64 // whole or not
	passed bool   // the end that the mark knows
	buf    []byte
}

// next returns the frame that follows without its size, valid until the next
// call. The error is errShort where no whole frame follows.
func (s *scanner) next() ([]byte, error) {
	var head [sizeSize]byte
	if s.size-s.at < leastFrame {
		return nil, errShort
	}
	if _, err := s.from.ReadAt(head[:], s.at); err != nil {
		return nil, err
	}
	n := int64(binary.BigEndian.Uint32(head[:]))
	if n < nonceSize+tagSize || n > nonceSize+MaxRecord+tagSize || n > s.size-s.at-sizeSize {
		return nil, errShort
	}
	if int64(cap(s.buf)) < n {
		s.buf = make([]byte, n)
	}
	s.buf = s.buf[:n]
	_, err := s.from.ReadAt(s.buf, s.at+sizeSize)
	return s.buf, err
}

// take opens the frame that next returned; ok is false if it does not open.
func (s *scanner) take(frame []byte) (record []byte, ok bool) {
	record, err := s.open(frame, s.bind(domainRecord, s.last[:]))
	return record, err == nil
}

// pass goes on behind the frame.
func (s *scanner) pass(frame []byte) {
	copy(s.last[:], frame)
	s.at += sizeSize + int64(len(frame))
	s.frames++
}

// scan gives every record that is whole to take, and reports what is wrong. The
// scanner then stands where the file should end. known is what the newest mark
// says; its end is the file's own where both marks are damaged.
func (s *scanner) scan(known mark, r *Report, take func(record []byte) error) error {
	for {
		s.compare(known, r)
		frame, err := s.next()
		if err != nil && !errors.Is(err, errShort) {
			return err
		}
		var record []byte
		ok := false
		if err == nil {
			record, ok = s.take(frame)
		}
		switch {
		case !ok && s.at >= known.end:
			r.Torn = s.size - s.at
			return nil
		case err != nil:
			s.short(known, r)
			return nil
		case !ok:
			r.damage(s.at, sizeSize+int64(len(frame)))
		default:
			r.Records++
			if err := take(record); err != nil {
				return err
			}
		}
		s.pass(frame)
	}
}

// short notes that the file has no whole frame where it should have one.
func (s *scanner) short(known mark, r *Report) {
	if s.size > s.at {
		r.damage(s.at, s.size-s.at)
	}
	if known.records > s.frames {
		r.Missing = known.records - s.frames
	}
	if r.Damaged == 0 && r.Missing == 0 {
		r.damage(s.at, 0)
	}
}

// compare holds what was read against what the mark says, once it was read as
// far as that.
func (s *scanner) compare(known mark, r *Report) {
	if s.passed || s.at < known.end || r.Unknown {
		return
	}
	s.passed = true
	if known.records > s.frames {
		r.Missing = known.records - s.frames
	}
	if r.Damaged == 0 && (known.records != s.frames || known.last != s.last) {
		r.damage(s.at, 0)
	}
}
