package main

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// places are the sockets of the far side, named for how they stand to the
// first one.
type places struct{ same, otherPort, otherAddress netip.AddrPort }

// serve answers at every place: "me" with the caller's address as seen there,
// "from port" and "from address" with a line from the other port or the other
// address. It ends with its context.
func serve(ctx context.Context, at places) error {
	var sockets [3]socket
	for i, place := range []netip.AddrPort{at.same, at.otherPort, at.otherAddress} {
		s, err := open(ctx, place)
		if err != nil {
			return err
		}
		sockets[i] = s
	}
	var wg sync.WaitGroup
	for _, s := range sockets {
		wg.Go(func() { answer(s, sockets) })
	}
	wg.Wait()
	return nil
}

func answer(s socket, sockets [3]socket) {
	for {
		line, from, ok := s.next()
		if !ok {
			return
		}
		switch line {
		case "me":
			s.tell(from, "you "+from.String())
		case "from port":
			sockets[1].tell(from, "port")
		case "from address":
			sockets[2].tell(from, "address")
		}
	}
}

// ask finds out how the NAT in front of this host maps and filters. Each of its
// questions waits four times for an answer, for as long as patience.
func ask(ctx context.Context, far places, patience time.Duration) (string, error) {
	s, err := open(ctx, anywhere())
	if err != nil {
		return "", err
	}
	defer s.Close()
	outside := s.ask(ctx, far.same, "me", "you", patience)
	if outside == "" {
		return "no udp\n", ctx.Err()
	}
	// The order matters: writing to the other places opens the filter for them.
	filtering := "address-and-port"
	if s.ask(ctx, far.same, "from address", "address", patience) != "" {
		filtering = "open"
	} else if s.ask(ctx, far.same, "from port", "port", patience) != "" {
		filtering = "address"
	}
	mapping := "same"
	if s.ask(ctx, far.otherPort, "me", "you", patience) != outside || s.ask(ctx, far.otherAddress, "me", "you", patience) != outside {
		mapping = "per-peer"
	}
	return fmt.Sprintf("mapping=%s filtering=%s\n", mapping, filtering), ctx.Err()
}
