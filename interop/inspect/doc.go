// Package inspect compares what internal/inspect reads out of a capture with
// what tshark reads. A real conversation of two blubbel clients is captured on
// the loopback interface by tcpdump and dumpcap. The tests need the build tag
// interop, those programs, and the right to capture.
package inspect
