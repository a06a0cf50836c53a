// Package cli is the command line: every command, its flags, help, completion,
// manual page and reference from one table.
//
// # Files
//
//   - cli.go: the table of commands; Main
//   - examples.go: one example a command, shown in its help and run by a test
//   - serve.go, status.go, doctor.go, ...: one file a command or family
//   - model.go, completion.go, man.go, reference.go: texts made from the table
//
// # Rules
//
// Results go to stdout, everything else to stderr. An error is one line
// `what: why; do`. Exit codes: 0 done, 1 failed or findings, 2 could not run.
package cli
