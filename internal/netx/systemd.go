package netx

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
)

const (
	firstPassed = 3    // sd_listen_fds(3): SD_LISTEN_FDS_START
	mostPassed  = 1024 // far more than a unit has
)

// passedSocket is a socket that the service manager opened for us. One of listener
// and packets is set until the socket is taken.
type passedSocket struct {
	name     string
	listener net.Listener
	packets  net.PacketConn
}

func (p *passedSocket) addr() net.Addr {
	if p.listener != nil {
		return p.listener.Addr()
	}
	return p.packets.LocalAddr()
}

func (p *passedSocket) close() {
	if p.listener != nil {
		p.listener.Close()
	}
	if p.packets != nil {
		p.packets.Close()
	}
}

// NewSockets takes over the sockets that env says were passed to the process with
// identifier pid (os.Getpid). It may be called once in a process: the descriptors
// belong to the Sockets afterwards.
func NewSockets(env Environment, pid int) (*Sockets, error) {
	s := new(Sockets)
	if env.ListenPID == "" || env.ListenFDs == "" || env.ListenPID != strconv.Itoa(pid) {
		return s, nil // none, or for another process
	}
	n, err := strconv.Atoi(env.ListenFDs)
	if err != nil || n < 0 || n > mostPassed {
		return nil, fmt.Errorf("sockets passed by systemd: LISTEN_FDS is %q", env.ListenFDs)
	}
	names := strings.Split(env.ListenNames, ":")
	for i := range n {
		name := ""
		if i < len(names) {
			name = names[i]
		}
		p, err := takeOver(uintptr(firstPassed+i), name)
		if err != nil {
			s.Close()
			return nil, fmt.Errorf("socket %d (%q) passed by systemd: %w", i+1, name, err)
		}
		s.passed = append(s.passed, p)
	}
	return s, nil
}

func takeOver(fd uintptr, name string) (*passedSocket, error) {
	f := os.NewFile(fd, name)
	defer f.Close() // package net works with a copy, which is not inherited
	l, err := net.FileListener(f)
	if err == nil {
		return &passedSocket{name: name, listener: l}, nil
	}
	c, err2 := net.FilePacketConn(f)
	if err2 == nil {
		return &passedSocket{name: name, packets: c}, nil
	}
	return nil, errors.Join(err, err2)
}
