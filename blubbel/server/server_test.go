package server_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/server"
	"trunkline/blubbel/wire"
)

// bubble runs a test in a simulated network, where time costs nothing and a
// goroutine that is left behind is a failure.
func bubble(t *testing.T, c server.Config, test func(t *testing.T, x *exchange)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, simulated(t, c)) })
}

func TestTwoClientsTalkThroughSockets(t *testing.T) {
	t.Parallel()
	talk := func(t *testing.T, x *exchange) {
		a, b := x.raw(1), x.der(derKey(t, 1)) // both forms of key side by side
		meet(a, b)
		a.says(b, "hello")
		b.says(a, "good day")
	}
	bubble(t, server.Config{}, talk)
	talk(t, loopback(t, server.Config{}))
}

func TestBreakingAnyRuleDisturbsNobodyElse(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		a, b := x.raw(1), x.der(derKey(t, 1))
		meet(a, b)
		message := func(key []byte) wire.Packet { return &wire.Message{Peer: key, Sealed: []byte("injected")} }
		for i, rule := range []struct {
			name   string
			login  bool
			send   []wire.Packet
			bytes  []byte
			codes  []blubbel.Code
			closed bool
		}{
			{name: "message before login", send: []wire.Packet{message(a.key.Bytes())}, codes: []blubbel.Code{2}, closed: true},
			{name: "unknown type", login: true, bytes: []byte{0x77, 0, 0, 0, 0}, codes: []blubbel.Code{1}, closed: true},
			{name: "error from a client", login: true, bytes: []byte{5, 0, 0, 0, 0}, codes: []blubbel.Code{1}, closed: true},
			{name: "frame without its key", login: true, bytes: []byte{4, 0, 0, 0, 1, 'x'}, codes: []blubbel.Code{1}, closed: true},
			{name: "second login", login: true, send: []wire.Packet{&wire.Login{Key: rawKey(9).Bytes()}}, codes: []blubbel.Code{3}},
			{name: "key in use", send: []wire.Packet{&wire.Login{Key: a.key.Bytes()}}, codes: []blubbel.Code{4}, closed: true},
			{name: "no key", send: []wire.Packet{&wire.Login{Key: []byte("x")}}, codes: []blubbel.Code{5}, closed: true},
			{name: "no recipient's key", login: true, send: []wire.Packet{message(make([]byte, 128))}, codes: []blubbel.Code{5}},
			{name: "recipient away", login: true, send: []wire.Packet{message(rawKey(9).Bytes())}, codes: []blubbel.Code{6}},
			{name: "no session", login: true, send: []wire.Packet{message(a.key.Bytes()), message(b.key.Bytes())}, codes: []blubbel.Code{7, 7}},
			{name: "accepting unasked", login: true, send: []wire.Packet{&wire.Accept{Peer: a.key.Bytes()}}, codes: []blubbel.Code{7}},
			{name: "4 GiB before login", bytes: []byte{1, 255, 255, 255, 255, 0}, codes: []blubbel.Code{8}, closed: true},
			{name: "4 GiB", login: true, bytes: []byte{4, 255, 255, 255, 255, 0}, codes: []blubbel.Code{8}, closed: true},
			{name: "above the limit", login: true, bytes: append([]byte{4, 0, 1, 0, 1}, make([]byte, 50_000)...), codes: []blubbel.Code{8}, closed: true},
		} {
			c := x.connect()
			if rule.login {
				c = x.raw(100 + i)
			}
			c.sends(rule.send...)
			c.writes(rule.bytes)
			for _, code := range rule.codes {
				c.refused(code)
			}
			if rule.closed {
				c.ended()
			} else {
				c.sends(&wire.Login{}) // answered: it is open
				c.refused(3)
			}
			a.says(b, rule.name)
			b.says(a, rule.name)
		}
	})
}

func TestFramesMayBeCutAnywhere(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		a := x.raw(1)
		stream := func(key blubbel.PublicKey) []byte {
			return append(frameOf(t, &wire.Login{Key: key.Bytes()}), frameOf(t, &wire.Start{Peer: a.key.Bytes(), Sealed: []byte("g^a")})...)
		}
		size := len(stream(rawKey(1)))
		for cut := range size {
			b := stream(rawKey(2 + cut))
			c := x.connect()
			c.writes(b[:cut])
			synctest.Wait()
			c.writes(b[cut:])
			c.gets(&wire.LoginAccepted{})
			a.gets(&wire.Start{Peer: rawKey(2 + cut).Bytes(), Sealed: []byte("g^a")})
			_ = c.c.Close()
			time.Sleep(100 * time.Millisecond) // the rate of requests to one
		}
		c := x.connect()
		for _, b := range stream(rawKey(2)) {
			c.writes([]byte{b})
			synctest.Wait()
		}
		c.gets(&wire.LoginAccepted{})
		a.gets(&wire.Start{Peer: rawKey(2).Bytes(), Sealed: []byte("g^a")})
	})
}

