//go:build linux

package load

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"trunkline/blubbel/wire"
	"trunkline/internal/bench/keyring"
	"trunkline/internal/bench/meter"
)

// The states of a sign-in in which a hostile client can stay.
const (
	Mute    = "mute"  // says nothing
	InHead  = "head"  // the first bytes of a frame
	InKey   = "key"   // part of its public key
	InProof = "proof" // part of the answer to the challenge
)

// SilentArgs say who bothers the server: N sockets that stay in State, sending
// one more byte every Trickle (0: none). Source, if given, is where all of them
// come from.
type SilentArgs struct {
	Addr    string        `json:"addr"`
	N       int           `json:"n"`
	First   int           `json:"first"`
	State   string        `json:"state"`
	Trickle time.Duration `json:"trickle"`
	Source  string        `json:"source"`
}

// Silenced is what became of them: how many connected, how many are still
// open, and how long after connecting the others were closed.
type Silenced struct {
	N      int         `json:"n"`
	Open   int         `json:"open"`
	Closed *meter.Hist `json:"closed"`
	Err    string      `json:"err,omitempty"`
}

// silence is sockets that do not sign in.
type silence struct {
	mu     sync.Mutex
	conns  []net.Conn
	open   int
	closed meter.Hist
	wg     sync.WaitGroup
}

// begin opens the sockets; those that cannot connect are an error.
func (s *silence) begin(ctx context.Context, a SilentArgs) (Silenced, error) {
	var source netip.Addr
	if a.Source != "" {
		var err error
		if source, err = netip.ParseAddr(a.Source); err != nil {
			return Silenced{}, err
		}
	}
	opening, err := openingBytes(a)
	if err != nil {
		return Silenced{}, err
	}
	failed, first := each(ctx, a.N, 32, func(i int) error {
		from := source
		if !from.IsValid() {
			from = Target{}.Source(a.First + i)
		}
		start := time.Now()
		c, err := dial(ctx, a.Addr, from)
		if err != nil {
			return err
		}
		s.hold(ctx, c, start, opening, a.Trickle)
		return nil
	})
	return Silenced{N: a.N - failed, Err: text(first)}, nil
}

// openingBytes is what a socket in the given state has to send: first at once,
// then byte by byte.
func openingBytes(a SilentArgs) (b silentBytes, err error) {
	if a.State == Mute {
		return b, nil
	}
	key, err := keyring.Key(a.First % keyring.Len())
	if err != nil {
		return b, err
	}
	login, err := wire.AppendFrame(nil, &wire.Login{Key: key.Public().Bytes()})
	if err != nil {
		return b, err
	}
	switch a.State {
	case InHead:
		return silentBytes{first: login[:1], then: login[1:]}, nil
	case InKey:
		return silentBytes{first: login[:wire.HeadSize+100], then: login[wire.HeadSize+100:]}, nil
	case InProof:
		proof, err := wire.AppendFrame(nil, &wire.Proof{})
		return silentBytes{first: append(login, proof[:1]...), then: proof[1:]}, err
	}
	return b, fmt.Errorf("no state %q of a sign-in", a.State)
}

type silentBytes struct{ first, then []byte }

// hold keeps c open in the background until the server closes it.
func (s *silence) hold(ctx context.Context, c net.Conn, start time.Time, b silentBytes, trickle time.Duration) {
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.open++
	s.mu.Unlock()
	_, _ = c.Write(b.first)
	ended := make(chan struct{})
	s.wg.Go(func() {
		defer close(ended)
		var one [1]byte
		for err := error(nil); err == nil; {
			_, err = c.Read(one[:])
		}
		s.mu.Lock()
		s.open--
		s.mu.Unlock()
		s.closed.Add(time.Since(start))
	})
	if trickle > 0 && len(b.then) > 0 {
		s.wg.Go(func() { trickleInto(ctx, c, b.then, trickle, ended) })
	}
}

// trickleInto writes one byte of b every so often until the connection ended.
func trickleInto(ctx context.Context, c net.Conn, b []byte, every time.Duration, ended <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for i := range b {
		select {
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-tick.C:
			_, _ = c.Write(b[i : i+1])
		}
	}
}

// result waits until all sockets were closed, for d at most.
func (s *silence) result(ctx context.Context, d time.Duration) Silenced {
	for end := time.Now().Add(d); ctx.Err() == nil && time.Now().Before(end); {
		s.mu.Lock()
		left := s.open
		s.mu.Unlock()
		if left == 0 {
			break
		}
		sleepUntil(ctx, time.Now().Add(20*time.Millisecond))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return Silenced{N: len(s.conns), Open: s.open, Closed: &s.closed}
}

// leave closes what is still open.
func (s *silence) leave() {
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
	}
	s.wg.Wait()
}
