package client

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"

	"trunkline/blubbel"
)

var update = flag.Bool("update", false, "write testdata/blubbel/session.json anew")

// TestPrimeIsThatOfRFC3526 computes 2^2048 - 2^1984 - 1 + 2^64 * ([2^1918 pi] + 124476).
func TestPrimeIsThatOfRFC3526(t *testing.T) {
	t.Parallel()
	power := func(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }
	const guard = 64
	pi := machin(1918 + guard)
	p := new(big.Int).Rsh(pi, guard)
	p.Add(p, big.NewInt(124476))
	p.Lsh(p, 64)
	p.Add(p, power(2048)).Sub(p, power(1984)).Sub(p, big.NewInt(1))
	if p.Cmp(modulus()) != 0 {
		t.Errorf("prime is %x, want %x", modulus(), p)
	}
}

// machin returns pi with so many bits after the point: 16 arctan(1/5) - 4 arctan(1/239).
func machin(bits uint) *big.Int {
	one := new(big.Int).Lsh(big.NewInt(1), bits)
	arctan := func(x int64) *big.Int {
		sum, power := new(big.Int), new(big.Int).Div(one, big.NewInt(x))
		for n := int64(1); power.Sign() != 0; n += 2 {
			term := new(big.Int).Div(power, big.NewInt(n))
			if n%4 == 1 {
				sum.Add(sum, term)
			} else {
				sum.Sub(sum, term)
			}
			power.Div(power, big.NewInt(x*x))
		}
		return sum
	}
	a := new(big.Int).Mul(arctan(5), big.NewInt(16))
	return a.Sub(a, new(big.Int).Mul(arctan(239), big.NewInt(4)))
}

func TestBothSidesComputeTheSameValue(t *testing.T) {
	t.Parallel()
	a, b := newExponent(), newExponent()
	ab, err := a.shared(b.public())
	if err != nil {
		t.Fatal(err)
	}
	ba, err := b.shared(a.public())
	if err != nil || ab.b != ba.b || a.public().b == b.public().b {
		t.Errorf("shared values differ, or the exponents are the same: %v", err)
	}
}

func TestValuesOutsideTheGroupAreRefused(t *testing.T) {
	t.Parallel()
	fromEnd := func(n int64) *big.Int { return new(big.Int).Sub(modulus(), big.NewInt(n)) }
	for name, c := range map[string]struct {
		y  *big.Int
		ok bool
	}{
		"0": {big.NewInt(0), false}, "1": {big.NewInt(1), false}, "2": {big.NewInt(2), true},
		"p-2": {fromEnd(2), true}, "p-1": {fromEnd(1), false}, "p": {fromEnd(0), false}, "p+2": {fromEnd(-2), false},
		"largest": {new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 2048), big.NewInt(1)), false},
	} {
		y := new(value)
		c.y.FillBytes(y.b[:])
		if _, err := newExponent().shared(y); (err == nil) != c.ok || err != nil && !errors.Is(err, errBadValue) {
			t.Errorf("y = %s: %v, want ok %v", name, err, c.ok)
		}
	}
}

func newTestHalves(t testing.TB) (out, in half) {
	ann, ben := key(t, "ann").Public(), key(t, "ben").Public()
	k := [keySize]byte{1, 2, 3}
	return newHalf(&k, ann, ben), newHalf(&k, ann, ben)
}

func TestAMessageOpensOnceInOrderAndUnchanged(t *testing.T) {
	t.Parallel()
	out, in := newTestHalves(t)
	first, second, third := out.seal(nil, ""), out.seal(nil, "hello"), out.seal(nil, "third")
	if want := blubbel.CounterSize + blubbel.TagSize + len("hello"); len(second) != want {
		t.Errorf("%d bytes, want %d", len(second), want)
	}
	open := func(b []byte, text string, want error) {
		t.Helper()
		got, err := in.open(nil, b)
		if !errors.Is(err, want) || string(got) != text {
			t.Errorf("opens as %q, %v; want %q, %v", got, err, text, want)
		}
	}
	open(second, "", errGap)
	open(first, "", nil)
	for i := range second {
		forged := bytes.Clone(second)
		forged[i] ^= 0x40
		if text, err := in.open(nil, forged); err != errUnopened {
			t.Fatalf("byte %d changed: opens as %q, %v", i, text, err)
		}
	}
	for n := range second {
		if _, err := in.open(nil, second[:n]); err != errUnopened {
			t.Fatalf("cut to %d bytes: %v", n, err)
		}
	}
	open(second, "hello", nil)
	open(second, "", errRepeated)
	open(first, "", errRepeated)
	open(third, "third", nil)
}

