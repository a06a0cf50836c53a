package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"trunkline/internal/wire"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

type item struct {
	ID  uint16
	Tag [3]byte
}

func (p *item) fields(c *wire.Cursor) {
	wire.U16(c, "id", &p.ID)
	wire.Fixed(c, "tag", p.Tag[:])
}

// all uses every kind of field once.
type all struct {
	A     uint8
	B     uint16
	C     uint32
	D     uint64
	Items []item
	S8    []byte
	S16   []byte
	S32   []byte
	Text  string
}

func (p *all) fields(c *wire.Cursor) {
	wire.U8(c, "a", &p.A)
	wire.U16(c, "b", &p.B)
	wire.U32(c, "c", &p.C)
	wire.U64(c, "d", &p.D)
	items := wire.List8(c, "items", &p.Items, 4)
	for i := range items {
		items[i].fields(c)
	}
	wire.Bytes8(c, "s8", &p.S8, 5)
	wire.Bytes16(c, "s16", &p.S16, 300)
	wire.Bytes32(c, "s32", &p.S32, 6)
	wire.RestText(c, "text", &p.Text, 10)
}

func (p *all) append(b []byte, o wire.Order) ([]byte, error) {
	c := wire.Writer(b, o)
	p.fields(&c)
	return c.Bytes()
}

func (p *all) read(b []byte, o wire.Order) error {
	c := wire.Reader(b, o)
	p.fields(&c)
	return c.Done()
}

func sample() all {
	return all{
		A: 1, B: 0x0203, C: 0x04050607, D: 0x08090a0b0c0d0e0f,
		Items: []item{{ID: 0x1011, Tag: [3]byte{1, 2, 3}}, {ID: 7}},
		S8:    []byte("five!"), S16: []byte("sixteen"), S32: []byte("x"), Text: "rest",
	}
}

func TestWhatIsWrittenIsReadBackInBothOrders(t *testing.T) {
	for _, o := range []wire.Order{wire.Big, wire.Little} {
		want := sample()
		b, err := want.append([]byte("prefix"), o)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.HasPrefix(b, []byte("prefix")) {
			t.Fatalf("prefix lost: %q", b)
		}
		var got all
		if err := got.read(b[6:], o); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("order %v: %s", o, diff)
		}
	}
}

func TestNumbersHaveTheOrderOfTheCursor(t *testing.T) {
	p := sample()
	big, _ := p.append(nil, wire.Big)
	little, _ := p.append(nil, wire.Little)
	if got, want := big[:7], []byte{1, 2, 3, 4, 5, 6, 7}; !bytes.Equal(got, want) {
		t.Errorf("big: got %x, want %x", got, want)
	}
	if got, want := little[:7], []byte{1, 3, 2, 7, 6, 5, 4}; !bytes.Equal(got, want) {
		t.Errorf("little: got %x, want %x", got, want)
	}
}

func TestEveryShorterInputIsRefusedAndNamesAField(t *testing.T) {
	p := sample()
	p.Text = ""
	b, err := p.append(nil, wire.Big)
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		var got all
		err := got.read(b[:n], wire.Big)
		fe, ok := errors.AsType[*wire.FieldError](err)
		if !ok || !errors.Is(err, wire.ErrShort) || fe.Field == "" || fe.Offset > n {
			t.Errorf("%d of %d bytes: got error %v, want a field that ends early", n, len(b), err)
		}
	}
}

