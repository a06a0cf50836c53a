package limit_test

import (
	"fmt"
	"math"
	"net/netip"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"trunkline/internal/limit"
)

func TestClassesOfAnAddress(t *testing.T) {
	for _, c := range []struct{ addr, narrow, middle, wide string }{
		{"203.0.113.77", "203.0.113.77/32", "203.0.113.64/26", "203.0.112.0/21"},
		{"::ffff:203.0.113.77", "203.0.113.77/32", "203.0.113.64/26", "203.0.112.0/21"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8::/32"},
		{"fe80::1%eth0", "fe80::/64", "fe80::/48", "fe80::/32"},
	} {
		got := limit.Classes(netip.MustParseAddr(c.addr))
		if s := fmt.Sprint(got); s != fmt.Sprintf("[%s %s %s]", c.narrow, c.middle, c.wide) {
			t.Errorf("Classes(%s) = %s", c.addr, s)
		}
	}
	if got := limit.Classes(netip.Addr{}); got != [3]netip.Prefix{} {
		t.Errorf("Classes of no address = %v, want zero prefixes", got)
	}
}

func TestEveryClassContainsItsAddressAndTheNarrower(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address")
		a, _ := netip.AddrFromSlice(raw)
		if rapid.Bool().Draw(t, "v4") {
			a, _ = netip.AddrFromSlice(raw[:4])
		}
		c := limit.Classes(a)
		for i, p := range c {
			if !p.Contains(a.Unmap()) || p != p.Masked() {
				t.Fatalf("class %v of %v", p, a)
			}
			if i > 0 && (p.Bits() >= c[i-1].Bits() || !p.Overlaps(c[i-1])) {
				t.Fatalf("class %v does not contain %v", p, c[i-1])
			}
		}
	})
}

// takes counts how many of n single takes from a succeed now.
func takes(l *limit.ByAddr, n int, a string, now time.Time) int {
	got := 0
	for range n {
		if l.Take(netip.MustParseAddr(a), now, 1) {
			got++
		}
	}
	return got
}

func TestWiderClassesAllowMoreButNotEndlessly(t *testing.T) {
	l := limit.NewByAddr(limit.AddrConfig{Rate: limit.Rate{PerSecond: 1, Burst: 10}})
	if got := takes(l, 20, "203.0.113.1", start); got != 10 {
		t.Errorf("one address got %d, want 10", got)
	}
	for i := range 62 {
		takes(l, 20, fmt.Sprintf("203.0.113.%d", i+1), start)
	}
	if got := takes(l, 1, "203.0.113.63", start); got != 0 {
		t.Error("a /26 got more than 4 times the share of an address")
	}
	total := 40
	for i := range 2000 {
		total += takes(l, 1, fmt.Sprintf("203.0.%d.%d", 112+i/256, i%256), start)
	}
	if total != 160 {
		t.Errorf("a /21 got %d, want 16 times 10", total)
	}
	if got := takes(l, 1, "203.0.120.1", start); got != 1 {
		t.Error("the next /21 is refused too")
	}
	if got := takes(l, 20, "203.0.113.1", start.Add(10*time.Second)); got != 10 {
		t.Errorf("after 10 s the first address got %d, want 10", got)
	}
}

func TestRefusedAddressTakesNothingFromItsNetwork(t *testing.T) {
	l := limit.NewByAddr(limit.AddrConfig{Rate: limit.Rate{PerSecond: 1, Burst: 10}, Grow: 2})
	takes(l, 1000, "2001:db8::1", start)
	if got := takes(l, 20, "2001:db8:0:1::1", start); got != 10 {
		t.Errorf("a neighbour in the /48 got %d, want the 10 that are left", got)
	}
	s := l.Stats()
	if s.Keys != 4 || s.Refused != 990+10 {
		t.Errorf("Stats() = %+v, want 4 keys and 1000 refused", s)
	}
}

func TestMappedAddressIsTheSameAddress(t *testing.T) {
	l := limit.NewByAddr(limit.AddrConfig{Rate: limit.Rate{PerSecond: 1, Burst: 10}})
	takes(l, 10, "203.0.113.1", start)
	if got := takes(l, 1, "::ffff:203.0.113.1", start); got != 0 {
		t.Error("an address got a second share in its IPv6 form")
	}
}

