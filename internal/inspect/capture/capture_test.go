package capture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"trunkline/internal/inspect/capture"
)

// orders are the two orders of bytes.
func orders() []binary.AppendByteOrder {
	return []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian}
}

// A file puts together the bytes of a capture.
type file struct {
	binary.AppendByteOrder
	b []byte
}

func (f *file) u16(v ...uint16) *file {
	for _, v := range v {
		f.b = f.AppendUint16(f.b, v)
	}
	return f
}

func (f *file) u32(v ...uint32) *file {
	for _, v := range v {
		f.b = f.AppendUint32(f.b, v)
	}
	return f
}

func (f *file) bytes(b string) *file {
	f.b = append(f.b, b...)
	return f
}

// pcap begins a file with a magic number and link type.
func (f *file) pcap(magic, link uint32) *file {
	return f.u32(magic).u16(2, 4).u32(0, 0, 65535, link)
}

// block adds a block of pcapng, padded.
func (f *file) block(kind uint32, body *file) *file {
	for len(body.b)%4 != 0 {
		body.b = append(body.b, 0)
	}
	size := uint32(12 + len(body.b))
	f.u32(kind, size)
	f.b = append(f.b, body.b...)
	return f.u32(size)
}

func (f *file) part() *file { return &file{AppendByteOrder: f.AppendByteOrder} }

func (f *file) section() *file {
	return f.block(0x0a0d0d0a, f.part().u32(0x1a2b3c4d).u16(1, 0).u32(0xffffffff, 0xffffffff).u16(4, 5).bytes("tests").bytes("\x00\x00\x00"))
}

func (f *file) port(link uint16, options *file) *file {
	p := f.part().u16(link, 0).u32(0)
	p.b = append(p.b, options.b...)
	return f.block(1, p)
}

func (f *file) enhanced(port uint32, ticks uint64, length uint32, data string) *file {
	return f.block(6, f.part().u32(port, uint32(ticks>>32), uint32(ticks), uint32(len(data)), length).bytes(data))
}

// read lists the packets of a file in words, and how it ends.
func read(b []byte) []string {
	r, err := capture.NewReader(bytes.NewReader(b))
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	for {
		p, err := r.Next()
		if err == io.EOF {
			return out
		}
		if err != nil {
			return append(out, err.Error())
		}
		when := "-"
		if !p.Time.IsZero() {
			when = p.Time.Format(time.RFC3339Nano)
		}
		out = append(out, fmt.Sprintf("%d %s link %d %q of %d", p.Number, when, p.Link, p.Data, p.Length))
	}
}

func expect(t *testing.T, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\ngot  %q\nwant %q", what, got, want)
	}
}

func TestPcapIsReadInBothOrdersAndUnits(t *testing.T) {
	for _, o := range orders() {
		micro := (&file{AppendByteOrder: o}).pcap(0xa1b2c3d4, 1).u32(1700000000, 250000, 3, 9).bytes("abc").u32(1700000001, 0, 0, 0)
		expect(t, "micro", read(micro.b),
			`1 2023-11-14T22:13:20.25Z link 1 "abc" of 9`, `2 2023-11-14T22:13:21Z link 1 "" of 0`)
		nano := (&file{AppendByteOrder: o}).pcap(0xa1b23c4d, 0xf0000000|276).u32(1700000000, 1, 1, 1).bytes("x")
		expect(t, "nano", read(nano.b), `1 2023-11-14T22:13:20.000000001Z link 276 "x" of 1`)
	}
}

