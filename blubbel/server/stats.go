package server

import (
	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

// ByKind has one number for each [wire.Kind] as its index. Index 0 is for the
// types that do not exist.
type ByKind [wire.KindProof + 1]uint64

// ByCode has one number for each [blubbel.Code] as its index.
type ByCode [blubbel.CodeSlowDown + 1]uint64

// ByForm has one number for each [blubbel.Form] as its index: raw logins are
// unproven, DER logins are proven.
type ByForm [blubbel.DER + 1]uint64

// Stats are the figures of a relay: what is there now, and what has happened
// since it was made.
type Stats struct {
	Connections uint64 // now, logged in or not
	Pending     uint64 // now, of these not logged in
	LoggedIn    ByForm // now, of these logged in
	Sessions    uint64 // open between two clients now

	Accepted   uint64 // connections taken
	Logins     ByForm // accepted
	Challenges uint64 // sent
	Takeovers  uint64 // proven logins that ended another connection
	FramesIn   ByKind // obeyed or refused
	FramesOut  ByKind // forwarded and answered
	BytesIn    uint64 // of whole frames
	BytesOut   uint64 // of frames as documented, with their length
	Errors     ByCode // refusals; not sent in the as-shipped framing

	RefusedPending uint64 // connections closed at once: PendingPerAddress
	LoginTimeouts  uint64 // connections closed: LoginTimeout
	Stalls         uint64 // frames that waited for a full queue
	Cuts           uint64 // connections closed: Stall
	Pauses         uint64 // waits of senders above FramesPerSecond
}

func (b *ByKind) count(k wire.Kind) {
	if int(k) >= len(b) {
		k = 0
	}
	b[k]++
}
