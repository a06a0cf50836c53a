package vectors

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
)

// Print writes a line for each file, under it its failed cases and why others
// were skipped, and a last line with the totals, which it also returns. The
// error is the writer's.
func Print(w io.Writer, results iter.Seq[Result]) (Totals, error) {
	var all Totals
	for r := range results {
		all.add(r.Totals())
		if _, err := io.WriteString(w, r.text()); err != nil {
			return all, err
		}
	}
	_, err := fmt.Fprintln(w, all)
	return all, err
}

// JSON writes one object a line for each file and returns the totals.
func JSON(w io.Writer, results iter.Seq[Result]) (Totals, error) {
	var all Totals
	enc := json.NewEncoder(w)
	for r := range results {
		all.add(r.Totals())
		if err := enc.Encode(r); err != nil {
			return all, err
		}
	}
	return all, nil
}

const indent = "     "

func (r Result) text() string {
	var b strings.Builder
	t := r.Totals()
	word := "ok  "
	if t.Failed > 0 {
		word = "FAIL"
	}
	fmt.Fprintf(&b, "%s %s  %d passed", word, printable(r.File), t.Passed)
	if t.Failed > 0 {
		fmt.Fprintf(&b, ", %d failed", t.Failed)
	}
	if t.Skipped > 0 {
		fmt.Fprintf(&b, ", %d skipped", t.Skipped)
	}
	b.WriteByte('\n')
	for _, c := range r.Cases {
		if reason, ok := c.Skipped(); ok {
			fmt.Fprintf(&b, indent+"%s skipped: %s\n", printable(c.Name), printable(reason))
		} else if c.Failed() {
			f := c.Failure()
			fmt.Fprintf(&b, indent+"%s\n"+indent+"  want %s\n"+indent+"  got  %s\n",
				printable(f.Name), printable(f.Want), printable(f.Got))
		}
	}
	return b.String()
}

// printable keeps control characters out of a terminal; what is longer than
// people read is cut.
func printable(s string) string {
	s = cut(s)
	for _, r := range s {
		if !strconv.IsPrint(r) {
			q := strconv.Quote(s)
			return q[1 : len(q)-1]
		}
	}
	return s
}
