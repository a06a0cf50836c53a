package netx

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/net/proxy"
)

const (
	proxyTimeout    = 30 * time.Second
	mostProxyHeader = 16 << 10 // of an HTTP proxy's answer
)

// A ContextDialer opens connections: *net.Dialer, or a Dialer through a proxy.
type ContextDialer interface {
	DialContext(ctx context.Context, network, address string) (net.Conn, error)
}

// A ProxyError is a proxy's refusal.
type ProxyError struct {
	Proxy  string // its host and port
	Target string // what it was asked to connect to
	Answer string // what it said, at most one line
}

// Error says which proxy refused what, and in which words.
func (e *ProxyError) Error() string {
	return fmt.Sprintf("proxy %s refuses to connect to %s: %s", e.Proxy, e.Target, e.Answer)
}

// Dialer returns a dialer of TCP connections through the proxy at
// socks5://user:password@host:port (also socks5h) or http://user:password@host:port.
// The default ports are 1080 and 80. Names are resolved by the proxy. The proxy itself is
// dialled by base; nil is a *net.Dialer. Without a proxy, base is returned. An HTTP
// proxy gets the password in the clear.
func Dialer(u *url.URL, base ContextDialer) (ContextDialer, error) {
	if base == nil {
		base = new(net.Dialer)
	}
	if u == nil {
		return base, nil
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("proxy %s: no host", u.Redacted())
	}
	d := &proxyDialer{base: base, user: u.User}
	switch u.Scheme {
	case "socks5", "socks5h":
		d.addr, d.connect = hostPort(u, "1080"), d.socks
	case "http":
		d.addr, d.connect = hostPort(u, "80"), d.http
	default:
		return nil, fmt.Errorf("proxy %s: scheme %q, want socks5 or http", u.Redacted(), u.Scheme)
	}
	return d, nil
}

func hostPort(u *url.URL, port string) string {
	if u.Port() != "" {
		port = u.Port()
	}
	return net.JoinHostPort(u.Hostname(), port)
}

type proxyDialer struct {
	base    ContextDialer
	addr    string
	user    *url.Userinfo
	connect func(ctx context.Context, c net.Conn, target string) error
}

// DialContext connects to the proxy and asks it to connect to address.
func (d *proxyDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil, fmt.Errorf("proxy %s: network %s cannot go through it", d.addr, network)
	}
	ctx, cancel := context.WithTimeout(ctx, proxyTimeout)
	defer cancel()
	c, err := d.base.DialContext(ctx, "tcp", d.addr)
	if err != nil {
		return nil, fmt.Errorf("proxy %s: %w", d.addr, err)
	}
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	err = d.connect(ctx, c, address)
	stop()
	if ctx.Err() != nil { // then the deadline is in the past, or soon
		err = errors.Join(ctx.Err(), err)
	}
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// socks asks a SOCKS5 proxy over c.
func (d *proxyDialer) socks(ctx context.Context, c net.Conn, target string) error {
	var auth *proxy.Auth
	if d.user != nil {
		password, _ := d.user.Password()
		auth = &proxy.Auth{User: d.user.Username(), Password: password}
	}
	s, err := proxy.SOCKS5("tcp", d.addr, auth, oneConn{c})
	if err != nil {
		return fmt.Errorf("proxy %s: %w", d.addr, err)
	}
	if _, err = s.(proxy.ContextDialer).DialContext(ctx, "tcp", target); err == nil {
		return nil
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && isRefusal(op.Err) {
		answer := strings.TrimPrefix(op.Err.Error(), "unknown error ")
		return &ProxyError{Proxy: d.addr, Target: target, Answer: answer}
	}
	return fmt.Errorf("proxy %s: %w", d.addr, err)
}

// isRefusal reports whether err of a SOCKS5 handshake was the proxy's answer rather
// than a connection that broke.
func isRefusal(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return !network && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) &&
		!errors.Is(err, context.Canceled) && !errors.Is(err, net.ErrClosed)
}

// oneConn dials what is connected already.
type oneConn struct{ c net.Conn }

func (o oneConn) Dial(string, string) (net.Conn, error) { return o.c, nil }

func (o oneConn) DialContext(context.Context, string, string) (net.Conn, error) { return o.c, nil }

// http asks an HTTP proxy over c: RFC 9110 9.3.6.
func (d *proxyDialer) http(_ context.Context, c net.Conn, target string) error {
	if strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return fmt.Errorf("proxy %s: target %q", d.addr, target)
	}
	request := fmt.Sprintf("CONNECT %s HTTP/1.1\r\nHost: %[1]s\r\n", target)
	if d.user != nil {
		password, _ := d.user.Password()
		credentials := base64.StdEncoding.EncodeToString([]byte(d.user.Username() + ":" + password))
		request += "Proxy-Authorization: Basic " + credentials + "\r\n"
	}
	if _, err := io.WriteString(c, request+"\r\n"); err != nil {
		return fmt.Errorf("proxy %s: %w", d.addr, err)
	}
	header, err := readHeader(c)
	if err != nil {
		return fmt.Errorf("proxy %s: its answer: %w", d.addr, err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(header)), &http.Request{Method: http.MethodConnect})
	if err != nil {
		return fmt.Errorf("proxy %s: its answer: %w", d.addr, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 != 2 {
		return &ProxyError{Proxy: d.addr, Target: target, Answer: answer.Status}
	}
	return nil
}

// readHeader reads to the end of a header and not a byte further: what follows is
// the target's.
func readHeader(r io.Reader) ([]byte, error) {
	var header []byte
	for one := make([]byte, 1); len(header) < mostProxyHeader; {
		if _, err := io.ReadFull(r, one); err != nil {
			return nil, err
		}
		header = append(header, one[0])
		if bytes.HasSuffix(header, []byte("\r\n\r\n")) || bytes.HasSuffix(header, []byte("\n\n")) {
			return header, nil
		}
	}
	return nil, fmt.Errorf("header of more than %d bytes", mostProxyHeader)
}
