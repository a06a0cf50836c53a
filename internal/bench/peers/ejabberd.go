//go:build linux

package peers

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"

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

// ejabberdControl keeps Erlang's own sockets on loopback, at a port that is
// given so that no daemon is left behind which knows it, and lets it use as many
// descriptors as it may.
const ejabberdControl = `INET_DIST_INTERFACE=127.0.0.1
ERL_DIST_PORT=%[2]s
ERL_MAX_PORTS=32000
ERL_OPTIONS="-env ERL_CRASH_DUMP_BYTES 0"
EJABBERD_PID_PATH=%[1]s/pid
`

// ejabberd runs attached, as the user ejabberd if this is root: its script would
// change to that user by itself, but in a session that outlives it.
func ejabberd(c Config, addr string) (child.Command, error) {
	config, err := write(c.Dir, "e.yml", fmt.Sprintf(ejabberdConfig, port(addr)))
	if err != nil {
		return child.Command{}, err
	}
	own, err := freeAddr()
	if err != nil {
		return child.Command{}, err
	}
	control, err := write(c.Dir, "ctl.cfg", fmt.Sprintf(ejabberdControl, c.Dir, port(own)))
	if err != nil {
		return child.Command{}, err
	}
	spool, logs := filepath.Join(c.Dir, "spool"), filepath.Join(c.Dir, "log")
	for _, d := range []string{spool, logs} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return child.Command{}, err
		}
	}
	user, err := giveTo("ejabberd", c.Dir)
	if err != nil {
		return child.Command{}, err
	}
	return child.Command{User: user, Dir: c.Dir, Env: []string{"HOME=" + c.Dir}, Args: []string{
		"--node", fmt.Sprintf("bench%s@localhost", port(addr)),
		"--ctl-config", control, "--spool", spool, "--logs", logs, "--config", config, "foreground",
	}}, nil
}

// giveTo makes all in dir the user's, if this is root, and returns the user; the
// two folders above, which are the benchmark's own, are opened for searching.
func giveTo(name, dir string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	uid, gid, err := ids(name)
	if err != nil {
		return nil, err
	}
	above := filepath.Dir(dir)
	for _, d := range []string{above, filepath.Dir(above)} {
		if err := os.Chmod(d, 0o711); err != nil && !errors.Is(err, os.ErrPermission) {
			return nil, err
		}
	}
	err = filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, uid, gid)
	})
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
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
