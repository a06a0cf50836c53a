// Package vectors runs recorded test vectors: files of JSON that say which
// bytes mean what. One runner serves the command and go test, so that a file
// passes in both or in neither.
//
// The last two elements of a file's path, "tox/dht.json", say what it holds. A
// [Files] maps them to the [Checker] that knows; each protocol lists its own in
// a package below this one. A file that no checker knows is a failure, and so
// are a section that no checker reads and a file without cases: nothing passes
// because nobody looked.
//
//	func Files() vectors.Files {
//		return vectors.Files{
//			"tox/dht.json": vectors.Packets(map[string]func() vectors.Packet{
//				"Nodes": func() vectors.Packet { return new(wire.Nodes) },
//			}),
//			"tox/tox_id.json": vectors.Sections(map[string]vectors.Checker{
//				"tox_id":       vectors.Each(toxID),    // func(idCase) error
//				"tox_id_check": vectors.Each(toxCheck), // func(checkCase) error
//			}),
//		}
//	}
//
// # Shapes
//
// A file is one object. Its cases are a list under "cases", or several named
// lists, each either bare or inside an object with a "note". Everything else
// (description, about, agreed) is for people. A case is named by its "name",
// else by its number.
//
// # Files
//
//   - run.go: files and folders to results
//   - document.go: JSON to sections and cases, with positions
//   - checker.go: the kinds of checker
//   - packet.go: what must hold for a packet and its bytes
//   - fill.go, diff.go: JSON into packets, and packets compared
//   - result.go, print.go, test.go: results as values, text, JSON, subtests
//
// # Limits
//
// A file is at most [MaxFileSize] bytes. A check that panics fails its case and
// no other.
package vectors
