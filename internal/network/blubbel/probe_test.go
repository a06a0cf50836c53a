package blubbel_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	words "trunkline/blubbel"
	"trunkline/internal/network/blubbel"
)

// patience bounds a probe that must find out by itself.
const patience = 5 * time.Second

// listener answers every connection with serve.
func listener(t *testing.T, serve func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c)
			}()
		}
	}()
	return l.Addr().String()
}

func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func garbage(c net.Conn) {
	_, _ = c.Write([]byte(strings.Repeat("HTTP/1.1 400 Bad Request\r\n", 100)))
	silent(c)
}

func TestProbeOfOursSucceeds(t *testing.T) {
	t.Parallel()
	a := start(t, nil)
	if err := blubbel.Probe(t.Context(), address(a), false, contact(t, a)); err != nil {
		t.Errorf("with the echo contact: %v", err)
	}
	if err := blubbel.Probe(t.Context(), address(a), false, words.PublicKey{}); err != nil {
		t.Errorf("without: %v", err)
	}
	if err := blubbel.Probe(t.Context(), address(a), true, words.PublicKey{}); err != nil {
		t.Errorf("with a raw key: %v", err)
	}
}

func TestProbeTellsAnotherRelayFromOurs(t *testing.T) {
	t.Parallel()
	a := start(t, nil)
	err := blubbel.Probe(t.Context(), address(a), false, visitorKey().Public())
	if !errors.Is(err, &words.Error{Code: words.CodeNotConnected}) || !strings.Contains(err.Error(), "reach the echo contact") {
		t.Errorf("got %v", err)
	}
}

func TestProbeOfAnAsShippedRelay(t *testing.T) {
	t.Parallel()
	a := start(t, asShipped)
	if err := blubbel.Probe(t.Context(), address(a), true, words.PublicKey{}); err != nil {
		t.Errorf("as shipped: %v", err)
	}
	ctx, stop := context.WithTimeout(t.Context(), patience)
	defer stop()
	if err := blubbel.Probe(ctx, address(a), false, words.PublicKey{}); err == nil {
		t.Error("with the documented framing it succeeds as well")
	}
}

func TestProbeOfNobodySaysSo(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := l.Addr().String()
	l.Close()
	for _, shipped := range []bool{false, true} {
		err := blubbel.Probe(t.Context(), nobody, shipped, words.PublicKey{})
		if _, ok := errors.AsType[*net.OpError](err); !ok || !strings.Contains(err.Error(), nobody) {
			t.Errorf("as shipped %v: got %v", shipped, err)
		}
	}
}

func TestProbeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	address := listener(t, silent)
	for _, shipped := range []bool{false, true} {
		ctx, stop := context.WithTimeout(t.Context(), 500*time.Millisecond)
		err := blubbel.Probe(ctx, address, shipped, words.PublicKey{})
		stop()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("as shipped %v: got %v", shipped, err)
		}
	}
}

func TestProbeOfGarbageFails(t *testing.T) {
	t.Parallel()
	for name, serve := range map[string]func(net.Conn){
		"garbage": garbage, "end": func(net.Conn) {}, "zeros": func(c net.Conn) { _, _ = c.Write(make([]byte, 1000)) },
	} {
		address := listener(t, serve)
		for _, shipped := range []bool{false, true} {
			ctx, stop := context.WithTimeout(t.Context(), patience)
			err := blubbel.Probe(ctx, address, shipped, words.PublicKey{})
			stop()
			if err == nil || errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s, as shipped %v: got %v", name, shipped, err)
			}
		}
	}
}
