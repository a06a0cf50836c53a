//go:build linux

package load

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

type natsProtocol struct{}

// A lined is a client of a protocol made of lines.
type lined struct {
	conn net.Conn
	r    *bufio.Reader
	name string
	to   string
	out  []byte
}

// Conn is the connection underneath.
func (x *lined) Conn() net.Conn { return x.conn }

func (x *lined) open(c net.Conn) {
	x.conn, x.r = c, bufio.NewReaderSize(c, 1024)
}

func (x *lined) say(line string) error {
	_, err := x.conn.Write([]byte(line + "\r\n"))
	return err
}

// until reads lines up to the first for which done says so.
func (x *lined) until(done func(line string) (bool, error)) error {
	for {
		line, err := x.r.ReadString('\n')
		if err != nil {
			return err
		}
		if ok, err := done(line); ok || err != nil {
			return err
		}
	}
}

// A natsClient subscribes to a subject of its own name.
type natsClient struct {
	lined
	body []byte
}

func (natsProtocol) Join(ctx context.Context, to Target, i int) (Client, error) {
	x := &natsClient{lined: lined{name: fmt.Sprintf("c%05d", i)}}
	err := joining(ctx, to, i, func(c net.Conn) error {
		x.open(c)
		return x.signIn()
	})
	if err != nil {
		return nil, err
	}
	return x, nil
}

func (x *natsClient) signIn() error {
	hello := `CONNECT {"verbose":false,"pedantic":false,"name":"` + x.name + `"}` + "\r\nSUB " + x.name + " 1\r\nPING"
	if err := x.say(hello); err != nil {
		return err
	}
	return x.until(func(line string) (bool, error) {
		if strings.HasPrefix(line, "-ERR") {
			return true, errors.New(strings.TrimSpace(line))
		}
		return strings.HasPrefix(line, "PONG"), nil
	})
}

func (natsProtocol) Pair(from, to Client) error {
	a, ok1 := from.(*natsClient)
	b, ok2 := to.(*natsClient)
	if !ok1 || !ok2 {
		return errors.New("not clients of nats")
	}
	a.to, b.to = b.name, a.name
	return nil
}

func (x *natsClient) Send(body []byte) error {
	x.out = append(x.out[:0], "PUB "...)
	x.out = append(append(x.out, x.to...), ' ')
	x.out = append(strconv.AppendInt(x.out, int64(len(body)), 10), "\r\n"...)
	x.out = append(append(x.out, body...), "\r\n"...)
	_, err := x.conn.Write(x.out)
	return err
}

func (x *natsClient) Next() ([]byte, error) {
	for {
		line, err := x.r.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		switch {
		case bytes.HasPrefix(line, []byte("MSG ")):
			return x.payload(line)
		case bytes.HasPrefix(line, []byte("PING")):
			if err := x.say("PONG"); err != nil {
				return nil, err
			}
		case bytes.HasPrefix(line, []byte("-ERR")):
			return nil, errors.New(strings.TrimSpace(string(line)))
		}
	}
}

// payload reads the body that a MSG line announces.
func (x *natsClient) payload(line []byte) ([]byte, error) {
	words := bytes.Fields(line)
	n, err := strconv.Atoi(string(words[len(words)-1]))
	if err != nil || n < 0 || n > MaxBody {
		return nil, fmt.Errorf("a message of %q bytes", words[len(words)-1])
	}
	if cap(x.body) < n+2 {
		x.body = make([]byte, n+2)
	}
	x.body = x.body[:n+2]
	_, err = io.ReadFull(x.r, x.body)
	return x.body[:n], err
}
