package blubbel

import (
	"errors"
	"fmt"
)

// Errors of keys and of what is sealed to them.
var (
	// ErrBadKey means that bytes are no key in either form.
	ErrBadKey = errors.New("not a blubbel key")
	// ErrBadSeal means that sealed bytes do not open with this key.
	ErrBadSeal = errors.New("does not open with this key")
)

// A Code says why a relay did not do what a frame asked for.
// Specification, Errors.
type Code uint8

// The codes, and what becomes of the connection that is told.
const (
	CodeBadFrame     Code = 1 // not a frame that is allowed here: closed
	CodeNotLoggedIn  Code = 2 // login comes first: closed
	CodeLoggedIn     Code = 3 // already logged in: stays
	CodeKeyInUse     Code = 4 // key in use, or taken over: closed
	CodeBadKey       Code = 5 // closed at login, stays elsewhere
	CodeNotConnected Code = 6 // recipient not connected: stays
	CodeNoSession    Code = 7 // no session with the recipient: stays
	CodeTooLarge     Code = 8 // payload above the limit: closed, unread
	CodeSlowDown     Code = 9 // not forwarded, too much of it: stays
)

// Codes lists every code.
func Codes() []Code {
	return []Code{CodeBadFrame, CodeNotLoggedIn, CodeLoggedIn, CodeKeyInUse, CodeBadKey,
		CodeNotConnected, CodeNoSession, CodeTooLarge, CodeSlowDown}
}

// String is the meaning as the specification words it.
func (c Code) String() string {
	switch c {
	case CodeBadFrame:
		return "bad frame"
	case CodeNotLoggedIn:
		return "not logged in"
	case CodeLoggedIn:
		return "already logged in"
	case CodeKeyInUse:
		return "key in use, or taken over"
	case CodeBadKey:
		return "bad key"
	case CodeNotConnected:
		return "recipient not connected"
	case CodeNoSession:
		return "no session"
	case CodeTooLarge:
		return "too large"
	case CodeSlowDown:
		return "slow down"
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// An Error is a relay's answer to a frame, as a Go error.
type Error struct {
	Code Code
	Text string // the relay's own words; may be empty
}

// Error gives the meaning of the code, and the relay's words where they differ.
func (e *Error) Error() string {
	if e.Text == "" || e.Text == e.Code.String() {
		return e.Code.String()
	}
	return e.Code.String() + ": " + e.Text
}

// Is reports whether target is an Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}
