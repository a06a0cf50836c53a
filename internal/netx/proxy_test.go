package netx_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"trunkline/internal/netx"
)

// testProxy is a small real proxy: it connects every target to one echo server, and
// remembers what it was asked for.
type testProxy struct {
	net.Listener
	echo    string
	user    string // "name:password", empty for none
	refusal string // an HTTP status line, or a SOCKS5 code

	mu      sync.Mutex
	targets []string
}

func startProxy(t *testing.T, p *testProxy, handle func(*testProxy, net.Conn) error) {
	t.Helper()
	echo := loopback(t)
	serve(t, echo, func(c net.Conn) {
		io.WriteString(c, "welcome ") // before the client says anything
		io.Copy(c, c)
	})
	p.Listener, p.echo = loopback(t), echo.Addr().String()
	serve(t, p.Listener, func(c net.Conn) { handle(p, c) })
}

// serve runs handle for each connection until the test ends, and waits for all.
func serve(t *testing.T, l net.Listener, handle func(net.Conn)) {
	t.Helper()
	var running sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			running.Go(func() {
				defer c.Close()
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		running.Wait()
	})
}

func (p *testProxy) asked(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.targets = append(p.targets, target)
}

// join answers with the given bytes, together with the first of the target's, and
// then copies both ways.
func (p *testProxy) join(c net.Conn, answer []byte) error {
	far, err := net.Dial("tcp", p.echo)
	if err != nil {
		return err
	}
	defer far.Close()
	first := make([]byte, len("welcome "))
	if _, err := io.ReadFull(far, first); err != nil {
		return err
	}
	if _, err := c.Write(append(answer, first...)); err != nil {
		return err
	}
	go func() {
		io.Copy(far, c)
		far.Close()
	}()
	_, err = io.Copy(c, far)
	return err
}

// handleHTTP speaks RFC 9110 9.3.6.
func handleHTTP(p *testProxy, c net.Conn) error {
	r, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return err
	}
	p.asked(r.Method + " " + r.Host)
	r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
	name, password, _ := r.BasicAuth()
	switch {
	case p.refusal != "":
		_, err = io.WriteString(c, p.refusal)
		return err
	case p.user != "" && name+":"+password != p.user:
		_, err = io.WriteString(c, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		return err
	}
	return p.join(c, []byte("HTTP/1.1 200 Connection established\r\nX-Proxy: test\r\n\r\n"))
}

// handleSOCKS speaks RFC 1928 and 1929.
func handleSOCKS(p *testProxy, c net.Conn) error {
	r := bufio.NewReader(c)
	next := func(n int) []byte {
		b := make([]byte, n)
		io.ReadFull(r, b)
		return b
	}
	methods := next(int(next(2)[1]))
	if p.user != "" {
		if !strings.Contains(string(methods), "\x02") {
			_, err := c.Write([]byte{5, 0xff})
			return err
		}
		c.Write([]byte{5, 2})
		name := next(int(next(2)[1]))
		password := next(int(next(1)[0]))
		if string(name)+":"+string(password) != p.user {
			_, err := c.Write([]byte{1, 1})
			return err
		}
		c.Write([]byte{1, 0})
	} else {
		c.Write([]byte{5, 0})
	}
	request := next(4)
	var host string
	switch request[3] {
	case 1:
		host = net.IP(next(4)).String()
	case 3:
		host = string(next(int(next(1)[0])))
	case 4:
		host = net.IP(next(16)).String()
	}
	p.asked(fmt.Sprintf("%d %s:%d", request[1], host, binary.BigEndian.Uint16(next(2))))
	if p.refusal != "" {
		_, err := c.Write([]byte{5, p.refusal[0], 0, 1, 0, 0, 0, 0, 0, 0})
		return err
	}
	return p.join(c, []byte{5, 0, 0, 1, 127, 0, 0, 1, 0, 80})
}

