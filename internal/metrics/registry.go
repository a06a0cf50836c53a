package metrics

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Bounds of the handler.
const (
	maxScrapes    = 4 // answered at once; further ones get 503
	scrapeTimeout = 5 * time.Second
)

// Config says what runs and how strict to be.
type Config struct {
	Version string // of the program, for the metric trunkline_build_info
	Commit  string
	Go      string
	Strict  bool         // a label value outside its set fails the scrape: for tests
	Log     *slog.Logger // default: discard
}

// A Registry publishes the metrics that were bound to it, and those of the Go
// runtime and of the process. It may be used by several goroutines at once.
type Registry struct {
	config Config
	table  map[Name]Metric
	prom   *prometheus.Registry
}

// New returns a registry that publishes the build and nothing of any network.
func New(c Config) (*Registry, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	r := &Registry{config: c, table: map[Name]Metric{}, prom: prometheus.NewRegistry()}
	for _, m := range Table() {
		r.table[m.Name] = m
	}
	info := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        string(BuildInfo),
		Help:        r.table[BuildInfo].Help,
		ConstLabels: prometheus.Labels{"version": c.Version, "commit": c.Commit, "go": c.Go},
	}, func() float64 { return 1 })
	for _, collector := range []prometheus.Collector{
		info,
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := r.prom.Register(collector); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return r, nil
}

// Bind publishes counters and gauges that read sets each time the metrics are
// asked for. Values that read does not set are 0. read may run several times
// at once, and must not block for long. A name may be bound once.
func (r *Registry) Bind(names []Name, read func(*Scrape)) error {
	b := &binding{read: read, strict: r.config.Strict}
	for _, name := range names {
		m, ok := r.table[name]
		if !ok || name == BuildInfo {
			return fmt.Errorf("bind %s: not a counter or gauge of the table", name)
		}
		b.metrics = append(b.metrics, described{m, describe(m)})
	}
	if err := r.prom.Register(b); err != nil {
		return fmt.Errorf("bind %v: %w", names, err)
	}
	return nil
}

// Handler answers GET /metrics. What cannot be read is left out, logged, and
// counted by promhttp_metric_handler_errors_total.
func (r *Registry) Handler() http.Handler {
	return promhttp.HandlerFor(r.prom, promhttp.HandlerOpts{
		ErrorLog:            errorLog{r.config.Log},
		ErrorHandling:       promhttp.ContinueOnError,
		Registry:            r.prom,
		MaxRequestsInFlight: maxScrapes,
		Timeout:             scrapeTimeout,
	})
}

// Gatherer gives tests what the handler would answer.
func (r *Registry) Gatherer() prometheus.Gatherer { return r.prom }

// errorLog passes what promhttp has to say on.
type errorLog struct{ log *slog.Logger }

// Println logs a metric that could not be read.
func (e errorLog) Println(v ...any) { e.log.Warn("metrics incomplete", "err", fmt.Sprint(v...)) }
