package peer

import (
	"encoding/json"
	"time"

	"trunkline/internal/health"
)

// An Event is one line out.
type Event interface{ event() }

// head is what every event begins with.
type head struct {
	Ev string          `json:"ev"`
	ID json.RawMessage `json:"id,omitempty"`
}

func (head) event() {}

// Ready tells who we are: after the first login, and on `self`.
type Ready struct {
	head
	Self        string `json:"self"`
	Name        string `json:"name"`
	Fingerprint string `json:"fingerprint,omitempty"`
}

// OK is the good end of a command.
type OK struct {
	head
	Ref   string `json:"ref,omitempty"`
	Count *int   `json:"count,omitempty"`
}

// Fault is the bad end of a command, or something that went wrong by itself.
type Fault struct {
	head
	Code health.Code `json:"code,omitempty"`
	What string      `json:"what"`
	Why  string      `json:"why"`
	Do   string      `json:"do,omitempty"`
}

// Line tells that the connection to the network is there, or why not.
type Line struct {
	head
	How   string      `json:"how,omitempty"`   // online
	Code  health.Code `json:"code,omitempty"`  // offline
	Why   string      `json:"why,omitempty"`   // offline
	Retry float64     `json:"retry,omitempty"` // seconds until the next try
}

// ContactEvent tells what a contact is now.
type ContactEvent struct {
	head
	Who         string `json:"who"`
	Name        string `json:"name"`
	Presence    string `json:"presence"` // "online", "offline", "unknown"
	State       string `json:"state"`    // "asked", "asking", "open", "gone"
	Fingerprint string `json:"fingerprint,omitempty"`
	Proven      bool   `json:"proven"` // the login proved that the key is theirs
}

// RequestEvent tells that somebody wants to talk.
type RequestEvent struct {
	head
	From        string `json:"from"`
	Text        string `json:"text"`
	Fingerprint string `json:"fingerprint,omitempty"`
}

// Message is a text that came in.
type Message struct {
	head
	From  string    `json:"from"`
	To    string    `json:"to"`
	Text  string    `json:"text"`
	Kind  string    `json:"kind"`  // "normal" or "action"
	Grade string    `json:"grade"` // of its path: "E", "S" or "O"
	At    time.Time `json:"at"`
}

func named(ev string) head { return head{Ev: ev} }

func answering(ev string, c Command) head { return head{Ev: ev, ID: c.ID} }

// fault words err as an event. what is the command, or what was being done.
func fault(id json.RawMessage, what string, err error) Fault {
	return Fault{
		head: head{Ev: "error", ID: id},
		Code: health.CodeOf(err), What: what, Why: health.Clean(err.Error()), Do: health.Advice(err),
	}
}
