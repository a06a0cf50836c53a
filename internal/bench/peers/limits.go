//go:build linux

package peers

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"trunkline/internal/bench/child"
	"trunkline/internal/bench/load"
)

// Limits are what a server may use. The zero value limits nothing.
type Limits struct {
	Descriptors uint64 `json:"descriptors"`
	// Groups are control groups, made by [NewGroup], that the server joins.
	Groups [2]string `json:"groups"`
}

// LimitedCommand is the first argument by which a load process knows that it
// is to become a limited server: see [Become].
const LimitedCommand = "limited"

type limited struct {
	Limits Limits   `json:"limits"`
	Path   string   `json:"path"`
	Args   []string `json:"args"`
}

// wrap puts our program, as one that limits itself, in front of a command.
func (l Limits) wrap(c child.Command) (child.Command, error) {
	b, err := json.Marshal(limited{l, c.Path, c.Args})
	if err != nil {
		return c, err
	}
	c.Args = []string{load.WorkerCommand, LimitedCommand, string(b)}
	return c, nil
}

// Become limits this process as text says and replaces it by the server that
// text names. It returns only with an error.
func Become(text string) error {
	var l limited
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return err
	}
	if n := l.Limits.Descriptors; n > 0 {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: n, Max: n}); err != nil {
			return fmt.Errorf("limit descriptors to %d: %w", n, err)
		}
	}
	for _, g := range l.Limits.Groups {
		if g == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(g, "cgroup.procs"), []byte(strconv.Itoa(os.Getpid())), 0); err != nil {
			return fmt.Errorf("join control group: %w", err)
		}
	}
	return syscall.Exec(l.Path, append([]string{l.Path}, l.Args...), os.Environ())
}

// ErrNoGroups means that this process may not make control groups.
var ErrNoGroups = errors.New("control groups are not writable here; run as root, or under a user slice that delegates them")

// A Group is a control group, below that of this process, that exists until
// Close.
type Group struct{ Dir string }

// NewGroup makes a control group in which the given controller, "memory" or
// "cpu", holds the value: bytes, or the share of one core. Its error wraps
// [ErrNoGroups] where that is not possible.
func NewGroup(controller string, value float64) (*Group, error) {
	parent, v2, err := ownGroup(controller)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoGroups, err)
	}
	dir, err := os.MkdirTemp(parent, "trunkline-bench-")
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrNoGroups, err)
	}
	g := &Group{Dir: dir}
	for file, text := range groupFiles(controller, v2, value) {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0); err != nil {
			g.Close()
			return nil, fmt.Errorf("%w (%w)", ErrNoGroups, err)
		}
	}
	return g, nil
}

// cpuPeriod is the period of CPU limits in microseconds.
const cpuPeriod = 100_000

func groupFiles(controller string, v2 bool, value float64) map[string]string {
	quota := int(value * cpuPeriod)
	switch {
	case controller == "memory" && v2:
		return map[string]string{"memory.max": strconv.Itoa(int(value)), "memory.swap.max": "0"}
	case controller == "memory":
		return map[string]string{"memory.limit_in_bytes": strconv.Itoa(int(value))}
	case v2:
		return map[string]string{"cpu.max": fmt.Sprintf("%d %d", quota, cpuPeriod)}
	}
	return map[string]string{"cpu.cfs_period_us": strconv.Itoa(cpuPeriod), "cpu.cfs_quota_us": strconv.Itoa(quota)}
}

// ownGroup is the folder of this process's own control group for a controller,
// in the first or the second version of the interface.
func ownGroup(controller string) (dir string, v2 bool, err error) {
	b, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "", false, err
	}
	const root = "/sys/fs/cgroup"
	for line := range strings.Lines(string(b)) {
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		for c := range strings.SplitSeq(f[1], ",") {
			if c == controller {
				return filepath.Join(root, f[1], f[2]), false, nil
			}
		}
		if dir := filepath.Join(root, f[2]); f[1] == "" && hasController(dir, controller) {
			return dir, true, nil
		}
	}
	return "", false, fmt.Errorf("no controller %s", controller)
}

func hasController(dir, controller string) bool {
	b, err := os.ReadFile(filepath.Join(dir, "cgroup.subtree_control"))
	if err != nil {
		return false
	}
	for c := range strings.FieldsSeq(string(b)) {
		if c == controller {
			return true
		}
	}
	return false
}

// Lift raises the limit of a group to nothing that matters.
func (g *Group) Lift() error {
	if _, err := os.Stat(filepath.Join(g.Dir, "cpu.max")); err == nil {
		return os.WriteFile(filepath.Join(g.Dir, "cpu.max"), []byte("max"), 0)
	}
	return os.WriteFile(filepath.Join(g.Dir, "cpu.cfs_quota_us"), []byte("-1"), 0)
}

// Close removes the group; its processes must have ended.
func (g *Group) Close() { _ = os.Remove(g.Dir) }
