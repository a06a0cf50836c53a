// Package peer runs headless clients: one JSON object a line in, one a line
// out. Scripts and bots use it; docs/reference/peer.md is its manual.
//
// # Files
//
//   - peer.go: Run: lines in, lines out, until the end
//   - command.go: what can be asked for
//   - event.go: what is told
//   - lines.go: reading and writing lines within bounds
//   - blubbel.go: the client of the blubbel network
//   - bot.go: a program as the other side of the lines
//
// # Limits
//
// A line is at most [MaxLine] bytes. Events wait for a reader that is slow; the
// network's client then stops reading its socket, so nothing is lost.
package peer
