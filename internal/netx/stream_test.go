package netx_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"trunkline/internal/netx"
)

// pair returns both ends of a connection through a real listener.
func pair(tb testing.TB, l net.Listener) (near, far net.Conn) {
	tb.Helper()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			close(accepted)
			return
		}
		accepted <- c
	}()
	far, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		tb.Fatal(err)
	}
	near, ok := <-accepted
	if !ok {
		tb.Fatal("nothing was accepted")
	}
	tb.Cleanup(func() { near.Close(); far.Close() })
	return near, far
}

func loopback(tb testing.TB) net.Listener {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { l.Close() })
	return l
}

// conns returns a pair of each kind that a Stream knows.
func conns(t *testing.T) map[string][2]net.Conn {
	t.Helper()
	all := make(map[string][2]net.Conn)
	add := func(name string, near, far net.Conn) { all[name] = [2]net.Conn{near, far} }

	near, far := pair(t, loopback(t))
	add("tcp", near, far)
	near, far = pair(t, netx.LimitListener(loopback(t), netx.Limits{}))
	add("limited tcp", near, far)
	u, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { u.Close() })
	near, far = pair(t, u)
	add("unix", near, far)
	near, far = net.Pipe()
	t.Cleanup(func() { near.Close(); far.Close() })
	add("pipe", near, far)
	return all
}

// waitsBare says for which pairs a Stream waits without a buffer.
func waitsBare(kind string) bool { return kind != "pipe" }

// readFull reads n bytes with buffers of the given size.
func readFull(t *testing.T, s *netx.Stream, n, size int) []byte {
	t.Helper()
	get := func() []byte { return make([]byte, size) }
	var all []byte
	for len(all) < n {
		b, m, err := s.Read(get)
		if err != nil {
			t.Fatalf("after %d of %d bytes: %v", len(all), n, err)
		}
		all = append(all, b[:m]...)
	}
	return all
}

func TestStreamDeliversEveryByteInOrder(t *testing.T) {
	t.Parallel()
	sent := make([]byte, 300_000)
	for i := range sent {
		sent[i] = byte(i * 7 >> 3)
	}
	for kind, c := range conns(t) {
		t.Run(kind, func(t *testing.T) {
			done := make(chan error, 1)
			go func() {
				_, err := c[1].Write(sent)
				done <- err
			}()
			got := readFull(t, netx.NewStream(c[0]), len(sent), 4096)
			if err := <-done; err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, sent) {
				t.Error("the bytes received differ from those sent")
			}
		})
	}
}

func TestStreamTakesNoBufferBeforeBytesAreThere(t *testing.T) {
	t.Parallel()
	for kind, c := range conns(t) {
		if !waitsBare(kind) {
			continue
		}
		t.Run(kind, func(t *testing.T) {
			s := netx.NewStream(c[0])
			if err := s.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			b, n, err := s.Read(func() []byte {
				t.Error("a buffer was taken while waiting")
				return make([]byte, 1)
			})
			if b != nil || n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("Read = %v, %d, %v; want nil, 0, deadline exceeded", b, n, err)
			}
		})
	}
}

func TestStreamReadsOnAfterADeadline(t *testing.T) {
	t.Parallel()
	for kind, c := range conns(t) {
		t.Run(kind, func(t *testing.T) {
			s := netx.NewStream(c[0])
			get := func() []byte { return make([]byte, 16) }
			s.SetReadDeadline(time.Now().Add(time.Millisecond))
			if _, _, err := s.Read(get); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("got %v, want deadline exceeded", err)
			}
			s.SetDeadline(time.Time{})
			go c[1].Write([]byte("hello"))
			if got := readFull(t, s, 5, 16); string(got) != "hello" {
				t.Errorf("read %q, want hello", got)
			}
		})
	}
}

func TestStreamEndsWithEOF(t *testing.T) {
	t.Parallel()
	for kind, c := range conns(t) {
		t.Run(kind, func(t *testing.T) {
			s := netx.NewStream(c[0])
			go func() {
				c[1].Write([]byte("bye"))
				c[1].Close()
			}()
			readFull(t, s, 3, 3)
			for {
				_, n, err := s.Read(func() []byte { return make([]byte, 8) })
				if n != 0 {
					t.Fatalf("%d bytes after the last", n)
				}
				if err != nil {
					if !errors.Is(err, io.EOF) {
						t.Errorf("got %v, want EOF", err)
					}
					return
				}
			}
		})
	}
}

