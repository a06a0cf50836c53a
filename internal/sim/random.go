package sim

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Times of a scenario by chance.
const (
	randomLength = 10 * time.Minute
	randomCalm   = randomLength - 2*time.Minute  // faults end
	randomProbe  = randomLength - 75*time.Second // texts that notice a loss
	randomFresh  = randomLength - 45*time.Second // fresh texts, which have to arrive
)

// Random makes a scenario from a seed: three to eight people, of whom some know
// each other, behind lines and NATs of all kinds. For eight minutes they talk
// while they, the relay and everything between them crash, stall, are cut, moved
// and slowed down. Then all faults end. Within two minutes everybody has the
// sessions that they want, and a text each way arrives.
func Random(seed uint64) Scenario {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 3)), s: Scenario{
		Version: FormatVersion,
		About:   fmt.Sprintf("made from seed %d", seed),
		Length:  Duration(randomLength),
		Expect:  Expect{AllOpen: true, AllArriveFrom: Duration(randomFresh)},
	}}
	g.s.Chop = g.chance(0.5)
	if g.chance(0.5) {
		g.s.Buffer = 1 << (13 + g.IntN(3))
	}
	g.s.Path = Line{Delay: g.between(0, 60*time.Millisecond), Jitter: g.between(0, 20*time.Millisecond)}
	g.relay()
	g.nats()
	g.clients()
	g.talk()
	for range 4 + g.IntN(12) {
		g.fault()
	}
	g.add(Action{At: Duration(randomCalm), Do: "calm"})
	// Who was told that the key is in use tries again when the relay has noticed
	// that the connection which has it is dead.
	g.add(Action{At: Duration(randomCalm + vanished + keepaliveStep), Do: "return", Who: everybody})
	g.fresh()
	return g.s
}

// generator makes a scenario.
type generator struct {
	*rand.Rand
	s     Scenario
	pairs [][2]string // who has whom as a contact, at some time
}

func (g *generator) chance(p float64) bool { return g.Float64() < p }

// between is from least to most, in whole milliseconds.
func (g *generator) between(least, most time.Duration) Duration {
	return Duration((least + time.Duration(g.Int64N(int64(most-least)+1))).Truncate(time.Millisecond))
}

func (g *generator) add(a Action) { g.s.Timeline = append(g.s.Timeline, a) }

// percent is from 0 to most, in thousandths.
func (g *generator) percent(most float64) float64 { return float64(g.IntN(int(most*1000)+1)) / 1000 }

// line is good in one of two cases.
func (g *generator) line() Line {
	l := Line{Delay: g.between(time.Millisecond, 80*time.Millisecond)}
	if g.chance(0.5) {
		return l
	}
	l.Jitter = g.between(0, 60*time.Millisecond)
	l.Loss, l.Duplicate, l.Reorder = g.percent(0.08), g.percent(0.03), g.percent(0.05)
	if g.chance(0.3) {
		l.MTU = 576 + g.IntN(900)
	}
	return l
}

// relay has small bounds in one of two cases, so that they are met.
func (g *generator) relay() {
	g.s.Relay.Line = Line{Delay: g.between(0, 20*time.Millisecond)}
	if g.chance(0.5) {
		return
	}
	g.s.Relay.MaxPayload = 1024 + g.IntN(8192)
	g.s.Relay.Queue = 1 << (8 + g.IntN(8))
	g.s.Relay.Stall = g.between(500*time.Millisecond, 5*time.Second)
	if g.chance(0.3) {
		g.s.Relay.FramesPerSecond = float64(5 + g.IntN(200))
	}
}

func (g *generator) nats() {
	kinds := []string{"full-cone", "restricted", "port-restricted", "symmetric"}
	for i := range g.IntN(4) {
		n := NAT{Name: fmt.Sprintf("nat%d", i+1), Kind: kinds[g.IntN(len(kinds))], Hairpin: g.chance(0.5), Line: g.line()}
		if i > 0 && g.chance(0.4) {
			n.Behind = g.s.NATs[g.IntN(i)].Name
		}
		g.s.NATs = append(g.s.NATs, n)
	}
}

// clients know each other from before in one case of two, and accept everybody
// in one of five. Any two keys of a form may be in any order.
func (g *generator) clients() {
	number := map[string][]int{"der": g.Perm(keysOfAForm), "raw": g.Perm(keysOfAForm)}
	for i := range 3 + g.IntN(6) {
		c := Client{Name: fmt.Sprintf("p%d", i+1), Key: "raw", Line: g.line(), AutoAccept: g.chance(0.2), Starts: g.between(0, 20*time.Second)}
		if g.chance(0.6) {
			c.Key = "der"
		}
		c.Number = 1 + number[c.Key][i]
		if len(g.s.NATs) > 0 && g.chance(0.6) {
			c.Behind = g.s.NATs[g.IntN(len(g.s.NATs))].Name
		}
		g.s.Clients = append(g.s.Clients, c)
	}
}

