package netx_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/internal/netx"
)

// timeServer answers one request on a pipe: answer gets the request and returns the
// datagram to send, nil for none. It is a ContextDialer.
type timeServer struct {
	answer  func(request []byte) []byte
	address string
}

func (s *timeServer) DialContext(_ context.Context, _, address string) (net.Conn, error) {
	s.address = address
	near, far := net.Pipe()
	go func() {
		defer far.Close()
		request := make([]byte, 512)
		n, err := far.Read(request)
		if err != nil {
			return
		}
		if b := s.answer(request[:n]); b != nil {
			far.Write(b)
		}
		io.Copy(io.Discard, far)
	}()
	return near, nil
}

// stamp is the NTP timestamp of t.
func stamp(t time.Time) uint64 {
	return uint64(t.Unix()+2208988800)<<32 | uint64(t.Nanosecond())<<32/1e9
}

// goodAnswer is what a server with the given offset answers now, having taken a
// while for it.
func goodAnswer(request []byte, offset, while time.Duration) []byte {
	b := make([]byte, 48)
	b[0], b[1] = 4<<3|4, 2
	copy(b[24:32], request[40:48])
	binary.BigEndian.PutUint64(b[32:], stamp(time.Now().Add(offset)))
	time.Sleep(while)
	binary.BigEndian.PutUint64(b[40:], stamp(time.Now().Add(offset)))
	return b
}

func TestClockOffsetIsThatOfTheServer(t *testing.T) {
	for _, want := range []time.Duration{0, 90 * time.Second, -40 * 24 * time.Hour, 20 * 365 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			s := &timeServer{answer: func(r []byte) []byte {
				time.Sleep(30 * time.Millisecond) // there
				b := goodAnswer(r, want, 100*time.Millisecond)
				time.Sleep(30 * time.Millisecond) // and back
				return b
			}}
			offset, roundtrip, err := netx.ClockOffset(t.Context(), "time.example", s)
			if err != nil {
				t.Fatal(err)
			}
			if d := (offset - want).Abs(); d > time.Microsecond {
				t.Errorf("offset %v, want %v", offset, want)
			}
			if d := (roundtrip - 60*time.Millisecond).Abs(); d > time.Microsecond {
				t.Errorf("roundtrip %v, want 60ms", roundtrip)
			}
			if s.address != "time.example:123" {
				t.Errorf("asked %s, want port 123", s.address)
			}
		})
	}
}

func TestRequestForTheTimeTellsNothingButItsForm(t *testing.T) {
	var requests [][]byte
	s := &timeServer{answer: func(r []byte) []byte {
		requests = append(requests, bytes.Clone(r))
		return goodAnswer(r, 0, 0)
	}}
	for range 2 {
		if _, _, err := netx.ClockOffset(t.Context(), "[::1]:1123", s); err != nil {
			t.Fatal(err)
		}
	}
	if s.address != "[::1]:1123" {
		t.Errorf("asked %s", s.address)
	}
	want := make([]byte, 40)
	want[0] = 4<<3 | 3
	for _, r := range requests {
		if len(r) != 48 || !bytes.Equal(r[:40], want) {
			t.Errorf("request % x", r)
		}
	}
	if bytes.Equal(requests[0], requests[1]) {
		t.Error("two requests are the same")
	}
}

func TestAnswersThatAreNoTimeAreErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		noTime bool
		change func(b []byte) []byte
		says   string
	}{
		{"kiss of death", true, func(b []byte) []byte { b[1] = 0; copy(b[12:], "RATE"); return b }, `"RATE"`},
		{"unprintable kiss", true, func(b []byte) []byte { b[1] = 0; copy(b[12:], "\x1b\n\x00x"); return b }, `\x1b`},
		{"unsynchronised", true, func(b []byte) []byte { b[1] = 16; return b }, "not set"},
		{"alarm", true, func(b []byte) []byte { b[0] |= 3 << 6; return b }, "not set"},
		{"no transmit time", true, func(b []byte) []byte { clear(b[40:]); return b }, "empty"},
		{"no receive time", true, func(b []byte) []byte { clear(b[32:40]); return b }, "empty"},
		{"client mode", false, func(b []byte) []byte { b[0] = 4<<3 | 3; return b }, "mode 3"},
		{"version 0", false, func(b []byte) []byte { b[0] = 4; return b }, "version 0"},
		{"not our request", false, func(b []byte) []byte { b[24]++; return b }, "not asked"},
		{"short", false, func(b []byte) []byte { return b[:47] }, "47 bytes"},
		{"one byte", false, func(b []byte) []byte { return b[:1] }, "1 bytes"},
	} {
		s := &timeServer{answer: func(r []byte) []byte { return c.change(goodAnswer(r, 0, 0)) }}
		_, _, err := netx.ClockOffset(t.Context(), "time.example:123", s)
		if err == nil || errors.Is(err, netx.ErrNoTime) != c.noTime || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestSilentTimeServerIsLeftAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &timeServer{answer: func([]byte) []byte { return nil }}
		for _, limit := range []time.Duration{time.Hour, 300 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			began := time.Now()
			_, _, err := netx.ClockOffset(ctx, "time.example", s)
			if want := min(limit, 5*time.Second); time.Since(began) != want || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("gave up after %v with %v, want %v", time.Since(began), err, want)
			}
			cancel()
		}
	})
}

func TestTimeAfterTheYear2036IsUnderstood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Date(2036, 2, 7, 6, 28, 10, 0, time.UTC))) // six seconds before the turn
		s := &timeServer{answer: func(r []byte) []byte { return goodAnswer(r, time.Minute, 0) }}
		offset, _, err := netx.ClockOffset(t.Context(), "time.example", s)
		if err != nil || (offset-time.Minute).Abs() > time.Microsecond {
			t.Errorf("offset %v, %v; want 1m", offset, err)
		}
	})
}

func TestClockOffsetOverARealSocket(t *testing.T) {
	t.Parallel()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	go func() {
		b := make([]byte, 512)
		n, from, err := c.ReadFrom(b)
		if err == nil {
			c.WriteTo(goodAnswer(b[:n], time.Hour, 0), from)
		}
	}()
	offset, roundtrip, err := netx.ClockOffset(t.Context(), c.LocalAddr().String(), nil)
	if err != nil || (offset-time.Hour).Abs() > time.Second || roundtrip < 0 || roundtrip > 5*time.Second {
		t.Errorf("offset %v, roundtrip %v, %v; want 1h", offset, roundtrip, err)
	}
	if _, _, err := netx.ClockOffset(t.Context(), "127.0.0.1:no port", nil); err == nil {
		t.Error("a server without a usable port is no error")
	}
}

func FuzzTimeAnswer(f *testing.F) {
	f.Add(goodAnswer(make([]byte, 48), 0, 0), true)
	f.Add(make([]byte, 48), false)
	f.Add([]byte{}, true)
	f.Fuzz(func(t *testing.T, answer []byte, ours bool) {
		answer = append(bytes.Clone(answer), make([]byte, max(0, 1-len(answer)))...) // a pipe has no empty datagrams
		s := &timeServer{answer: func(r []byte) []byte {
			if ours && len(answer) >= 32 {
				copy(answer[24:32], r[40:48])
			}
			return answer
		}}
		_, roundtrip, err := netx.ClockOffset(t.Context(), "time.example", s)
		if err == nil && (!ours || len(answer) < 48 || answer[0]&7 != 4 || answer[1] == 0 || answer[1] > 15 || roundtrip < 0) {
			t.Errorf("% x was taken for the time", answer)
		}
	})
}
