//go:build linux

package load

import (
	"bytes"
	"errors"
	"fmt"
	"net"
)

// maxStanza bounds what a server may send as one element.
const maxStanza = 1 << 20

var errStanza = errors.New("stanza above the limit")

// stanzas splits an XMPP stream into its elements at depth one, by counting
// tags: no name, attribute or entity is looked at.
type stanzas struct {
	conn net.Conn
	buf  []byte
	r, w int // unread bytes
}

// Conn is the connection underneath.
func (x *stanzas) Conn() net.Conn { return x.conn }

func (x *stanzas) say(s string) error {
	_, err := x.conn.Write([]byte(s))
	return err
}

// next returns the next complete element, or the header of a stream. It is
// valid until the next call.
func (x *stanzas) next() ([]byte, error) {
	for {
		if s, rest, ok := element(x.buf[x.r:x.w]); ok {
			x.r = x.w - len(rest)
			return s, nil
		}
		if x.r > 0 {
			x.w = copy(x.buf, x.buf[x.r:x.w])
			x.r = 0
		}
		if x.w == len(x.buf) {
			if len(x.buf) >= maxStanza {
				return nil, errStanza
			}
			x.buf = append(x.buf, make([]byte, max(512, len(x.buf)))...)
		}
		n, err := x.conn.Read(x.buf[x.w:])
		x.w += n
		if n == 0 && err != nil {
			return nil, err
		}
	}
}

// element takes the first complete element off b. Declarations and what stands
// between elements are left out.
func element(b []byte) (s, rest []byte, ok bool) {
	depth, start := 0, -1
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '<')
		if i < 0 {
			return nil, b, false
		}
		i += at
		end := tagEnd(b[i:])
		if end < 0 {
			return nil, b, false
		}
		tag := b[i : i+end+1]
		at = i + end + 1
		if bytes.HasPrefix(tag, []byte("<?")) {
			continue
		}
		if start < 0 {
			start = i
		}
		if depth == 0 && (bytes.HasPrefix(tag, []byte("<stream:stream")) || bytes.HasPrefix(tag, []byte("</stream:stream"))) {
			return tag, b[at:], true
		}
		depth += nesting(tag)
		if depth <= 0 {
			return b[start:at], b[at:], true
		}
	}
}

// nesting is how much deeper a tag leads: 1, 0 or -1.
func nesting(tag []byte) int {
	switch {
	case len(tag) > 1 && tag[1] == '/':
		return -1
	case len(tag) > 1 && tag[len(tag)-2] == '/':
		return 0
	}
	return 1
}

// tagEnd is the index of the bracket that ends the tag at the start of b, or -1.
func tagEnd(b []byte) int {
	var quote byte
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i
		}
	}
	return -1
}

// open starts a stream and reads the server's features.
func (x *stanzas) open() error {
	err := x.say("<?xml version='1.0'?><stream:stream to='" + XMPPHost +
		"' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>")
	if err != nil {
		return err
	}
	_, err = x.expect("<stream:features")
	return err
}

// expect reads up to the first element that begins with prefix; a failure or
// error of the stream before it is an error.
func (x *stanzas) expect(prefix string) ([]byte, error) {
	for {
		s, err := x.next()
		if err != nil {
			return nil, err
		}
		if bytes.HasPrefix(s, []byte(prefix)) {
			return s, nil
		}
		if bytes.HasPrefix(s, []byte("<failure")) || bytes.HasPrefix(s, []byte("<stream:error")) {
			return nil, fmt.Errorf("refused: %s", s)
		}
	}
}
