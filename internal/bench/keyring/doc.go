// Package keyring gives load programs thousands of distinct RSA keys without
// the time that making them takes: every two of 175 recorded primes of 1024
// bits are a key of 2048 bits.
//
// The primes are published with the source: these keys prove nothing about
// anybody and must never be used outside of tests and benchmarks.
//
// # Files
//
//   - keyring.go: the keys
//   - primes.txt: the primes, one a line, base64
package keyring
