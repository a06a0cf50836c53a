//go:build linux

package ceiling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	window     = 512 // datagrams in flight of an echo
	batch      = 32  // datagrams a call
	bufferSize = 4 << 20
	maxRound   = time.Second // of one that is tried again
)

// network measures loopback with both ends in this process: the CPU time is of
// both.
func network(ctx context.Context, c Config, emit func(Ceiling)) error {
	for _, m := range []struct {
		name, anchor string
		run          func(context.Context, time.Duration) (uint64, error)
	}{
		{"UDP echo 200 B, one datagram a call", "1.9 us both ends", udpEcho(1)},
		{"UDP echo 200 B, 32 a call", "1.7 us both ends", udpEcho(batch)},
		{"UDP segmentation 1,200 B, one flow", "0.1 us both ends", udpSegments},
		{"TCP echo 200 B, 1 in flight", "", tcpEcho},
	} {
		best := map[string]float64{}
		for range c.Rounds {
			before, start := ownCPU(), time.Now()
			n, err := m.run(ctx, c.Round)
			// A machine that is busy elsewhere may not get to answer in a short round.
			for longer := 2 * c.Round; err == nil && n == 0 && longer < maxRound && ctx.Err() == nil; longer *= 2 {
				before, start = ownCPU(), time.Now()
				n, err = m.run(ctx, longer)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if n == 0 {
				return fmt.Errorf("%s: nothing came back", m.name)
			}
			us := float64(ownCPU()-before) / 1e3 / float64(n)
			if len(best) == 0 || us < best["cpu_us"] {
				best = map[string]float64{"cpu_us": us, "per_s": float64(n) / time.Since(start).Seconds()}
			}
		}
		emit(Ceiling{Name: m.name, Anchor: m.anchor, Values: best})
	}
	return nil
}

// ownCPU is the user and system time of this process.
func ownCPU() time.Duration {
	var r syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// udpPair is two sockets, the second connected to the first.
func udpPair() (server, client *net.UDPConn, err error) {
	server, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, nil, err
	}
	client, err = net.DialUDP("udp4", nil, server.LocalAddr().(*net.UDPAddr))
	if err != nil {
		_ = server.Close()
		return nil, nil, err
	}
	for _, c := range []*net.UDPConn{server, client} {
		_ = c.SetReadBuffer(bufferSize)
		_ = c.SetWriteBuffer(bufferSize)
	}
	return server, client, nil
}

// messages is n buffers for a batch call; payload, if given, is in all of them.
func messages(n int, payload []byte) []ipv4.Message {
	list := make([]ipv4.Message, n)
	for i := range list {
		b := payload
		if b == nil {
			b = make([]byte, 2048)
		}
		list[i].Buffers = [][]byte{b}
	}
	return list
}

// udpEcho keeps a window of datagrams in flight to a server that answers each,
// n datagrams a call.
func udpEcho(n int) func(context.Context, time.Duration) (uint64, error) {
	return func(ctx context.Context, d time.Duration) (uint64, error) {
		server, client, err := udpPair()
		if err != nil {
			return 0, err
		}
		var wg sync.WaitGroup
		defer wg.Wait()
		defer func() { _ = server.Close(); _ = client.Close() }()
		wg.Go(func() { echoUDP(ipv4.NewPacketConn(server), n) })
		pc := ipv4.NewPacketConn(client)
		out, in := messages(n, make([]byte, 200)), messages(n, nil)
		var answered uint64
		flying := 0
		for end := time.Now().Add(d); time.Now().Before(end) && ctx.Err() == nil; {
			for flying < window {
				k, err := pc.WriteBatch(out[:min(n, window-flying)], 0)
				if err != nil {
					return 0, err
				}
				flying += k
			}
			_ = client.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			k, err := pc.ReadBatch(in, 0)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				flying = 0
				continue
			}
			if err != nil {
				return 0, err
			}
			flying -= k
			answered += uint64(k)
		}
		return answered, nil
	}
}

func echoUDP(pc *ipv4.PacketConn, n int) {
	in, out := messages(n, nil), make([]ipv4.Message, n)
	for {
		k, err := pc.ReadBatch(in, 0)
		if err != nil {
			return
		}
		for i, m := range in[:k] {
			out[i] = ipv4.Message{Buffers: [][]byte{m.Buffers[0][:m.N]}, Addr: m.Addr}
		}
		for w := out[:k]; len(w) > 0; {
			sent, err := pc.WriteBatch(w, 0)
			if err != nil {
				return
			}
			w = w[sent:]
		}
	}
}

// udpSegments sends one flow as large buffers that the kernel cuts, and
// receives them joined.
func udpSegments(ctx context.Context, d time.Duration) (uint64, error) {
	const size = 1200
	server, client, err := udpPair()
	if err != nil {
		return 0, err
	}
	if err := errors.Join(setUDP(server, unix.UDP_GRO, 1), setUDP(client, unix.UDP_SEGMENT, size)); err != nil {
		return 0, err
	}
	var got uint64
	var wg sync.WaitGroup
	wg.Go(func() {
		buf, oob := make([]byte, 64<<10), make([]byte, 64)
		for {
			n, _, _, _, err := server.ReadMsgUDPAddrPort(buf, oob)
			if err != nil {
				return
			}
			got += uint64((n + size - 1) / size)
		}
	})
	burst := make([]byte, 50*size)
	for end := time.Now().Add(d); err == nil && time.Now().Before(end) && ctx.Err() == nil; {
		_, err = client.Write(burst)
	}
	_ = server.Close()
	_ = client.Close()
	wg.Wait()
	return got, err
}

func setUDP(c *net.UDPConn, option, value int) error {
	raw, err := c.SyscallConn()
	if err != nil {
		return err
	}
	var inner error
	err = raw.Control(func(fd uintptr) { inner = unix.SetsockoptInt(int(fd), unix.SOL_UDP, option, value) })
	return errors.Join(err, inner)
}

// tcpEcho sends 200 bytes, waits for them to come back, and does it again.
func tcpEcho(ctx context.Context, d time.Duration) (uint64, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() { _ = l.Close() }()
	wg.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		b := make([]byte, 2048)
		for {
			n, err := c.Read(b)
			if err != nil {
				return
			}
			if _, err := c.Write(b[:n]); err != nil {
				return
			}
		}
	})
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	b, n := make([]byte, 200), uint64(0)
	for end := time.Now().Add(d); time.Now().Before(end) && ctx.Err() == nil; n++ {
		if _, err := c.Write(b); err != nil {
			return n, err
		}
		if _, err := io.ReadFull(c, b); err != nil {
			return n, err
		}
	}
	return n, nil
}
