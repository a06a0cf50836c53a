package cli

import (
	"errors"
	"fmt"
	"iter"
	"os"
	"strconv"
	"strings"

	"trunkline/internal/health"
	"trunkline/internal/inspect"
)

type inspectCmd struct {
	File string   `arg:"" optional:"" help:"The capture, pcap or pcapng; - for stdin."`
	As   []string `placeholder:"PROTOCOL[:PORT]" help:"What is spoken at a port, for instance blubbel:9000; with --hex, what the bytes are."`
	Hex  string   `placeholder:"BYTES" help:"Explain these bytes instead of a capture."`
	To   string   `placeholder:"SIDE" help:"With --hex: sent to server or to client. Default: whichever fits." enum:",server,client" default:""`
	Full bool     `help:"Show every byte of every field."`
	jsonFlag
}

// Run explains the capture or the bytes.
func (c *inspectCmd) Run(e *Env) error {
	if c.Hex != "" {
		return c.bytes(e)
	}
	as, err := c.protocols()
	if err != nil {
		return err
	}
	if c.File == "" {
		return usageError{health.Do(errors.New("inspect: no capture"), "name a file, or give bytes with --hex")}
	}
	in := e.Stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return fmt.Errorf("inspect: %w", err)
		}
		defer f.Close()
		in = f
	}
	opened, err := inspect.Open(in, inspect.Options{As: as})
	if err != nil {
		return fmt.Errorf("inspect %s: %w", c.File, err)
	}
	return c.print(e, opened.Frames())
}

// protocols are those of --as.
func (c *inspectCmd) protocols() ([]inspect.As, error) {
	var list []inspect.As
	for _, text := range c.As {
		as, err := parseAs(text)
		if err != nil {
			return nil, usageError{err}
		}
		list = append(list, as)
	}
	return list, nil
}

func (c *inspectCmd) print(e *Env, frames iter.Seq2[inspect.Frame, error]) error {
	if c.JSON {
		return inspect.JSON(e.Stdout, frames)
	}
	return inspect.Print(e.Stdout, frames, inspect.PrintOptions{Full: c.Full})
}

// bytes explains what stands on the command line.
func (c *inspectCmd) bytes(e *Env) error {
	if len(c.As) != 1 {
		return usageError{health.Do(errors.New("inspect: it is not said what the bytes are"),
			fmt.Sprintf("add --as with one of %q", inspect.Protocols()))}
	}
	b, err := inspect.ParseHex(c.Hex)
	if err != nil {
		return usageError{fmt.Errorf("inspect: %w", err)}
	}
	frames, err := inspect.Explain(b, inspect.ExplainOptions{As: c.As[0], To: c.To})
	if err != nil {
		return usageError{fmt.Errorf("inspect: %w", err)}
	}
	return c.print(e, func(yield func(inspect.Frame, error) bool) {
		for _, f := range frames {
			if !yield(f, nil) {
				return
			}
		}
	})
}

// parseAs reads PROTOCOL or PROTOCOL:PORT.
func parseAs(text string) (inspect.As, error) {
	protocol, port, ok := strings.Cut(text, ":")
	if !ok {
		return inspect.As{Protocol: protocol}, nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return inspect.As{}, health.Do(fmt.Errorf("inspect: --as %s: %q is no port", text, port), "write for instance blubbel:8000")
	}
	return inspect.As{Protocol: protocol, Port: uint16(n)}, nil
}
