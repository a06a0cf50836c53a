// Package ceiling measures what this machine and Go can do at best: the
// primitives, sockets and flushes that every server is made of. A server's
// figures are read beside these.
//
// # Files
//
//   - ceiling.go: the table and how a round is taken
//   - crypto.go: ciphers, key agreement, RSA, password hashing
//   - net.go: UDP and TCP over loopback, both ends in one process
//   - flush.go: making records durable, alone and in groups
//   - idle.go: servers that hold idle connections, four ways
package ceiling
