package health

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Explain writes what a code means: how it is detected, the likely cause and
// the cure. The code may be written loosely, see [ParseCode].
func Explain(w io.Writer, code string) error {
	c, err := ParseCode(code)
	if err != nil {
		return err
	}
	e, _ := Lookup(c)
	_, err = fmt.Fprintf(w, "%s  %s\n\n  networks  %s\n  severity  %s\n  detected  %s\n  cause     %s\n  cure      %s\n",
		e.Code, e.Title, networks(e), e.Severity, e.Detected, e.Cause, e.Cure)
	return err
}

// List writes all codes with their titles, one a line.
func List(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, e := range Table() {
		fmt.Fprintf(b, "%-9s %s\n", e.Code, e.Title)
	}
	return b.Flush()
}

// Reference writes docs/reference/findings.md.
func Reference(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString(`# Findings

What Trunkline can find wrong, how it notices, and what to do. The same table is behind ` +
		"`trunkline doctor`, `trunkline explain CODE`, `/healthz` and the metric `trunkline_finding`" + `.
A code never changes its meaning. Severities: info (no check fails because of it), warning (works,
but somebody should look), broken (does not work until somebody acts).

| code | title | networks | severity |
|---|---|---|---|
`)
	for _, e := range Table() {
		fmt.Fprintf(b, "| [%s](#%s) | %s | %s | %s |\n", e.Code, anchor(e), e.Title, networks(e), e.Severity)
	}
	for _, e := range Table() {
		fmt.Fprintf(b, "\n## %s\n\n%s.\n\n", e.Code, sentence(e.Title))
		fmt.Fprintf(b, "- **Detected:** %s\n- **Cause:** %s\n- **Cure:** %s\n", e.Detected, e.Cause, e.Cure)
	}
	return b.Flush()
}

func anchor(e Entry) string { return strings.ToLower(string(e.Code)) }

func sentence(title string) string { return strings.ToUpper(title[:1]) + title[1:] }

func networks(e Entry) string {
	if len(e.Networks) == 0 {
		return "any"
	}
	return strings.Join(e.Networks, ", ")
}
