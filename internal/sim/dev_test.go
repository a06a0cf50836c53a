package sim

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

func TestDev(t *testing.T) {
	b, _ := os.ReadFile("testdata/two-behind-nat.json")
	s, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	var logs [2]bytes.Buffer
	for i := range logs {
		rep, err := Run(t.Context(), s, Options{Seed: 1, Log: &logs[i]})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", rep)
	}
	if !bytes.Equal(logs[0].Bytes(), logs[1].Bytes()) {
		t.Error("logs differ")
	}
	os.WriteFile("/tmp/log1", logs[0].Bytes(), 0o644)
}

func TestSearchDev(t *testing.T) {
	from, to := uint64(1), uint64(20)
	if s := os.Getenv("SEEDS"); s != "" {
		fmt.Sscanf(s, "%d-%d", &from, &to)
	}
	var n Report
	err := Search(t.Context(), from, to, 2, func(r Report) {
		if !r.OK() {
			t.Errorf("seed %d: %v %v", r.Seed, r.Broken, r.Failed)
		}
		n.Sessions += r.Sessions
		n.Texts += r.Texts
		n.Arrived += r.Arrived
		n.Logins += r.Logins
		n.Packets += r.Packets
		n.Stats.Stalls += r.Stats.Stalls
		n.Stats.Cuts += r.Stats.Cuts
		n.Stats.Takeovers += r.Stats.Takeovers
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", n)
}

func TestOne(t *testing.T) {
	var seed uint64
	fmt.Sscanf(os.Getenv("SEED"), "%d", &seed)
	f, _ := os.Create("/tmp/one.log")
	r, err := Run(t.Context(), Random(seed), Options{Seed: seed, Log: f, Packets: os.Getenv("PK") != ""})
	t.Log(r.Broken, r.Failed, err)
	f.Close()
}
