package server

import (
	"fmt"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

// A refusal is one reason not to do what a frame asks for.
type refusal uint8

// The reasons, in the order of their codes.
const (
	granted refusal = iota
	unknownKind
	malformed
	outOfTurn
	loginFirst
	loggedInAlready
	keyInUse
	takenOver
	badKey
	rawRefused
	badProof
	oneself
	notConnected
	notAsked
	noSession
	tooLarge
	tooManyStarts
	askedTooOften
	tooManySessions
)

// rule is the table of refusals: code and words for the Error frame.
func (r refusal) rule() (blubbel.Code, string) {
	switch r {
	case unknownKind:
		return blubbel.CodeBadFrame, "unknown type"
	case malformed:
		return blubbel.CodeBadFrame, "shorter than the key that it begins with"
	case outOfTurn:
		return blubbel.CodeBadFrame, "not at this point of a login"
	case loginFirst:
		return blubbel.CodeNotLoggedIn, "login comes first"
	case loggedInAlready:
		return blubbel.CodeLoggedIn, "one login a connection"
	case keyInUse:
		return blubbel.CodeKeyInUse, "another connection has this key"
	case takenOver:
		return blubbel.CodeKeyInUse, "another connection proved this key"
	case badKey:
		return blubbel.CodeBadKey, "neither a raw nor a DER key"
	case rawRefused:
		return blubbel.CodeBadKey, "raw keys are not accepted here"
	case badProof:
		return blubbel.CodeBadKey, "wrong proof"
	case oneself:
		return blubbel.CodeBadKey, "your own key"
	case notConnected:
		return blubbel.CodeNotConnected, ""
	case notAsked:
		return blubbel.CodeNoSession, "not asked for a session"
	case noSession:
		return blubbel.CodeNoSession, ""
	case tooLarge:
		return blubbel.CodeTooLarge, "payload above the limit"
	case tooManyStarts:
		return blubbel.CodeSlowDown, "too many session requests"
	case askedTooOften:
		return blubbel.CodeSlowDown, "the recipient is asked too often"
	case tooManySessions:
		return blubbel.CodeSlowDown, "too many sessions"
	}
	panic(fmt.Sprintf("blubbel/server: refusal %d without rule", r))
}

// closes says what becomes of a connection in state s that is told code.
// Specification, Errors.
func closes(code blubbel.Code, s state) bool {
	switch code {
	case blubbel.CodeBadFrame, blubbel.CodeNotLoggedIn, blubbel.CodeKeyInUse, blubbel.CodeTooLarge:
		return true
	case blubbel.CodeBadKey:
		return s != loggedIn
	}
	return false
}

// refuses says why a frame of kind k may not come in state s, if it may not.
// Specification, Login.
func (s state) refuses(k wire.Kind) refusal {
	switch {
	case k == 0 || k == wire.KindError || k > wire.KindProof:
		return unknownKind
	case s == fresh && k != wire.KindLogin:
		return loginFirst
	case s == sealing, s == challenged && k != wire.KindProof:
		return outOfTurn
	case s == loggedIn && k == wire.KindLogin:
		return loggedInAlready
	case s == loggedIn && k == wire.KindProof:
		return outOfTurn
	}
	return granted
}
