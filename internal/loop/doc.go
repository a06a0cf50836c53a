// Package loop runs protocol machines: one goroutine owns the machine, one
// timer wakes it, and everybody else hands it turns.
//
// A machine knows no clock, socket, lock or goroutine: each of its methods is
// given the time. [Loop.Run] supplies these: it calls Advance when the machine's
// Deadline has come, and runs, one after the other, the functions that
// [Loop.Do] and [Loop.Post] hand over from other goroutines. Inside such a
// function the machine belongs to the caller.
//
//	l := loop.New()
//	err := l.Run(ctx, m, readFrames)
//
//	// elsewhere, while it runs:
//	err := l.Do(ctx, func(now time.Time) { m.Send(now, text) })
//
// [Datagrams] is the same with a reader for a UDP socket. A stream protocol
// writes its own reader: it frames, decrypts, and hands each packet over with
// Post.
//
// # Files
//
//   - loop.go: the loop, its timer and its queue
//   - datagrams.go: the reader of a datagram socket
//
// # Limits
//
//   - 256 turns wait at most; then Post and Do block, and with them the reader
//   - up to 64 turns are run before the deadline is looked at again
//   - 128 datagrams wait at most; the rest stays in the socket's own buffer
//   - a loop runs once
package loop
