package metrics

import "trunkline/internal/health"

// A Name is a metric of the table.
type Name string

// The metrics. Names are trunkline_<network>_<what>_<unit>[_total].
const (
	BuildInfo Name = "trunkline_build_info"
	Finding   Name = "trunkline_finding"

	BlubbelOpenConnections     Name = "trunkline_blubbel_open_connections"
	BlubbelAcceptedConnections Name = "trunkline_blubbel_accepted_connections_total"
	BlubbelRefusedConnections  Name = "trunkline_blubbel_refused_connections_total"
	BlubbelLoggedInClients     Name = "trunkline_blubbel_logged_in_clients"
	BlubbelLogins              Name = "trunkline_blubbel_finished_logins_total"
	BlubbelOpenSessions        Name = "trunkline_blubbel_open_sessions"
	BlubbelFrames              Name = "trunkline_blubbel_transferred_frames_total"
	BlubbelBytes               Name = "trunkline_blubbel_transferred_bytes_total"
	BlubbelErrors              Name = "trunkline_blubbel_answered_errors_total"
	BlubbelPauses              Name = "trunkline_blubbel_frame_rate_pauses_total"
	BlubbelStalls              Name = "trunkline_blubbel_sender_stalls_total"
	BlubbelCuts                Name = "trunkline_blubbel_reader_cuts_total"
)

// Label values that those who bind metrics write.
const (
	In  = "in"  // direction: from a client
	Out = "out" // direction: to a client

	Raw = "raw" // key: 128 bytes, cannot be proven
	DER = "der" // key: proven at login

	// Other stands for every value outside a label's set.
	Other = "other"
)

// A Kind is a type of metric.
type Kind int

// The kinds, as in Prometheus.
const (
	Counter Kind = iota // only grows, until the server restarts
	Gauge               // a value of now
)

// String returns the kind's name in Prometheus.
func (k Kind) String() string { return [...]string{"counter", "gauge"}[k] }

// A Label is a dimension of a metric, with all the values that it can have
// besides [Other]. No values means that the label is set once, at the start.
type Label struct {
	Name   string
	Values []string
}

// A Metric is an entry of the table.
type Metric struct {
	Name   Name
	Kind   Kind
	Help   string
	Labels []Label
}

// Table returns every metric of our own. The slice belongs to the caller.
func Table() []Metric {
	return append([]Metric{
		{Name: BuildInfo, Kind: Gauge, Help: "Always 1; the labels say what runs.", Labels: []Label{{Name: "version"}, {Name: "commit"}, {Name: "go"}}},
		{Name: Finding, Kind: Gauge, Help: "Findings that hold now, by code; docs/reference/findings.md explains them.", Labels: []Label{{"code", codes()}}},
	}, blubbel()...)
}

func blubbel() []Metric {
	key := Label{"key", []string{Raw, DER}}
	direction := Label{"direction", []string{In, Out}}
	kind := Label{"kind", []string{"login", "start", "accept", "message", "error", "proof"}}
	reason := Label{"reason", []string{"connections", "address", "descriptors", "shutdown"}}
	return []Metric{
		{Name: BlubbelOpenConnections, Kind: Gauge, Help: "Connections that are open, logged in or not."},
		{Name: BlubbelAcceptedConnections, Kind: Counter, Help: "Connections that were accepted."},
		{Name: BlubbelRefusedConnections, Kind: Counter, Help: "Connections that were closed at once: too many of all, too many not logged in from one address, no file descriptor left, or shutting down.", Labels: []Label{reason}},
		{Name: BlubbelLoggedInClients, Kind: Gauge, Help: "Clients that are logged in, by the form of their key.", Labels: []Label{key}},
		{Name: BlubbelLogins, Kind: Counter, Help: "Logins that were accepted, by the form of the key.", Labels: []Label{key}},
		{Name: BlubbelOpenSessions, Kind: Gauge, Help: "Sessions that are open between two clients."},
		{Name: BlubbelFrames, Kind: Counter, Help: "Frames by kind, from clients and to clients.", Labels: []Label{kind, direction}},
		{Name: BlubbelBytes, Kind: Counter, Help: "Bytes of frames with their headers, from clients and to clients.", Labels: []Label{direction}},
		{Name: BlubbelErrors, Kind: Counter, Help: "Error frames sent to clients, by meaning; BLB-001 to BLB-009 in their order.", Labels: []Label{{"error", BlubbelErrorNames()}}},
		{Name: BlubbelPauses, Kind: Counter, Help: "Times that a connection was read more slowly because it sent more than blubbel.frames_per_second."},
		{Name: BlubbelStalls, Kind: Counter, Help: "Times that a sender was not read because its recipient's queue was full."},
		{Name: BlubbelCuts, Kind: Counter, Help: "Clients that were cut off because they did not read."},
	}
}

// BlubbelErrorNames returns the values of the label "error": the name of the
// protocol's error n stands at n-1.
func BlubbelErrorNames() []string {
	return []string{
		"bad_frame",
		"not_logged_in",
		"already_logged_in",
		"key_in_use",
		"bad_key",
		"not_connected",
		"no_session",
		"too_large",
		"slow_down",
	}
}

// codes are the codes of all findings.
func codes() []string {
	var list []string
	for _, e := range health.Table() {
		list = append(list, string(e.Code))
	}
	return list
}
