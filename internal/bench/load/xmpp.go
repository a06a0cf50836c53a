//go:build linux

package load

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
)

// XMPPHost is the virtual host of the XMPP peers, XMPPPassword the password of
// every account.
const (
	XMPPHost     = "localhost"
	XMPPPassword = "secret"
)

// XMPPUser is the name of account i.
func XMPPUser(i int) string { return fmt.Sprintf("u%06d", i) }

// xmppProtocol signs in with SCRAM-SHA-1, without TLS.
type xmppProtocol struct {
	salted sync.Map // salt and iterations to what PBKDF2 makes of them
}

type xmppClient struct {
	stanzas
	user string
	to   string
	out  []byte
}

func (p *xmppProtocol) Join(ctx context.Context, to Target, i int) (Client, error) {
	x := &xmppClient{user: XMPPUser(i)}
	err := joining(ctx, to, i, func(c net.Conn) error {
		x.conn, x.buf = c, make([]byte, 2048)
		if err := x.open(); err != nil {
			return err
		}
		if err := p.authenticate(x); err != nil {
			return err
		}
		return x.bind()
	})
	if err != nil {
		return nil, err
	}
	return x, nil
}

// Register makes account i by in-band registration; one that exists is fine.
func (p *xmppProtocol) Register(ctx context.Context, to Target, i int) error {
	x := new(xmppClient)
	err := joining(ctx, to, i, func(c net.Conn) error {
		x.conn, x.buf = c, make([]byte, 2048)
		if err := x.open(); err != nil {
			return err
		}
		if err := x.say("<iq type='set' id='r' to='" + XMPPHost + "'><query xmlns='jabber:iq:register'><username>" +
			XMPPUser(i) + "</username><password>" + XMPPPassword + "</password></query></iq>"); err != nil {
			return err
		}
		answer, err := x.expect("<iq")
		if err == nil && bytes.Contains(answer, []byte("error")) && !bytes.Contains(answer, []byte("conflict")) {
			err = fmt.Errorf("registration refused: %s", answer)
		}
		return err
	})
	if x.conn != nil {
		_ = x.conn.Close()
	}
	return err
}

const saslSpace = " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

func (p *xmppProtocol) authenticate(x *xmppClient) error {
	bare := "n=" + x.user + ",r=abcdefghijklmnop" + x.user
	first := base64.StdEncoding.EncodeToString([]byte("n,," + bare))
	if err := x.say("<auth" + saslSpace + " mechanism='SCRAM-SHA-1'>" + first + "</auth>"); err != nil {
		return err
	}
	answer, err := x.expect("<challenge")
	if err != nil {
		return err
	}
	last, err := p.answer(bare, decoded(answer))
	if err != nil {
		return err
	}
	if err := x.say("<response" + saslSpace + ">" + base64.StdEncoding.EncodeToString([]byte(last)) + "</response>"); err != nil {
		return err
	}
	if _, err := x.expect("<success"); err != nil {
		return err
	}
	return x.open()
}

// answer computes the client's final message of SCRAM-SHA-1 (RFC 5802).
func (p *xmppProtocol) answer(bare, challenge string) (string, error) {
	var nonce, salt string
	rounds := 0
	for part := range strings.SplitSeq(challenge, ",") {
		switch {
		case strings.HasPrefix(part, "r="):
			nonce = part[2:]
		case strings.HasPrefix(part, "s="):
			salt = part[2:]
		case strings.HasPrefix(part, "i="):
			rounds, _ = strconv.Atoi(part[2:])
		}
	}
	if nonce == "" || salt == "" || rounds < 1 || rounds > 1_000_000 {
		return "", fmt.Errorf("a SCRAM challenge that is none: %q", challenge)
	}
	key, err := p.saltedPassword(salt, rounds)
	if err != nil {
		return "", err
	}
	proof := mac(key, "Client Key")
	stored := sha1.Sum(proof)
	last := "c=biws,r=" + nonce
	for i, b := range mac(stored[:], bare+","+challenge+","+last) {
		proof[i] ^= b
	}
	return last + ",p=" + base64.StdEncoding.EncodeToString(proof), nil
}

// saltedPassword is remembered: with one salt for all it is derived once.
func (p *xmppProtocol) saltedPassword(salt string, rounds int) ([]byte, error) {
	name := salt + "/" + strconv.Itoa(rounds)
	if v, ok := p.salted.Load(name); ok {
		return v.([]byte), nil
	}
	raw, err := base64.StdEncoding.DecodeString(salt)
	if err != nil {
		return nil, err
	}
	key, err := pbkdf2.Key(sha1.New, XMPPPassword, raw, rounds, sha1.Size)
	if err == nil {
		p.salted.Store(name, key)
	}
	return key, err
}

func mac(key []byte, s string) []byte {
	m := hmac.New(sha1.New, key)
	m.Write([]byte(s))
	return m.Sum(nil)
}

// decoded is the base64 text of an element.
func decoded(element []byte) string {
	i, j := bytes.IndexByte(element, '>'), bytes.LastIndex(element, []byte("</"))
	if i < 0 || j < i {
		return ""
	}
	b, _ := base64.StdEncoding.DecodeString(string(element[i+1 : j]))
	return string(b)
}

func (x *xmppClient) bind() error {
	if err := x.say("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>r</resource></bind></iq>"); err != nil {
		return err
	}
	answer, err := x.expect("<iq")
	if err == nil && !bytes.Contains(answer, []byte("result")) {
		err = fmt.Errorf("bind: %s", answer)
	}
	if err != nil {
		return err
	}
	return x.say("<presence/>")
}

func (p *xmppProtocol) Pair(from, to Client) error {
	a, ok1 := from.(*xmppClient)
	b, ok2 := to.(*xmppClient)
	if !ok1 || !ok2 {
		return errors.New("not clients of XMPP")
	}
	a.to, b.to = b.user, a.user
	return nil
}

func (x *xmppClient) Send(body []byte) error {
	x.out = append(append(x.out[:0], "<message type='chat' to='"...), x.to...)
	x.out = append(append(x.out, "@"+XMPPHost+"/r'><body>"...), body...)
	x.out = append(x.out, "</body></message>"...)
	_, err := x.conn.Write(x.out)
	return err
}

func (x *xmppClient) Next() ([]byte, error) {
	for {
		s, err := x.next()
		if err != nil {
			return nil, err
		}
		if bytes.HasPrefix(s, []byte("<stream:error")) {
			return nil, fmt.Errorf("stream ended: %s", s)
		}
		if !bytes.HasPrefix(s, []byte("<message")) {
			continue
		}
		_, rest, ok1 := bytes.Cut(s, []byte("<body>"))
		body, _, ok2 := bytes.Cut(rest, []byte("</body>"))
		if ok1 && ok2 {
			return body, nil
		}
		if bytes.Contains(s, []byte("type='error'")) {
			return nil, fmt.Errorf("message refused: %s", s)
		}
	}
}
