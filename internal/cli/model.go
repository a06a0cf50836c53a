package cli

import (
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/alecthomas/kong"

	"trunkline/internal/server"
)

// model is the table of commands as kong sees it.
func model() (*kong.Application, error) {
	var table commands
	parser, err := newParser(&table, &Env{Stdout: io.Discard, Stderr: io.Discard})
	if err != nil {
		return nil, err
	}
	return parser.Model, nil
}

// visible yields every command that can be given, in the order of the table.
func visible(n *kong.Node) iter.Seq[*kong.Node] {
	return func(yield func(*kong.Node) bool) {
		for _, c := range n.Children {
			if c.Hidden {
				continue
			}
			if len(c.Children) == 0 {
				if !yield(c) {
					return
				}
				continue
			}
			for leaf := range visible(c) {
				if !yield(leaf) {
					return
				}
			}
		}
	}
}

// name is a command without the program's name: "config show".
func name(n *kong.Node) string { return strings.TrimPrefix(path(n), "trunkline ") }

// flagsOf lists a command's own flags that people see.
func flagsOf(n *kong.Node) []*kong.Flag {
	var flags []*kong.Flag
	for _, f := range n.Flags {
		if !f.Hidden {
			flags = append(flags, f)
		}
	}
	return flags
}

// flagText is a flag as it is typed: --data=DIR.
func flagText(f *kong.Flag) string {
	text := "--" + f.Name
	if !f.IsBool() {
		placeholder := f.PlaceHolder
		if placeholder == "" {
			placeholder = strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		}
		text += "=" + placeholder
	}
	return text
}

// usageLine is how a command is called.
func usageLine(n *kong.Node) string {
	parts := []string{"trunkline", name(n)}
	for _, p := range n.Positional {
		parts = append(parts, p.Summary())
	}
	if len(flagsOf(n)) > 0 {
		parts = append(parts, "[flags]")
	}
	return strings.Join(parts, " ")
}

func printVersion(w io.Writer, b server.Build) error {
	if _, err := fmt.Fprintf(w, "Trunkline %s, %s, %s\n", b, b.Go, b.Platform); err != nil {
		return err
	}
	for _, p := range b.Protocols {
		if _, err := fmt.Fprintf(w, "  %s  %s\n", p.Name, p.Revision); err != nil {
			return err
		}
	}
	return nil
}
