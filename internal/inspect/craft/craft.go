// Package craft builds packets for the tests of captures: IP with TCP or UDP in
// it, with correct lengths and checksums, in fragments and behind every kind of
// link header.
package craft

import (
	"encoding/binary"
	"net/netip"

	"trunkline/internal/inspect/capture"
)

// Flags of TCP.
const (
	FIN = 1
	SYN = 2
	RST = 4
	ACK = 16
)

const (
	protoTCP = 6
	protoUDP = 17
)

// A Segment is one segment of TCP.
type Segment struct {
	From, To netip.AddrPort
	Number   uint32
	Flags    byte
	Data     []byte
}

// IP returns the segment in an IP packet.
func (s Segment) IP() []byte {
	b := binary.BigEndian.AppendUint16(nil, s.From.Port())
	b = binary.BigEndian.AppendUint16(b, s.To.Port())
	b = binary.BigEndian.AppendUint32(b, s.Number)
	b = append(b, 0, 0, 0, 0, 5<<4, s.Flags, 0xff, 0xff, 0, 0, 0, 0)
	b = append(b, s.Data...)
	return packet(protoTCP, 16, s.From.Addr(), s.To.Addr(), b)
}

// Datagram returns data as a datagram of UDP in an IP packet.
func Datagram(from, to netip.AddrPort, data []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, from.Port())
	b = binary.BigEndian.AppendUint16(b, to.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(data)))
	b = append(append(b, 0, 0), data...)
	return packet(protoUDP, 6, from.Addr(), to.Addr(), b)
}

// packet puts body behind an IP header and fills in its checksum, which stands
// at sum.
func packet(proto uint8, sum int, from, to netip.Addr, body []byte) []byte {
	pseudo := append(from.AsSlice(), to.AsSlice()...)
	pseudo = binary.BigEndian.AppendUint32(pseudo, uint32(len(body)))
	pseudo = append(pseudo, 0, 0, 0, proto)
	binary.BigEndian.PutUint16(body[sum:], Checksum(append(pseudo, body...)))
	if from.Is4() {
		return append(head4(proto, 7, 0, from, to, len(body)), body...)
	}
	return append(head6(proto, from, to, len(body)), body...)
}

func head4(proto uint8, id, offset uint16, from, to netip.Addr, size int) []byte {
	h := []byte{0x45, 0}
	h = binary.BigEndian.AppendUint16(h, uint16(20+size))
	h = binary.BigEndian.AppendUint16(h, id)
	h = binary.BigEndian.AppendUint16(h, offset)
	h = append(h, 64, proto, 0, 0)
	h = append(append(h, from.AsSlice()...), to.AsSlice()...)
	binary.BigEndian.PutUint16(h[10:], Checksum(h))
	return h
}

func head6(proto uint8, from, to netip.Addr, size int) []byte {
	h := []byte{0x60, 0, 0, 0}
	h = binary.BigEndian.AppendUint16(h, uint16(size))
	h = append(h, proto, 64)
	return append(append(h, from.AsSlice()...), to.AsSlice()...)
}

// Checksum is the checksum of the internet over b; over what holds a correct one
// it is 0.
func Checksum(b []byte) uint16 {
	var sum uint32
	for i, v := range b {
		if i%2 == 0 {
			sum += uint32(v) << 8
		} else {
			sum += uint32(v)
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}

// Fragments cuts an IP packet into fragments of at most size bytes of its body,
// a multiple of 8.
func Fragments(ip []byte, size int) [][]byte {
	head := 20
	v6 := ip[0]>>4 == 6
	if v6 {
		head = 40
	}
	var out [][]byte
	for from := head; from < len(ip); from += size {
		until := min(from+size, len(ip))
		out = append(out, fragment(ip, v6, from-head, ip[from:until], until < len(ip)))
	}
	return out
}

func fragment(ip []byte, v6 bool, offset int, body []byte, more bool) []byte {
	if v6 {
		from, to := netip.AddrFrom16([16]byte(ip[8:])), netip.AddrFrom16([16]byte(ip[24:]))
		flags := uint16(offset)
		if more {
			flags |= 1
		}
		h := head6(44, from, to, 8+len(body))
		h = append(h, ip[6], 0, byte(flags>>8), byte(flags), 0, 0, 0, 9)
		return append(h, body...)
	}
	from, to := netip.AddrFrom4([4]byte(ip[12:])), netip.AddrFrom4([4]byte(ip[16:]))
	flags := uint16(offset / 8)
	if more {
		flags |= 0x2000
	}
	return append(head4(ip[9], 9, flags, from, to, len(body)), body...)
}

// Link puts the header of a link type before an IP packet.
func Link(link capture.LinkType, ip []byte) []byte {
	ether := []byte{0x08, 0x00}
	if ip[0]>>4 == 6 {
		ether = []byte{0x86, 0xdd}
	}
	switch link {
	case capture.LinkEthernet:
		return append(append([]byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}, ether...), ip...)
	case capture.LinkSLL:
		return append(append([]byte{0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0}, ether...), ip...)
	case capture.LinkSLL2:
		return append(append(ether, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0), ip...)
	case capture.LinkNull:
		return append([]byte{2, 0, 0, 0}, ip...)
	case capture.LinkLoop:
		return append([]byte{0, 0, 0, 2}, ip...)
	}
	return ip
}

// VLAN puts a packet of Ethernet behind a tag of that type.
func VLAN(kind uint16, b []byte) []byte {
	tag := binary.BigEndian.AppendUint16(append([]byte(nil), b[:12]...), kind)
	return append(append(tag, 0, 5), b[12:]...)
}

// A Talk makes the packets of one TCP conversation, numbers kept.
type Talk struct {
	Ends [2]netip.AddrPort // opener first
	Next [2]uint32         // numbers of the bytes that come next
}

// Open returns the packets of the handshake.
func (t *Talk) Open() [][]byte {
	out := [][]byte{t.packet(0, SYN, nil), t.packet(1, SYN|ACK, nil)}
	t.Next[0]++
	t.Next[1]++
	return append(out, t.packet(0, ACK, nil))
}

// Send returns a packet with data from a side, 0 for the opener.
func (t *Talk) Send(side int, data []byte) []byte {
	b := t.packet(side, ACK, data)
	t.Next[side] += uint32(len(data))
	return b
}

// Close returns the packets of an orderly end.
func (t *Talk) Close() [][]byte {
	out := [][]byte{t.packet(0, FIN|ACK, nil), t.packet(1, FIN|ACK, nil)}
	t.Next[0]++
	t.Next[1]++
	return append(out, t.packet(0, ACK, nil))
}

func (t *Talk) packet(side int, flags byte, data []byte) []byte {
	return Segment{From: t.Ends[side], To: t.Ends[1-side], Number: t.Next[side], Flags: flags, Data: data}.IP()
}
