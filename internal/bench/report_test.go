//go:build linux

package bench

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func sampled() *report {
	r := &report{bench: "X1", title: "a test", json: io.Discard}
	for round, v := range []float64{4, 2, 9} {
		r.add(Sample{Round: round + 1, Server: "ours", Case: "one", Values: Values{"cpu_us": v}})
		r.add(Sample{Round: round + 1, Server: "theirs", Case: "one", Values: Values{"cpu_us": 2 * v}})
	}
	return r
}

func TestTableHasMediansSpreadsAndRatio(t *testing.T) {
	t.Parallel()
	r := sampled()
	var b bytes.Buffer
	r.print(&b)
	for _, want := range []string{"X1  a test", "4 [2..9]", "8 [4..18]", "ratio", " 2\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestVoidSamplesDoNotCount(t *testing.T) {
	t.Parallel()
	r := sampled()
	r.add(Sample{Round: 4, Server: "ours", Case: "one", Values: Values{"cpu_us": 1000}, Void: "1 messages were lost"})
	if s := r.spread("ours", "one", "cpu_us"); s.N != 3 || s.Max != 9 {
		t.Errorf("%+v", s)
	}
	if err := r.failure(false); err == nil || !strings.Contains(err.Error(), "round 4 is void: 1 messages were lost") {
		t.Errorf("error %v", err)
	}
}

func TestVerdictsComeFromLimits(t *testing.T) {
	t.Parallel()
	r := sampled()
	r.atMost("cpu", 7, 7, "us")
	r.atMost("cpu", 7.01, 7, "us")
	r.atMost("never measured", math.NaN(), 7, "us")
	r.holds("order", 0)
	r.holds("peace", 2)
	var got []bool
	for _, v := range r.verdicts {
		got = append(got, v.met)
	}
	for i, want := range []bool{true, false, false, true, false} {
		if got[i] != want {
			t.Errorf("%s", r.verdicts[i])
		}
	}
	if err := r.failure(false); err != nil {
		t.Errorf("a missed goal is an error without the gate: %v", err)
	}
	if err := r.failure(true); err == nil || strings.Count(err.Error(), "missed") != 3 {
		t.Errorf("with the gate: %v", err)
	}
	if s := r.verdicts[2].String(); !strings.Contains(s, "not measured") {
		t.Errorf("verdict %q", s)
	}
}

func TestShortRunsJudgeOnlyWhatMustHold(t *testing.T) {
	t.Parallel()
	r := &report{json: io.Discard, short: true}
	r.atMost("cpu", 100, 7, "us")
	r.holds("order", 1)
	if len(r.verdicts) != 1 || r.failure(true) == nil {
		t.Errorf("verdicts %v", r.verdicts)
	}
}

func TestValuesThatAreNoNumbersAreLeftOut(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	r := &report{json: &b}
	r.add(Sample{Server: "s", Case: "c", Values: Values{"good": 1, "nan": math.NaN(), "inf": math.Inf(1)}})
	if got := b.String(); !strings.Contains(got, `"values":{"good":1}`) || r.failure(false) != nil {
		t.Errorf("line %s, error %v", got, r.failure(false))
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestJSONThatCannotBeWrittenIsAnError(t *testing.T) {
	t.Parallel()
	r := &report{json: broken{}}
	r.add(Sample{Server: "s", Case: "c"})
	if err := r.failure(false); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error %v", err)
	}
}

func TestNumbersAreShort(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 3: "3", 0.0123: "0.012", 0.5: "0.50", 3.14159: "3.14", 42.42: "42.4", 123456.7: "123457", -7.25: "-7.25"} {
		if got := number(v); got != want {
			t.Errorf("%v: %q, want %q", v, got, want)
		}
	}
}

func TestNotesAreSaidOnce(t *testing.T) {
	t.Parallel()
	r := new(report)
	r.note("a %d", 1)
	r.note("a %d", 1)
	r.note("b")
	if len(r.notes) != 2 {
		t.Errorf("%q", r.notes)
	}
}
