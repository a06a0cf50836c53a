// Package capture reads packets from capture files: pcap and pcapng.
//
// # Specification
//
// The Internet-Drafts of the pcap and pcapng formats (draft-ietf-opsawg-pcap,
// draft-ietf-opsawg-pcapng). Both orders of bytes; pcap in micro- and
// nanoseconds; of pcapng section header, interface description, enhanced,
// simple and obsolete packet blocks. Options and other blocks are skipped, but
// for the two options that times need.
//
// # Files
//
//   - capture.go: Reader, which finds out the format
//   - pcap.go, pcapng.go: the two formats
//   - write.go: Writer of pcap
//
// # Limits
//
// A packet is at most [MaxPacket] bytes, a section has at most [MaxInterfaces]
// interfaces. What a file claims costs no memory before its bytes are there.
package capture
