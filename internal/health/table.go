package health

import "sync"

// An Entry says what a code means.
type Entry struct {
	Code     Code     `json:"code"`
	Title    string   `json:"title"`
	Severity Severity `json:"severity"`
	Detected string   `json:"detected"`           // how it was noticed
	Cause    string   `json:"cause"`              // what mostly is behind it
	Cure     string   `json:"cure"`               // one command or one setting
	Networks []string `json:"networks,omitempty"` // empty: any network
}

// Lookup returns the entry of a code. It is cheap: strangers can cause findings.
func Lookup(code Code) (Entry, bool) {
	e, ok := byCode()[code]
	return e, ok
}

// byCode is the table as a map, made at its first use.
var byCode = sync.OnceValue(func() map[Code]Entry {
	entries := map[Code]Entry{}
	for _, e := range Table() {
		entries[e.Code] = e
	}
	return entries
})

// Table returns every code that some part of the program can raise, grouped by
// area. The slice belongs to the caller.
func Table() []Entry {
	table := append(anyNetwork(), kept()...)
	table = append(table, headless()...)
	return append(table, blubbel()...)
}

func anyNetwork() []Entry {
	return []Entry{{
		Code:     ClockOff,
		Title:    "clock off by more than 60 s",
		Severity: Warning,
		Detected: "A time server of clock.servers was asked, and its time differs from this machine's by more than 60 s.",
		Cause:    "No time service runs, or a virtual machine was asleep.",
		Cure:     "timedatectl set-ntp true",
	}, {
		Code:     AddressUnreachable,
		Title:    "address told to clients is not reachable",
		Severity: Broken,
		Detected: "The address that clients are told was connected to as a client would, and nothing of ours answered.",
		Cause:    "A firewall or router does not forward the port, or the name points to another machine.",
		Cure:     "forward the port to this machine, or set the network's `advertise` key to an address that clients reach",
	}, {
		Code:     PortHeld,
		Title:    "port held by another program",
		Severity: Broken,
		Detected: "The system refused the listening address because it is in use.",
		Cause:    "Another program, or another Trunkline, listens there already.",
		Cure:     "stop that program, or choose a free port with the network's `listen` key",
	}, {
		Code:     ListenFailed,
		Title:    "cannot listen on the address",
		Severity: Broken,
		Detected: "The system refused the listening address for a reason other than its being in use.",
		Cause:    "The address belongs to no interface of this machine, or a port below 1024 needs a right that the program does not have.",
		Cure:     "set the network's `listen` key to an address of this machine and a port above 1023, or let systemd pass the socket",
	}, {
		Code:     TooManyPending,
		Title:    "too many connections of one address wait for their login",
		Severity: Warning,
		Detected: "An address reached pending_per_address connections that are not logged in; further ones were closed.",
		Cause:    "A port scanner, a broken client, or many people behind one address after a restart.",
		Cure:     "block the address in the firewall, or raise the network's `pending_per_address` key",
	}, {
		Code:     FewDescriptors,
		Title:    "too few file descriptors",
		Severity: Warning,
		Detected: "The limit on open files is smaller than the connections that the configuration allows need.",
		Cause:    "The shell or the service manager sets a low limit.",
		Cure:     "ulimit -n 65536 before the start, or LimitNOFILE=65536 in the unit",
	}, {
		Code:     ClockUnknown,
		Title:    "clock could not be compared",
		Severity: Info,
		Detected: "No time server of clock.servers answered.",
		Cause:    "The machine has no way to the internet, or UDP port 123 is filtered.",
		Cure:     "set clock.servers to a time server that this machine reaches, or to [] to stop asking",
	}, {
		Code:     ConnectionsFull,
		Title:    "no further connection is accepted",
		Severity: Broken,
		Detected: "The number of open connections reached the limit.",
		Cause:    "More clients than the limit allows, or clients that never leave.",
		Cure:     "raise the network's `connections` key, and the limit on open files with it",
	}, {
		Code:     SelfCheckFailed,
		Title:    "the server does not answer its own client",
		Severity: Broken,
		Detected: "A client of our own connected to the network over a real socket, and did not get back what it sent.",
		Cause:    "The network's listener failed, or a local firewall filters the loopback interface.",
		Cure:     "trunkline doctor",
	}}
}

