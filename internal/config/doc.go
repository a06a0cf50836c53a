// Package config is every setting of the server: one struct with a tag for
// each key, from which loading, checking, describing and the reference page
// are derived.
//
// A value comes from, later ones winning: its default; the configuration file;
// the environment (TRUNKLINE_BLUBBEL_LISTEN for blubbel.listen); the command
// line (--set blubbel.listen=...). An unknown key is a mistake wherever it
// stands, and all mistakes are reported together.
//
// # Files
//
//   - config.go: the sections, their keys and defaults
//   - parts.go: log levels of parts of the program
//   - key.go: the keys as a list, read from the struct
//   - value.go, size.go: values from text and from TOML, and back
//   - load.go, file.go: the sources in their order
//   - problem.go: mistakes
//   - check.go: ranges, addresses, networks that are not built yet
//   - describe.go, show.go: all keys for people
//   - diff.go: what a reload changes
//
// # Tags
//
// toml and doc name and explain a key; unit is printed behind the default;
// min, max and oneof bound it; check names an address rule of check.go; reload
// marks what takes effect on SIGHUP; built:"no" marks a section whose network
// does not exist yet.
//
// # Limits
//
// A configuration file has at most 1 MiB. Secrets never stand in it: a key
// that needs one names a file.
package config
