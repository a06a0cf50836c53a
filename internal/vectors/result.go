package vectors

import (
	"encoding/json"
	"errors"
	"fmt"
)

// A Result is what became of one file.
type Result struct {
	File  string // its kind: the last two elements of its path
	Path  string // as found
	Cases []Case // in the order of the file
}

// A Case is one recorded case and what became of it.
type Case struct {
	Name string
	// Err is nil when the case passed. What [Skip] returned means that it could
	// not be checked; anything else, best a [Mismatch], that it failed.
	Err error
}

// Skipped returns why the case could not be checked, if it could not.
func (c Case) Skipped() (reason string, ok bool) {
	s, ok := errors.AsType[skip](c.Err)
	return string(s), ok
}

// Failed reports whether the case was checked and did not hold.
func (c Case) Failed() bool {
	_, skipped := c.Skipped()
	return c.Err != nil && !skipped
}

// A Failure is a failed case in words.
type Failure struct {
	Name string `json:"name"`
	Want string `json:"want"`
	Got  string `json:"got"`
}

// Failure gives what was wanted of a failed case and what came.
func (c Case) Failure() Failure {
	if m, ok := errors.AsType[*Mismatch](c.Err); ok {
		want := m.Want
		if m.What != "" {
			want = m.What + ": " + want
		}
		return Failure{c.Name, want, m.Got}
	}
	return Failure{c.Name, "no error", c.Err.Error()}
}

// Totals counts cases.
type Totals struct{ Passed, Failed, Skipped int }

func (t *Totals) add(o Totals) {
	t.Passed += o.Passed
	t.Failed += o.Failed
	t.Skipped += o.Skipped
}

// String is the last line of a run.
func (t Totals) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.Passed, t.Failed, t.Skipped)
}

// Totals counts the cases of the file.
func (r Result) Totals() Totals {
	var t Totals
	for _, c := range r.Cases {
		if _, skipped := c.Skipped(); skipped {
			t.Skipped++
		} else if c.Failed() {
			t.Failed++
		} else {
			t.Passed++
		}
	}
	return t
}

// MarshalJSON gives file, path, the three counts, failures and skips.
func (r Result) MarshalJSON() ([]byte, error) {
	type skipped struct {
		Name   string `json:"name"`
		Reason string `json:"reason"`
	}
	failures, skips := []Failure{}, []skipped{}
	for _, c := range r.Cases {
		if reason, ok := c.Skipped(); ok {
			skips = append(skips, skipped{c.Name, reason})
		} else if c.Failed() {
			failures = append(failures, c.Failure())
		}
	}
	t := r.Totals()
	return json.Marshal(struct {
		File     string    `json:"file"`
		Path     string    `json:"path"`
		Passed   int       `json:"passed"`
		Failed   int       `json:"failed"`
		Skipped  int       `json:"skipped"`
		Failures []Failure `json:"failures"`
		Skips    []skipped `json:"skips"`
	}{r.File, r.Path, t.Passed, t.Failed, t.Skipped, failures, skips})
}

// A Mismatch is an error that tells what was wanted and what came.
type Mismatch struct {
	What string // the thing compared; may be empty
	Want string
	Got  string
}

// Error gives all three.
func (m *Mismatch) Error() string {
	if m.What == "" {
		return fmt.Sprintf("want %s, got %s", m.Want, m.Got)
	}
	return fmt.Sprintf("%s: want %s, got %s", m.What, m.Want, m.Got)
}

type skip string

func (s skip) Error() string { return string(s) }

// Skip returns an error by which a check says that a case cannot be checked by
// design, and why.
func Skip(reason string) error { return skip(reason) }

// Same compares two values of a case: nil when they are equal, else a
// [Mismatch]. Empty and nil slices are equal. Bytes are shown in hexadecimal.
func Same(what string, want, got any) error { return same(what, want, got) }
