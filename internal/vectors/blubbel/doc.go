// Package blubbel says what the vector files of blubbel mean.
//
// # Specification
//
// docs/protocols/blubbel/specification.md; the files stand in
// blubbel/wire/testdata/blubbel and blubbel/client/testdata/blubbel and say in
// their description what their fields mean.
package blubbel
