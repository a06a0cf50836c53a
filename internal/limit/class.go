package limit

import "net/netip"

// Classes returns the three networks that a is counted in, narrowest first (one
// customer, one small network, one provider's block): /32,
// /26 and /21 of IPv4 (also when mapped into IPv6), /64, /48 and /32 of IPv6. The
// zone does not count. An address that is not valid, as of a Unix socket or a
// pipe, gives three zero prefixes: all such share one class.
func Classes(a netip.Addr) [3]netip.Prefix {
	a = a.Unmap().WithZone("")
	lengths := [3]int{64, 48, 32}
	if a.Is4() {
		lengths = [3]int{32, 26, 21}
	}
	var classes [3]netip.Prefix
	for i, n := range lengths {
		classes[i], _ = a.Prefix(n) // zero for a zero address
	}
	return classes
}