func TestErrorTellsFieldAndByte(t *testing.T) {
	var p all
	err := p.read([]byte{1, 0, 2, 9}, wire.Big)
	if got, want := err.Error(), "field c at byte 3: input ends early"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c := wire.Reader([]byte{1, 2}, wire.Big)
	if got, want := c.Done().Error(), "byte 0: bytes left over"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestBoundsHoldBothWays(t *testing.T) {
	tests := map[string]func(p *all){
		"items": func(p *all) { p.Items = make([]item, 5) },
		"s8":    func(p *all) { p.S8 = make([]byte, 6) },
		"s16":   func(p *all) { p.S16 = make([]byte, 301) },
		"s32":   func(p *all) { p.S32 = make([]byte, 7) },
		"text":  func(p *all) { p.Text = "eleven bytes" },
	}
	for field, stretch := range tests {
		p := sample()
		stretch(&p)
		b, err := p.append([]byte("keep"), wire.Big)
		fe, ok := errors.AsType[*wire.FieldError](err)
		if !ok || fe.Field != field || !errors.Is(err, wire.ErrRange) {
			t.Errorf("writing %s: got error %v, want out of range", field, err)
		}
		if string(b) != "keep" {
			t.Errorf("writing %s: prefix became %q", field, b)
		}
	}
	head := bytes.Repeat([]byte{0}, 15)
	for field, tail := range map[string][]byte{
		"items": {5},
		"s8":    {0, 6, 1, 2, 3, 4, 5, 6},
		"s16":   append([]byte{0, 0, 1, 45}, make([]byte, 301)...),
		"s32":   {0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
		"text":  append(make([]byte, 8), "eleven bytes"...),
	} {
		var p all
		err := p.read(append(bytes.Clone(head), tail...), wire.Big)
		fe, ok := errors.AsType[*wire.FieldError](err)
		if !ok || fe.Field != field || !errors.Is(err, wire.ErrRange) {
			t.Errorf("reading %s: got error %v, want out of range", field, err)
		}
	}
}

func TestFirstErrorSticks(t *testing.T) {
	c := wire.Reader([]byte{1, 2, 3}, wire.Big)
	first := errors.New("first")
	c.Fail("x", first)
	var v uint8
	wire.U8(&c, "y", &v)
	c.Fail("z", errors.New("second"))
	if v != 0 || !errors.Is(c.Done(), first) {
		t.Errorf("got %d and %v, want 0 and the first error", v, c.Done())
	}
	if c.Peek(2) != nil {
		t.Error("Peek after an error gives bytes")
	}
}

func TestFailedWriteLeavesThePacketAlone(t *testing.T) {
	p := sample()
	p.S32 = make([]byte, 7)
	before := p
	if _, err := p.append(nil, wire.Big); err == nil {
		t.Fatal("no error")
	}
	if diff := cmp.Diff(before, p); diff != "" {
		t.Error(diff)
	}
}

func TestDissectCoversEveryByteOnce(t *testing.T) {
	p := sample()
	b, _ := p.append(nil, wire.Big)
	fields, err := wire.Dissect(b, wire.Big, new(all).fields)
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, f := range fields {
		if f.Offset != at {
			t.Errorf("%s at %d, want %d", f.Name, f.Offset, at)
		}
		at += f.Len()
	}
	if at != len(b) {
		t.Errorf("fields cover %d of %d bytes", at, len(b))
	}
	if f := fields[1]; f.Name != "b" || f.Value != "515" {
		t.Errorf("got %+v, want b = 515", f)
	}
	if f := fields[len(fields)-1]; f.Name != "text" || f.Value != "72657374" {
		t.Errorf("got %+v, want text in hexadecimal", f)
	}
}

func TestDissectShowsWhatItCannotExplain(t *testing.T) {
	fields, err := wire.Dissect([]byte{1, 0, 2, 9}, wire.Big, new(all).fields)
	if !errors.Is(err, wire.ErrShort) {
		t.Errorf("got error %v", err)
	}
	last := fields[len(fields)-1]
	if last.Name != wire.Unknown || last.Offset != 3 || last.Value != "09" {
		t.Errorf("got %+v, want the last byte as unknown", last)
	}
}

func TestReadingAndWritingDoNotAllocate(t *testing.T) {
	p := sample()
	p.Text = ""
	buf := make([]byte, 0, 512)
	b, _ := p.append(nil, wire.Big)
	got := all{Items: make([]item, 4)}
	if n := testing.AllocsPerRun(100, func() {
		if _, err := p.append(buf, wire.Big); err != nil {
			t.Fatal(err)
		}
		if err := got.read(b, wire.Big); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func FuzzAcceptedInputIsWrittenTheSame(f *testing.F) {
	p := sample()
	b, _ := p.append(nil, wire.Big)
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var p all
		if p.read(b, wire.Big) != nil {
			return
		}
		again, err := p.append(nil, wire.Big)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("%x became %x (%v)", b, again, err)
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	p := sample()
	buf := make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = p.append(buf, wire.Big)
	}
}

func BenchmarkRead(b *testing.B) {
	p := sample()
	in, _ := p.append(nil, wire.Big)
	got := all{Items: make([]item, 4)}
	b.ReportAllocs()
	for b.Loop() {
		_ = got.read(in, wire.Big)
	}
}