func TestClosingEndsAWaitingRead(t *testing.T) {
	t.Parallel()
	for kind, c := range conns(t) {
		t.Run(kind, func(t *testing.T) {
			s := netx.NewStream(c[0])
			done := make(chan error, 1)
			go func() {
				_, _, err := s.Read(func() []byte { return make([]byte, 8) })
				done <- err
			}()
			s.Close()
			if err := <-done; !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("got %v, want closed", err)
			}
		})
	}
}

func TestBufferWithoutRoomIsAnErrorAndLosesNothing(t *testing.T) {
	t.Parallel()
	for kind, c := range conns(t) {
		t.Run(kind, func(t *testing.T) {
			s := netx.NewStream(c[0])
			go c[1].Write([]byte("x"))
			if _, n, err := s.Read(func() []byte { return nil }); n != 0 || !errors.Is(err, io.ErrShortBuffer) {
				t.Fatalf("Read into nothing = %d, %v; want short buffer", n, err)
			}
			if got := readFull(t, s, 1, 1); string(got) != "x" {
				t.Errorf("read %q, want x", got)
			}
		})
	}
}

func TestResetConnectionIsAnErrorThatNamesThePeer(t *testing.T) {
	t.Parallel()
	near, far := pair(t, loopback(t))
	far.(*net.TCPConn).SetLinger(0)
	far.Close()
	s := netx.NewStream(near)
	_, _, err := s.Read(func() []byte { return make([]byte, 8) })
	op, ok := errors.AsType[*net.OpError](err)
	if !ok || op.Addr.String() != far.LocalAddr().String() {
		t.Errorf("got %v, want an error that names %v", err, far.LocalAddr())
	}
	if _, err := s.TryWrite([]byte("x")); err == nil {
		t.Error("TryWrite to a reset connection gives no error")
	}
}

func TestTryWriteStopsWhenThePeerDoesNotRead(t *testing.T) {
	t.Parallel()
	for kind, c := range conns(t) {
		t.Run(kind, func(t *testing.T) {
			s := netx.NewStream(c[0])
			chunk := bytes.Repeat([]byte("0123456789abcdef"), 1<<12)
			sent := 0
			for {
				n, err := s.TryWrite(chunk[:])
				if err != nil {
					t.Fatal(err)
				}
				if n == 0 {
					break
				}
				sent += n
				if n < len(chunk) {
					chunk = append(chunk[n:len(chunk):len(chunk)], chunk[:n]...)
				}
			}
			if waitsBare(kind) == (sent == 0) {
				t.Fatalf("TryWrite sent %d bytes", sent)
			}
			got := make([]byte, sent)
			if _, err := io.ReadFull(c[1], got); err != nil {
				t.Fatal(err)
			}
			if want := bytes.Repeat([]byte("0123456789abcdef"), sent/16+1)[:sent]; !bytes.Equal(got, want) {
				t.Error("the bytes received differ from those that TryWrite took")
			}
		})
	}
}

func TestTryWriteOfNothingAndToAClosedStream(t *testing.T) {
	t.Parallel()
	near, _ := pair(t, loopback(t))
	s := netx.NewStream(near)
	if n, err := s.TryWrite(nil); n != 0 || err != nil {
		t.Errorf("TryWrite(nil) = %d, %v", n, err)
	}
	s.Close()
	if _, err := s.TryWrite([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("TryWrite after Close: %v, want closed", err)
	}
}

func TestReadAndWriteGoOnAtTheSameTime(t *testing.T) {
	t.Parallel()
	near, far := pair(t, loopback(t))
	s := netx.NewStream(near)
	const n = 200_000
	echo := make(chan error, 1)
	go func() {
		_, err := io.CopyN(far, far, n)
		echo <- err
	}()
	written := make(chan error, 1)
	go func() {
		rest := make([]byte, n)
		for len(rest) > 0 {
			m, err := s.TryWrite(rest[:min(len(rest), 1000)])
			if err == nil && m == 0 {
				m, err = s.Write(rest[:1])
			}
			if err != nil {
				written <- err
				return
			}
			rest = rest[m:]
		}
		written <- nil
	}()
	readFull(t, s, n, 4096)
	if err := errors.Join(<-written, <-echo); err != nil {
		t.Error(err)
	}
}

func TestStreamPassesThroughWhatItDoesNotChange(t *testing.T) {
	t.Parallel()
	near, far := pair(t, loopback(t))
	s := netx.NewStream(near)
	if s.RemoteAddr() != near.RemoteAddr() || s.LocalAddr() != near.LocalAddr() || s.NetConn() != near {
		t.Error("a Stream has other addresses than its connection")
	}
	if _, err := s.Write([]byte("hi")); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, 2)
	if _, err := io.ReadFull(far, got); err != nil || string(got) != "hi" {
		t.Errorf("far end read %q, %v", got, err)
	}
	s.SetWriteDeadline(time.Unix(1, 0))
	if _, err := s.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write after its deadline: %v", err)
	}
	if _, err := s.TryWrite([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("TryWrite after its deadline: %v", err)
	}
}

