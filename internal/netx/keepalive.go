package netx

import (
	"errors"
	"net"
	"time"
)

// KeepAlive makes the system ask a silent peer whether it is still there: for the
// first time after idle, then every interval, and cut the connection after count
// questions without an answer. On Linux a peer that acknowledges nothing of what
// was sent to it is cut after the same time, too, as is one that has had no room
// for so long. Connections that are not TCP need none: that is no error.
func KeepAlive(c net.Conn, idle, interval time.Duration, count int) error {
	type wrapper interface{ NetConn() net.Conn } // also *Stream, *tls.Conn
	w, ok := c.(wrapper)
	for ; ok; w, ok = c.(wrapper) {
		c = w.NetConn()
	}
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	err := tcp.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: idle, Interval: interval, Count: count})
	return errors.Join(err, limitUnacknowledged(tcp, idle+time.Duration(count)*interval))
}