func TestLoopbackIsLimitedUnlessExempt(t *testing.T) {
	for _, exempt := range []bool{false, true} {
		l := limit.NewByAddr(limit.AddrConfig{
			Rate: limit.Rate{PerSecond: 1, Burst: 5}, ExemptLoopback: exempt,
		})
		want := 5
		if exempt {
			want = 50
		}
		for _, a := range []string{"127.0.3.4", "::1"} {
			if got := takes(l, 50, a, start); got != want {
				t.Errorf("exempt %v: %s got %d of 50, want %d", exempt, a, got, want)
			}
		}
		if got := takes(l, 50, "192.0.2.1", start); got != 5 {
			t.Errorf("exempt %v: another address got %d, want 5", exempt, got)
		}
	}
}

func TestWaitOfAnAddressIsThatOfItsSlowestClass(t *testing.T) {
	l := limit.NewByAddr(limit.AddrConfig{Rate: limit.Rate{PerSecond: 1, Burst: 10}, Grow: 1})
	takes(l, 10, "203.0.113.1", start)
	neighbour := netip.MustParseAddr("203.0.113.2")
	if got := l.Wait(neighbour, start, 2); got != 2*time.Second {
		t.Errorf("Wait = %v, want 2s", got)
	}
	if !l.Take(neighbour, start.Add(2*time.Second), 2) {
		t.Error("nothing there after Wait")
	}
	if got := l.Wait(neighbour, start, 11); got != limit.Never {
		t.Errorf("Wait for more than the burst = %v, want Never", got)
	}
}

func TestAddressesAreBoundedInMemory(t *testing.T) {
	t.Parallel()
	l := limit.NewByAddr(limit.AddrConfig{Rate: limit.Rate{PerSecond: 1, Burst: 5}, MaxKeys: 100})
	takes(l, 5, "198.51.100.1", start)
	var raw [4]byte
	for i := range 100_000 {
		raw = [4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}
		l.Take(netip.AddrFrom4(raw), start, 1)
	}
	s := l.Stats()
	if s.Keys > 300 || s.Evicted == 0 {
		t.Errorf("Stats() = %+v, want at most 300 keys and evictions", s)
	}
	if takes(l, 1, "198.51.100.1", start) != 0 {
		t.Error("strangers freed an exhausted address")
	}
}

func TestHugeRatesStayRates(t *testing.T) {
	l := limit.NewByAddr(limit.AddrConfig{Rate: limit.Rate{PerSecond: math.MaxFloat64, Burst: math.MaxFloat64}})
	if takes(l, 3, "192.0.2.1", start) != 3 || l.Wait(netip.MustParseAddr("192.0.2.1"), start, 1) != 0 {
		t.Error("a huge rate refuses")
	}
	off := limit.NewByAddr(limit.AddrConfig{})
	if takes(off, 100, "192.0.2.1", start) != 100 || off.Wait(netip.Addr{}, start, 1) != 0 {
		t.Error("no rate refuses")
	}
}

func acquire(t *testing.T, n *limit.Count, a string, want bool) limit.Token {
	t.Helper()
	token, ok := n.Acquire(netip.MustParseAddr(a))
	if ok != want {
		t.Fatalf("Acquire(%s) = %v, want %v", a, ok, want)
	}
	return token
}

func TestCountHoldsItsMaximaForEachClassAndInTotal(t *testing.T) {
	n := limit.NewCount(limit.CountConfig{Max: [3]int{2, 3, 4}, Total: 5})
	first := acquire(t, n, "203.0.113.1", true)
	acquire(t, n, "203.0.113.1", true)
	acquire(t, n, "::ffff:203.0.113.1", false) // its address is full
	acquire(t, n, "203.0.113.2", true)
	acquire(t, n, "203.0.113.3", false) // its /26 is full
	acquire(t, n, "203.0.112.1", true)
	acquire(t, n, "203.0.112.2", false) // its /21 is full
	acquire(t, n, "192.0.2.1", true)
	acquire(t, n, "198.51.100.1", false) // all places are taken
	want := limit.CountStats{Held: 5, RefusedClass: [3]uint64{1, 1, 1}, RefusedTotal: 1}
	if got := n.Stats(); got != want {
		t.Errorf("Stats() = %+v, want %+v", got, want)
	}
	first.Release()
	first.Release()
	acquire(t, n, "203.0.113.1", true)
	acquire(t, n, "203.0.113.1", false)
}

