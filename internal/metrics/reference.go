package metrics

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Reference writes docs/reference/metrics.md.
func Reference(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString(`# Metrics

` + "`GET /metrics` on the web listener answers in the text format of Prometheus. Beside the metrics below there are those of the Go\n" +
		"runtime (`go_*`), of the process (`process_*`) and of the page itself (`promhttp_*`)." + `
Every label has the values listed here and no others, except ` + "`other`" + ` for what nobody foresaw: no peer, account or address is ever a label.
Counters begin at 0 when the server starts. The metrics of a network that is turned off are missing.

| metric | type | labels | meaning |
|---|---|---|---|
`)
	for _, m := range Table() {
		fmt.Fprintf(b, "| `%s` | %v | %s | %s |\n", m.Name, m.Kind, labelCell(m), m.Help)
	}
	return b.Flush()
}

func labelCell(m Metric) string {
	var cells []string
	for _, l := range m.Labels {
		switch {
		case m.Name == Finding:
			cells = append(cells, "`code`: [each code](findings.md)")
		case len(l.Values) == 0:
			cells = append(cells, "`"+l.Name+"`")
		default:
			cells = append(cells, "`"+l.Name+"`: "+strings.Join(l.Values, ", "))
		}
	}
	return strings.Join(cells, "<br>")
}
