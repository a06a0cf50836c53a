//go:build linux

package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"trunkline/internal/bench/meter"
)

// Values are the figures of a measurement; their units stand in their names.
type Values map[string]float64

// A Sample is one measurement, and one line of JSON.
type Sample struct {
	Bench  string `json:"bench"`
	Round  int    `json:"round"`
	Server string `json:"server"`
	Case   string `json:"case"`
	Values Values `json:"values"`
	Void   string `json:"void,omitempty"` // why it does not count
	Short  bool   `json:"short,omitempty"`
}

// A verdict compares a figure with its goal.
type verdict struct {
	what       string
	got, limit float64
	unit       string
	met        bool
}

// A report gathers what one benchmark finds.
type report struct {
	bench, title string
	json         io.Writer
	short        bool
	samples      []Sample
	verdicts     []verdict
	notes        []string
	anchors      map[string]string // by case: what was once measured elsewhere
	jsonErr      error
}

// add records a measurement and writes its line.
func (r *report) add(s Sample) {
	s.Bench, s.Short = r.bench, r.short
	for name, v := range s.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			delete(s.Values, name) // JSON has no word for them
		}
	}
	r.samples = append(r.samples, s)
	if err := json.NewEncoder(r.json).Encode(s); err != nil && r.jsonErr == nil {
		r.jsonErr = err
	}
}

func (r *report) note(format string, args ...any) {
	if n := fmt.Sprintf(format, args...); !slices.Contains(r.notes, n) {
		r.notes = append(r.notes, n)
	}
}

// spread is what the rounds that count say of one figure.
func (r *report) spread(server, name, value string) meter.Spread {
	var list []float64
	for _, s := range r.samples {
		if v, ok := s.Values[value]; ok && s.Server == server && s.Case == name && s.Void == "" {
			list = append(list, v)
		}
	}
	return meter.Spreading(list)
}

// atMost records whether a figure keeps its limit. A figure that was not
// measured does not.
//
// Nothing is recorded in a short run: its figures mean nothing.
func (r *report) atMost(what string, got, limit float64, unit string) {
	if r.short {
		return
	}
	r.verdicts = append(r.verdicts, verdict{what, got, limit, unit, got <= limit})
}

// holds records whether something is as it must be, in short runs too: wrong is
// how often it was not.
func (r *report) holds(what string, wrong int) {
	r.verdicts = append(r.verdicts, verdict{what, float64(wrong), 0, never, wrong == 0})
}

// never is the unit of what must not happen.
const never = "times not"

// failure is the error of a run that does not count, or, with gate, of one that
// missed a goal.
func (r *report) failure(gate bool) error {
	var errs []error
	void := 0
	for _, s := range r.samples {
		if s.Void != "" {
			if void++; void == 1 {
				errs = append(errs, fmt.Errorf("%s, %s, round %d is void: %s", s.Server, s.Case, s.Round, s.Void))
			}
		}
	}
	if void > 1 {
		errs = append(errs, fmt.Errorf("%d of %d measurements are void", void, len(r.samples)))
	}
	if r.jsonErr != nil {
		errs = append(errs, fmt.Errorf("write JSON: %w", r.jsonErr))
	}
	for _, v := range r.verdicts {
		if gate && !v.met {
			errs = append(errs, fmt.Errorf("missed: %s", v))
		}
	}
	return errors.Join(errs...)
}

func (v verdict) String() string {
	word := "met"
	if !v.met {
		word = "MISSED"
	}
	if v.unit == never {
		return fmt.Sprintf("%s  %s", word, v.what)
	}
	return fmt.Sprintf("%s  %s: %s %s, at most %s", word, v.what, number(v.got), v.unit, number(v.limit))
}

// number prints three figures that matter.
func number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "not measured"
	case a >= 100 || a == math.Trunc(a):
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	case a >= 0.1:
		return fmt.Sprintf("%.2f", v)
	}
	return fmt.Sprintf("%.3f", v)
}

// print writes the table, the verdicts and the line about the machine.
func (r *report) print(w io.Writer) {
	_, _ = fmt.Fprintf(w, "%s  %s\n", r.bench, r.title)
	_, _ = fmt.Fprintf(w, "%s\n", meter.Machine())
	if r.short {
		_, _ = fmt.Fprintln(w, "short run: it shows that this works; its figures mean nothing")
	}
	r.table(w)
	for _, v := range r.verdicts {
		_, _ = fmt.Fprintln(w, v)
	}
	for _, n := range r.notes {
		_, _ = fmt.Fprintln(w, "note:", n)
	}
	for _, s := range r.samples {
		if s.Void != "" {
			_, _ = fmt.Fprintf(w, "VOID  %s, %s, round %d: %s\n", s.Server, s.Case, s.Round, s.Void)
		}
	}
	_, _ = fmt.Fprintln(w)
}

// table writes a line for each case and figure: the median of each server, its
// spread, and how many times our median each peer's is.
func (r *report) table(w io.Writer) {
	servers, cases := r.columns()
	if len(servers) == 0 {
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	head := []string{"case", "figure"}
	for i, s := range servers {
		if head = append(head, s); i > 0 {
			head = append(head, "ratio")
		}
	}
	if len(r.anchors) > 0 {
		head = append(head, "once measured on a busy two-core machine")
	}
	_, _ = fmt.Fprintln(t, strings.Join(head, "\t"))
	for _, c := range cases {
		for _, name := range r.figures(c) {
			_, _ = fmt.Fprintln(t, strings.Join(r.row(servers, c, name), "\t"))
		}
	}
	_ = t.Flush()
}

func (r *report) row(servers []string, name, figure string) []string {
	row := []string{name, figure}
	own := r.spread(servers[0], name, figure)
	for i, server := range servers {
		s := r.spread(server, name, figure)
		switch {
		case s.N == 0:
			row = append(row, "-")
		case s.N == 1:
			row = append(row, number(s.Median))
		default:
			row = append(row, fmt.Sprintf("%s [%s..%s]", number(s.Median), number(s.Min), number(s.Max)))
		}
		if i > 0 {
			ratio := "-"
			if q := s.Ratio(own); !math.IsNaN(q) {
				ratio = number(q)
			}
			row = append(row, ratio)
		}
	}
	if len(r.anchors) > 0 {
		row = append(row, r.anchors[name])
	}
	return row
}

// columns are the servers and cases in the order in which they came.
func (r *report) columns() (servers, cases []string) {
	for _, s := range r.samples {
		if !slices.Contains(servers, s.Server) {
			servers = append(servers, s.Server)
		}
		if !slices.Contains(cases, s.Case) {
			cases = append(cases, s.Case)
		}
	}
	return servers, cases
}

// figures are the names of all values of a case.
func (r *report) figures(name string) []string {
	set := map[string]bool{}
	for _, s := range r.samples {
		if s.Case == name {
			for v := range s.Values {
				set[v] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(set))
}
