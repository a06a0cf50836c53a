package limit

import "net/netip"

// The lengths of the classes of an address, narrowest first: one customer, one
// small network, one provider's block.
var classBits = struct{ v4, v6 [3]int }{
	v4: [3]int{32, 26, 21},
	v6: [3]int{64, 48, 32},
}

// Classes returns the three networks that a is counted in, narrowest first: /32,
// /26 and /21 of IPv4 (also when mapped into IPv6), /64, /48 and /32 of IPv6. The
// zone does not count. An address that is not valid, as of a Unix socket or a
// pipe, gives three zero prefixes: all such share one class.
func Classes(a netip.Addr) [3]netip.Prefix {
	a = a.Unmap().WithZone("")
	lengths := classBits.v6
	if a.Is4() {
		lengths = classBits.v4
	}
	var classes [3]netip.Prefix
	for i, n := range lengths {
		classes[i], _ = a.Prefix(n) // zero for a zero address
	}
	return classes
}
