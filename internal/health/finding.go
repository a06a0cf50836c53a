package health

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A Severity orders findings by how much they matter.
type Severity int

// From least to most. The zero value means: as the table says.
const (
	Info    Severity = iota + 1 // worth knowing; no check fails because of it
	Warning                     // works, but somebody should look
	Broken                      // does not work until somebody acts
)

// String returns "info", "warning" or "broken".
func (s Severity) String() string {
	switch s {
	case Info:
		return "info"
	case Warning:
		return "warning"
	case Broken:
		return "broken"
	}
	return fmt.Sprintf("severity %d", int(s))
}

// MarshalText writes the severity as its String.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Severity) UnmarshalText(text []byte) error {
	for _, known := range []Severity{Info, Warning, Broken} {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("severity %q: want info, warning or broken", Clean(string(text)))
}

// A Finding is one thing that is wrong, at one place.
type Finding struct {
	Code     Code      `json:"code"`
	Title    string    `json:"title"`             // of the code
	Severity Severity  `json:"severity"`          // of the code, unless set
	Network  string    `json:"network,omitempty"` // "blubbel", "web"; empty: the whole server
	Subject  string    `json:"subject"`           // what it is about: an address, a path, a program
	Detail   string    `json:"detail"`            // what was seen, with figures
	Cure     string    `json:"cure"`              // one command or setting that mends this one
	Since    time.Time `json:"since,omitzero"`    // first seen
}

// New describes one occurrence of code. An empty cure stands for the general
// one of the table.
func New(code Code, subject, detail, cure string) Finding {
	return Finding{Code: code, Subject: subject, Detail: detail, Cure: cure}.complete()
}

// On returns the finding with its network set.
func (f Finding) On(network string) Finding {
	f.Network = network
	return f
}

// complete fills what the table knows and f leaves out.
func (f Finding) complete() Finding {
	e, _ := Lookup(f.Code)
	if f.Title == "" {
		f.Title = e.Title
	}
	if f.Severity == 0 {
		f.Severity = max(e.Severity, Info)
	}
	if f.Cure == "" {
		f.Cure = e.Cure
	}
	return f
}

// String is the finding in one line: `CODE subject: what was seen; cure`.
func (f Finding) String() string { return string(f.Code) + " " + said(f.Err()) }

// Err returns the finding as an error whose [Line] is `subject: detail; cure`
// and whose [CodeOf] is the finding's code.
func (f Finding) Err() error {
	f = f.complete()
	what := f.Detail
	if what == "" {
		what = f.Title
	}
	if f.Subject != "" {
		what = f.Subject + ": " + what
	}
	return WithCode(Do(errors.New(what), f.Cure), f.Code)
}

// compare orders findings for people: the worst first, then by code and subject.
func compare(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity),
		cmp.Compare(a.Code, b.Code),
		cmp.Compare(a.Subject, b.Subject),
	)
}

// A Check is one question that was asked, and what came of it.
type Check struct {
	Name     string        // what was checked, in a few words: "clock", "say hello, hear it back"
	Network  string        // the network it belongs to; empty: the whole server
	OK       bool          // no finding above Info
	Took     time.Duration // how long it took
	Findings []Finding     // worst first; with OK they are information
}

// NewCheck closes a check: it is OK if no finding is above [Info].
func NewCheck(name, network string, took time.Duration, findings ...Finding) Check {
	c := Check{Name: name, Network: network, Took: took}
	for _, f := range findings {
		if f.Network == "" {
			f.Network = network
		}
		c.Findings = append(c.Findings, f.complete())
	}
	slices.SortStableFunc(c.Findings, compare)
	c.OK = len(c.Findings) == 0 || c.Findings[0].Severity <= Info
	return c
}

// checkJSON is the shape of a Check in JSON; version 1.
type checkJSON struct {
	Name     string    `json:"name"`
	Network  string    `json:"network,omitempty"`
	OK       bool      `json:"ok"`
	TookMS   float64   `json:"took_ms"`
	Findings []Finding `json:"findings"`
}

// MarshalJSON writes the duration in milliseconds and an empty list, never null.
func (c Check) MarshalJSON() ([]byte, error) {
	findings := c.Findings
	if findings == nil {
		findings = []Finding{}
	}
	return json.Marshal(checkJSON{
		Name:     c.Name,
		Network:  c.Network,
		OK:       c.OK,
		TookMS:   float64(c.Took.Microseconds()) / 1000,
		Findings: findings,
	})
}

// UnmarshalJSON reads what MarshalJSON wrote, to the microsecond.
func (c *Check) UnmarshalJSON(data []byte) error {
	var j checkJSON
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	took := time.Duration(j.TookMS*1000) * time.Microsecond
	*c = Check{Name: j.Name, Network: j.Network, OK: j.OK, Took: took, Findings: j.Findings}
	return nil
}

// AllOK reports whether every check is OK.
func AllOK(checks []Check) bool {
	return !slices.ContainsFunc(checks, func(c Check) bool { return !c.OK })
}
