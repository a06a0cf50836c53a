//go:build linux

package load

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"
)

// headSize is the part of a body that is not filler: the stamp in 16, the
// number in 8 and the pair in 8 hexadecimal digits.
const headSize = 32

// MinBody and MaxBody bound the size of a message body in bytes.
const (
	MinBody = headSize
	MaxBody = 32 << 10
)

// filler is text without meaning, of letters and digits, which every protocol
// carries unchanged.
var filler = sync.OnceValue(func() []byte {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	rng := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, 2*MaxBody)
	for i := range b {
		b[i] = letters[rng.IntN(len(letters))]
	}
	return b
})

// fill is the filler of message seq of a pair; another for each.
func fill(pair, seq uint32, n int) []byte {
	at := (pair*2654435761 + seq*40503) % uint32(MaxBody)
	return filler()[at : int(at)+n]
}

// A writer makes the bodies of one pair: numbered from 0, stamped, filled.
type writer struct {
	pair uint32
	next uint32
}

// append appends the next body of size bytes to b.
func (w *writer) append(b []byte, stamp time.Duration, size int) []byte {
	b = appendHex(b, uint64(stamp), 16)
	b = appendHex(b, uint64(w.next), 8)
	b = appendHex(b, uint64(w.pair), 8)
	b = append(b, fill(w.pair, w.next, max(0, size-headSize))...)
	w.next++
	return b
}

func appendHex(b []byte, v uint64, digits int) []byte {
	const hex = "0123456789abcdef"
	for i := digits - 1; i >= 0; i-- {
		b = append(b, hex[v>>(4*i)&15])
	}
	return b
}

// A Tally is what became of the messages of a run.
type Tally struct {
	Sent      uint64 `json:"sent"`
	Delivered uint64 `json:"delivered"` // decoded and equal to what was sent
	Missing   uint64 `json:"missing"`
	Doubled   uint64 `json:"doubled"` // or out of order
	Wrong     uint64 `json:"wrong"`   // not what was sent
	Failed    uint64 `json:"failed"`  // connections that broke
	Err       string `json:"err,omitempty"`
}

// Void says why the run does not count, or "". A run counts only if every
// message that was sent was delivered once, in order and unchanged.
func (t Tally) Void() string {
	switch {
	case t.Failed > 0:
		return fmt.Sprintf("%d connections broke, first: %s", t.Failed, t.Err)
	case t.Wrong > 0:
		return fmt.Sprintf("%d messages were not what was sent", t.Wrong)
	case t.Doubled > 0:
		return fmt.Sprintf("%d messages were doubled or out of order", t.Doubled)
	case t.Missing > 0:
		return fmt.Sprintf("%d messages were lost", t.Missing)
	case t.Sent == 0:
		return "nothing was sent"
	case t.Delivered != t.Sent:
		return fmt.Sprintf("%d messages sent, %d delivered", t.Sent, t.Delivered)
	}
	return ""
}

func (t *Tally) add(o Tally) {
	t.Sent += o.Sent
	t.Delivered += o.Delivered
	t.Missing += o.Missing
	t.Doubled += o.Doubled
	t.Wrong += o.Wrong
	t.Failed += o.Failed
	if t.Err == "" {
		t.Err = o.Err
	}
}

// A checker judges the bodies that one pair's receiver gets.
type checker struct {
	pair  uint32
	next  uint32 // the number that comes next
	tally Tally
}

// check judges one body and returns its stamp; ok only for a body that is the
// next one, or comes after a gap, and is wholly as it was made.
func (c *checker) check(body []byte) (stamp time.Duration, ok bool) {
	s, seq, pair, fits := parseHead(body)
	if !fits || pair != c.pair || !bytes.Equal(body[headSize:], fill(pair, seq, len(body)-headSize)) {
		c.tally.Wrong++
		return 0, false
	}
	if seq < c.next {
		c.tally.Doubled++
		return 0, false
	}
	c.tally.Missing += uint64(seq - c.next)
	c.next = seq + 1
	c.tally.Delivered++
	return time.Duration(s), true
}

func parseHead(body []byte) (stamp uint64, seq, pair uint32, ok bool) {
	if len(body) < headSize || len(body) > MaxBody {
		return 0, 0, 0, false
	}
	stamp, err1 := strconv.ParseUint(string(body[:16]), 16, 64)
	n, err2 := strconv.ParseUint(string(body[16:24]), 16, 32)
	p, err3 := strconv.ParseUint(string(body[24:32]), 16, 32)
	return stamp, uint32(n), uint32(p), err1 == nil && err2 == nil && err3 == nil
}

// finish counts what was sent and never arrived and returns the tally of the
// run: sent and before are the bodies made until its end and its beginning.
func (c *checker) finish(sent, before uint32) Tally {
	t := c.tally
	t.Sent = uint64(sent - before)
	if sent > c.next {
		t.Missing += uint64(sent - c.next)
		c.next = sent
	}
	return t
}
