// Package flow turns captured packets into what was sent between two ends:
// datagrams of UDP and the ordered bytes of TCP. Nothing is dropped: packets
// that it cannot follow come out whole, with the reason.
//
// # Specification
//
// RFC 791 and 8200 (IP and its fragments), 768 (UDP), 9293 (TCP).
//
// # Files
//
//   - link.go: what stands before IP
//   - ip.go: IPv4 and IPv6 with options, extension headers and fragments
//   - fragment.go: fragments put together
//   - flow.go: Flows, which packets go through
//   - tcp.go: a conversation, its beginning and end
//   - half.go: one direction of a conversation in order
//
// # Limits
//
// At most [MaxConversations] conversations and [MaxFragmented] fragmented
// datagrams are followed at once; the one silent for longest gives way. One
// direction of a conversation keeps at most [MaxWaiting] bytes that came out of
// order, all together [MaxWaitingAll]; then what is missing counts as lost.
// Bytes that arrive twice are taken as they came first.
package flow
