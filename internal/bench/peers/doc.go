// Package peers starts servers to measure: our own executable and the public
// servers that it is compared with, each with the configuration that makes a
// fair and repeatable peer, on loopback, in a folder of its own.
//
// # Files
//
//   - peers.go: the table; starting, waiting until ready, stopping
//   - own.go: our executable; what it tells about itself
//   - nats.go, ngircd.go, ejabberd.go, prosody.go: the peers
//   - idle.go: the servers that do nothing, the ceilings of idle connections
//
// # Limits
//
// Every one of them dies with this process. The peers are Debian's packages; one
// that is not installed is an error that names its package.
package peers
