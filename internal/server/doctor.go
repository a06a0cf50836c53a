package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	words "trunkline/blubbel"
	"trunkline/internal/config"
	"trunkline/internal/health"
	"trunkline/internal/network"
	"trunkline/internal/network/blubbel"
	"trunkline/internal/netx"
)

// A Doctor looks at an exchange from outside, whether it runs or not.
type Doctor struct {
	Data   string        // the data folder
	Config config.Config // the settings that the server has or will have
	Only   []string      // names of checks or networks; empty: all
	Fix    bool          // mend what is safe to mend: modes of files
}

// probeTimeout bounds one try of a listener from outside.
const probeTimeout = network.SelfCheckTimeout

// CheckNames lists what a Doctor can look at, in its order.
func CheckNames() []string {
	return []string{"data folder", "disk", "open files", "clock", "web", "blubbel", "web address", "blubbel address"}
}

// Examine runs the checks one after the other and hands each to report.
func (d *Doctor) Examine(ctx context.Context, report func(health.Check)) {
	status, err := Dial(d.Data).Status(ctx)
	var running *Status
	if err == nil {
		running = &status
	}
	for _, c := range d.list(running) {
		if !d.wanted(c.name, c.network) || ctx.Err() != nil {
			continue
		}
		begun := time.Now()
		findings := c.look(ctx)
		report(health.NewCheck(c.name, c.network, time.Since(begun), findings...))
	}
}

// check is one question of a Doctor.
type check struct {
	name, network string
	look          func(ctx context.Context) []health.Finding
}

func (d *Doctor) list(running *Status) []check {
	c := d.Config
	checks := []check{
		{"data folder", "", func(context.Context) []health.Finding { return d.folder() }},
		{"disk", "", func(context.Context) []health.Finding { return checkDisk(d.Data, c.Limits.DiskFree) }},
		{"open files", "", func(context.Context) []health.Finding { return d.descriptors(running) }},
		{"clock", "", func(ctx context.Context) []health.Finding { return checkClock(ctx, c.Clock.Servers) }},
		{"web", "web", func(ctx context.Context) []health.Finding { return d.listener(ctx, running, "web", c.Web.Listen) }},
		{"blubbel", "blubbel", func(ctx context.Context) []health.Finding {
			return d.listener(ctx, running, "blubbel", c.Blubbel.Listen)
		}},
	}
	for _, told := range []struct{ name, address string }{{"web", c.Web.Advertise}, {"blubbel", c.Blubbel.Advertise}} {
		if told.address == "" {
			continue
		}
		checks = append(checks, check{told.name + " address", told.name, func(ctx context.Context) []health.Finding {
			return d.advertised(ctx, running, told.name, told.address)
		}})
	}
	return checks
}

func (d *Doctor) wanted(name, network string) bool {
	return len(d.Only) == 0 || slices.Contains(d.Only, name) || network != "" && slices.Contains(d.Only, network)
}

// folder looks at the data folder, and mends modes when asked to.
func (d *Doctor) folder() []health.Finding {
	findings := checkFolder(d.Data)
	if !d.Fix {
		return findings
	}
	for _, f := range findings {
		if f.Code != health.KeyReadable {
			continue
		}
		mode := os.FileMode(secretMode)
		if info, err := os.Stat(f.Subject); err == nil && info.IsDir() {
			mode = folderMode
		}
		if err := os.Chmod(f.Subject, mode); err != nil {
			break // the second look says why
		}
	}
	return checkFolder(d.Data)
}

// descriptors are those of the running server, which saw its own limit; of this
// process where none runs, since a server started here has the same.
func (d *Doctor) descriptors(running *Status) []health.Finding {
	if running == nil {
		limit, err := netx.RaiseDescriptors()
		if err != nil {
			_, limit = netx.Descriptors()
		}
		return checkDescriptors(d.Config, limit)
	}
	var findings []health.Finding
	for _, f := range running.Findings {
		if f.Code == health.FewDescriptors {
			findings = append(findings, f)
		}
	}
	return findings
}

// listener tries a network of the running server as a client does; where none
// runs, it looks whether the port is free.
func (d *Doctor) listener(ctx context.Context, running *Status, name, address string) []health.Finding {
	if running != nil {
		return d.tryRunning(ctx, *running, name)
	}
	if address == "" {
		return nil
	}
	l, err := new(netx.Sockets).Listen(ctx, "tcp", address, "")
	if err != nil {
		return []health.Finding{listenFinding(name, address, err)}
	}
	_ = l.Close()
	return nil
}

func (d *Doctor) tryRunning(ctx context.Context, running Status, name string) []health.Finding {
	n, ok := running.Network(name)
	if !ok {
		return nil
	}
	var findings []health.Finding
	for _, f := range running.Findings {
		if f.Network == name {
			findings = append(findings, f)
		}
	}
	if !n.On {
		return findings
	}
	address := blubbel.LocalAddress(slices.Concat(n.TCP, n.HTTP)[0])
	if err := d.try(ctx, n, address); err != nil {
		findings = append(findings, health.New(health.SelfCheckFailed, address, health.Line(err), "").On(name))
	}
	return findings
}

// try uses the listener at address as a client of network n does.
func (d *Doctor) try(ctx context.Context, n NetworkStatus, address string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	if n.Name == "web" {
		return tryWeb(ctx, address)
	}
	var echo words.PublicKey
	if n.Echo != nil {
		key, err := words.ParseText(n.Echo.Address)
		if err != nil {
			return err
		}
		echo = key
	}
	return blubbel.Probe(ctx, address, d.Config.Blubbel.Framing == config.AsShipped, echo)
}

// advertised tries the address that clients are told. The echo contact, which
// only our server has, tells it from another server at the same address.
func (d *Doctor) advertised(ctx context.Context, running *Status, name, address string) []health.Finding {
	n := NetworkStatus{Name: name}
	if running != nil {
		n, _ = running.Network(name)
	}
	if running == nil || !n.On {
		return []health.Finding{health.New(health.AddressUnreachable, address,
			"cannot be tried: "+ErrNotRunning.Error(), "start it with `trunkline serve`, then ask again").On(name)}
	}
	if err := d.try(ctx, n, address); err != nil {
		cure := fmt.Sprintf("forward the port to this machine, or set %s.advertise to an address that clients reach", name)
		return []health.Finding{health.New(health.AddressUnreachable, address, health.Line(err), cure).On(name)}
	}
	return nil
}

// ErrFindings means that a Doctor found something.
var ErrFindings = errors.New("there are findings")

// PrintCheck writes a check for people: a line, and under it each finding.
func PrintCheck(w io.Writer, c health.Check) error {
	word := "ok"
	if !c.OK {
		word = "FINDING"
	}
	if _, err := fmt.Fprintf(w, "%-18s %-8s %s\n", c.Name, word, seconds(c.Took)); err != nil {
		return err
	}
	for _, f := range c.Findings {
		if _, err := fmt.Fprintf(w, "  %s\n", f); err != nil {
			return err
		}
	}
	return nil
}
