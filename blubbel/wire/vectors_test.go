package wire_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"trunkline/blubbel/wire"
)

// A recordedPacket is a case of packets.json or packets_malformed.json.
type recordedPacket struct {
	Name      string
	Packet    string
	Kind      wire.Kind
	Direction string
	Payload   string
	Frame     string
}

func (p recordedPacket) direction() wire.Direction {
	if p.Direction == "to-server" {
		return wire.ToServer
	}
	return wire.ToClient
}

func (p recordedPacket) payload(t testing.TB) []byte { return fromHex(t, p.Payload) }

func fromHex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// recorded reads the cases of a vector file into C.
func recorded[C any](t testing.TB, file string) []C {
	t.Helper()
	b, err := os.ReadFile("testdata/blubbel/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ Cases []C }
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(doc.Cases) == 0 {
		t.Fatalf("%s has no cases", file)
	}
	return doc.Cases
}

func TestEveryPacketHasAVector(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range recorded[recordedPacket](t, "packets.json") {
		p, err := wire.New(c.direction(), c.Kind)
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		if got := strings.TrimPrefix(fmt.Sprintf("%T", p), "*wire."); got != c.Packet {
			t.Errorf("%s: recorded as %s, the package says %s", c.Name, c.Packet, got)
		}
		seen[fmt.Sprintf("%v %v", c.Kind, c.direction())] = true
	}
	packets := 0
	for _, d := range []wire.Direction{wire.ToServer, wire.ToClient} {
		for k := range 256 {
			if _, err := wire.New(d, wire.Kind(k)); err != nil {
				continue
			}
			packets++
			if !seen[fmt.Sprintf("%v %v", wire.Kind(k), d)] {
				t.Errorf("no vector of %v %v", wire.Kind(k), d)
			}
		}
	}
	if packets != 11 {
		t.Errorf("%d packets of both directions, the specification has 11", packets)
	}
}
