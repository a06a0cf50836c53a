package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A device is a TAP device in memory.
type device struct {
	sent     chan []byte // what the host behind it sends
	got      chan arrival
	down     int // reads that find it down
	closed   chan struct{}
	closeOne sync.Once
}

type arrival struct {
	b  []byte
	at time.Time
}

func newDevice() *device {
	return &device{sent: make(chan []byte), got: make(chan arrival, 100), closed: make(chan struct{})}
}

func (d *device) Read(b []byte) (int, error) {
	if d.down > 0 {
		d.down--
		return 0, errDown
	}
	select {
	case f, ok := <-d.sent:
		if !ok {
			return 0, io.EOF
		}
		return copy(b, f), nil
	case <-d.closed:
		return 0, io.ErrClosedPipe
	}
}

func (d *device) Write(b []byte) (int, error) {
	d.got <- arrival{b, time.Now()}
	return len(b), nil
}

func (d *device) Close() error {
	d.closeOne.Do(func() { close(d.closed) })
	return nil
}

// inBubble runs a cable between two devices while test works.
func inBubble(t *testing.T, test func(t *testing.T, c *cable, a, b *device)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, b := newDevice(), newDevice()
		a.down, b.down = 3, 3
		c := &cable{ab: newCarrier(newLine(1, 1), b), ba: newCarrier(newLine(1, 2), a)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- c.run(ctx, a, b) }()
		test(t, c, a, b)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the cable ended with %v", err)
		}
	})
}

func TestCableCarriesBothWaysWithItsDelay(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cable, a, b *device) {
		if err := c.apply(t.Context(), "ab.delay=30ms ba.delay=50ms"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		a.sent <- []byte("to b")
		if got := <-b.got; string(got.b) != "to b" || got.at.Sub(began) < 30*time.Millisecond {
			t.Errorf("b got %q after %v", got.b, got.at.Sub(began))
		}
		began = time.Now()
		b.sent <- []byte("to a")
		if got := <-a.got; string(got.b) != "to a" || got.at.Sub(began) != 50*time.Millisecond {
			t.Errorf("a got %q after %v", got.b, got.at.Sub(began))
		}
	})
}

func TestCableCutOneWayCarriesTheOther(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cable, a, b *device) {
		if err := c.apply(t.Context(), "ab.loss=100"); err != nil {
			t.Fatal(err)
		}
		a.sent <- []byte("lost")
		b.sent <- []byte("kept")
		if got := <-a.got; string(got.b) != "kept" {
			t.Errorf("a got %q", got.b)
		}
		synctest.Wait()
		state, err := c.state(t.Context())
		if err != nil || !strings.Contains(state, "lost=1") || len(b.got) != 0 {
			t.Errorf("b got %d frames, state %q, error %v", len(b.got), state, err)
		}
	})
}

func TestWrongLineOfSettingsChangesNothing(t *testing.T) {
	inBubble(t, func(t *testing.T, c *cable, _, _ *device) {
		before, err := c.state(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := c.apply(t.Context(), "loss=100 delay=never"); err == nil {
			t.Error("a delay of never was accepted")
		}
		if after, err := c.state(t.Context()); err != nil || after != before {
			t.Errorf("state was %q and is %q, error %v", before, after, err)
		}
	})
}

func TestCableEndsWhenADeviceIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newDevice(), newDevice()
		c := &cable{ab: newCarrier(newLine(1, 1), b), ba: newCarrier(newLine(1, 2), a)}
		close(a.sent)
		if err := c.run(t.Context(), a, b); !errors.Is(err, io.EOF) {
			t.Errorf("the cable ended with %v, want EOF of the device", err)
		}
	})
}

func TestControlSocketChangesAndTells(t *testing.T) {
	a, b := newDevice(), newDevice()
	c := &cable{ab: newCarrier(newLine(1, 1), b), ba: newCarrier(newLine(1, 2), a)}
	ctx, cancel := context.WithCancel(t.Context())
	path := filepath.Join(t.TempDir(), "s")
	l, err := listen(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { _ = c.run(ctx, a, b) })
	wg.Go(func() { c.control(ctx, l) })

	var out bytes.Buffer
	if err := say(ctx, options{say: path, set: "ab.delay=80ms"}, &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, "ab delay=80ms ") || !strings.Contains(got, "ba delay=0s ") {
		t.Errorf("answer %q", got)
	}
	out.Reset()
	if err := say(ctx, options{say: path, set: "loss=200"}, &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "error: loss wants") {
		t.Errorf("answer %q", got)
	}
}

func TestSayToNobodyFails(t *testing.T) {
	err := say(t.Context(), options{say: filepath.Join(t.TempDir(), "none")}, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "reach the cable") {
		t.Errorf("got %v", err)
	}
}

func TestControlSocketTakesThePlaceOfADeadOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	dead, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	dead.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	l, err := listen(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

func TestDeviceNameTooLongIsRefused(t *testing.T) {
	_, err := openTap("sixteen-bytes-no")
	want := "device name"
	if runtime.GOOS != "linux" {
		want = errors.ErrUnsupported.Error()
	}
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}
