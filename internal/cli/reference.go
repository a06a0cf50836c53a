package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"

	"trunkline/internal/config"
	"trunkline/internal/health"
	"trunkline/internal/metrics"
)

//go:generate go run trunkline/cmd/trunkline reference ../../docs/reference

type referenceCmd struct {
	Dir string `arg:"" help:"Folder of the pages."`
}

// pages are the generated reference pages.
func pages() map[string]func(io.Writer) error {
	return map[string]func(io.Writer) error{
		"cli.md":      cliReference,
		"config.md":   config.Reference,
		"findings.md": health.Reference,
		"metrics.md":  metrics.Reference,
	}
}

// Run writes the pages.
func (c *referenceCmd) Run() error {
	for file, write := range pages() {
		f, err := os.Create(filepath.Join(c.Dir, file))
		if err != nil {
			return err
		}
		if err := errors.Join(write(f), f.Close()); err != nil {
			return fmt.Errorf("write %s: %w", file, err)
		}
	}
	return nil
}

func cliReference(w io.Writer) error {
	app, err := model()
	if err != nil {
		return err
	}
	var b strings.Builder
	b.WriteString("# Command line\n\nGenerated from the table of commands. Results go to stdout, everything else to stderr; " +
		"an error is one line `what: why; do`. Exit codes: 0 done, 1 failed or findings, 2 could not run.\n\n" +
		"| command | what it does |\n|---|---|\n")
	for n := range visible(app.Node) {
		fmt.Fprintf(&b, "| [%s](#%s) | %s |\n", name(n), strings.ReplaceAll(name(n), " ", "-"), n.Help)
	}
	for n := range visible(app.Node) {
		referenceCommand(&b, n)
	}
	_, err = io.WriteString(w, b.String())
	return err
}

func referenceCommand(b *strings.Builder, n *kong.Node) {
	fmt.Fprintf(b, "\n## %s\n\n    %s\n\n%s\n", name(n), usageLine(n), n.Help)
	if len(n.Positional)+len(flagsOf(n)) > 0 {
		b.WriteString("\n| argument | meaning |\n|---|---|\n")
	}
	for _, p := range n.Positional {
		fmt.Fprintf(b, "| `%s` | %s |\n", p.Name, cell(p.Help))
	}
	for _, f := range flagsOf(n) {
		fmt.Fprintf(b, "| `%s` | %s |\n", cell(flagText(f)), cell(f.Help))
	}
	if example, ok := examples()[name(n)]; ok {
		fmt.Fprintf(b, "\nExample: `%s`\n", example)
	}
}

// cell makes s fit a cell of a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
