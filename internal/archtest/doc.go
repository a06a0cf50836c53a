// Package archtest holds the rules that the compiler does not know, as tests:
// which package may import which, what the public packages may depend on, and
// what no file may contain.
//
// The rules are tables in arch_test.go; a package without a rule fails. To add
// a package, give it a row; to need an import that its row does not list, first
// ask whether the arrow should be there.
//
// # Files
//
//   - arch_test.go: the tables, and the tests of this repository
//   - rules_test.go: finding violations
//   - source_test.go: what single files contain
//   - self_test.go: each rule finds a violation that was made for it
package archtest