func TestLoopbackMayBeExemptFromClassesButNotFromTheTotal(t *testing.T) {
	n := limit.NewCount(limit.CountConfig{Max: [3]int{1, 1, 1}, Total: 3, ExemptLoopback: true})
	token := acquire(t, n, "127.0.0.1", true)
	acquire(t, n, "127.0.0.1", true)
	acquire(t, n, "::1", true)
	acquire(t, n, "127.0.0.1", false)
	token.Release()
	acquire(t, n, "192.0.2.1", true)
	if got := n.Stats().Held; got != 3 {
		t.Errorf("%d held, want 3", got)
	}
}

func TestCountWithoutMaximaCountsOnly(t *testing.T) {
	var none limit.Token
	none.Release()
	n := limit.NewCount(limit.CountConfig{})
	for range 1000 {
		acquire(t, n, "192.0.2.1", true)
	}
	if got := n.Stats().Held; got != 1000 {
		t.Errorf("%d held, want 1000", got)
	}
}

func TestAdmittedPlaceIsGivenBackOnce(t *testing.T) {
	n := limit.NewCount(limit.CountConfig{Max: [3]int{2, 0, 0}})
	a := netip.MustParseAddr("192.0.2.1")
	release, ok := n.Admit(a)
	acquire(t, n, "192.0.2.1", true)
	if _, third := n.Admit(a); !ok || third {
		t.Fatalf("Admit = %v then %v, want true then false", ok, third)
	}
	release()
	release()
	if got := n.Stats().Held; got != 1 {
		t.Errorf("%d held after two calls of one release, want 1", got)
	}
}

// TestCountLeaksNothing compares with a plain list of what is held.
func TestCountLeaksNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := limit.CountConfig{Max: [3]int{2, 4, 6}, Total: 10}
		n := limit.NewCount(c)
		var tokens []limit.Token
		var addrs []netip.Addr
		for range rapid.IntRange(1, 100).Draw(t, "steps") {
			if len(tokens) > 0 && rapid.Bool().Draw(t, "release") {
				i := rapid.IntRange(0, len(tokens)-1).Draw(t, "which")
				tokens[i].Release()
				tokens = append(tokens[:i], tokens[i+1:]...)
				addrs = append(addrs[:i], addrs[i+1:]...)
				continue
			}
			a := netip.AddrFrom4([4]byte{10, 0, rapid.ByteRange(0, 9).Draw(t, "net"), rapid.ByteRange(0, 3).Draw(t, "host") * 40})
			want := mayHold(c, addrs, a)
			token, ok := n.Acquire(a)
			if ok != want {
				t.Fatalf("Acquire(%v) = %v with %v held", a, ok, addrs)
			}
			if ok {
				tokens, addrs = append(tokens, token), append(addrs, a)
			}
		}
		if got := n.Stats().Held; got != len(tokens) {
			t.Fatalf("%d held, want %d", got, len(tokens))
		}
	})
}

func mayHold(c limit.CountConfig, held []netip.Addr, a netip.Addr) bool {
	for i, p := range limit.Classes(a) {
		in := 0
		for _, h := range held {
			if p.Contains(h) {
				in++
			}
		}
		if in >= c.Max[i] {
			return false
		}
	}
	return len(held) < c.Total
}

func TestGoroutinesShareOneCount(t *testing.T) {
	t.Parallel()
	n := limit.NewCount(limit.CountConfig{Max: [3]int{3, 0, 0}})
	a := netip.MustParseAddr("192.0.2.1")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 500 {
				if token, ok := n.Acquire(a); ok {
					if held := n.Stats().Held; held > 3 {
						t.Errorf("%d held, want at most 3", held)
					}
					token.Release()
				}
			}
		})
	}
	wg.Wait()
	if got := n.Stats().Held; got != 0 {
		t.Errorf("%d held at the end", got)
	}
}

func BenchmarkByAddrTake(b *testing.B) {
	l := limit.NewByAddr(limit.AddrConfig{Rate: limit.Rate{PerSecond: 1e9, Burst: 1e9}})
	now := start
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		now = now.Add(time.Microsecond)
		l.Take(netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}), now, 1)
	}
}

func BenchmarkCountAcquireRelease(b *testing.B) {
	n := limit.NewCount(limit.CountConfig{Max: [3]int{32, 64, 128}, Total: 1000})
	a := netip.MustParseAddr("2001:db8::1")
	b.ReportAllocs()
	for b.Loop() {
		token, _ := n.Acquire(a)
		token.Release()
	}
}
