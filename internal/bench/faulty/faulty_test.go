package faulty

import (
	"bytes"
	"io"
	"net"
	"testing"

	"trunkline/blubbel/wire"
)

// pass writes stream in pieces of n bytes through a connection with the fault
// on its second message, and returns what comes out.
func pass(t *testing.T, f Fault, stream []byte, n int) []byte {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	c, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	s, err := (&Listener{Listener: l, Fault: f, N: 2}).Accept()
	if err != nil {
		t.Fatal(err)
	}
	for len(stream) > 0 {
		k := min(n, len(stream))
		if _, err := s.Write(stream[:k]); err != nil {
			break
		}
		stream = stream[k:]
	}
	_ = s.Close()
	out, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func frames() [][]byte {
	frame := func(k wire.Kind, body string) []byte { return append(wire.AppendHead(nil, k, len(body)), body...) }
	return [][]byte{
		frame(wire.KindLogin, ""), frame(wire.KindMessage, "one"), frame(wire.KindStart, "start"),
		frame(wire.KindMessage, "two"), frame(wire.KindMessage, "three"),
	}
}

func TestFaultHitsTheSecondMessageOnly(t *testing.T) {
	t.Parallel()
	f := frames()
	all := bytes.Join(f, nil)
	damaged := bytes.Clone(f[3])
	damaged[len(damaged)-1] ^= 1
	for fault, want := range map[Fault][]byte{
		None:   all,
		Lose:   bytes.Join([][]byte{f[0], f[1], f[2], f[4]}, nil),
		Double: bytes.Join([][]byte{f[0], f[1], f[2], f[3], f[3], f[4]}, nil),
		Damage: bytes.Join([][]byte{f[0], f[1], f[2], damaged, f[4]}, nil),
	} {
		for _, n := range []int{1, 7, len(all)} {
			if got := pass(t, fault, all, n); !bytes.Equal(got, want) {
				t.Errorf("%q in pieces of %d: %q, want %q", fault, n, got, want)
			}
		}
	}
}

func TestCutEndsTheConnection(t *testing.T) {
	t.Parallel()
	f := frames()
	if got := pass(t, Cut, bytes.Join(f, nil), 4); !bytes.Equal(got, bytes.Join(f[:3], nil)) {
		t.Errorf("%q came", got)
	}
}