func TestPcapngIsReadInBothOrders(t *testing.T) {
	for _, o := range orders() {
		f := &file{AppendByteOrder: o}
		nano := f.part().u16(2, 3).bytes("lo\x00\x00").u16(9, 1).bytes("\x09\x00\x00\x00").u16(0, 0)
		f.section().port(1, f.part()).port(101, nano)
		f.enhanced(0, 1700000000*1e6+5, 4, "abcd")
		f.block(0x0bad, f.part().bytes("a block that nobody knows"))
		f.enhanced(1, 1700000000*1e9+7, 10, "xyz")
		f.block(3, f.part().u32(5).bytes("12345"))
		f.block(2, f.part().u16(1, 0).u32(0, 9, 2, 2).bytes("ob"))
		expect(t, "pcapng", read(f.b),
			`1 2023-11-14T22:13:20.000005Z link 1 "abcd" of 4`,
			`2 2023-11-14T22:13:20.000000007Z link 101 "xyz" of 10`,
			`3 - link 1 "12345" of 5`,
			`4 1970-01-01T00:00:00.000000009Z link 101 "ob" of 2`)
	}
}

// A second section may have another order and other interfaces.
func TestSectionsAreReadOneAfterTheOther(t *testing.T) {
	little, big := &file{AppendByteOrder: binary.LittleEndian}, &file{AppendByteOrder: binary.BigEndian}
	little.section().port(1, little.part()).enhanced(0, 1, 1, "a")
	big.section().port(113, big.part()).enhanced(0, 2, 1, "b")
	expect(t, "two sections", read(append(little.b, big.b...)),
		`1 1970-01-01T00:00:00.000001Z link 1 "a" of 1`, `2 1970-01-01T00:00:00.000002Z link 113 "b" of 1`)
	big.section()
	got := read(big.enhanced(0, 3, 1, "c").b)
	expect(t, "interface of the section before", got[1:],
		"after packet 1, byte 136: the file is damaged: interface 0 of 0")
}

func TestTimesFollowTheirResolution(t *testing.T) {
	for _, c := range []struct {
		option string
		ticks  uint64
		want   string
	}{
		{"", 1e6, "1970-01-01T00:00:01Z"},
		{"\x00", 77, "1970-01-01T00:01:17Z"},
		{"\x03", 1500, "1970-01-01T00:00:01.5Z"},
		{"\x81", 3, "1970-01-01T00:00:01.5Z"},
		{"\x0c", 1e12 + 1e6, "1970-01-01T00:00:01.000001Z"},
		{"\xbf", 1 << 63, "1970-01-01T00:00:01Z"},
		{"\x13", 15e18, "1970-01-01T00:00:01.5Z"},
		{"\x7f", 1e6, "1970-01-01T00:00:01Z"}, // no such clock: microseconds
		{"\x00", 1<<64 - 1, "-"},              // beyond the year 9999
	} {
		f := &file{AppendByteOrder: binary.LittleEndian}
		options := f.part()
		if c.option != "" {
			options.u16(9, 1).bytes(c.option + "\x00\x00\x00")
		}
		f.section().port(1, options).enhanced(0, c.ticks, 0, "")
		expect(t, fmt.Sprintf("resolution %q", c.option), read(f.b), "1 "+c.want+` link 1 "" of 0`)
	}
}

func TestTimeOffsetOfAnInterfaceIsAdded(t *testing.T) {
	f := &file{AppendByteOrder: binary.LittleEndian}
	f.section().port(1, f.part().u16(14, 8).u32(60, 0)).enhanced(0, 1e6, 0, "")
	f.port(1, f.part().u16(14, 8).u32(0, 0x80000000)).enhanced(1, 1e6, 0, "")
	expect(t, "offset", read(f.b), `1 1970-01-01T00:01:01Z link 1 "" of 0`, `2 - link 1 "" of 0`)
}

func TestSimplePacketsEndAtTheSnapLength(t *testing.T) {
	f := &file{AppendByteOrder: binary.LittleEndian}
	f.section().block(1, f.part().u16(1, 0).u32(3)).block(3, f.part().u32(9).bytes("abcdefgh"))
	expect(t, "snap length", read(f.b), `1 - link 1 "abc" of 9`)
}

