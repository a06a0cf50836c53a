package simnet_test

import (
	"time"
)

// end is the handler of a stream that keeps what it is told.
type end struct {
	connected int
	got       []byte
	pieces    int
	closed    []error
	drained   int

	onConnected func()
	onReceive   func(b []byte)
	onClosed    func(err error)
	onDrained   func()
}

func (e *end) Connected(time.Time) {
	e.connected++
	if e.onConnected != nil {
		e.onConnected()
	}
}

func (e *end) Receive(_ time.Time, b []byte) {
	e.got = append(e.got, b...)
	e.pieces++
	if e.onReceive != nil {
		e.onReceive(b)
	}
}

func (e *end) Closed(_ time.Time, err error) {
	e.closed = append(e.closed, err)
	if e.onClosed != nil {
		e.onClosed(err)
	}
}

func (e *end) Drained(time.Time) {
	e.drained++
	if e.onDrained != nil {
		e.onDrained()
	}
}
