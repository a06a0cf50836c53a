package health_test

import (
	"errors"
	"fmt"
	"os"

	"trunkline/internal/health"
)

func ExampleLine() {
	err := fmt.Errorf("open log: %w", errors.New("no space left"))
	fmt.Println(health.Line(health.Do(err, "free some space")))
	// Output: open log: no space left; free some space
}

func ExampleRegistry() {
	var findings health.Registry
	findings.Raise(health.New(health.PortHeld, "127.0.0.1:8000", "held by nginx (pid 12)", "set blubbel.listen to a free port"))
	for _, f := range findings.Snapshot() {
		fmt.Println(f)
	}
	// Output: NET-003 127.0.0.1:8000: held by nginx (pid 12); set blubbel.listen to a free port
}

func ExampleExplain() {
	if err := health.Explain(os.Stdout, "net1"); err != nil {
		fmt.Println(health.Line(err))
	}
	// Output:
	// NET-001  clock off by more than 60 s
	//
	//   networks  any
	//   severity  warning
	//   detected  A time server of clock.servers was asked, and its time differs from this machine's by more than 60 s.
	//   cause     No time service runs, or a virtual machine was asleep.
	//   cure      timedatectl set-ntp true
}

func ExampleNearest() {
	fmt.Println(health.Nearest("sevre", []string{"serve", "status", "stop"}))
	// Output: serve
}
