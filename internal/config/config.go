package config

import (
	"time"
)

// Config holds every setting. Its keys are the dotted toml names, for instance
// "blubbel.max_payload". The data folder is not among them: it is a flag.
type Config struct {
	Web     Web     `toml:"web"     doc:"The web pages, /healthz and /metrics."`
	Blubbel Blubbel `toml:"blubbel" doc:"The blubbel relay."`
	Tox     Tox     `toml:"tox"     doc:"The Tox node." built:"no"`
	Skynet  Skynet  `toml:"skynet"  doc:"The Skynet server." built:"no"`
	Skype   Skype   `toml:"skype"   doc:"The server for old versions of Skype." built:"no"`
	Log     Log     `toml:"log"     doc:"What is logged, and how."`
	Clock   Clock   `toml:"clock"   doc:"Comparing the clock with others."`
	Limits  Limits  `toml:"limits"  doc:"Limits that belong to no single network."`
}

// Web has the settings of the web listener.
type Web struct {
	Listen           string `toml:"listen" check:"listen" doc:"Address of the web pages; empty turns them off."`
	Advertise        string `toml:"advertise" check:"advertise" doc:"HOST:PORT under which people reach the web pages; empty: as listen."`
	MetricsTokenFile string `toml:"metrics_token_file" doc:"File with the token that /metrics wants from other machines (Authorization: Bearer ...). Empty: only this machine may read it."`
	Profiles         bool   `toml:"profiles" doc:"Serve Go profiles under /debug/pprof/, to this machine only."`
}

// Framing names of [Blubbel].
const (
	Documented = "documented" // every frame has its length
	AsShipped  = "as-shipped" // as the reference server's source does it
)

// Blubbel has the settings of the blubbel network. The limits are those of the
// section "Limits" of its specification.
type Blubbel struct {
	Listen    string `toml:"listen" check:"listen" doc:"Address of the relay; empty turns the network off."`
	Framing   string `toml:"framing" oneof:"documented|as-shipped" doc:"documented: every frame has its length. as-shipped: as the reference server does it, for its clients only: forwarded frames without length, raw keys only, no errors."`
	RawKeys   bool   `toml:"raw_keys" doc:"Accept the reference server's 1024-bit keys, which cannot prove that they are their owner's."`
	Advertise string `toml:"advertise" check:"advertise" doc:"HOST:PORT told to clients; empty: as listen."`
	Echo      bool   `toml:"echo" doc:"Run the echo contact, which answers every message with the same text."`

	MaxPayload         Size          `toml:"max_payload" min:"1KiB" max:"1MiB" doc:"Largest payload of a frame after login."`
	Queue              Size          `toml:"queue" min:"1KiB" max:"64MiB" doc:"What may wait for one slow reader; one frame always fits."`
	Stall              time.Duration `toml:"stall" min:"10ms" max:"1m" doc:"How long a full queue holds up its senders before its reader is cut off."`
	FramesPerSecond    int           `toml:"frames_per_second" min:"0" max:"10000000" unit:"frames a second" doc:"A connection that sends faster is read more slowly; 0 turns this off."`
	StartBurst         int           `toml:"start_burst" min:"1" max:"1000000" unit:"frames" doc:"Session requests that a connection may send at once."`
	StartRate          int           `toml:"start_rate" min:"1" max:"1000000" unit:"a second" doc:"Session requests of a connection after the burst."`
	StartRecipientRate int           `toml:"start_recipient_rate" min:"1" max:"1000000" unit:"a second" doc:"Session requests to one recipient from all others together; each costs it an RSA operation."`
	PendingPerAddress  int           `toml:"pending_per_address" min:"1" max:"1000000" unit:"connections" doc:"Connections of one address that are not logged in yet."`
	LoginTimeout       time.Duration `toml:"login_timeout" min:"10ms" max:"10m" doc:"Time from connection to login."`
	Sessions           int           `toml:"sessions" min:"1" max:"1000000" unit:"sessions" doc:"Sessions asked for and open, of one connection."`
	Connections        int           `toml:"connections" min:"0" max:"10000000" unit:"connections" doc:"Connections at once; 0: as many as the limit on open files allows."`
}

// Tox has the settings of the Tox network.
type Tox struct {
	Listen string `toml:"listen" check:"listen" doc:"UDP and TCP address of the Tox node; empty turns the network off."`
	Relay  []int  `toml:"relay" min:"0" max:"65535" doc:"Further TCP ports of the relay, for instance [443, 3389]."`
}

// Skynet has the settings of the Skynet network.
type Skynet struct {
	Listen string `toml:"listen" check:"listen" doc:"Address of the Skynet server; empty turns the network off."`
}

// Skype has the settings of the network of old Skype versions.
type Skype struct {
	Listen string `toml:"listen" check:"listen" doc:"TCP and UDP address of the Skype server; empty turns the network off."`
}

// Log has the settings of the log.
type Log struct {
	Level  string `toml:"level" oneof:"debug|info|warn|error" reload:"yes" doc:"Least level that is logged."`
	Format string `toml:"format" oneof:"auto|text|json|systemd" doc:"auto: text on a terminal, systemd under systemd, else text. systemd: no times, with priorities."`
	Parts  Levels `toml:"PART" oneof:"debug|info|warn|error" reload:"yes" doc:"Least level of one part of the program, for instance log.blubbel.server."`
}

// Clock has the settings of the comparison with time servers.
type Clock struct {
	Servers []string `toml:"servers" check:"hosts" reload:"yes" doc:"NTP servers, HOST:PORT, asked whether this machine's clock is right; [] asks none."`
}

// Limits has the limits that belong to no single network.
type Limits struct {
	Loopback bool `toml:"loopback" doc:"Apply limits by address to clients on this machine too, for instance to try them."`
	DiskFree Size `toml:"disk_free" min:"0" max:"1TiB" doc:"Free space on the data folder's disk below which finding DATA-003 is raised."`
}

// Default returns the settings that hold without a file, the environment or
// flags: everything that is built, on this machine only. The value shares
// nothing with that of another call.
func Default() Config {
	return Config{
		Web: Web{Listen: "127.0.0.1:8080"},
		Blubbel: Blubbel{
			Listen:             "127.0.0.1:8000", // the reference server's port
			Framing:            Documented,
			RawKeys:            true,
			Echo:               true,
			MaxPayload:         64 << 10,
			Queue:              256 << 10,
			Stall:              5 * time.Second,
			FramesPerSecond:    5000,
			StartBurst:         20,
			StartRate:          1,
			StartRecipientRate: 10,
			PendingPerAddress:  32,
			LoginTimeout:       15 * time.Second,
			Sessions:           1024,
		},
		Tox:    Tox{Relay: []int{}},
		Log:    Log{Level: "info", Format: "auto", Parts: Levels{}},
		Clock:  Clock{Servers: []string{"pool.ntp.org:123"}},
		Limits: Limits{DiskFree: 256 << 20},
	}
}
