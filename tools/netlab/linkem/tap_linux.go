package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"unsafe"
)

// From linux/if_tun.h and linux/if.h.
const (
	iffTap    = 0x0002
	iffNoPI   = 0x1000
	tunSetIff = 0x400454ca
	nameSize  = 16
)

// A tap is a TAP device. It is gone when closed.
type tap struct{ f *os.File }

// openTap makes a TAP device of the given name. Its file does not block, so
// that closing it ends a read under way.
func openTap(name string) (io.ReadWriteCloser, error) {
	if len(name) >= nameSize {
		return nil, fmt.Errorf("device name %q: want at most %d bytes", name, nameSize-1)
	}
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	var req struct {
		name  [nameSize]byte
		flags uint16
		_     [22]byte
	}
	copy(req.name[:], name)
	req.flags = iffTap | iffNoPI
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), tunSetIff, uintptr(unsafe.Pointer(&req))); errno != 0 {
		return nil, errors.Join(fmt.Errorf("make device %s: %w", name, errno), syscall.Close(fd))
	}
	return &tap{os.NewFile(uintptr(fd), name)}, nil
}

// Read reads one frame. While the device is down or changes its namespace the
// error is errDown.
func (t *tap) Read(b []byte) (int, error) {
	n, err := t.f.Read(b)
	if errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EAGAIN) {
		return 0, errDown
	}
	return n, err
}

// Write writes one frame.
func (t *tap) Write(b []byte) (int, error) { return t.f.Write(b) }

// Close takes the device away.
func (t *tap) Close() error { return t.f.Close() }
