package netx_test

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"trunkline/internal/netx"
)

func TestKeepAliveReachesTheConnectionUnderEveryWrapper(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		wrap func(net.Conn) net.Conn
	}{
		{"plain", func(c net.Conn) net.Conn { return c }},
		{"stream", func(c net.Conn) net.Conn { return streamConn{netx.NewStream(c)} }},
		{"tls", func(c net.Conn) net.Conn { return tls.Server(c, &tls.Config{}) }},
	} {
		near, _ := pair(t, netx.LimitListener(loopback(t), netx.Limits{}))
		if err := netx.KeepAlive(c.wrap(near), 15*time.Second, 5*time.Second, 3); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := keepAliveOf(t, near); got != systemKeepAlive {
			t.Errorf("%s: idle, interval, count, unacknowledged = %v, want %v", c.name, got, systemKeepAlive)
		}
		near.Close()
		if err := netx.KeepAlive(c.wrap(near), time.Second, time.Second, 1); err == nil {
			t.Errorf("%s: no error for a closed connection", c.name)
		}
	}
}

func TestKeepAliveOfAPipeIsNoError(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	defer near.Close()
	defer far.Close()
	if err := netx.KeepAlive(near, time.Second, time.Second, 1); err != nil {
		t.Error(err)
	}
}

// streamConn makes a net.Conn of a Stream, whose Read is another.
type streamConn struct{ *netx.Stream }

func (c streamConn) Read(b []byte) (int, error) { return c.Stream.NetConn().Read(b) }
