// Package health says what is wrong and what to do about it: one table of
// finding codes, the findings that hold right now, and errors as one line.
//
// The table is the single source for `trunkline doctor`, `trunkline explain`,
// /healthz, the metric trunkline_finding and docs/reference/findings.md.
//
// # Files
//
//   - code.go: the codes, as constants
//   - table.go: what each code means, its cause and its cure
//   - finding.go: one finding, one check
//   - registry.go: the findings of a running server
//   - line.go: any error as `what: why; do`
//   - explain.go: the table as text for people
//   - nearest.go: the word that somebody probably meant
//
// # Limits
//
// A Registry holds at most [MaxFindings] findings and [MaxPerCode] of one
// code; what does not fit is counted. A code keeps its meaning for ever: a
// code that is no longer raised leaves the table and is not used again.
package health
