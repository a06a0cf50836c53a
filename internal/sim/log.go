package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"time"
)

// entry is one event of the log.
type entry struct {
	At   float64 `json:"at"`             // seconds since the start
	Who  string  `json:"who"`            // client, NAT, relay, or sim
	What string  `json:"what"`           // a word or two
	Text int     `json:"text,omitempty"` // number of a text within its pair, from 1
	Peer string  `json:"peer,omitempty"`
	Note string  `json:"note,omitempty"` // for people
}

// line is the entry as people read it.
func (e *entry) line() string {
	s := fmt.Sprintf("%12.6f %-10s %s", e.At, e.Who, e.What)
	if e.Text > 0 {
		s += fmt.Sprintf(" #%d", e.Text)
	}
	if e.Peer != "" {
		s += " " + e.Peer
	}
	if e.Note != "" {
		s += ": " + e.Note
	}
	return s
}

// journal writes events, and sums them up.
type journal struct {
	out    io.Writer // nil: nobody reads
	json   bool
	digest hash.Hash
	events int
	err    error // the first of writing
}

func newJournal(out io.Writer, asJSON bool) *journal {
	return &journal{out: out, json: asJSON, digest: sha256.New()}
}

func (j *journal) add(since time.Duration, e entry) {
	e.At = float64(since.Microseconds()) / 1e6
	j.events++
	text := e.line() + "\n"
	_, _ = io.WriteString(j.digest, text) // never fails
	if j.out == nil || j.err != nil {
		return
	}
	if j.json {
		b, err := json.Marshal(e)
		text, j.err = string(b)+"\n", err
	}
	if j.err == nil {
		_, j.err = io.WriteString(j.out, text)
	}
}

// sum is a digest of all events so far, as text.
func (j *journal) sum() string { return hex.EncodeToString(j.digest.Sum(nil)[:16]) }
