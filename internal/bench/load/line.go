//go:build linux

package load

import (
	"context"
	"net"
)

type lineProtocol struct{}

// A lineClient has written one line to a server that only reads: what the
// ceilings of idle connections are measured with.
type lineClient struct{ conn net.Conn }

func (lineProtocol) Join(ctx context.Context, to Target, i int) (Client, error) {
	x := new(lineClient)
	err := joining(ctx, to, i, func(c net.Conn) error {
		x.conn = c
		_, err := c.Write([]byte("hello, here is one line of text to read\n"))
		return err
	})
	if err != nil {
		return nil, err
	}
	return x, nil
}

func (lineProtocol) Pair(Client, Client) error { return errNoMessages }
func (x *lineClient) Send([]byte) error        { return errNoMessages }
func (x *lineClient) Next() ([]byte, error)    { return nil, errNoMessages }
func (x *lineClient) Conn() net.Conn           { return x.conn }