func TestSealingAndOpeningAllocateNothing(t *testing.T) {
	out, in := newTestHalves(t)
	text := strings.Repeat("x", 100)
	sealed, opened := make([]byte, 0, 200), make([]byte, 0, 200)
	allocations := testing.AllocsPerRun(100, func() {
		sealed = out.seal(sealed[:0], text)
		opened, _ = in.open(opened, sealed)
	})
	if allocations > 0 || string(opened) != text {
		t.Errorf("%v allocations a message; opened as %q", allocations, opened)
	}
}

func TestOnlyTheNamedPeopleCanOpen(t *testing.T) {
	t.Parallel()
	ann, ben, eve := key(t, "ann").Public(), key(t, "ben").Public(), key(t, "eve").Public()
	k := [keySize]byte{1, 2, 3}
	out := newHalf(&k, ann, ben)
	sealed := out.seal(nil, "for ben from ann")
	for _, pair := range [][2]blubbel.PublicKey{{ben, ann}, {ann, eve}, {eve, ben}} {
		in := newHalf(&k, pair[0], pair[1])
		if _, err := in.open(nil, sealed); err != errUnopened {
			t.Errorf("from %s to %s: %v", pair[0].Short(), pair[1].Short(), err)
		}
	}
}

func TestCountersEndAt2To32(t *testing.T) {
	t.Parallel()
	for counter, want := range map[uint64]error{
		blubbel.MaxSessionMessages - 1: nil,
		blubbel.MaxSessionMessages:     errGap,
		math.MaxUint64 - 1:             errGap,
	} {
		out, in := newTestHalves(t)
		out.next, in.next = counter, counter
		if _, err := in.open(nil, out.seal(nil, "x")); err != want {
			t.Errorf("counter %d: %v, want %v", counter, err, want)
		}
	}
	b := bytes.Repeat([]byte{0}, blubbel.CounterSize)
	b[3] = 1
	if got := counterOf(b); got != math.MaxUint64 {
		t.Errorf("a counter of 65 bits is read as %d", got)
	}
}

func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	w := cheapWorld(t)
	ann, ben := w.pair("ann", "ben")
	ann.most = 0
	ann.say(ben, "dear diary")
	c := ann.m.contact(ben.key)
	x := newExponent()
	k := &keys{toAcceptor: [keySize]byte{9, 9, 9}}
	for _, secret := range []any{x, *x, x.public(), *x.public(), k, *k, c.current, *c.current, c.current.out, c, *c, ann.m, c.outbox.first()} {
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", secret)
		marshalled, _ := json.Marshal(secret)
		all := log.String() + string(marshalled) + fmt.Sprintf("%v %+v %#v %s %x %d %q",
			secret, secret, secret, secret, secret, secret, secret)
		if rest := strings.ReplaceAll(all, placeholder, ""); len(rest) > 250 || strings.Contains(rest, "diary") {
			t.Errorf("%T prints as %q", secret, rest)
		}
	}
}

// sessionVector is a case of testdata/blubbel/session.json.
type sessionVector struct {
	Name        string          `json:"name"`
	Initiator   string          `json:"initiator"`
	Acceptor    string          `json:"acceptor"`
	XA          string          `json:"x_a"`
	XB          string          `json:"x_b"`
	YA          string          `json:"y_a"`
	YB          string          `json:"y_b"`
	Shared      string          `json:"shared"`
	ToAcceptor  string          `json:"to_acceptor"`
	ToInitiator string          `json:"to_initiator"`
	Messages    []messageVector `json:"messages"`
}

type messageVector struct {
	From    string `json:"from"`
	Counter uint64 `json:"counter"`
	Text    string `json:"text"`
	Sealed  string `json:"sealed"`
}

const (
	vectorFile  = "testdata/blubbel/session.json"
	vectorAbout = "Sessions between two clients. initiator and acceptor are public keys as in packets; x_a and x_b their secret exponents, y_a and y_b their public values, shared = g^ab mod p, to_acceptor and to_initiator the derived AES-256 keys. messages are, in the order in which they are sent, the ciphertexts of Message packets: counter of 12 bytes, AES-256-GCM of the text; the first of each direction is the confirmation. All values are hex, numbers big-endian. Specification: Session and Message."
)

