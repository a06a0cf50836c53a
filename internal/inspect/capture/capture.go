package capture

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// Bounds of a file.
const (
	// MaxPacket is the largest packet, in bytes: what the formats allow.
	MaxPacket = 256 << 10
	// MaxInterfaces is how many interfaces one section of a pcapng file has.
	MaxInterfaces = 4096
)

// Errors of files.
var (
	// ErrFormat means that the file is neither pcap nor pcapng.
	ErrFormat = errors.New("neither pcap nor pcapng")
	// ErrCut means that the file ends inside a packet or block.
	ErrCut = errors.New("the file ends early")
	// ErrDamaged means that a length or number in the file cannot be right.
	ErrDamaged = errors.New("the file is damaged")
)

// A LinkType says what a packet begins with: a number of the registry of link
// types at tcpdump.org.
type LinkType uint16

// The link types that [trunkline/internal/inspect/flow] can read.
const (
	LinkNull     LinkType = 0   // BSD loopback: address family in the host's order
	LinkEthernet LinkType = 1   // Ethernet, also with VLAN tags
	LinkRaw      LinkType = 101 // IPv4 or IPv6
	LinkLoop     LinkType = 108 // OpenBSD loopback: address family in network order
	LinkSLL      LinkType = 113 // Linux cooked, version 1
	LinkIPv4     LinkType = 228 // IPv4
	LinkIPv6     LinkType = 229 // IPv6
	LinkSLL2     LinkType = 276 // Linux cooked, version 2
)

// A Packet is one packet of a file.
type Packet struct {
	Number int       // in the file, from 1
	Time   time.Time // zero where the file tells none
	Link   LinkType
	Length int    // on the wire; at least len(Data)
	Data   []byte // what was captured; valid until the next call of Next
}

// A Reader reads a capture file. It is used by one goroutine.
type Reader struct {
	in     *bufio.Reader
	offset int64 // of what is read next
	begin  int64 // of the packet or block that is being read
	count  int
	buf    []byte
	next   func() (Packet, error)
}

// NewReader reads the head of a file. The error wraps [ErrFormat], [ErrCut] or
// [ErrDamaged], or is the reader's.
func NewReader(r io.Reader) (*Reader, error) {
	f := &Reader{in: bufio.NewReaderSize(r, 64<<10)}
	magic, err := f.in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, err
	}
	if len(magic) < 4 {
		return nil, ErrFormat
	}
	if binary.BigEndian.Uint32(magic) == blockSection {
		f.next = newPcapng(f).next
		return f, nil
	}
	p, err := newPcap(f, magic)
	if err != nil {
		return nil, err
	}
	f.next = p.next
	return f, nil
}

// Next returns the next packet, or io.EOF after the last. Any other error ends
// the file: nothing behind it can be read.
func (f *Reader) Next() (Packet, error) {
	p, err := f.next()
	if err == io.EOF {
		return Packet{}, err
	}
	if err != nil {
		return Packet{}, fmt.Errorf("after packet %d, byte %d: %w", f.count, f.begin, err)
	}
	f.count++
	p.Number = f.count
	return p, nil
}

// take reads n bytes, valid until the next call. At the end of the file it
// returns io.EOF if nothing was left, else ErrCut. The buffer grows with what
// is read.
func (f *Reader) take(n int) ([]byte, error) {
	f.buf = f.buf[:0]
	for len(f.buf) < n {
		step := min(n-len(f.buf), 64<<10)
		have := len(f.buf)
		f.buf = append(f.buf, make([]byte, step)...)
		got, err := io.ReadFull(f.in, f.buf[have:])
		f.offset += int64(got)
		if err == io.EOF && have == 0 {
			return nil, io.EOF
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, ErrCut
		}
		if err != nil {
			return nil, err
		}
	}
	return f.buf, nil
}

// must is take where the end of the file is one too early.
func (f *Reader) must(n int) ([]byte, error) {
	b, err := f.take(n)
	if err == io.EOF {
		err = ErrCut
	}
	return b, err
}

// skip reads over n bytes.
func (f *Reader) skip(n int64) error {
	got, err := io.CopyN(io.Discard, f.in, n)
	f.offset += got
	if err == io.EOF {
		return ErrCut
	}
	return err
}