func TestDamagedFilesTellWhereAndWhy(t *testing.T) {
	le := func() *file { return &file{AppendByteOrder: binary.LittleEndian} }
	ng := func() *file { f := le(); return f.section().port(1, f.part()) }
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"empty":             {nil, "neither pcap nor pcapng"},
		"three bytes":       {[]byte{1, 2, 3}, "neither pcap nor pcapng"},
		"text":              {bytes.Repeat([]byte("hello "), 10), "neither pcap nor pcapng"},
		"pcap head cut":     {le().pcap(0xa1b2c3d4, 1).b[:20], "the file ends early"},
		"pcap version":      {le().u32(0xa1b2c3d4).u16(3, 0).u32(0, 0, 0, 1).b, "the file is damaged: pcap version 3"},
		"packet head cut":   {le().pcap(0xa1b2c3d4, 1).u32(0, 0, 4).b, "after packet 0, byte 24: the file ends early"},
		"packet cut":        {le().pcap(0xa1b2c3d4, 1).u32(0, 0, 4, 4).bytes("abc").b, "after packet 0, byte 24: the file ends early"},
		"4 GiB packet":      {le().pcap(0xa1b2c3d4, 1).u32(0, 0, 0xffffffff, 4).b, "after packet 0, byte 24: the file is damaged: a packet of 4294967295 bytes"},
		"section order":     {le().block(0x0a0d0d0a, le().u32(1)).b, "after packet 0, byte 0: the file is damaged: a section without its order of bytes"},
		"section cut":       {ng().b[:9], "after packet 0, byte 0: the file ends early"},
		"section short":     {le().u32(0x0a0d0d0a, 8, 0x1a2b3c4d).b, "after packet 0, byte 0: the file is damaged: a section header of 8 bytes"},
		"section 4 GiB":     {le().u32(0x0a0d0d0a, 0xfffffffc, 0x1a2b3c4d).b, "after packet 0, byte 0: the file ends early"},
		"block of 8":        {ng().u32(6, 8, 8).b, "after packet 0, byte 60: the file is damaged: a block of 8 bytes"},
		"block of 13":       {ng().u32(6, 13).b, "after packet 0, byte 60: the file is damaged: a block of 13 bytes"},
		"block of 4 GiB":    {ng().u32(6, 0xfffffffc).b, "after packet 0, byte 60: the file is damaged: a block of 4294967292 bytes"},
		"unknown of 4 GiB":  {ng().u32(99, 0xfffffffc).b, "after packet 0, byte 60: the file ends early"},
		"ends differ":       {ng().u32(5, 16, 0, 20).b, "after packet 0, byte 60: the file is damaged: a block of 16 bytes ends as one of 20"},
		"packet too short":  {ng().block(6, le().u32(0, 0, 0)).b, "after packet 0, byte 60: the file is damaged: a packet block of 12 bytes"},
		"packet too long":   {ng().block(6, le().u32(0, 0, 0, 9, 9).bytes("abcd")).b, "after packet 0, byte 60: the file is damaged: a packet of 9 bytes in a block of 24"},
		"unknown interface": {ng().enhanced(1, 0, 0, "").b, "after packet 0, byte 60: the file is damaged: interface 1 of 1"},
		"simple too short":  {ng().block(3, le()).b, "after packet 0, byte 60: the file is damaged: a simple packet block of 0 bytes"},
		"interface short":   {ng().block(1, le().u32(0)).b, "after packet 0, byte 60: the file is damaged: interface 1"},
	} {
		got := read(c.b)
		expect(t, name, got[len(got)-1:], c.want)
	}
}

func TestWhatStandsBeforeTheDamageIsRead(t *testing.T) {
	f := (&file{AppendByteOrder: binary.LittleEndian}).pcap(0xa1b2c3d4, 1).u32(1, 0, 1, 1).bytes("a").u32(2, 0, 9, 9)
	expect(t, "cut", read(f.b), `1 1970-01-01T00:00:01Z link 1 "a" of 1`, "after packet 1, byte 41: the file ends early")
}

