package capture

import (
	"encoding/binary"
	"fmt"
	"time"
)

// The magic numbers of pcap, by the unit of its times.
const (
	magicMicro = 0xa1b2c3d4
	magicNano  = 0xa1b23c4d
)

type pcap struct {
	file  *Reader
	order binary.ByteOrder
	unit  time.Duration
	link  LinkType
}

// newPcap reads the head of a file that begins with magic.
func newPcap(f *Reader, magic []byte) (*pcap, error) {
	p := &pcap{file: f, order: binary.LittleEndian}
	if first := p.order.Uint32(magic); first != magicMicro && first != magicNano {
		p.order = binary.BigEndian
	}
	switch p.order.Uint32(magic) {
	case magicMicro:
		p.unit = time.Microsecond
	case magicNano:
		p.unit = time.Nanosecond
	default:
		return nil, ErrFormat
	}
	head, err := f.must(24)
	if err != nil {
		return nil, err
	}
	if major := p.order.Uint16(head[4:]); major != 2 {
		return nil, fmt.Errorf("%w: pcap version %d", ErrDamaged, major)
	}
	p.link = LinkType(p.order.Uint32(head[20:])) // the upper half tells of check sequences
	return p, nil
}

func (p *pcap) next() (Packet, error) {
	p.file.begin = p.file.offset
	head, err := p.file.take(16)
	if err != nil {
		return Packet{}, err
	}
	seconds, fraction := p.order.Uint32(head), p.order.Uint32(head[4:])
	captured, length := p.order.Uint32(head[8:]), p.order.Uint32(head[12:])
	if captured > MaxPacket {
		return Packet{}, fmt.Errorf("%w: a packet of %d bytes", ErrDamaged, captured)
	}
	data, err := p.file.must(int(captured))
	if err != nil {
		return Packet{}, err
	}
	return Packet{
		Time:   time.Unix(int64(seconds), int64(fraction)*int64(p.unit)).UTC(),
		Link:   p.link,
		Length: int(max(captured, length)),
		Data:   data,
	}, nil
}
