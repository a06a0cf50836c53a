// Package server builds an exchange from its configuration and runs it: data
// folder, keys, listeners, networks, web pages, control socket, health. It is
// the one place that knows all parts.
//
// # Files
//
//   - server.go: New, Run: the order in which things start and end
//   - networks.go: which networks there are, their listeners
//   - data.go, lock_*.go: the data folder and its lock
//   - screen.go: what the operator sees at the start
//   - selfcheck.go: the networks tried from outside
//   - control.go, peeruser_*.go: status and stop over a Unix socket
//   - status.go: one screen of truth
//   - doctor.go, checks.go: what can be wrong, asked from outside
//   - watch.go: what is looked at again while the server runs
//   - logs.go: loggers and levels of the parts
//   - version.go: which program this is
//
// # Times
//
//   - 5 s: what is left of a shutdown after which the rest is cut
//   - 1 min: disk, descriptors and the data folder are looked at again
//   - 1 h: the clock is compared again
package server