// compute fills in everything that follows from the inputs of a case.
func (v sessionVector) compute() (sessionVector, error) {
	a, errA := keyOf(v.Initiator)
	b, errB := keyOf(v.Acceptor)
	xa, errXA := hex.DecodeString(v.XA)
	xb, errXB := hex.DecodeString(v.XB)
	if err := errors.Join(errA, errB, errXA, errXB); err != nil {
		return v, err
	}
	s, err := Agree(a, b, xa, xb)
	if err != nil {
		return v, err
	}
	v.YA, v.YB, v.Shared = hex.EncodeToString(s.A[:]), hex.EncodeToString(s.B[:]), hex.EncodeToString(s.Shared[:])
	v.ToAcceptor, v.ToInitiator = hex.EncodeToString(s.ToAcceptor[:]), hex.EncodeToString(s.ToInitiator[:])
	messages := make([]messageVector, len(v.Messages))
	for i, m := range v.Messages {
		m.Sealed = hex.EncodeToString(s.SealText(m.From == "initiator", m.Counter, m.Text))
		messages[i] = m
	}
	v.Messages = messages
	return v, nil
}

func keyOf(s string) (blubbel.PublicKey, error) {
	b, err := hex.DecodeString(s)
	if err != nil {
		return blubbel.PublicKey{}, err
	}
	return blubbel.ParsePublicKey(b)
}

func TestRecordedSessionsHold(t *testing.T) {
	t.Parallel()
	if *update {
		record(t)
	}
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []sessionVector }
	if err := json.Unmarshal(b, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 3 {
		t.Fatalf("%d cases", len(file.Cases))
	}
	for _, v := range file.Cases {
		got, err := v.compute()
		if err != nil || fmt.Sprint(got) != fmt.Sprint(v) {
			t.Errorf("%s: %v\ngot  %v\nwant %v", v.Name, err, got, v)
		}
		for _, m := range v.Messages {
			if err := v.opens(m); err != nil {
				t.Errorf("%s: %s message %d: %v", v.Name, m.From, m.Counter, err)
			}
		}
	}
}

// opens opens a recorded message as its recipient does.
func (v sessionVector) opens(m messageVector) error {
	sender, recipient, k := v.Initiator, v.Acceptor, v.ToAcceptor
	if m.From != "initiator" {
		sender, recipient, k = v.Acceptor, v.Initiator, v.ToInitiator
	}
	from, err := keyOf(sender)
	if err != nil {
		return err
	}
	to, err := keyOf(recipient)
	if err != nil {
		return err
	}
	aes, _ := hex.DecodeString(k)
	sealed, _ := hex.DecodeString(m.Sealed)
	h := newHalf((*[keySize]byte)(aes), from, to)
	h.next = m.Counter
	text, err := h.open(nil, sealed)
	if err == nil && string(text) != m.Text {
		err = fmt.Errorf("opens as %q", text)
	}
	return err
}

// record writes the vectors from fixed inputs.
func record(t *testing.T) {
	texts := []messageVector{
		{From: "initiator", Counter: 0}, {From: "acceptor", Counter: 0},
		{From: "initiator", Counter: 1, Text: "hello"}, {From: "acceptor", Counter: 1, Text: "grüß dich"},
		{From: "initiator", Counter: 2, Text: ""}, {From: "acceptor", Counter: 1<<32 - 1, Text: "the last one"},
	}
	var cases []sessionVector
	for i, names := range [][2]string{{"ann", "ben"}, {"ben", "ann"}, {"raw", "rob"}, {"raw", "ann"}} {
		v, err := sessionVector{
			Name:      names[0] + " asks " + names[1],
			Initiator: hex.EncodeToString(key(t, names[0]).Public().Bytes()),
			Acceptor:  hex.EncodeToString(key(t, names[1]).Public().Bytes()),
			XA:        strings.Repeat(fmt.Sprintf("%02x", 0x11*(i+1)), exponentSize),
			XB:        strings.Repeat(fmt.Sprintf("%02x", 0xf0-i), exponentSize),
			Messages:  texts,
		}.compute()
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, v)
	}
	b, err := json.MarshalIndent(struct {
		Description string          `json:"description"`
		Cases       []sessionVector `json:"cases"`
	}{vectorAbout, cases}, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(vectorFile, append(b, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestAgreeWantsWholeExponents(t *testing.T) {
	t.Parallel()
	k := key(t, "raw").Public()
	if _, err := Agree(k, k, make([]byte, 31), make([]byte, 32)); err == nil {
		t.Error("an exponent of 31 bytes is accepted")
	}
	if _, err := Agree(k, k, make([]byte, 32), make([]byte, 32)); !errors.Is(err, errBadValue) {
		t.Errorf("exponents of zero: %v, want %v", err, errBadValue)
	}
}