func kept() []Entry {
	return []Entry{{
		Code:     DataNotWritable,
		Title:    "data folder cannot be written",
		Severity: Broken,
		Detected: "A file could not be made in the data folder.",
		Cause:    "The folder belongs to another user, or its disk is mounted read-only.",
		Cure:     "give the folder to the user who runs the server, or choose another with --data",
	}, {
		Code:     DataInUse,
		Title:    "data folder in use by another server",
		Severity: Broken,
		Detected: "The lock in the data folder is held.",
		Cause:    "A server runs already with this data folder.",
		Cure:     "trunkline stop, or choose another folder with --data",
	}, {
		Code:     DiskNearlyFull,
		Title:    "disk nearly full",
		Severity: Warning,
		Detected: "The disk of the data folder has less free space than limits.disk_free.",
		Cause:    "Logs, backups or other programs fill it.",
		Cure:     "free some space, or move the data folder and name it with --data",
	}, {
		Code:     ConfigRefused,
		Title:    "configuration refused",
		Severity: Warning,
		Detected: "The configuration was read again and has mistakes; the one before stays in force.",
		Cause:    "The file was edited since the start.",
		Cure:     "trunkline config check",
	}, {
		Code:     KeyReadable,
		Title:    "key file or data folder readable by others",
		Severity: Broken,
		Detected: "The mode of a key file or of the data folder gives rights to the group or to others.",
		Cause:    "It was copied or restored with a wide umask.",
		Cure:     "chmod 0700 on the data folder and 0600 on the key files in it",
	}}
}

func headless() []Entry {
	return []Entry{{
		Code:     PeerCannot,
		Title:    "the network has no such command",
		Severity: Info,
		Detected: "A peer was told to do something that its network does not know.",
		Cause:    "The networks differ: blubbel, for instance, has no rooms and no receipts.",
		Cure:     "leave the command out on this network; docs/reference/peer.md lists what each can do",
	}, {
		Code:     PeerBadCommand,
		Title:    "command not understood",
		Severity: Warning,
		Detected: "A line given to a peer is not one JSON object, or a field is missing or has the wrong type.",
		Cause:    "A mistake in the script.",
		Cure:     "compare the line with docs/reference/peer.md",
	}, {
		Code:     PeerOutboxFull,
		Title:    "outbox full",
		Severity: Warning,
		Detected: "More messages wait for a contact that is not there than the outbox holds.",
		Cause:    "The contact has been away for long, or never accepted.",
		Cure:     "wait for the contact's event with state open before sending more",
	}, {
		Code:     PeerBadAddress,
		Title:    "not an address of this network",
		Severity: Warning,
		Detected: "The text after who or to names nobody of this network.",
		Cause:    "The address was cut when it was copied, or belongs to another network.",
		Cure:     "copy the whole address from the other's ready event",
	}, {
		Code:     PeerUnreachable,
		Title:    "server not reachable",
		Severity: Broken,
		Detected: "The connection to the server could not be made, or ended.",
		Cause:    "The server does not run, or the address is wrong.",
		Cure:     "check --server, and run trunkline doctor where the server runs",
	}, {
		Code:     BotHangs,
		Title:    "bot program hangs",
		Severity: Warning,
		Detected: "The program did not read what it was sent for so long that its queue is full.",
		Cause:    "It waits for something else, or it stopped.",
		Cure:     "let the program read its standard input all the time, and start it again",
	}, {
		Code:     BotFloods,
		Title:    "bot program floods",
		Severity: Warning,
		Detected: "The program wrote more lines than it may; they are taken more slowly, or were dropped.",
		Cause:    "A loop without a pause, or two bots that answer each other.",
		Cure:     "let the program wait for the ok event before it writes more",
	}}
}
