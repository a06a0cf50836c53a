//go:build linux

package ceiling

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A session stands for the state that a signed-in user needs: a name, a key and
// four counters.
type session struct {
	name string
	_    [64]byte
	_    [4]uint64
}

// A holder keeps idle connections and waits for their bytes in one way.
type holder struct {
	pool sync.Pool
	mu   sync.Mutex
	kept map[net.Conn]*session
	wg   sync.WaitGroup
}

// HoldIdle serves on addr until ctx ends: it holds what connects and reads what
// comes, in the given way, and collects once a second so that its memory can be
// read at any time.
func HoldIdle(ctx context.Context, way, addr string) error {
	h := &holder{kept: map[net.Conn]*session{}}
	h.pool.New = func() any { b := make([]byte, 4096); return &b }
	read, ok := map[string]func(net.Conn){"bufio2": h.buffered, "small1": h.small, "lazy1": h.lazy, "epoll": nil}[way]
	if !ok {
		return fmt.Errorf("no way %q to hold idle connections", way)
	}
	l, err := net.Listen("tcp4", addr)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer h.wg.Wait()
	defer cancel()
	h.wg.Go(func() { collectEverySecond(ctx) })
	if read == nil {
		return h.epoll(ctx, l.(*net.TCPListener))
	}
	stop := context.AfterFunc(ctx, func() { h.close(l) })
	defer stop()
	for {
		c, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		h.keep(c)
		h.wg.Go(func() { read(c) })
	}
}

func collectEverySecond(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			runtime.GC()
			debug.FreeOSMemory()
		}
	}
}

func (h *holder) keep(c net.Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.kept[c] = &session{name: strconv.Itoa(len(h.kept))}
}

func (h *holder) close(l net.Listener) {
	_ = l.Close()
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.kept {
		_ = c.Close()
	}
}

// buffered is the plain way: a reading and a writing goroutine, each with a
// buffer, and a queue between.
func (h *holder) buffered(c net.Conn) {
	r, w := bufio.NewReader(c), bufio.NewWriter(c)
	out := make(chan []byte, 16)
	h.wg.Go(func() {
		for b := range out {
			_, _ = w.Write(b)
			_ = w.Flush()
		}
	})
	defer close(out)
	var line [64]byte
	for {
		if _, err := r.Read(line[:]); err != nil {
			return
		}
	}
}

// small reads into 512 bytes of its own.
func (h *holder) small(c net.Conn) {
	b := make([]byte, 512)
	for {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
}

// lazy takes a buffer only when bytes are there.
func (h *holder) lazy(c net.Conn) {
	raw, err := c.(*net.TCPConn).SyscallConn()
	if err != nil {
		return
	}
	for ended := false; !ended; {
		err := raw.Read(func(fd uintptr) bool {
			b := h.pool.Get().(*[]byte)
			n, err := syscall.Read(int(fd), *b)
			h.pool.Put(b)
			if errors.Is(err, syscall.EAGAIN) {
				return false
			}
			ended = n <= 0
			return true
		})
		ended = ended || err != nil
	}
}

// epoll holds descriptors only: no goroutine and no connection value each.
func (h *holder) epoll(ctx context.Context, l *net.TCPListener) error {
	file, err := l.File()
	_ = l.Close()
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	ep, err := unix.EpollCreate1(0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(ep) }()
	listen := int(file.Fd())
	if err := errors.Join(unix.SetNonblock(listen, true), watch(ep, listen)); err != nil {
		return err
	}
	kept := map[int]*session{}
	defer func() {
		for fd := range kept {
			_ = unix.Close(fd)
		}
	}()
	events, b := make([]unix.EpollEvent, 128), make([]byte, 4096)
	for ctx.Err() == nil {
		n, err := unix.EpollWait(ep, events, 200)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for _, e := range events[:max(n, 0)] {
			if int(e.Fd) == listen {
				acceptInto(ep, listen, kept)
			} else if n, err := unix.Read(int(e.Fd), b); n == 0 || (err != nil && !errors.Is(err, unix.EAGAIN)) {
				_ = unix.Close(int(e.Fd))
				delete(kept, int(e.Fd))
			}
		}
	}
	return nil
}

func acceptInto(ep, listen int, kept map[int]*session) {
	for {
		fd, _, err := unix.Accept4(listen, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
		if err != nil {
			return
		}
		kept[fd] = &session{name: strconv.Itoa(fd)}
		if watch(ep, fd) != nil {
			return
		}
	}
}

func watch(ep, fd int) error {
	return unix.EpollCtl(ep, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}
