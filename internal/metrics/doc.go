// Package metrics has the figures that a running server publishes for
// Prometheus: one table of names, and a registry that reads them when asked.
//
// It is the only package that knows the library. Public packages count in
// plain structs (Stats); whoever composes the server binds these to the table:
//
//	err := registry.Bind([]metrics.Name{metrics.BlubbelOpenSessions}, func(s *metrics.Scrape) {
//		s.Set(metrics.BlubbelOpenSessions, float64(relay.Stats().Sessions))
//	})
//
// # Files
//
//   - table.go: every metric with its help, type and labels
//   - registry.go: binding, and the HTTP handler
//   - scrape.go: one reading of the figures
//   - reference.go: docs/reference/metrics.md
//
// # Limits
//
// Labels have closed sets of values, so that no stranger can make series: a
// value outside its set is counted as "other". There is no label for a peer,
// an account or an address.
package metrics
