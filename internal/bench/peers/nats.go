//go:build linux

package peers

import "trunkline/internal/bench/child"

func nats(_ Config, addr string) (child.Command, error) {
	return child.Command{Args: []string{"-a", "127.0.0.1", "-p", port(addr)}}, nil
}