func TestLargestFramesPassWhole(t *testing.T) {
	t.Parallel()
	x := loopback(t, server.Config{MaxPayload: blubbel.HighestMaxPayload})
	a, b := x.raw(1), x.raw(2)
	meet(a, b)
	for _, size := range []int{0, 1, 8<<10 - 133, 64 << 10, blubbel.HighestMaxPayload - blubbel.RawKeySize} {
		body := bytes.Repeat([]byte{byte(size)}, size)
		a.says(b, string(body)) // larger than the queue: one frame always may wait
		b.says(a, string(body))
	}
	head := binary.BigEndian.AppendUint32([]byte{4}, blubbel.HighestMaxPayload+1)
	a.writes(head)
	a.refused(8)
	a.ended()
}

func TestClosingErrorReachesAClientThatGoesOnSending(t *testing.T) {
	t.Parallel()
	x := loopback(t, server.Config{})
	for i := range 20 {
		c := x.raw(i)
		c.writes(append([]byte{4, 255, 255, 255, 255}, make([]byte, 40_000)...))
		c.writes(make([]byte, 40_000))
		c.refused(8)
		c.ended()
		_ = c.c.Close()
	}
}

func TestProvenNewcomerTakesOverAndTheOldOneIsTold(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		k := derKey(t, 1)
		old, b := x.der(k), x.raw(1)
		meet(b, old)
		for range 10 {
			b.sends(&wire.Message{Peer: old.key.Bytes(), Sealed: []byte("before")})
		}
		synctest.Wait()
		again := x.der(k)
		for range 10 { // what was on its way is not lost
			old.gets(&wire.Message{Peer: b.key.Bytes(), Sealed: []byte("before")})
		}
		old.refused(4)
		old.ended()
		b.sends(&wire.Message{Peer: k.Public().Bytes()})
		b.refused(7)
		meet(b, again)
		again.says(b, "it is me")
	})
}

func TestSilentConnectionIsClosedWhateverItSends(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		began := time.Now()
		silent, drip := x.connect(), x.connect()
		login := frameOf(t, &wire.Login{Key: derKey(t, 1).Public().Bytes()})
		for i := range 14 {
			time.Sleep(time.Second)
			drip.writes(login[i : i+1])
		}
		silent.ended()
		if took := time.Since(began); took != blubbel.LoginTimeout {
			t.Errorf("closed after %v, want %v", took, blubbel.LoginTimeout)
		}
		drip.gone()
		if took := time.Since(began); took > blubbel.LoginTimeout+time.Second {
			t.Errorf("one that sends a byte a second was closed after %v", took)
		}
		in := x.raw(1)
		time.Sleep(24 * time.Hour) // no other idle limit
		in.sends(&wire.Login{})
		in.refused(3)
	})
}

func TestConnectionsOfOneAddressBeforeLoginAreLimited(t *testing.T) {
	t.Parallel()
	x := loopback(t, server.Config{LimitLoopback: true, PendingPerAddress: 3})
	in := x.raw(1)
	for range 3 {
		x.connect()
	}
	for x.s.Stats().Pending < 3 {
		runtime.Gosched()
	}
	x.connect().gone()
	in.sends(&wire.Login{}) // who is logged in never suffers from its address
	in.refused(3)
	if s := x.s.Stats(); s.RefusedPending != 1 || s.Connections != 4 {
		t.Errorf("Stats() = %+v, want one refused and 4 connections", s)
	}
}

func TestTextsAreNeitherLoggedNorCounted(t *testing.T) {
	t.Parallel()
	bubble(t, server.Config{}, func(t *testing.T, x *exchange) {
		const secret = "the text of a message"
		a, b := x.raw(1), x.der(derKey(t, 1))
		meet(a, b)
		a.says(b, secret)
		b.says(a, secret)
		a.sends(&wire.Message{Peer: rawKey(9).Bytes(), Sealed: []byte(secret)})
		a.refused(6)
		a.sends(&wire.Message{Peer: b.key.Bytes(), Sealed: []byte(secret)}, &wire.Proof{})
		a.refused(1)
		x.stop()
		log := x.log.String()
		for _, hidden := range []string{secret, b.key.String(), string(b.key.Bytes())} {
			if strings.Contains(log+fmt.Sprintf("%+v", x.s.Stats()), hidden) {
				t.Errorf("%q is in the log or the figures", hidden)
			}
		}
		for _, line := range []string{
			`level=DEBUG msg="logged in" conn=1 peer="` + a.key.Short() + `" proven=false`,
			`level=DEBUG msg="logged in" conn=2 peer="` + b.key.Short() + `" proven=true`,
			`level=DEBUG msg="connection closed" conn=1 peer="` + a.key.Short() + `" why="bad frame: not at this point of a login"`,
			`level=DEBUG msg="connection ended" conn=2`,
		} {
			if !strings.Contains(log, line) {
				t.Errorf("the log lacks %s\n%s", line, log)
			}
		}
		if strings.Contains(log, "level=INFO") || strings.Contains(log, "level=WARN") {
			t.Errorf("strangers cause more than Debug:\n%s", log)
		}
	})
}