// through returns a dialer through p.
func through(t *testing.T, scheme, user string, p net.Listener) netx.ContextDialer {
	t.Helper()
	u := &url.URL{Scheme: scheme, Host: p.Addr().String()}
	if name, password, ok := strings.Cut(user, ":"); ok {
		u.User = url.UserPassword(name, password)
	}
	d, err := netx.Dialer(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

var handlers = map[string]func(*testProxy, net.Conn) error{"http": handleHTTP, "socks5": handleSOCKS}

func TestProxyResolvesNamesAndNothingIsLost(t *testing.T) {
	t.Parallel()
	for scheme, handle := range handlers {
		for _, user := range []string{"", "ann:s3:cret"} {
			p := &testProxy{user: user}
			startProxy(t, p, handle)
			c, err := through(t, scheme, user, p).DialContext(t.Context(), "tcp", "name.that.only.it.knows:4711")
			if err != nil {
				t.Fatalf("%s %s: %v", scheme, user, err)
			}
			io.WriteString(c, "hello")
			got := make([]byte, len("welcome hello"))
			if _, err := io.ReadFull(c, got); err != nil || string(got) != "welcome hello" {
				t.Errorf("%s: read %q, %v", scheme, got, err)
			}
			c.Close()
			want := map[string]string{"http": "CONNECT ", "socks5": "1 "}[scheme] + "name.that.only.it.knows:4711"
			if len(p.targets) != 1 || p.targets[0] != want {
				t.Errorf("%s: asked for %q, want %q", scheme, p.targets, want)
			}
		}
	}
}

func TestRefusalOfAProxyIsToldInItsWords(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ scheme, user, refusal, want string }{
		{"http", "", "HTTP/1.1 403 Not in this house\r\nContent-Length: 3\r\n\r\nno\n", "403 Not in this house"},
		{"http", "", "HTTP/1.0 502 Bad Gateway\n\n", "502 Bad Gateway"},
		{"http", "ann:right", "", "407 Proxy Authentication Required"},
		{"socks5", "", "\x02", "connection not allowed by ruleset"},
		{"socks5", "", "\x05", "connection refused"},
		{"socks5", "ann:right", "", "username/password authentication failed"},
	} {
		p := &testProxy{user: c.user, refusal: c.refusal}
		startProxy(t, p, handlers[c.scheme])
		_, err := through(t, c.scheme, "ann:wrong", p).DialContext(t.Context(), "tcp", "192.0.2.1:80")
		refused, ok := errors.AsType[*netx.ProxyError](err)
		if !ok || refused.Answer != c.want || refused.Target != "192.0.2.1:80" || refused.Proxy != p.Addr().String() {
			t.Errorf("%s: got %v, want refusal %q", c.scheme, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "wrong") || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %q", c.scheme, err)
		}
	}
}

func TestNonsenseFromAProxyIsAnErrorButNoRefusal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ scheme, answer string }{
		{"http", ""},
		{"http", "HTTP/1.1 200"},
		{"http", "SSH-2.0-OpenSSH\r\n\r\n"},
		{"http", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Long: line\r\n", 10_000)},
		{"socks5", ""},
		{"socks5", "\x05"},
		{"socks5", "\x05\x00\x05\x00"},
	} {
		l := loopback(t)
		serve(t, l, func(conn net.Conn) {
			io.WriteString(conn, c.answer)
			conn.(*net.TCPConn).CloseWrite()
			io.Copy(io.Discard, conn)
		})
		conn, err := through(t, c.scheme, "", l).DialContext(t.Context(), "tcp", "192.0.2.1:80")
		if err == nil {
			conn.Close()
		}
		if _, refused := errors.AsType[*netx.ProxyError](err); err == nil || refused {
			t.Errorf("%s answering %.20q: got %v", c.scheme, c.answer, err)
		}
	}
}

func TestSilentProxyIsLeftWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	for scheme := range handlers {
		l := loopback(t)
		asked := make(chan struct{}, 1)
		serve(t, l, func(c net.Conn) {
			c.Read(make([]byte, 1))
			asked <- struct{}{}
			io.Copy(io.Discard, c)
		})
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			<-asked
			cancel()
		}()
		_, err := through(t, scheme, "", l).DialContext(ctx, "tcp", "192.0.2.1:80")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want canceled", scheme, err)
		}
		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		_, err = through(t, scheme, "", l).DialContext(ctx, "tcp", "192.0.2.1:80")
		if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: got %v, want deadline exceeded", scheme, err)
		}
		cancel()
	}
}

func TestConnectionThroughAProxyHasNoDeadlineLeft(t *testing.T) {
	t.Parallel()
	for scheme, handle := range handlers {
		p := new(testProxy)
		startProxy(t, p, handle)
		ctx, cancel := context.WithCancel(t.Context())
		c, err := through(t, scheme, "", p).DialContext(ctx, "tcp", "192.0.2.1:80")
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, make([]byte, 8)); err != nil {
			t.Errorf("%s: after the dialling context ended: %v", scheme, err)
		}
		c.Close()
	}
}

func TestTargetCannotAddLinesToTheRequest(t *testing.T) {
	t.Parallel()
	p := new(testProxy)
	startProxy(t, p, handleHTTP)
	for _, target := range []string{"a:1\r\nX: y", "a b:1", "a\x00:1"} {
		if _, err := through(t, "http", "", p).DialContext(t.Context(), "tcp", target); err == nil {
			t.Errorf("target %q is no error", target)
		}
	}
	if len(p.targets) != 0 {
		t.Errorf("the proxy was asked for %q", p.targets)
	}
}

func TestProxyAddressesThatCannotWorkAreErrors(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"ftp://ann:secret@proxy", "socks4://proxy", "http://", "proxy:8080"} {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := netx.Dialer(u, nil); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", s, err)
		}
	}
	direct := new(net.Dialer)
	if d, err := netx.Dialer(nil, direct); d != direct || err != nil {
		t.Errorf("without a proxy: %v, %v", d, err)
	}
	d, err := netx.Dialer(&url.URL{Scheme: "http", Host: "127.0.0.1:1"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.DialContext(t.Context(), "udp", "192.0.2.1:80"); err == nil {
		t.Error("UDP through a proxy is no error")
	}
}

// dialRecorder is a base dialer that reaches nothing.
type dialRecorder struct{ addresses []string }

func (d *dialRecorder) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	d.addresses = append(d.addresses, address)
	return nil, net.ErrClosed
}

func TestProxyHasItsUsualPort(t *testing.T) {
	base := new(dialRecorder)
	for _, s := range []string{"socks5://proxy", "socks5h://[::1]", "http://proxy", "http://proxy:3128"} {
		u, _ := url.Parse(s)
		d, err := netx.Dialer(u, base)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.DialContext(t.Context(), "tcp", "192.0.2.1:80"); !errors.Is(err, net.ErrClosed) {
			t.Errorf("%s: got %v, want the base dialer's error", s, err)
		}
	}
	if got, want := fmt.Sprint(base.addresses), "[proxy:1080 [::1]:1080 proxy:80 proxy:3128]"; got != want {
		t.Errorf("dialled %s, want %s", got, want)
	}
}