func (g *generator) client() *Client { return &g.s.Clients[g.IntN(len(g.s.Clients))] }

// when is a time at which there are faults.
func (g *generator) when() Duration { return g.between(0, randomCalm-time.Second) }

// talk makes some pairs know each other, from before or after a while, and lets
// them send.
func (g *generator) talk() {
	for i := range g.s.Clients {
		for j := range i {
			a, b := &g.s.Clients[i], &g.s.Clients[j]
			if len(a.Contacts) > 0 && g.chance(0.7) {
				continue
			}
			g.meet(a, b)
			g.meet(b, a)
			for range 1 + g.IntN(4) {
				g.burst(a.Name, b.Name)
				g.burst(b.Name, a.Name)
			}
		}
	}
}

// meet makes b a contact of a.
func (g *generator) meet(a, b *Client) {
	if g.chance(0.6) {
		a.Contacts = append(a.Contacts, b.Name)
	} else {
		g.add(Action{At: g.between(0, 2*time.Minute), Do: "add", Who: a.Name, To: b.Name})
	}
	g.pairs = append(g.pairs, [2]string{a.Name, b.Name})
}

// burst sends some texts, of which few are large.
func (g *generator) burst(a, b string) {
	size := leastText + g.IntN(500)
	if g.chance(0.1) {
		size = leastText + g.IntN(40_000)
	}
	g.add(Action{
		At: g.when(), Do: "send", Who: a, To: b,
		Count: 1 + g.IntN(20), Every: g.between(0, time.Second), Bytes: size,
	})
}

// flood sends more to somebody than waits anywhere.
func (g *generator) flood(at Duration, to string) {
	for _, p := range g.pairs {
		if p[1] == to {
			g.add(Action{At: at, Do: "send", Who: p[0], To: to, Count: 60, Every: Duration(20 * time.Millisecond), Bytes: 900})
			return
		}
	}
}

// fresh sends a text each way for every pair that wants a session.
func (g *generator) fresh() {
	for _, p := range g.pairs {
		g.add(Action{At: Duration(randomFresh), Do: "send", Who: p[0], To: p[1]})
	}
}

// fault makes something go wrong for a while.
func (g *generator) fault() {
	a := Action{At: g.when(), Who: g.client().Name}
	left := randomCalm - time.Duration(a.At)
	brief := func(most time.Duration) Duration { return g.between(10*time.Millisecond, min(most, left)) }
	switch g.IntN(14) {
	case 0, 1:
		a.Do, a.For = "crash", brief(time.Minute)
	case 2:
		a.Do, a.Who, a.For = "crash", relayName, brief(40*time.Second)
	case 3, 4:
		a.Do, a.Who, a.For, a.Way = "cut", g.box(), brief(90*time.Second), ways()[g.IntN(3)]
	case 5, 6:
		a.Do, a.For = "stall", brief(40*time.Second)
		g.flood(a.At, a.Who)
	case 7:
		a.Do, a.Who, a.By = "clock", g.host(), g.between(-3*time.Second, 40*time.Second)
	case 8:
		a.Do = "takeover"
	case 9:
		a.Do, a.Times, a.Each = "hangup", 1+g.IntN(3), g.between(0, 3*time.Second)
	case 10:
		a.Do, a.Who = "renumber", g.box()
	case 11:
		line := g.line()
		line.MTU = 0
		a.Do, a.Who, a.Line = "line", g.box(), &line
	case 12:
		a.Do, a.For = "leave", brief(time.Minute)
	case 13:
		pair := g.pairs[g.IntN(len(g.pairs))]
		a.Do, a.Who, a.To, a.What, a.Count = "meddle", pair[0], pair[1], meddlings()[g.IntN(4)], 1+g.IntN(4)
		g.add(Action{At: Duration(randomProbe), Do: "send", Who: a.Who, To: a.To})
	}
	g.add(a)
}

// box is a client, a NAT or the relay.
func (g *generator) box() string {
	if len(g.s.NATs) > 0 && g.chance(0.4) {
		return g.s.NATs[g.IntN(len(g.s.NATs))].Name
	}
	return g.host()
}

// host is a client or the relay.
func (g *generator) host() string {
	if g.chance(0.15) {
		return relayName
	}
	return g.client().Name
}
