package server

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"trunkline/blubbel"
)

// Config is what a relay is made from. The zero value of every field is its
// default.
type Config struct {
	// AsShipped makes every connection speak as the reference server does: raw
	// logins only, no Error and no Challenge, forwarded frames without length,
	// each in one write. Specification, As-shipped switch.
	AsShipped bool
	// RefuseRaw answers logins with raw keys, which prove nothing, with error 5.
	RefuseRaw bool

	MaxPayload int           // bytes of a frame after login, 1 KiB to 1 MiB; default 64 KiB
	Queue      int           // bytes that may wait for one reader; default 256 KiB
	Stall      time.Duration // how long a sender waits for a full queue; default 5 s
	Sessions   int           // asked and open ones of a connection; default 1,024

	StartBurst         float64 // Start frames of a connection at once; default 20
	StartRate          float64 // and a second in the long run; default 1
	StartRecipientRate float64 // Start frames to one recipient a second; default 10
	FramesPerSecond    float64 // above it a connection is read slower; default 5,000; negative: off

	PendingPerAddress int           // connections of an address before login; default 32
	LoginTimeout      time.Duration // from accept to login; default 15 s
	LimitLoopback     bool          // PendingPerAddress holds for loopback and local connections too

	// Log hears what strangers cause, at Debug only; nil: nobody.
	Log *slog.Logger
}

// complete returns c with its defaults, or every reason why it cannot be.
func (c Config) complete() (Config, error) {
	errs := []error{
		number("MaxPayload", &c.MaxPayload, blubbel.DefaultMaxPayload),
		number("Queue", &c.Queue, blubbel.QueueSize),
		number("Stall", &c.Stall, blubbel.StallTimeout),
		number("Sessions", &c.Sessions, blubbel.MaxSessions),
		number("StartBurst", &c.StartBurst, blubbel.StartBurst),
		number("StartRate", &c.StartRate, blubbel.StartRate),
		number("StartRecipientRate", &c.StartRecipientRate, blubbel.StartRecipientRate),
		number("PendingPerAddress", &c.PendingPerAddress, blubbel.PendingPerAddress),
		number("LoginTimeout", &c.LoginTimeout, blubbel.LoginTimeout),
	}
	if c.FramesPerSecond == 0 {
		c.FramesPerSecond = blubbel.FramesPerSecond
	}
	if c.MaxPayload < blubbel.MaxLoginPayload || c.MaxPayload > blubbel.HighestMaxPayload {
		errs = append(errs, fmt.Errorf("MaxPayload is %d, not %d to %d",
			c.MaxPayload, blubbel.MaxLoginPayload, blubbel.HighestMaxPayload))
	}
	if c.AsShipped && c.RefuseRaw {
		errs = append(errs, errors.New("AsShipped knows raw keys only and RefuseRaw refuses them"))
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c, errors.Join(errs...)
}

// number gives *v its default if it is zero; negative numbers are an error.
func number[T int | float64 | time.Duration](name string, v *T, standard T) error {
	if *v == 0 {
		*v = standard
	}
	if !(*v > 0) {
		return fmt.Errorf("%s is %v, not a positive number", name, *v)
	}
	return nil
}
