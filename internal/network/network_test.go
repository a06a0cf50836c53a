package network_test

import (
	"context"
	"slices"
	"testing"

	"trunkline/internal/health"
	"trunkline/internal/network"
)

type plain struct{}

func (plain) Name() string              { return "plain" }
func (plain) Run(context.Context) error { return nil }
func (plain) Health() []health.Check    { return nil }

type rich struct{ plain }

func (rich) Connected() int                            { return 3 }
func (rich) SelfCheck(context.Context) (string, error) { return "nothing", nil }
func (rich) Echo() (contact, server string)            { return "echo", "127.0.0.1:1" }

func TestCapabilitiesAreThoseThatANetworkImplements(t *testing.T) {
	for _, tc := range []struct {
		n    network.Network
		want []string
	}{
		{plain{}, nil},
		{rich{}, []string{"presence", "self-check", "echo"}},
	} {
		if got := network.CapabilitiesOf(tc.n).Names(); !slices.Equal(got, tc.want) {
			t.Errorf("%T: got %q, want %q", tc.n, got, tc.want)
		}
	}
}

func TestCapabilityGivesAccessToWhatDoesIt(t *testing.T) {
	c := network.CapabilitiesOf(rich{})
	if got := c.Presence.Connected(); got != 3 {
		t.Errorf("got %d connected, want 3", got)
	}
}
