package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"trunkline/blubbel"
	"trunkline/internal/health"
)

type keygenCmd struct {
	File string `arg:"" help:"The key file. One that exists is shown, never replaced."`
	Raw  bool   `help:"Make a key of 1024 bits, as the reference server of blubbel wants it. It is weak."`
	jsonFlag
}

// keyShown is what keygen prints; version 1 of its JSON.
type keyShown struct {
	Network     string `json:"network"`
	Address     string `json:"address"`
	Fingerprint string `json:"fingerprint"`
	Form        string `json:"form"`
	Made        bool   `json:"made"`
}

// Run makes the key, or shows the one that is there.
func (c *keygenCmd) Run(e *Env) error {
	form := blubbel.DER
	if c.Raw {
		form = blubbel.Raw
	}
	key, made, err := OpenKey(c.File, form)
	if err != nil {
		return err
	}
	shown := keyShown{"blubbel", key.Public().String(), key.Public().Fingerprint(), key.Public().Form().String(), made}
	if c.JSON {
		return json.NewEncoder(e.Stdout).Encode(shown)
	}
	_, err = fmt.Fprintf(e.Stdout, "address      %s\nfingerprint  %s\n", shown.Address, shown.Fingerprint)
	return err
}

// OpenKey reads the key in file, or makes one of the given form, readable by its
// owner only. It reports whether it made it.
func OpenKey(file string, form blubbel.Form) (key *blubbel.SecretKey, made bool, err error) {
	text, err := os.ReadFile(file)
	if err == nil {
		key, err = blubbel.ParseSecretKey(text)
		if err != nil {
			return nil, false, health.Do(fmt.Errorf("key file %s: %w", file, err), "name another file; a new key is made there")
		}
		return key, false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, false, fmt.Errorf("key file: %w", err)
	}
	if key, err = blubbel.GenerateKey(form); err != nil {
		return nil, false, err
	}
	return key, true, writeKey(file, key)
}

// writeKey makes file, which must not exist; half a file is removed.
func writeKey(file string, key *blubbel.SecretKey) error {
	text, err := key.PEM()
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("key file: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("key file %s: %w", file, err), os.Remove(file))
	}
	return nil
}
