package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// errDown says that a device has no frames to give because it is down.
var errDown = errors.New("device is down")

// options are the command line.
type options struct {
	a, b, control, set, say string
	seed                    uint64
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var o options
	flag.StringVar(&o.a, "a", "tla0", "first TAP device (made here)")
	flag.StringVar(&o.b, "b", "tla1", "second TAP device (made here)")
	flag.StringVar(&o.control, "ctl", "", "unix socket for changes while running")
	flag.StringVar(&o.set, "set", "", "first settings, for example \"delay=20ms loss=1\"")
	flag.StringVar(&o.say, "say", "", "do not join devices: send -set to this control socket, print the answer")
	flag.Uint64Var(&o.seed, "seed", 1, "seed of the random numbers")
	flag.Parse()
	work := join
	if o.say != "" {
		work = say
	}
	if err := work(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "linkem:", err)
		os.Exit(1)
	}
}

// say sends settings to a running cable and prints its answer.
func say(ctx context.Context, o options, out io.Writer) error {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", o.say)
	if err != nil {
		return fmt.Errorf("reach the cable: %w", err)
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, o.set); err != nil {
		return fmt.Errorf("send the settings: %w", err)
	}
	if err := conn.(*net.UnixConn).CloseWrite(); err != nil {
		return err
	}
	_, err = io.Copy(out, conn)
	return err
}

// join makes the two devices and carries frames between them until the
// context ends.
func join(ctx context.Context, o options, out io.Writer) error {
	a, err := openTap(o.a)
	if err != nil {
		return err
	}
	b, err := openTap(o.b)
	if err != nil {
		return errors.Join(err, a.Close())
	}
	c := &cable{ab: newCarrier(newLine(o.seed, 1), b), ba: newCarrier(newLine(o.seed, 2), a)}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	var runErr error
	wg.Go(func() { runErr = c.run(ctx, a, b); cancel() })
	if err := c.apply(ctx, o.set); err != nil {
		return err
	}
	if o.control != "" {
		l, err := listen(ctx, o.control)
		if err != nil {
			return err
		}
		wg.Go(func() { c.control(ctx, l) })
	}
	fmt.Fprintln(out, "ready")
	<-ctx.Done()
	wg.Wait()
	return runErr
}

// listen opens the control socket in the place of one that a killed cable left.
func listen(ctx context.Context, path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove the old control socket: %w", err)
	}
	return new(net.ListenConfig).Listen(ctx, "unix", path)
}
