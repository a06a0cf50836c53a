package health

import (
	"fmt"
	"strings"
)

// A Code names one kind of finding: a network or area, a hyphen, three digits.
type Code string

// Findings of any network.
const (
	ClockOff           Code = "NET-001" // the clock is off by more than 60 s
	AddressUnreachable Code = "NET-002" // the address told to clients does not answer
	PortHeld           Code = "NET-003" // another program holds the port
	ListenFailed       Code = "NET-004" // the listener failed for another reason
	TooManyPending     Code = "NET-005" // one address opens connections and does not log in
	FewDescriptors     Code = "NET-006" // the limit on open files is too small
	ClockUnknown       Code = "NET-007" // no time server answered; information only
	ConnectionsFull    Code = "NET-008" // the limit on connections is reached
	SelfCheckFailed    Code = "NET-009" // the server does not answer its own client
)

// Findings about what the server keeps.
const (
	DataNotWritable Code = "DATA-001" // the data folder cannot be written
	DataInUse       Code = "DATA-002" // another server uses the data folder
	DiskNearlyFull  Code = "DATA-003" // little space is left
	ConfigRefused   Code = "DATA-005" // the configuration was refused, the old one stays
	KeyReadable     Code = "KEY-002"  // a key file or the data folder is readable by others
)

// Findings of headless clients and bots.
const (
	PeerCannot      Code = "PEER-001" // the network has no such command
	PeerBadCommand  Code = "PEER-002" // the command was not understood
	PeerOutboxFull  Code = "PEER-003" // more messages wait than the outbox holds
	PeerBadAddress  Code = "PEER-004" // the text names nobody of this network
	PeerUnreachable Code = "PEER-005" // no connection to the server
	BotHangs        Code = "BOT-001"  // the program does not read what it is sent
	BotFloods       Code = "BOT-002"  // the program writes more than it may
)

// Findings of blubbel. Numbers 1 to 9 are those of the protocol's error frame.
const (
	BlubbelBadFrame        Code = "BLB-001"
	BlubbelNotLoggedIn     Code = "BLB-002"
	BlubbelAlreadyLoggedIn Code = "BLB-003"
	BlubbelKeyInUse        Code = "BLB-004"
	BlubbelBadKey          Code = "BLB-005"
	BlubbelNotConnected    Code = "BLB-006"
	BlubbelNoSession       Code = "BLB-007"
	BlubbelTooLarge        Code = "BLB-008"
	BlubbelSlowDown        Code = "BLB-009"
	BlubbelMessagesLost    Code = "BLB-010"
	BlubbelReaderCut       Code = "BLB-011"
	BlubbelLoginTimeout    Code = "BLB-012"
)

// Area returns the part before the hyphen, for instance "NET".
func (c Code) Area() string {
	area, _, _ := strings.Cut(string(c), "-")
	return area
}

// ParseCode finds the code that s names. Case, a missing hyphen and missing
// zeros do not matter: "net3" is NET-003. The error names the nearest code.
func ParseCode(s string) (Code, error) {
	want := canonical(s)
	var names []string
	for _, e := range Table() {
		if string(e.Code) == want {
			return e.Code, nil
		}
		names = append(names, string(e.Code))
	}
	err := fmt.Errorf("code %q: there is no such finding", Clean(s))
	if near := Nearest(want, names); near != "" {
		return "", Do(err, "did you mean "+near+"?")
	}
	return "", Do(err, "`trunkline explain` lists all codes")
}

// canonical writes s as a code is written, as far as it looks like one.
func canonical(s string) string {
	s = strings.ToUpper(strings.TrimSpace(s))
	area := strings.TrimRight(s, "0123456789")
	digits := s[len(area):]
	area = strings.TrimRight(area, "- _")
	if area == "" || digits == "" || len(digits) > 3 {
		return s
	}
	return area + "-" + strings.Repeat("0", 3-len(digits)) + digits
}
