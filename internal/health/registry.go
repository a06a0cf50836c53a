package health

import (
	"slices"
	"sync"
	"time"
)

// Bounds of a Registry.
const (
	MaxFindings = 512 // findings held at once
	MaxPerCode  = 32  // of them with one code
)

// A Registry holds the findings of a running server, one for each code and
// subject. The zero value is empty and ready; it may be used by several
// goroutines at once.
type Registry struct {
	mu      sync.Mutex
	found   map[place]held
	dropped uint64
}

// place is what makes two findings the same one.
type place struct {
	code    Code
	subject string
}

type held struct {
	Finding
	until time.Time // zero: until cleared
}

// Raise notes that f holds until it is cleared. A finding that is there
// already keeps its Since and takes the new detail. Raise reports whether the
// finding is new, so that a log says it once.
func (r *Registry) Raise(f Finding) bool { return r.raise(f, time.Time{}) }

// RaiseFor notes something that happened rather than something that lasts: the
// finding ends by itself when it was not raised again for d.
func (r *Registry) RaiseFor(f Finding, d time.Duration) bool {
	return r.raise(f, time.Now().Add(d))
}

func (r *Registry) raise(f Finding, until time.Time) bool {
	f = f.complete()
	at := place{f.Code, f.Subject}
	now := time.Now()

	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire(now)
	old, known := r.found[at]
	if !known && r.full(f.Code) {
		r.dropped++
		return false
	}
	if known {
		f.Since = old.Since
	} else if f.Since.IsZero() {
		f.Since = now
	}
	if r.found == nil {
		r.found = make(map[place]held)
	}
	r.found[at] = held{f, until}
	return !known
}

// full reports whether no further finding of this code fits.
func (r *Registry) full(code Code) bool {
	if len(r.found) >= MaxFindings {
		return true
	}
	same := 0
	for at := range r.found {
		if at.code == code {
			same++
		}
	}
	return same >= MaxPerCode
}

func (r *Registry) expire(now time.Time) {
	for at, h := range r.found {
		if !h.until.IsZero() && !now.Before(h.until) {
			delete(r.found, at)
		}
	}
}

// Clear ends the finding of this code and subject, and reports whether there
// was one.
func (r *Registry) Clear(code Code, subject string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire(time.Now())
	_, known := r.found[place{code, subject}]
	delete(r.found, place{code, subject})
	return known
}

// Snapshot returns the findings that hold now, the worst first, then by code
// and subject. The slice belongs to the caller.
func (r *Registry) Snapshot() []Finding {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire(time.Now())
	list := make([]Finding, 0, len(r.found))
	for _, h := range r.found {
		list = append(list, h.Finding)
	}
	slices.SortFunc(list, compare)
	return list
}

// Count returns how many findings of this code hold now.
func (r *Registry) Count(code Code) int {
	n := 0
	for _, f := range r.Snapshot() {
		if f.Code == code {
			n++
		}
	}
	return n
}

// Dropped returns how many findings did not fit since the start.
func (r *Registry) Dropped() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.dropped
}
