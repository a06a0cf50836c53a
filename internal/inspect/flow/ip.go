package flow

import (
	"encoding/binary"
	"errors"
	"net/netip"
)

// Protocols above IP, and extension headers of IPv6.
const (
	protoHop      = 0
	protoTCP      = 6
	protoUDP      = 17
	protoRouting  = 43
	protoFragment = 44
	protoAuth     = 51
	protoOptions  = 60
)

var errProtocol = errors.New("neither TCP nor UDP")

// A datagram is one IP packet, or fragment of one.
type datagram struct {
	from, to netip.Addr
	proto    uint8
	body     []byte // what was captured of it
	size     int    // its length on the wire; at least len(body)
	// Of fragments only.
	id   uint32
	off  int
	more bool
}

func (d datagram) fragmented() bool { return d.more || d.off > 0 }

// readIP reads the IP packet at the start of b. Bytes behind it (padding of
// Ethernet) are left out.
func readIP(b []byte) (datagram, error) {
	if len(b) == 0 {
		return datagram{}, errShort
	}
	switch b[0] >> 4 {
	case 4:
		return readIPv4(b)
	case 6:
		return readIPv6(b)
	}
	return datagram{}, errVersion
}

func readIPv4(b []byte) (datagram, error) {
	head := int(b[0]&15) * 4
	if head < 20 || len(b) < head {
		return datagram{}, errShort
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 { // left to the network card: up to the end of the packet
		total = len(b)
	}
	if total < head {
		return datagram{}, errShort
	}
	flags := binary.BigEndian.Uint16(b[6:])
	return datagram{
		from:  netip.AddrFrom4([4]byte(b[12:])),
		to:    netip.AddrFrom4([4]byte(b[16:])),
		proto: b[9],
		body:  b[head:min(total, len(b))],
		size:  total - head,
		id:    uint32(binary.BigEndian.Uint16(b[4:])),
		off:   int(flags&0x1fff) * 8,
		more:  flags&0x2000 != 0,
	}, nil
}

func readIPv6(b []byte) (datagram, error) {
	if len(b) < 40 {
		return datagram{}, errShort
	}
	size := int(binary.BigEndian.Uint16(b[4:]))
	if size == 0 { // left to the network card, or a jumbogram
		size = len(b) - 40
	}
	d := datagram{
		from:  netip.AddrFrom16([16]byte(b[8:])),
		to:    netip.AddrFrom16([16]byte(b[24:])),
		proto: b[6],
		body:  b[40:min(40+size, len(b))],
		size:  size,
	}
	for range 16 { // extension headers; more are not sent in earnest
		n, ok := d.extension()
		if !ok {
			return d, nil
		}
		if n > len(d.body) {
			return datagram{}, errShort
		}
		fragment := d.proto == protoFragment
		d.proto, d.body, d.size = d.body[0], d.body[n:], d.size-n
		if fragment { // what follows belongs to the whole
			return d, nil
		}
	}
	return datagram{}, errProtocol
}

// extension returns the length of the extension header that d begins with.
func (d *datagram) extension() (n int, ok bool) {
	switch d.proto {
	case protoHop, protoRouting, protoOptions:
		if len(d.body) < 2 {
			return 2, true
		}
		return 8 + 8*int(d.body[1]), true
	case protoAuth:
		if len(d.body) < 2 {
			return 2, true
		}
		return 8 + 4*int(d.body[1]), true
	case protoFragment:
		if len(d.body) >= 8 {
			offset := binary.BigEndian.Uint16(d.body[2:])
			d.off, d.more = int(offset&^7), offset&1 != 0
			d.id = binary.BigEndian.Uint32(d.body[4:])
		}
		return 8, true
	}
	return 0, false
}
