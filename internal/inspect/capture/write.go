package capture

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A Writer writes a pcap file with times in nanoseconds. Its head allows packets
// of [MaxPacket] bytes.
type Writer struct {
	out  io.Writer
	link LinkType
	buf  []byte
}

// NewWriter writes the head of a file of packets that begin as link says.
func NewWriter(w io.Writer, link LinkType) (*Writer, error) {
	head := binary.LittleEndian.AppendUint32(nil, magicNano)
	head = append(head, 2, 0, 4, 0)
	head = append(head, make([]byte, 8)...)
	head = binary.LittleEndian.AppendUint32(head, MaxPacket)
	head = binary.LittleEndian.AppendUint32(head, uint32(link))
	_, err := w.Write(head)
	return &Writer{out: w, link: link}, err
}

// Write writes one packet; its number is not kept. The error is the writer's,
// or says that the packet is of another link type than the file, or too large.
func (w *Writer) Write(p Packet) error {
	if p.Link != w.link {
		return fmt.Errorf("packet %d: a file of link type %d cannot hold one of %d", p.Number, w.link, p.Link)
	}
	if len(p.Data) > MaxPacket {
		return fmt.Errorf("packet %d: %w: %d bytes", p.Number, ErrDamaged, len(p.Data))
	}
	seconds, nanos := int64(0), 0
	if !p.Time.IsZero() {
		seconds, nanos = p.Time.Unix(), p.Time.Nanosecond()
	}
	b := binary.LittleEndian.AppendUint32(w.buf[:0], uint32(seconds))
	b = binary.LittleEndian.AppendUint32(b, uint32(nanos))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(p.Data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(max(p.Length, len(p.Data))))
	w.buf = append(b, p.Data...)
	_, err := w.out.Write(w.buf)
	return err
}
