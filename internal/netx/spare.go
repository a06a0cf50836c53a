package netx

import "os"

// spare is a descriptor kept in reserve. When none is left, giving it up makes it
// possible to accept a connection, only to close it: its client learns at once
// what it would otherwise find out after a long wait. A connection is kept only
// while the spare could be had too.
type spare struct {
	f   *os.File
	off bool // not needed any more
}

// open makes sure that there is a spare, and reports whether there is.
func (s *spare) open() bool {
	if s.f == nil && !s.off {
		s.f, _ = os.Open(os.DevNull) // nil when no descriptor is left
	}
	return s.f != nil || s.off
}

// close gives the spare up, and reports whether there was one.
func (s *spare) close() bool {
	if s.f == nil {
		return false
	}
	s.f.Close()
	s.f = nil
	return true
}
