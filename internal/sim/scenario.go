package sim

import (
	"errors"
	"strconv"
	"time"
)

// FormatVersion is the version of scenario files that this package reads.
const FormatVersion = 1

// Bounds of a scenario.
const (
	maxFile     = 1 << 20 // bytes
	maxLength   = 24 * time.Hour
	maxClients  = keysOfAForm
	maxNATs     = 32
	maxNesting  = 4 // NATs behind NATs
	maxActions  = 2000
	maxRepeats  = 10_000
	maxTexts    = 200_000 // in one scenario
	maxTextSize = 60_000  // bytes
	maxName     = 32      // characters
	maxStep     = 24 * time.Hour
)

// A Duration is written as Go writes one: "1m30s".
type Duration time.Duration

// UnmarshalText parses a duration.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return errors.New(strconv.Quote(string(b)) + ` is not a duration such as "1m30s"`)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes what UnmarshalText reads.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// A Scenario is what a file says. The reference is docs/reference/sim.md.
type Scenario struct {
	Version  int      `json:"version"`          // FormatVersion
	About    string   `json:"about,omitempty"`  // for people
	Length   Duration `json:"length"`           // then the expectations are looked at
	Chop     bool     `json:"chop,omitempty"`   // streams come in pieces of any size
	Buffer   int      `json:"buffer,omitempty"` // bytes that each end of a stream holds; default 64 KiB
	Path     Line     `json:"path,omitzero"`    // between hosts on the public internet
	NATs     []NAT    `json:"nats,omitempty"`
	Relay    Relay    `json:"relay,omitzero"`
	Clients  []Client `json:"clients"`
	Timeline []Action `json:"timeline,omitempty"`
	Expect   Expect   `json:"expect,omitzero"`
}

// A Line is what a packet meets, the same in both directions. The zero Line is
// perfect.
type Line struct {
	Delay     Duration `json:"delay,omitempty"`     // least
	Jitter    Duration `json:"jitter,omitempty"`    // most that is added
	Loss      float64  `json:"loss,omitempty"`      // probability, 0 to 1
	Duplicate float64  `json:"duplicate,omitempty"` // probability
	Reorder   float64  `json:"reorder,omitempty"`   // probability
	MTU       int      `json:"mtu,omitempty"`       // bytes; 0: no limit
}

// A NAT is a router that translates.
type NAT struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"` // one of natKinds
	Behind  string `json:"behind,omitempty"`
	Hairpin bool   `json:"hairpin,omitempty"`
	Line    Line   `json:"line,omitzero"`
}

// A Relay is the settings of the relay that differ from their defaults; see
// [trunkline/blubbel/server.Config].
type Relay struct {
	Line               Line     `json:"line,omitzero"`
	RefuseRaw          bool     `json:"refuse_raw,omitempty"`
	MaxPayload         int      `json:"max_payload,omitempty"`
	Queue              int      `json:"queue,omitempty"`
	Stall              Duration `json:"stall,omitempty"`
	Sessions           int      `json:"sessions,omitempty"`
	StartBurst         float64  `json:"start_burst,omitempty"`
	StartRate          float64  `json:"start_rate,omitempty"`
	StartRecipientRate float64  `json:"start_recipient_rate,omitempty"`
	FramesPerSecond    float64  `json:"frames_per_second,omitempty"`
	PendingPerAddress  int      `json:"pending_per_address,omitempty"`
	LoginTimeout       Duration `json:"login_timeout,omitempty"`
}

// A Client is a person with a key and a host, or a group of Count such: name1,
// name2 and so on.
type Client struct {
	Name       string   `json:"name"`
	Count      int      `json:"count,omitempty"`       // 0: not a group
	Key        string   `json:"key,omitempty"`         // one of keyForms; default der
	Number     int      `json:"number,omitempty"`      // of its key, the smaller first; default: the next that is free
	Behind     string   `json:"behind,omitempty"`      // a NAT
	Line       Line     `json:"line,omitzero"`         // of its own
	Contacts   []string `json:"contacts,omitempty"`    // known from before
	AutoAccept bool     `json:"auto_accept,omitempty"` // accepts whoever asks
	Outbox     int      `json:"outbox,omitempty"`      // texts that may wait for a contact
	Starts     Duration `json:"starts,omitempty"`      // when it first connects
}

// An Action is something that happens at a time. Which fields an action has is
// in the table of check.go.
type Action struct {
	At    Duration `json:"at"`
	Do    string   `json:"do"`
	Who   string   `json:"who,omitempty"`
	To    string   `json:"to,omitempty"`
	Times int      `json:"times,omitempty"` // the whole action; default 1
	Each  Duration `json:"each,omitempty"`  // between these times
	Count int      `json:"count,omitempty"` // send, meddle: how many; default 1
	Every Duration `json:"every,omitempty"` // send: between texts
	Bytes int      `json:"bytes,omitempty"` // send: size of a text; default 40
	For   Duration `json:"for,omitempty"`   // until it is undone; 0: not by itself
	Way   string   `json:"way,omitempty"`   // cut: one of ways; default both
	By    Duration `json:"by,omitempty"`    // clock: forward, or back if negative
	What  string   `json:"what,omitempty"`  // meddle: one of meddlings
	Line  *Line    `json:"line,omitempty"`  // line
}

// Expect is what must be true at the end, beside the promises that always hold.
type Expect struct {
	AllOpen       bool     `json:"all_open,omitempty"`        // a session for every pair that wants one
	AllArrive     bool     `json:"all_arrive,omitempty"`      // every text
	AllArriveFrom Duration `json:"all_arrive_from,omitempty"` // every text that was sent at this time or later
	Arrive        int      `json:"arrive,omitempty"`          // at least so many texts
	Slowest       Duration `json:"slowest,omitempty"`         // no text takes longer, from Send to its receiver
	Undisturbed   []string `json:"undisturbed,omitempty"`     // clients who are never offline, refused or told of a loss
	Online        []string `json:"online,omitempty"`          // clients who are logged in
	Gone          []string `json:"gone,omitempty"`            // clients who are not
}