func TestInterfacesAreBounded(t *testing.T) {
	f := (&file{AppendByteOrder: binary.LittleEndian}).section()
	for range capture.MaxInterfaces + 1 {
		f.port(1, f.part())
	}
	if got := read(f.b); len(got) != 1 || !bytes.HasSuffix([]byte(got[0]), []byte("the file is damaged: interface 4096")) {
		t.Errorf("got %q", got)
	}
}

func TestErrorsOfTheReaderComeThrough(t *testing.T) {
	f := (&file{AppendByteOrder: binary.LittleEndian}).pcap(0xa1b2c3d4, 1).u32(1, 0, 9, 9).bytes("abc")
	broken := errors.New("disk on fire")
	for n := range len(f.b) {
		r, err := capture.NewReader(io.MultiReader(bytes.NewReader(f.b[:n]), iotest.ErrReader(broken)))
		if err == nil {
			_, err = r.Next()
		}
		if !errors.Is(err, broken) {
			t.Errorf("after %d bytes: got %v", n, err)
		}
	}
}

// What a file claims costs nothing until its bytes are there.
func TestClaimedSizesCostNoMemory(t *testing.T) {
	f := (&file{AppendByteOrder: binary.LittleEndian}).pcap(0xa1b2c3d4, 1).u32(1, 0, capture.MaxPacket, capture.MaxPacket)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = read(f.b)
	runtime.ReadMemStats(&after)
	got := after.TotalAlloc - before.TotalAlloc
	if got > 200<<10 {
		t.Errorf("%d bytes for a file of %d", got, len(f.b))
	}
}

func TestWrittenFilesAreReadBack(t *testing.T) {
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, capture.LinkSLL)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 1, 2, 3, 456789012, time.UTC)
	for _, p := range []capture.Packet{
		{Time: now, Link: capture.LinkSLL, Data: []byte("abc"), Length: 9}, {Link: capture.LinkSLL},
	} {
		if err := w.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	expect(t, "written", read(b.Bytes()), `1 2026-11-21T01:02:03.456789012Z link 113 "abc" of 9`, `2 1970-01-01T00:00:00Z link 113 "" of 0`)
	if err := w.Write(capture.Packet{Number: 3, Link: capture.LinkRaw}); err == nil {
		t.Error("a packet of another link type is written")
	}
	if err := w.Write(capture.Packet{Number: 4, Link: capture.LinkSLL, Data: make([]byte, capture.MaxPacket+1)}); !errors.Is(err, capture.ErrDamaged) {
		t.Errorf("a packet that nobody could read: %v", err)
	}
}

func FuzzReader(f *testing.F) {
	for _, o := range orders() {
		p := (&file{AppendByteOrder: o}).pcap(0xa1b2c3d4, 1).u32(1, 2, 3, 4).bytes("abc")
		f.Add(p.b)
		g := &file{AppendByteOrder: o}
		g.section().port(1, g.part().u16(9, 1).bytes("\x09\x00\x00\x00").u16(14, 8).u32(1, 0))
		g.enhanced(0, 5, 9, "abcde").block(3, g.part().u32(2).bytes("hi")).block(2, g.part().u16(0, 0).u32(0, 9, 2, 2).bytes("ob"))
		f.Add(g.b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := capture.NewReader(bytes.NewReader(b))
		if err != nil {
			return
		}
		for n := 1; ; n++ {
			p, err := r.Next()
			if err != nil {
				break
			}
			if p.Number != n || len(p.Data) > p.Length || len(p.Data) > len(b) || p.Time.Year() < 0 || p.Time.Year() > 9999 {
				t.Fatalf("packet %d is %d: %d bytes of %d at %v in a file of %d", n, p.Number, len(p.Data), p.Length, p.Time, len(b))
			}
		}
	})
}
