package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"

	"trunkline/internal/server"
)

type manCmd struct{}

// Run prints the manual page.
func (c *manCmd) Run(e *Env) error {
	app, err := model()
	if err != nil {
		return err
	}
	return man(e.Stdout, app)
}

// man writes trunkline(1) in the macros of man(7).
func man(w io.Writer, app *kong.Application) error {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH TRUNKLINE 1 \"\" \"Trunkline %s\" \"User Commands\"\n", server.Version)
	fmt.Fprintf(&b, ".SH NAME\ntrunkline \\- messaging server for clients that lost theirs\n")
	b.WriteString(".SH SYNOPSIS\n.B trunkline\n.I COMMAND\n.RI [ flags ]\n")
	fmt.Fprintf(&b, ".SH DESCRIPTION\n%s\n", roff(app.Help))
	b.WriteString(".SH COMMANDS\n")
	for n := range visible(app.Node) {
		manCommand(&b, n)
	}
	b.WriteString(".SH EXIT STATUS\n0 done; 1 failed, or doctor has findings; 2 could not run.\n")
	b.WriteString(".SH ENVIRONMENT\n.TP\n.B TRUNKLINE_DATA\nThe data folder.\n" +
		".TP\n.B TRUNKLINE_CONFIG\nThe settings file.\n" +
		".TP\n.B TRUNKLINE_SECTION_KEY\nAny setting, for instance TRUNKLINE_BLUBBEL_LISTEN.\n" +
		".TP\n.B NO_COLOR\nNo colours in chat.\n")
	b.WriteString(".SH FILES\n.TP\n.I ./trunkline.toml, /etc/trunkline/trunkline.toml\nSettings.\n" +
		".TP\n.I ./trunkline\\-data\nThe data folder.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func manCommand(b *strings.Builder, n *kong.Node) {
	fmt.Fprintf(b, ".SS %s\n%s\n", roff(usageLine(n)), roff(n.Help))
	for _, p := range n.Positional {
		fmt.Fprintf(b, ".TP\n.I %s\n%s\n", roff(p.Name), roff(p.Help))
	}
	for _, f := range flagsOf(n) {
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(flagText(f)), roff(f.Help))
	}
	if example, ok := examples()[name(n)]; ok {
		fmt.Fprintf(b, ".PP\nExample:\n.PP\n.in +4n\n.nf\n%s\n.fi\n.in\n", roff(example))
	}
}

// roff escapes text for man(7).
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\\`, "-", `\-`).Replace(s)
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, ".") || strings.HasPrefix(l, "'") {
			lines[i] = `\&` + l
		}
	}
	return strings.Join(lines, "\n")
}
