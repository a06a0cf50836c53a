package netx

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"
)

const (
	sntpSize    = 48
	sntpTimeout = 5 * time.Second
	sntpPort    = "123"
)

// ErrNoTime is the reason when a time server answers, but with no time to use.
var ErrNoTime = errors.New("no usable time")

// ClockOffset asks a time server ("host" or "host:port", port 123) with one
// datagram: RFC 4330. Adding offset to our clock makes it right, to within half of
// roundtrip. It gives up when ctx ends, and after 5 s at the latest. Nothing about
// our clock is sent. A server that wants to be left alone (kiss of death) or has no
// time itself is ErrNoTime. A nil dial is a *net.Dialer.
func ClockOffset(ctx context.Context, server string, dial ContextDialer) (offset, roundtrip time.Duration, err error) {
	if dial == nil {
		dial = new(net.Dialer)
	}
	if _, _, err := net.SplitHostPort(server); err != nil {
		server = net.JoinHostPort(strings.Trim(server, "[]"), sntpPort)
	}
	ctx, cancel := context.WithTimeout(ctx, sntpTimeout)
	defer cancel()
	c, err := dial.DialContext(ctx, "udp", server)
	if err != nil {
		return 0, 0, fmt.Errorf("time server: %w", err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	offset, roundtrip, err = askTime(c)
	if err != nil {
		return 0, 0, fmt.Errorf("time server %s: %w", server, errors.Join(ctx.Err(), err))
	}
	return offset, roundtrip, nil
}

// askTime sends one request over c and reads one answer.
func askTime(c net.Conn) (offset, roundtrip time.Duration, err error) {
	// The transmit timestamp comes back as the originate timestamp. A random one
	// proves the answer and tells nothing.
	var request, answer [sntpSize]byte
	const version4, client = 4 << 3, 3
	request[0] = version4 | client
	rand.Read(request[40:])

	sent := time.Now()
	if _, err := c.Write(request[:]); err != nil {
		return 0, 0, err
	}
	n, err := c.Read(answer[:])
	if err != nil {
		return 0, 0, err
	}
	elapsed := time.Since(sent) // monotonic: right even if the clock is set meanwhile
	received, replied, err := parseTime(answer[:n], [8]byte(request[40:]))
	if err != nil {
		return 0, 0, err
	}
	roundtrip = max(0, elapsed-max(0, replied.Sub(received)))
	offset = received.Sub(sent)/2 + replied.Sub(sent.Add(elapsed))/2
	return offset, roundtrip, nil
}

// parseTime reads a server's answer to the request with the given transmit
// timestamp: RFC 4330 4 and 5. It returns when the server got the request and when
// it answered.
func parseTime(b []byte, originate [8]byte) (received, replied time.Time, err error) {
	if len(b) < sntpSize {
		return received, replied, fmt.Errorf("answer of %d bytes, want %d", len(b), sntpSize)
	}
	leap, version, mode, stratum := b[0]>>6, b[0]>>3&7, b[0]&7, b[1]
	const server, unsynchronised = 4, 3
	switch {
	case mode != server || version == 0:
		err = fmt.Errorf("answer with mode %d and version %d", mode, version)
	case [8]byte(b[24:32]) != originate:
		err = errors.New("answer to something that was not asked")
	case stratum == 0:
		err = fmt.Errorf("%w: it refuses with code %q", ErrNoTime, b[12:16])
	case stratum > 15 || leap == unsynchronised:
		err = fmt.Errorf("%w: its own clock is not set", ErrNoTime)
	case binary.BigEndian.Uint64(b[32:]) == 0 || binary.BigEndian.Uint64(b[40:]) == 0:
		err = fmt.Errorf("%w: it is empty", ErrNoTime)
	}
	if err != nil {
		return received, replied, err
	}
	return timeOf([8]byte(b[32:40])), timeOf([8]byte(b[40:48])), nil
}

// timeOf converts an NTP timestamp: seconds since 1900 and their 2^32nd parts. Bit 0
// clear means the era that begins in 2036: RFC 4330 3.
func timeOf(b [8]byte) time.Time {
	const until1970 = 2208988800
	seconds := int64(binary.BigEndian.Uint32(b[:]))
	if seconds < 1<<31 {
		seconds += 1 << 32
	}
	nanos := uint64(binary.BigEndian.Uint32(b[4:])) * 1e9 >> 32
	return time.Unix(seconds-until1970, int64(nanos))
}
