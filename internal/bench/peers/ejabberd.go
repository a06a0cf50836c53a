//go:build linux

package peers

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"

	"trunkline/internal/bench/child"
)

const ejabberdConfig = `hosts: [localhost]
loglevel: warning
auth_method: internal
auth_password_format: scram
disable_sasl_mechanisms: ["digest-md5", "SCRAM-SHA-1-PLUS"]
registration_timeout: infinity
shaper_rules: { max_user_sessions: 10, max_user_offline_messages: 1000000, c2s_shaper: none, s2s_shaper: none }
access_rules: { local: { allow: all }, c2s: { allow: all }, register: { allow: all } }
listen:
  - { port: %s, ip: "127.0.0.1", module: ejabberd_c2s, max_stanza_size: 262144, access: c2s, backlog: 1024 }
modules:
  mod_disco: {}
  mod_roster: {}
  mod_offline: { access_max_user_messages: max_user_offline_messages, store_empty_body: true }
  mod_stream_mgmt: { resume_timeout: 0, max_ack_queue: 1000000 }
  mod_ping: {}
  mod_register: { ip_access: all, access: register, password_strength: 0 }
`

// ejabberdControl keeps Erlang's own sockets on loopback and lets it use as
// many descriptors as it may.
const ejabberdControl = `INET_DIST_INTERFACE=127.0.0.1
ERL_EPMD_ADDRESS=127.0.0.1
ERL_MAX_PORTS=32000
ERL_OPTIONS="-env ERL_CRASH_DUMP_BYTES 0"
EJABBERD_PID_PATH=%s/pid
`

// ejabberd runs attached. Its script changes to the user ejabberd when it is
// run as root, so the folder must be that user's.
func ejabberd(c Config, addr string) (child.Command, error) {
	config, err := write(c.Dir, "e.yml", fmt.Sprintf(ejabberdConfig, port(addr)))
	if err != nil {
		return child.Command{}, err
	}
	control, err := write(c.Dir, "ctl.cfg", fmt.Sprintf(ejabberdControl, c.Dir))
	if err != nil {
		return child.Command{}, err
	}
	spool, logs := filepath.Join(c.Dir, "spool"), filepath.Join(c.Dir, "log")
	for _, d := range []string{spool, logs} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return child.Command{}, err
		}
	}
	if err := giveTo("ejabberd", c.Dir); err != nil {
		return child.Command{}, err
	}
	return child.Command{Args: []string{
		"--node", fmt.Sprintf("bench%s@localhost", port(addr)),
		"--ctl-config", control, "--spool", spool, "--logs", logs, "--config", config, "foreground",
	}}, nil
}

// giveTo makes all in dir the user's, if this is root; the folders above are
// opened for searching.
func giveTo(name, dir string) error {
	if os.Getuid() != 0 {
		return nil
	}
	uid, gid, err := ids(name)
	if err != nil {
		return err
	}
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, gid)
	})
}

func ids(name string) (uid, gid int, err error) {
	u, err := user.Lookup(name)
	if err != nil {
		return 0, 0, err
	}
	if uid, err = strconv.Atoi(u.Uid); err != nil {
		return 0, 0, err
	}
	gid, err = strconv.Atoi(u.Gid)
	return uid, gid, err
}

// unprivileged is who a peer runs as that does not want to be root.
func unprivileged() (uid, gid int) {
	if os.Getuid() != 0 {
		return os.Getuid(), os.Getgid()
	}
	if uid, gid, err := ids("irc"); err == nil {
		return uid, gid
	}
	return 65534, 65534
}
