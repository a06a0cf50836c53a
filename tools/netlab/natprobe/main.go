// Command natprobe tells, from behind a NAT, what kind of NAT it is, and
// whether two hosts behind NATs can meet directly. It is the self-test of
// netlab.sh.
//
//	natprobe serve IP1 IP2     two addresses, two ports each: the far side of ask
//	natprobe ask IP1 IP2       prints mapping=... filtering=..., or "no udp"
//	natprobe meet IP           tells callers each other's outside address
//	natprobe punch IP          registers there, then tries to reach the other: direct or relay
//
// The words are those of RFC 4787: a mapping is the same for every peer or one
// per peer; the filter lets in anybody (open), addresses written to (address),
// or addresses and ports written to (address-and-port).
//
// ask and punch end by themselves within ten seconds. serve and meet end at
// SIGINT or SIGTERM.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// The ports of the far side.
const (
	portOne  = 7001
	portTwo  = 7002
	portMeet = 7003
)

const usage = "usage: natprobe serve|ask IP1 IP2, or natprobe meet|punch IP"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	answer, err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, "natprobe:", err)
		os.Exit(1)
	}
	fmt.Print(answer)
}

// run carries out one command and returns the line that it prints.
func run(ctx context.Context, args []string) (string, error) {
	if len(args) == 0 {
		return "", errors.New(usage)
	}
	ips, err := parseAddrs(args[1:])
	if err != nil {
		return "", err
	}
	switch {
	case args[0] == "serve" && len(ips) == 2:
		return "", serve(ctx, farSide(ips))
	case args[0] == "ask" && len(ips) == 2:
		return ask(ctx, farSide(ips), 250*time.Millisecond)
	case args[0] == "meet" && len(ips) == 1:
		return "", meet(ctx, netip.AddrPortFrom(ips[0], portMeet))
	case args[0] == "punch" && len(ips) == 1:
		return punch(ctx, netip.AddrPortFrom(ips[0], portMeet), 3*time.Second)
	}
	return "", errors.New(usage)
}

func parseAddrs(args []string) ([]netip.Addr, error) {
	var ips []netip.Addr
	for _, arg := range args {
		ip, err := netip.ParseAddr(arg)
		if err != nil || !ip.Is4() {
			return nil, fmt.Errorf("%q is no IPv4 address; %s", arg, usage)
		}
		ips = append(ips, ip)
	}
	return ips, nil
}

// farSide returns the four places of the far side.
func farSide(ips []netip.Addr) places {
	return places{
		same:         netip.AddrPortFrom(ips[0], portOne),
		otherPort:    netip.AddrPortFrom(ips[0], portTwo),
		otherAddress: netip.AddrPortFrom(ips[1], portOne),
	}
}
