package capture

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"time"
)

// Types of block.
const (
	blockSection   = 0x0a0d0d0a // reads the same in both orders
	blockInterface = 1
	blockPacket    = 2 // obsolete
	blockSimple    = 3
	blockEnhanced  = 6
)

const (
	orderMagic = 0x1a2b3c4d
	// maxBlock bounds the blocks that are read whole: a packet and its options.
	maxBlock = MaxPacket + 64<<10
	// Options of an interface.
	optionEnd    = 0
	optionTime   = 9
	optionOffset = 14
)

type pcapng struct {
	file  *Reader
	order binary.ByteOrder
	ports []port // the interfaces of this section
}

// A port is an interface that packets were captured at.
type port struct {
	link    LinkType
	snap    uint32
	ticks   uint64 // a second
	seconds int64  // added to every time
}

func newPcapng(f *Reader) *pcapng { return &pcapng{file: f, order: binary.LittleEndian} }

// next reads blocks up to the next packet.
func (p *pcapng) next() (Packet, error) {
	for {
		kind, body, err := p.block()
		if err != nil {
			return Packet{}, err
		}
		switch kind {
		case blockSection:
			p.ports = nil
		case blockInterface:
			err = p.addPort(body)
		case blockEnhanced, blockPacket:
			return p.packet(kind, body)
		case blockSimple:
			return p.simple(body)
		}
		if err != nil {
			return Packet{}, err
		}
	}
}

// block reads one block. Those that nobody asks for come without their body.
func (p *pcapng) block() (kind uint32, body []byte, err error) {
	p.file.begin = p.file.offset
	head, err := p.file.take(8)
	if err != nil {
		return 0, nil, err
	}
	kind = p.order.Uint32(head)
	if kind == blockSection {
		if err := p.section(); err != nil {
			return 0, nil, err
		}
		return kind, nil, nil
	}
	size := p.order.Uint32(head[4:])
	if size < 12 || size%4 != 0 {
		return 0, nil, fmt.Errorf("%w: a block of %d bytes", ErrDamaged, size)
	}
	switch kind {
	case blockInterface, blockEnhanced, blockPacket, blockSimple:
		if size > maxBlock {
			return 0, nil, fmt.Errorf("%w: a block of %d bytes", ErrDamaged, size)
		}
		body, err = p.file.must(int(size) - 8)
	default:
		err = p.file.skip(int64(size) - 12)
		if err == nil {
			body, err = p.file.must(4)
		}
	}
	if err != nil {
		return 0, nil, err
	}
	if again := p.order.Uint32(body[len(body)-4:]); again != size {
		return 0, nil, fmt.Errorf("%w: a block of %d bytes ends as one of %d", ErrDamaged, size, again)
	}
	return kind, body[:len(body)-4], nil
}

// section reads a section header behind its type: it tells the order of bytes
// that its own length is written in.
func (p *pcapng) section() error {
	length := [4]byte(p.file.buf[4:8])
	magic, err := p.file.must(4)
	if err != nil {
		return err
	}
	switch {
	case binary.LittleEndian.Uint32(magic) == orderMagic:
		p.order = binary.LittleEndian
	case binary.BigEndian.Uint32(magic) == orderMagic:
		p.order = binary.BigEndian
	default:
		return fmt.Errorf("%w: a section without its order of bytes", ErrDamaged)
	}
	size := p.order.Uint32(length[:])
	if size < 28 || size%4 != 0 {
		return fmt.Errorf("%w: a section header of %d bytes", ErrDamaged, size)
	}
	return p.file.skip(int64(size) - 12)
}

func (p *pcapng) addPort(body []byte) error {
	if len(body) < 8 || len(p.ports) == MaxInterfaces {
		return fmt.Errorf("%w: interface %d", ErrDamaged, len(p.ports))
	}
	in := port{link: LinkType(p.order.Uint16(body)), snap: p.order.Uint32(body[4:]), ticks: 1e6}
	for b := body[8:]; len(b) >= 4; {
		kind, size := p.order.Uint16(b), int(p.order.Uint16(b[2:]))
		b = b[4:]
		if kind == optionEnd || size > len(b) {
			break
		}
		switch {
		case kind == optionTime && size == 1:
			in.ticks = resolution(b[0])
		case kind == optionOffset && size == 8:
			in.seconds = int64(p.order.Uint64(b))
		}
		b = b[min(len(b), (size+3)&^3):]
	}
	p.ports = append(p.ports, in)
	return nil
}

// resolution is ticks a second: a negative power of 10, or of 2 with the top
// bit set. What no clock has counts as microseconds.
func resolution(v byte) uint64 {
	n := v & 0x7f
	switch {
	case v&0x80 != 0 && n < 64:
		return 1 << n
	case v&0x80 == 0 && n <= 19:
		return uint64(math.Pow10(int(n)))
	}
	return 1e6
}

// time turns ticks into a time; what lies outside the years that Go prints is
// no time.
func (in port) time(ticks uint64) time.Time {
	whole, rest := ticks/in.ticks, ticks%in.ticks
	hi, lo := bits.Mul64(rest, 1e9)
	nanos, _ := bits.Div64(hi, lo, in.ticks)
	const year10000 = 253402300800
	if whole > year10000 || in.seconds > year10000 || in.seconds < -year10000 {
		return time.Time{}
	}
	t := time.Unix(int64(whole)+in.seconds, int64(nanos)).UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// packet reads an enhanced or an obsolete packet block, which differ in their
// first four bytes.
func (p *pcapng) packet(kind uint32, body []byte) (Packet, error) {
	if len(body) < 20 {
		return Packet{}, fmt.Errorf("%w: a packet block of %d bytes", ErrDamaged, len(body))
	}
	number := p.order.Uint32(body)
	if kind == blockPacket {
		number = uint32(p.order.Uint16(body))
	}
	if uint64(number) >= uint64(len(p.ports)) {
		return Packet{}, fmt.Errorf("%w: interface %d of %d", ErrDamaged, number, len(p.ports))
	}
	in := p.ports[number]
	ticks := uint64(p.order.Uint32(body[4:]))<<32 | uint64(p.order.Uint32(body[8:]))
	captured, length := p.order.Uint32(body[12:]), p.order.Uint32(body[16:])
	if captured > MaxPacket || int(captured) > len(body)-20 {
		return Packet{}, fmt.Errorf("%w: a packet of %d bytes in a block of %d", ErrDamaged, captured, len(body))
	}
	return Packet{Time: in.time(ticks), Link: in.link, Length: int(max(captured, length)), Data: body[20 : 20+captured]}, nil
}

// simple reads a simple packet block: of the first interface, without a time.
func (p *pcapng) simple(body []byte) (Packet, error) {
	if len(body) < 4 || len(p.ports) == 0 {
		return Packet{}, fmt.Errorf("%w: a simple packet block of %d bytes", ErrDamaged, len(body))
	}
	length, in := p.order.Uint32(body), p.ports[0]
	captured := length
	if in.snap != 0 {
		captured = min(captured, in.snap)
	}
	captured = min(captured, uint32(len(body)-4), MaxPacket)
	return Packet{Link: in.link, Length: int(max(captured, length)), Data: body[4 : 4+captured]}, nil
}
