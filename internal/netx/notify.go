package netx

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

const notifyTimeout = 5 * time.Second

// A Notifier tells the service manager how we are: sd_notify(3). Without one (no
// NOTIFY_SOCKET, or a nil Notifier) its methods do nothing. It is safe for
// concurrent use.
type Notifier struct {
	socket   string        // a path, or @ and an abstract name
	watchdog time.Duration // accepted silence; 0: not watched
}

// NewNotifier returns a Notifier for what env says to the process with identifier
// pid (os.Getpid).
func NewNotifier(env Environment, pid int) (*Notifier, error) {
	n := &Notifier{socket: env.NotifySocket}
	if n.socket != "" && n.socket[0] != '/' && n.socket[0] != '@' {
		return nil, fmt.Errorf("service manager's socket %q: neither a path nor an abstract name", n.socket)
	}
	if env.WatchdogUsec == "" || env.WatchdogPID != "" && env.WatchdogPID != strconv.Itoa(pid) {
		return n, nil
	}
	usec, err := strconv.ParseInt(env.WatchdogUsec, 10, 64)
	if err != nil || usec <= 0 || usec > int64(24*time.Hour/time.Microsecond) {
		return nil, fmt.Errorf("watchdog: WATCHDOG_USEC is %q", env.WatchdogUsec)
	}
	n.watchdog = time.Duration(usec) * time.Microsecond
	return n, nil
}

// Ready says that every port answers, or that a reload has ended.
func (n *Notifier) Ready() error { return n.send("READY=1") }

// Reloading says that the configuration is being read anew; Ready ends it.
func (n *Notifier) Reloading() error {
	return n.send("RELOADING=1\nMONOTONIC_USEC=" + strconv.FormatInt(monotonic().Microseconds(), 10))
}

// Stopping says that we are shutting down.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Status gives one line for people: what "systemctl status" shows.
func (n *Notifier) Status(text string) error {
	return n.send("STATUS=" + strings.Join(strings.Fields(text), " "))
}

// Watchdog reports at half of the time that the service manager accepts, as long
// as alive says so, until ctx ends; then it returns nil. If it is not watched it
// returns nil at once. It returns an error when two reports in a row, the whole
// time accepted, could not be sent.
func (n *Notifier) Watchdog(ctx context.Context, alive func() bool) error {
	if n == nil || n.socket == "" || n.watchdog == 0 {
		return nil
	}
	beat := time.NewTicker(n.watchdog / 2)
	defer beat.Stop()
	for failed := 0; ; {
		if alive() {
			err := n.send("WATCHDOG=1")
			switch {
			case err == nil:
				failed = 0
			case failed == 1:
				return err
			default:
				failed++
			}
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (n *Notifier) send(message string) error {
	if n == nil || n.socket == "" {
		return nil
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	defer c.Close()
	c.SetWriteDeadline(time.Now().Add(notifyTimeout))
	if _, err := c.Write([]byte(message)); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	return nil
}
