package simnet

import "time"

// A Fate is what becomes of a packet.
type Fate uint8

// The fates, in the order in which a packet can meet them.
const (
	Delivered  Fate = iota
	Repeated        // delivered a second time
	Lost            // by Link.Loss
	TooBig          // for Link.MTU
	Cut             // by Cut, Sever or Partition
	NoRoute         // nobody has the address
	UDPBlocked      // the NAT passes no UDP
	NoMapping       // the NAT does not use that port
	Filtered        // the NAT does not let that peer in
	NoHairpin       // the NAT does not turn packets round
	HostDown        // crashed
	NoPort          // nobody listens
	Overflow        // no room in the queue of the receiver
	fates
)

func (f Fate) String() string {
	return [fates]string{
		"delivered", "repeated", "lost", "too-big", "cut", "no-route", "no-udp",
		"no-mapping", "filtered", "no-hairpin", "host-down", "no-port", "overflow",
	}[f]
}

// dice is a source of random numbers that starts anywhere for free (splitmix64),
// so that every packet has its own: what happens to it depends on the seed, its
// sender and its number, and on nothing that other hosts do.
type dice uint64

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func newDice(seed, a, b uint64) dice { return dice(mix(mix(mix(seed)^a) ^ b)) }

func (d *dice) next() uint64 {
	*d += 0x9e3779b97f4a7c15
	return mix(uint64(*d))
}

// unit is from 0 to below 1.
func (d *dice) unit() float64 { return float64(d.next()>>11) / (1 << 53) }

func (d *dice) chance(p float64) bool { return p > 0 && d.unit() < p }

// below is from 0 to n-1.
func (d *dice) below(n int) int { return int(d.next() % uint64(n)) }

func (d *dice) upTo(t time.Duration) time.Duration { return time.Duration(d.below(int(t) + 1)) }

// carry decides what the link does to p, which enters it now and what it has been
// delayed by so far, and adds to that delay.
func (l *Link) carry(p *packet, now int64) Fate {
	if l.MTU > 0 && p.size() > l.MTU {
		return TooBig
	}
	if p.dice.chance(l.Loss) {
		return Lost
	}
	p.delay += l.Delay + l.swing(p.flow, now+int64(p.delay))
	if p.dice.chance(l.Reorder) {
		p.delay += p.dice.upTo(max(l.Delay, 10*time.Millisecond))
	}
	if p.dice.chance(l.Duplicate) {
		p.twice = true
	}
	return Delivered
}

// swing is the jitter of a flow at a time: random heights two jitters apart,
// joined by straight lines. No line is steeper than one half, so what enters
// first leaves first.
func (l *Link) swing(flow uint64, at int64) time.Duration {
	if l.Jitter <= 0 {
		return 0
	}
	grid := 2 * int64(l.Jitter)
	left, right := newDice(flow, 0, uint64(at/grid)), newDice(flow, 0, uint64(at/grid+1))
	share := float64(at%grid) / float64(grid)
	return time.Duration(float64(l.Jitter) * (left.unit()*(1-share) + right.unit()*share))
}
