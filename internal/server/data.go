package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"trunkline/internal/health"
)

// A Folder is the data folder: everything that a server keeps.
//
//	DIR/keys/NAME.pem        secret keys, each readable by its owner only
//	DIR/run/pid              the process that uses the folder; locked by it
//	DIR/run/addresses.json   where the running server answers
//	DIR/run/control.sock     how status and stop reach it
type Folder struct {
	Path string
	lock *os.File
	made []Made // what this start made, for the first-run screen
}

// Made is one thing that a first start made.
type Made struct{ What, Note string }

const (
	folderMode = 0o700
	secretMode = 0o600
)

// OpenFolder makes the folder at path if it is missing and locks it for this
// process. Errors carry findings: DATA-001 where it cannot be written, DATA-002
// where another server uses it.
func OpenFolder(path string) (*Folder, error) {
	f := &Folder{Path: path}
	if _, err := os.Stat(f.file("run")); errors.Is(err, fs.ErrNotExist) {
		f.made = append(f.made, Made{What: path, Note: "only you can read it"})
		if err := os.Chmod(path, folderMode); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, unwritable(path, err)
		}
	}
	for _, dir := range []string{path, f.file("run"), f.file("keys")} {
		if err := os.MkdirAll(dir, folderMode); err != nil {
			return nil, unwritable(path, err)
		}
	}
	if err := f.takeLock(); err != nil {
		return nil, err
	}
	return f, nil
}

func unwritable(path string, err error) error {
	return health.WithCode(health.Do(fmt.Errorf("data folder %s: %w", path, reason(err)),
		"name a folder that you may write with --data DIR"), health.DataNotWritable)
}

// reason drops the path that the system's error repeats.
func reason(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}

func (f *Folder) file(name ...string) string {
	return filepath.Join(append([]string{f.Path}, name...)...)
}

func (f *Folder) takeLock() error {
	name := f.file("run", "pid")
	lock, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, secretMode)
	if err != nil {
		return unwritable(f.Path, err)
	}
	if err := lockFile(lock); err != nil {
		pid := readPID(name)
		_ = lock.Close()
		return health.WithCode(health.Do(
			fmt.Errorf("data folder %s: the server with pid %s uses it", f.Path, pid),
			"`trunkline stop --data "+f.Path+"` ends that one, or name another folder with --data"), health.DataInUse)
	}
	if err := writePID(lock); err != nil {
		_ = lock.Close()
		return health.WithCode(fmt.Errorf("data folder %s: %w", f.Path, reason(err)), health.DataNotWritable)
	}
	f.lock = lock
	return nil
}

func writePID(f *os.File) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return err
}

func readPID(name string) string {
	b, err := os.ReadFile(name)
	if pid := strings.TrimSpace(string(b)); err == nil && pid != "" {
		return pid
	}
	return "unknown"
}

// Close gives the folder back: what describes the running server goes away.
func (f *Folder) Close() error {
	for _, name := range []string{"addresses.json", "control.sock"} {
		_ = os.Remove(f.file("run", name))
	}
	return f.lock.Close()
}

// writeFile replaces a file as a whole: a reader sees the old or the new one,
// and a crash leaves no half.
func (f *Folder) writeFile(name string, b []byte) error {
	temporary, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", name, reason(err))
	}
	_, err = temporary.Write(b)
	err = errors.Join(err, temporary.Sync(), temporary.Close())
	if err == nil {
		err = os.Rename(temporary.Name(), name)
	}
	if err != nil {
		_ = os.Remove(temporary.Name())
		return fmt.Errorf("write %s: %w", name, reason(err))
	}
	return nil
}

// secret returns the bytes of DIR/keys/NAME.pem. If there is none, it makes one
// with make and reports that it did; once ctx ended nothing is written.
func (f *Folder) secret(ctx context.Context, name string, make func() ([]byte, error)) (b []byte, made bool, err error) {
	path := f.file("keys", name+".pem")
	b, err = os.ReadFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		if err != nil {
			return nil, false, fmt.Errorf("key file %s: %w", path, reason(err))
		}
		return b, false, nil
	}
	if b, err = make(); err != nil {
		return nil, false, err
	}
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	return b, true, f.writeFile(path, b)
}

// removeLeftovers deletes what a killed process left of files half written.
func (f *Folder) removeLeftovers() {
	for _, dir := range []string{"run", "keys"} {
		left, _ := filepath.Glob(f.file(dir, ".new-*"))
		for _, name := range left {
			_ = os.Remove(name)
		}
	}
	_ = os.Remove(f.file("run", "addresses.json"))
	_ = os.Remove(f.file("run", "control.sock"))
}
