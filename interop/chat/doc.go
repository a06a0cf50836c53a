// Package chat tries the terminal client as people use it: the program
// itself in panes of tmux, keys typed and pasted, screens captured and read.
//
// Needed: tmux. $TRUNKLINE names the executable; without it one is built. The
// captures are kept below $CI_OUT/chat, or where `go test -artifacts` puts them.
//
// # Files
//
//   - pane_test.go: the server, panes, waiting for what a screen shows
//   - chat_test.go: two people, an echo, a kill and what is left on the disk
package chat
