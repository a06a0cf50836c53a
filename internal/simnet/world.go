package simnet

import (
	"net/netip"
	"sync"
	"time"

	"trunkline/internal/loop"
)

// A World is a network without goroutines: one queue of events, ordered by time
// and then by number, drives everything. The same Config and the same calls give
// the same trace, byte for byte. A World belongs to one goroutine; what it calls
// (machines, handlers, functions) may call it back.
type World struct {
	cfg    Config
	at     int64 // nanoseconds since cfg.Start
	queue  queue
	public realm
	hosts  []*Host
	names  map[string]*Host
	boxes  uint64
	nats   int
	sides  int
	counts [fates]uint64
	free   []*packet
	lock   sync.Locker // of the Net that runs it; else none
}

// NewWorld returns a world without hosts, at Config.Start.
func NewWorld(c Config) *World {
	return newWorld(c.withDefaults(), unlocked{})
}

func newWorld(c Config, l sync.Locker) *World {
	return &World{
		cfg:    c,
		public: realm{boxes: make(map[netip.Addr]*box)},
		names:  make(map[string]*Host),
		lock:   l,
	}
}

type unlocked struct{}

func (unlocked) Lock()   {}
func (unlocked) Unlock() {}

// Now is the time in the world.
func (w *World) Now() time.Time { return w.cfg.Start.Add(time.Duration(w.at)) }

// Count is how many packets met that fate so far. A test of a bad network
// should look whether it was bad.
func (w *World) Count(f Fate) uint64 {
	w.lock.Lock()
	defer w.lock.Unlock()
	return w.counts[f]
}

// offset is t on the world's clock; a past time is now.
func (w *World) offset(t time.Time) int64 {
	return max(w.at, int64(t.Sub(w.cfg.Start)))
}

// At calls f at a time; if that is past, as soon as the world runs. f may touch
// any machine: all of them are asked for their deadlines afterwards. Where that
// is too slow, use AtHost.
func (w *World) At(t time.Time, f func(now time.Time)) {
	w.queue.push(w.offset(t), &call{f: f})
}

// After calls f like At, when d has passed.
func (w *World) After(d time.Duration, f func(now time.Time)) { w.At(w.Now().Add(d), f) }

// AtHost calls f like At, for something that happens on h: f may touch h's
// machines only, and is not called if h crashes before.
func (w *World) AtHost(h *Host, t time.Time, f func(now time.Time)) {
	w.queue.push(w.offset(t), &call{host: h, life: h.life, f: f})
}

// driven is a machine whose deadlines the world keeps.
type driven struct {
	w     *World
	m     loop.Timed
	timer timer
}

// Drive calls m's Advance whenever its Deadline has come, until h crashes. The
// deadline is asked again after everything that happens on h: a packet, a
// stream's callback, a call of AtHost; and after each call of At. A machine that
// is still due after Advance gets its next turn a microsecond later.
func (w *World) Drive(h *Host, m loop.Timed) {
	d := &driven{w: w, m: m}
	d.timer = newTimer(func() {
		d.m.Advance(w.Now())
		d.refresh(time.Microsecond)
	})
	h.machines = append(h.machines, d)
	d.refresh(0)
}

// refresh asks for the deadline; if it has passed, the machine is due after rest.
func (d *driven) refresh(rest time.Duration) {
	deadline := d.m.Deadline()
	if deadline.IsZero() {
		d.timer.at = never
		return
	}
	d.w.set(&d.timer, max(int64(deadline.Sub(d.w.cfg.Start)), d.w.at+int64(rest)))
}

func (h *Host) refresh() {
	for _, d := range h.machines {
		d.refresh(0)
	}
}

func (w *World) refreshAll() {
	for _, h := range w.hosts {
		h.refresh()
	}
}

// Step does the next thing and says whether there was one. Machines may be
// touched freely between steps.
func (w *World) Step() bool {
	w.refreshAll()
	if w.queue.next() == never {
		return false
	}
	w.next()
	return true
}

// next does the next event.
func (w *World) next() {
	e := w.queue.pop()
	w.at = e.at
	e.do.run(w)
}

// Run does all that happens up to and at a time, which is then now. Machines may
// be touched freely between calls of Run.
func (w *World) Run(until time.Time) {
	w.refreshAll()
	w.runTo(int64(until.Sub(w.cfg.Start)))
}

// runTo says whether anything happened.
func (w *World) runTo(at int64) bool {
	busy := false
	for w.queue.next() <= at {
		w.next()
		busy = true
	}
	w.at = max(w.at, at)
	return busy
}