func TestReadAndTryWriteDoNotAllocate(t *testing.T) {
	near, far := pair(t, loopback(t))
	s, peer := netx.NewStream(near), netx.NewStream(far)
	buf, ping := make([]byte, 64), []byte("ping")
	get := func() []byte { return buf }
	got := testing.AllocsPerRun(200, func() {
		if n, err := peer.TryWrite(ping); n != len(ping) || err != nil {
			t.Errorf("TryWrite = %d, %v", n, err)
		}
		for n := 0; n == 0; {
			_, n, _ = s.Read(get)
		}
	})
	if got != 0 {
		t.Errorf("%v allocations for one message, want 0", got)
	}
}

// BenchmarkStreamPingPong compares with the plain connection: each message finds
// its reader waiting.
func BenchmarkStreamPingPong(b *testing.B) {
	buf, ping := make([]byte, 4096), make([]byte, 300)
	get := func() []byte { return buf }
	run := func(b *testing.B, read func(c net.Conn) func() (int, error)) {
		near, far := pair(b, loopback(b))
		go func() {
			buf := make([]byte, 4096)
			for {
				n, err := far.Read(buf)
				if err != nil {
					return
				}
				far.Write(buf[:n])
			}
		}()
		next := read(near)
		b.ReportAllocs()
		for b.Loop() {
			near.Write(ping)
			for n := 0; n < len(ping); {
				m, err := next()
				if err != nil {
					b.Fatal(err)
				}
				n += m
			}
		}
	}
	b.Run("plain", func(b *testing.B) {
		run(b, func(c net.Conn) func() (int, error) { return func() (int, error) { return c.Read(buf) } })
	})
	b.Run("stream", func(b *testing.B) {
		run(b, func(c net.Conn) func() (int, error) {
			s := netx.NewStream(c)
			return func() (int, error) { _, n, err := s.Read(get); return n, err }
		})
	})
}

// BenchmarkStreamBusy reads from a sender that is always ahead.
func BenchmarkStreamBusy(b *testing.B) {
	near, far := pair(b, loopback(b))
	go func() {
		chunk := make([]byte, 64<<10)
		for {
			if _, err := far.Write(chunk); err != nil {
				return
			}
		}
	}()
	s := netx.NewStream(near)
	buf := make([]byte, 4096)
	get := func() []byte { return buf }
	b.ReportAllocs()
	for b.Loop() {
		_, n, err := s.Read(get)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(n))
	}
}

// BenchmarkIdleStreams reports the memory in our process (not the kernel's) of one
// connection that waits: accepted end only, with its goroutine. Run it with
// -benchtime 1x.
func BenchmarkIdleStreams(b *testing.B) {
	const n = 5000
	for b.Loop() {
		l := netx.LimitListener(loopback(b), netx.Limits{Total: n})
		before := memory()
		var near, far []net.Conn
		for range n {
			a, z := pair(b, l)
			near, far = append(near, a), append(far, z)
		}
		plain := memory()
		ctx, cancel := context.WithCancel(b.Context())
		done, read := make(chan struct{}, n), make(chan struct{}, n)
		for _, c := range near {
			go func() {
				defer func() { done <- struct{}{} }()
				s := netx.NewStream(c)
				var buf []byte // what a server would take from its pool
				get := func() []byte { buf = make([]byte, 4096); return buf }
				for ctx.Err() == nil {
					if _, _, err := s.Read(get); err != nil {
						return
					}
					buf = nil
					read <- struct{}{}
				}
			}()
		}
		for _, c := range far { // every reader has read once and waits again
			c.Write([]byte("hello"))
			<-read
		}
		idle := memory()
		b.ReportMetric(float64(plain-before)/n/2, "B/conn")
		b.ReportMetric(float64(idle-plain)/n, "B/stream")
		cancel()
		for i := range near {
			near[i].Close()
			far[i].Close()
		}
		for range n {
			<-done
		}
	}
}

// memory is what the heap and the stacks take after collecting twice.
func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
