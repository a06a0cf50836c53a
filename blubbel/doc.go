// Package blubbel holds the words of the blubbel relay protocol: keys, which
// are also addresses, limits and errors. It does no input or output.
//
// A blubbel client holds an RSA key pair; its public key is its address. The
// relay knows which connection belongs to which public key and forwards three
// kinds of frames between them without looking inside. Two clients agree on
// keys with Diffie-Hellman, its public values sealed to each other's RSA key,
// and encrypt messages with AES-256.
//
// # Packages
//
//   - blubbel/wire: frames and packets
//   - blubbel/server: the relay
//   - blubbel/client: a whole client
//
// # Specification
//
// docs/protocols/blubbel/specification.md; what is done stands in status.md
// beside it.
//
// # Files
//
//   - key.go: public and secret keys, their forms, text and fingerprints
//   - seal.go: what is sealed to a key: the login challenge, session values
//   - limits.go: every number of the protocol
//   - errors.go: errors and the codes of Error packets
package blubbel
