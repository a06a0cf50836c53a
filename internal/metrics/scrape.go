package metrics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
)

// A Scrape is one reading of the metrics of one [Registry.Bind]. It is valid
// during the call of the function that it is given to, and only there.
type Scrape struct {
	strict bool
	found  map[Name]*series
	err    error
}

// series are the values of one metric by its label values.
type series struct {
	metric Metric
	values map[string]sample
}

type sample struct {
	labels []string
	value  float64
}

// Set gives a metric its value. The labels stand in the order of the table; a
// value outside its label's set becomes [Other], and several that became the
// same are added up.
func (s *Scrape) Set(name Name, value float64, labels ...string) { s.put(name, value, labels, false) }

// Add adds to what the metric has in this scrape, which begins at 0.
func (s *Scrape) Add(name Name, value float64, labels ...string) { s.put(name, value, labels, true) }

func (s *Scrape) put(name Name, value float64, labels []string, add bool) {
	found, ok := s.found[name]
	if !ok || len(labels) != len(found.metric.Labels) {
		s.fail(fmt.Errorf("%s with %d label values: not bound so", name, len(labels)))
		return
	}
	labels = slices.Clone(labels)
	for i, label := range found.metric.Labels {
		if slices.Contains(label.Values, labels[i]) {
			continue
		}
		if s.strict {
			s.fail(fmt.Errorf("%s: label %s has no value %q", name, label.Name, labels[i]))
		}
		labels[i], add = Other, true
	}
	at := strings.Join(labels, "\x00")
	if add {
		value += found.values[at].value
	}
	found.values[at] = sample{labels, value}
}

// fail keeps the first mistake, which fails the scrape of this binding.
func (s *Scrape) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// binding is what one Bind publishes; it implements [prometheus.Collector].
type binding struct {
	metrics []described
	read    func(*Scrape)
	strict  bool
}

type described struct {
	Metric
	desc *prometheus.Desc
}

// Describe sends the descriptions, so that a name is not bound twice.
func (b *binding) Describe(out chan<- *prometheus.Desc) {
	for _, m := range b.metrics {
		out <- m.desc
	}
}

// Collect reads all values once and sends them.
func (b *binding) Collect(out chan<- prometheus.Metric) {
	s := &Scrape{strict: b.strict, found: map[Name]*series{}}
	for _, m := range b.metrics {
		s.found[m.Name] = &series{m.Metric, zeros(m.Labels)}
	}
	b.read(s)
	if s.err != nil {
		out <- prometheus.NewInvalidMetric(b.metrics[0].desc, s.err)
		return
	}
	for _, m := range b.metrics {
		for _, v := range s.found[m.Name].values {
			metric, err := prometheus.NewConstMetric(m.desc, valueType(m.Kind), v.value, v.labels...)
			if err != nil {
				metric = prometheus.NewInvalidMetric(m.desc, err)
			}
			out <- metric
		}
	}
}

// zeros returns a sample for every combination of label values: a series that
// is there from the start shows its first event.
func zeros(labels []Label) map[string]sample {
	all := []sample{{}}
	for _, label := range labels {
		var longer []sample
		for _, s := range all {
			for _, value := range label.Values {
				longer = append(longer, sample{labels: append(slices.Clone(s.labels), value)})
			}
		}
		all = longer
	}
	values := make(map[string]sample, len(all))
	for _, s := range all {
		values[strings.Join(s.labels, "\x00")] = s
	}
	return values
}

func describe(m Metric) *prometheus.Desc {
	var labels []string
	for _, l := range m.Labels {
		labels = append(labels, l.Name)
	}
	return prometheus.NewDesc(string(m.Name), m.Help, labels, nil)
}

func valueType(k Kind) prometheus.ValueType {
	if k == Counter {
		return prometheus.CounterValue
	}
	return prometheus.GaugeValue
}
