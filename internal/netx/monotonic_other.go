//go:build !linux

package netx

import "time"

// monotonic is 0: service managers that count in this clock run on Linux only.
func monotonic() time.Duration { return 0 }
