//go:build linux

package peers

import (
	"fmt"

	"trunkline/internal/bench/child"
)

const ngircdConfig = `[Global]
Name = irc.bench.local
Info = bench
Listen = 127.0.0.1
Ports = %s
ServerGID = %d
ServerUID = %d
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxPenaltyTime = 0
MaxJoins = 0
[Options]
Ident = no
DNS = no
PAM = no
`

func ngircd(c Config, addr string) (child.Command, error) {
	uid, gid := unprivileged()
	file, err := write(c.Dir, "ngircd.conf", fmt.Sprintf(ngircdConfig, port(addr), gid, uid))
	return child.Command{Args: []string{"-n", "-f", file}}, err
}
