package flow

import (
	"encoding/binary"
	"errors"

	"trunkline/internal/inspect/capture"
)

// Reasons why a packet cannot be followed.
var (
	errShort   = errors.New("ends inside a header")
	errLink    = errors.New("link type not known")
	errNotIP   = errors.New("not IP")
	errVersion = errors.New("neither IPv4 nor IPv6")
)

// Types of Ethernet.
const (
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
	etherVLAN   = 0x8100
	etherQinQ   = 0x88a8
	etherQinQ91 = 0x9100
)

// ipOf returns the offset of the IP header in a packet.
func ipOf(link capture.LinkType, b []byte) (int, error) {
	switch link {
	case capture.LinkEthernet:
		return etherIP(b)
	case capture.LinkRaw, capture.LinkIPv4, capture.LinkIPv6:
		return 0, nil
	case capture.LinkNull, capture.LinkLoop:
		if len(b) < 4 {
			return 0, errShort
		}
		return 4, nil // the version in the IP header says as much as the family
	case capture.LinkSLL:
		if len(b) < 16 {
			return 0, errShort
		}
		return ether(binary.BigEndian.Uint16(b[14:]), 16)
	case capture.LinkSLL2:
		if len(b) < 20 {
			return 0, errShort
		}
		return ether(binary.BigEndian.Uint16(b), 20)
	}
	return 0, errLink
}

// etherIP steps over addresses and up to four VLAN tags.
func etherIP(b []byte) (int, error) {
	at := 12
	for range 5 {
		if len(b) < at+2 {
			return 0, errShort
		}
		kind := binary.BigEndian.Uint16(b[at:])
		if kind != etherVLAN && kind != etherQinQ && kind != etherQinQ91 {
			return ether(kind, at+2)
		}
		at += 4
	}
	return 0, errNotIP
}

func ether(kind uint16, at int) (int, error) {
	if kind != etherIPv4 && kind != etherIPv6 {
		return 0, errNotIP
	}
	return at, nil
}
