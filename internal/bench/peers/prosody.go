//go:build linux

package peers

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"

	"trunkline/internal/bench/child"
	"trunkline/internal/bench/load"
)

const prosodyConfig = `run_as_root = true; data_path = "%[1]s/data"; interfaces = { "127.0.0.1" }; c2s_ports = { %[2]s }; s2s_ports = { }
modules_enabled = { "disco", "roster", "saslauth", "smacks", "ping", "blocklist", "carbons" }
modules_disabled = { "s2s", "tls" }; c2s_require_encryption = false; allow_unencrypted_plain_auth = true
authentication = "internal_hashed"; storage = "internal"; log = { warn = "%[1]s/p.log" }
network_settings = { tcp_backlog = 1024 }
VirtualHost "localhost"
`

func prosody(c Config, addr string) (child.Command, error) {
	file, err := write(c.Dir, "p.lua", fmt.Sprintf(prosodyConfig, c.Dir, port(addr)))
	if err != nil {
		return child.Command{}, err
	}
	return child.Command{Args: []string{"--config", file}}, prosodyAccounts(c)
}

// prosodyAccounts writes one file an account. All have one salt, so that a load
// client derives the password once.
func prosodyAccounts(c Config) error {
	const rounds, salt = 10_000, "one salt for all"
	key, err := pbkdf2.Key(sha1.New, load.XMPPPassword, []byte(salt), rounds, sha1.Size)
	if err != nil {
		return err
	}
	stored := sha1.Sum(mac(key, "Client Key"))
	text := fmt.Sprintf("return {\n[\"iteration_count\"] = %d;\n[\"salt\"] = %q;\n[\"stored_key\"] = %q;\n[\"server_key\"] = %q;\n};\n",
		rounds, salt, hex.EncodeToString(stored[:]), hex.EncodeToString(mac(key, "Server Key")))
	dir := filepath.Join(c.Dir, "data", load.XMPPHost, "accounts")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for i := range c.Users {
		if _, err := write(dir, load.XMPPUser(i)+".dat", text); err != nil {
			return err
		}
	}
	return nil
}

func mac(key []byte, s string) []byte {
	m := hmac.New(sha1.New, key)
	m.Write([]byte(s))
	return m.Sum(nil)
}
