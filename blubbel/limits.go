package blubbel

import "time"

// Sizes of the protocol, in bytes unless said otherwise.
const (
	// RawKeySize is a raw key: a modulus of 1024 bits. Specification, Keys.
	RawKeySize = 128
	// MinDERKeySize and MaxDERKeySize bound the DER form: 2048 to 4096 bits.
	MinDERKeySize = 294
	MaxDERKeySize = 550

	// DefaultBits is the size of the keys that we make.
	DefaultBits = 3072

	// NonceSize is what a login challenge seals; ProofSize what answers it.
	NonceSize = 32
	ProofSize = 32

	// ValueSize is a Diffie-Hellman public value of RFC 3526 group 14.
	ValueSize = 256
	// MaxSealedSize is a sealed value at its largest: five blocks to a raw key
	// take 640, one block to a key of 4096 bits 512, so 640.
	MaxSealedSize = 640
	// oaepOverhead is what RSA-OAEP with SHA-256 takes of each block.
	oaepOverhead = 66

	// CounterSize precedes every ciphertext.
	CounterSize = 12
	// TagSize is the tag of AES-256-GCM at its end.
	TagSize = 16

	// MaxErrorText is the text of an Error packet, in bytes of UTF-8.
	MaxErrorText = 256

	// MaxLoginPayload is a frame's payload before login.
	MaxLoginPayload = 1024
	// DefaultMaxPayload is a frame's payload after login unless set otherwise;
	// HighestMaxPayload is the largest setting.
	DefaultMaxPayload = 64 << 10
	HighestMaxPayload = 1 << 20

	// MaxSessionMessages is how many messages one direction of a session carries.
	MaxSessionMessages = 1 << 32
)

// Numbers of the relay; each is a setting of [trunkline/blubbel/server.Config].
const (
	// DefaultPort is the TCP port of the reference server.
	DefaultPort = 8000
	// LoginTimeout is the time from accept to login.
	LoginTimeout = 15 * time.Second
	// QueueSize is what may wait for a client that reads slowly, in bytes; at
	// least one frame always may.
	QueueSize = 256 << 10
	// StallTimeout is how long a sender waits for a full queue before the
	// client that does not read is cut.
	StallTimeout = 5 * time.Second
	// MaxSessions is asked and open sessions a connection.
	MaxSessions = 1024
	// StartBurst and StartRate (a second) bound the Start frames of one
	// connection; StartRecipientRate (a second) those to one recipient.
	StartBurst         = 20
	StartRate          = 1
	StartRecipientRate = 10
	// FramesPerSecond is the rate above which a connection is read slower.
	FramesPerSecond = 5000
	// PendingPerAddress is connections of one address that have not logged in.
	PendingPerAddress = 32
	// KeepAliveIdle, KeepAliveInterval and KeepAliveCount are the TCP
	// keep-alive: a vanished host is noticed after 30 s.
	KeepAliveIdle     = 15 * time.Second
	KeepAliveInterval = 5 * time.Second
	KeepAliveCount    = 3
)

// Times of a session between two clients. Specification, Session.
const (
	// StartTimeout is how long a Start waits for its Accept.
	StartTimeout = 2 * time.Minute
	// ConfirmTimeout is how long an agreed session waits for its confirmation.
	ConfirmTimeout = 20 * time.Second
	// OldKeyTimeout is how long the receive key of a replaced session is kept.
	OldKeyTimeout = 60 * time.Second
)

// MaxText is the longest text, in bytes of UTF-8, that fits a message to peer
// when a frame's payload is at most maxPayload bytes.
func MaxText(peer PublicKey, maxPayload int) int {
	return max(0, maxPayload-len(peer.b)-CounterSize-TagSize)
}
