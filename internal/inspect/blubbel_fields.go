package inspect

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"strconv"

	"trunkline/blubbel"
	"trunkline/blubbel/wire"
)

// A row says what a field of blubbel means.
type row struct {
	to   wire.Direction // 0 for both
	kind wire.Kind      // 0 for every kind
	name string
	text string
	sure Certainty
	show func([]byte) string
}

// meanings is a table of rows: the first that fits counts.
type meanings []row

// blubbelMeanings is the one table of what fields of blubbel mean. The README of the
// protocol's ancestor is the single source; what it does not say is a choice.
func blubbelMeanings() meanings {
	const s, c = wire.ToServer, wire.ToClient
	return meanings{
		{0, wire.KindError, "type", "what the payload is; this type is ours", Choice, showKind},
		{0, wire.KindProof, "type", "what the payload is; this type is ours", Choice, showKind},
		{0, 0, "type", "what the payload is", SingleSource, showKind},
		{0, 0, "length", "bytes of payload, big-endian", SingleSource, showNumber},

		{s, wire.KindLogin, "key", "the client's own public key: its address", SingleSource, showKey},
		{s, wire.KindStart, "peer", "public key of whom to ask for a session", SingleSource, showKey},
		{c, wire.KindStart, "peer", "public key of who asks for a session", SingleSource, showKey},
		{s, wire.KindAccept, "peer", "public key of who asked, who is accepted", SingleSource, showKey},
		{c, wire.KindAccept, "peer", "public key of who accepted", SingleSource, showKey},
		{s, wire.KindMessage, "peer", "public key of the recipient", SingleSource, showKey},
		{c, wire.KindMessage, "peer", "public key of the sender", SingleSource, showKey},
		{0, wire.KindStart, "sealed value", "g^a mod p, sealed to the key of whom is asked", SingleSource, showSize},
		{0, wire.KindAccept, "sealed value", "g^b mod p, sealed to the key of who asked", SingleSource, showSize},

		{0, wire.KindMessage, "ciphertext", "encrypted with AES-256; too short for our clients", SingleSource, showSize},
		{0, wire.KindMessage, "counter", "number of the message in its direction, from 0", Choice, showCounter},
		{0, wire.KindMessage, "sealed text", "UTF-8 encrypted with AES-256-GCM", Choice, showSize},
		{0, wire.KindMessage, "tag", "of AES-256-GCM", Choice, showSize},

		{0, wire.KindError, "code", "why the frame was not obeyed", Choice, showCode},
		{0, wire.KindError, "type answered", "type of that frame, 0 for none", Choice, showKind},
		{0, wire.KindError, "peer length", "bytes of the key that follows", Choice, showNumber},
		{0, wire.KindError, "peer", "the other's key as the client wrote it", Choice, showKey},
		{0, wire.KindError, "text", "the same for people, UTF-8", Choice, showText},

		{0, wire.KindProof, "sealed nonce", "32 random bytes, sealed to the key that logs in", Choice, showSize},
		{0, wire.KindProof, "proof", "HMAC-SHA-256 keyed with the bytes of the challenge", Choice, showSize},
	}
}

func (m meanings) of(to wire.Direction, kind wire.Kind, name string) row {
	for _, r := range m {
		if r.name == name && (r.to == 0 || r.to == to) && (r.kind == 0 || r.kind == kind) {
			return r
		}
	}
	return row{text: "nothing says what this means", show: showSize}
}

func (r row) field(name string, offset int, b []byte) Field {
	return Field{Name: name, Offset: offset, Bytes: b, Value: r.show(b), Meaning: r.text, Certainty: r.sure}
}

func showKind(b []byte) string { return wire.Kind(b[0]).String() }

func showNumber(b []byte) string {
	var n uint64
	for _, v := range b {
		n = n<<8 | uint64(v)
	}
	return strconv.FormatUint(n, 10)
}

// showCounter shows a number of 12 bytes.
func showCounter(b []byte) string {
	if binary.BigEndian.Uint32(b) == 0 {
		return showNumber(b[4:])
	}
	return new(big.Int).SetBytes(b).String()
}

func showCode(b []byte) string { return fmt.Sprintf("%d, %v", b[0], blubbel.Code(b[0])) }

func showSize(b []byte) string { return fmt.Sprintf("%d bytes", len(b)) }

func showText(b []byte) string { return strconv.Quote(string(b)) }

func showKey(b []byte) string {
	if len(b) == 0 {
		return "none"
	}
	k, err := blubbel.ParsePublicKey(b)
	if err != nil {
		return "no whole and valid key"
	}
	return fmt.Sprintf("%v, fingerprint %s", k.Form(), k.Fingerprint())
}
