//go:build linux

package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
)

type ircProtocol struct{}

// An ircClient sends private messages by nickname.
type ircClient struct{ lined }

func (ircProtocol) Join(ctx context.Context, to Target, i int) (Client, error) {
	x := &ircClient{lined{name: fmt.Sprintf("c%05d", i)}}
	err := joining(ctx, to, i, func(c net.Conn) error {
		x.open(c)
		return x.signIn()
	})
	if err != nil {
		return nil, err
	}
	return x, nil
}

func (x *ircClient) signIn() error {
	if err := x.say("NICK " + x.name + "\r\nUSER " + x.name + " 0 * :x"); err != nil {
		return err
	}
	return x.until(func(line string) (bool, error) {
		if token, ok := strings.CutPrefix(line, "PING"); ok {
			return false, x.say("PONG" + strings.TrimSpace(token))
		}
		if strings.HasPrefix(line, "ERROR") || strings.Contains(line, " 433 ") {
			return true, errors.New(strings.TrimSpace(line))
		}
		// 376 and 422 end the message of the day.
		return strings.Contains(line, " 376 ") || strings.Contains(line, " 422 "), nil
	})
}

func (ircProtocol) Pair(from, to Client) error {
	a, ok1 := from.(*ircClient)
	b, ok2 := to.(*ircClient)
	if !ok1 || !ok2 {
		return errors.New("not clients of IRC")
	}
	a.to, b.to = b.name, a.name
	return nil
}

func (x *ircClient) Send(body []byte) error {
	x.out = append(append(x.out[:0], "PRIVMSG "...), x.to...)
	x.out = append(append(append(x.out, " :"...), body...), "\r\n"...)
	_, err := x.conn.Write(x.out)
	return err
}

func (x *ircClient) Next() ([]byte, error) {
	for {
		line, err := x.r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if token, ok := bytes.CutPrefix(line, []byte("PING")); ok {
			if err := x.say("PONG" + string(bytes.TrimSpace(token))); err != nil {
				return nil, err
			}
			continue
		}
		if _, rest, ok := bytes.Cut(line, []byte(" PRIVMSG ")); ok {
			if _, body, ok := bytes.Cut(rest, []byte(" :")); ok {
				return bytes.TrimRight(body, "\r\n"), nil
			}
		}
		if bytes.HasPrefix(line, []byte("ERROR")) {
			return nil, errors.New(strings.TrimSpace(string(line)))
		}
	}
}
