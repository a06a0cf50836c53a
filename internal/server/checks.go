package server

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"trunkline/internal/config"
	"trunkline/internal/health"
	"trunkline/internal/netx"
)

// Limits of what is well.
const (
	clockTolerance   = 60 * time.Second
	clockTimeout     = 5 * time.Second
	fewDescriptors   = 4096 // below this a server holds too few clients
	probeFilePattern = ".probe-*"
)

// checkFolder looks whether others can read the data folder or its keys, and
// whether we can write it.
func checkFolder(path string) []health.Finding {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the first start makes it
	}
	if err != nil {
		return []health.Finding{health.New(health.DataNotWritable, path, reason(err).Error(), "")}
	}
	findings := readable(path, info, folderMode)
	keys, _ := filepath.Glob(filepath.Join(path, "keys", "*"))
	for _, name := range append([]string{filepath.Join(path, "keys")}, keys...) {
		info, err := os.Stat(name)
		if err != nil {
			continue
		}
		want := fs.FileMode(secretMode)
		if info.IsDir() {
			want = folderMode
		}
		findings = append(findings, readable(name, info, want)...)
	}
	return append(findings, writable(path)...)
}

// readable finds a mode that lets others in. Windows has no such modes.
func readable(name string, info fs.FileInfo, want fs.FileMode) []health.Finding {
	if runtime.GOOS == "windows" || info.Mode().Perm()&0o077 == 0 {
		return nil
	}
	return []health.Finding{health.New(health.KeyReadable, name,
		fmt.Sprintf("mode %04o lets others in", info.Mode().Perm()), fmt.Sprintf("chmod %04o %s", want, name))}
}

func writable(path string) []health.Finding {
	f, err := os.CreateTemp(path, probeFilePattern)
	if err != nil {
		return []health.Finding{health.New(health.DataNotWritable, path, reason(err).Error(), "")}
	}
	_, err = f.Write([]byte("x"))
	err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	if err != nil {
		return []health.Finding{health.New(health.DataNotWritable, path, reason(err).Error(), "")}
	}
	return nil
}

// checkDisk looks whether the data folder's disk has at least least bytes left.
func checkDisk(path string, least config.Size) []health.Finding {
	for path != "" {
		if _, err := os.Stat(path); err == nil {
			break
		}
		path = filepath.Dir(path)
	}
	free, err := diskFree(path)
	if err != nil || free >= int64(least) {
		return nil
	}
	return []health.Finding{health.New(health.DiskNearlyFull, path,
		fmt.Sprintf("%s left, limits.disk_free is %s", human(free), least), "")}
}

// human is a number of bytes as people say it.
func human(n int64) string {
	const kib = 1 << 10
	switch {
	case n >= kib*kib*kib:
		return fmt.Sprintf("%.1f GiB", float64(n)/(kib*kib*kib))
	case n >= kib*kib:
		return fmt.Sprintf("%.1f MiB", float64(n)/(kib*kib))
	}
	return fmt.Sprintf("%d KiB", n/kib)
}

// checkDescriptors looks whether enough files may be open for the clients that
// the settings expect.
func checkDescriptors(c config.Config, limit uint64) []health.Finding {
	need := uint64(fewDescriptors)
	if n := c.Blubbel.Connections; n > 0 {
		need = uint64(n) + descriptorReserve
	}
	if limit == 0 || limit >= need {
		return nil
	}
	return []health.Finding{health.New(health.FewDescriptors, "open files",
		fmt.Sprintf("at most %d, wanted are %d", limit, need),
		fmt.Sprintf("ulimit -n %d before the start, or LimitNOFILE=%d in the unit", need, need))}
}

// checkClock asks the time servers in their order until one answers.
func checkClock(ctx context.Context, servers []string) []health.Finding {
	if len(servers) == 0 {
		return nil
	}
	var why []string
	for _, server := range servers {
		one, cancel := context.WithTimeout(ctx, clockTimeout)
		offset, _, err := netx.ClockOffset(one, server, new(net.Dialer))
		cancel()
		if err != nil {
			why = append(why, health.Line(err))
			continue
		}
		if offset.Abs() <= clockTolerance {
			return nil
		}
		direction := "behind"
		if offset < 0 {
			direction = "ahead of"
		}
		return []health.Finding{health.New(health.ClockOff, "clock",
			fmt.Sprintf("%v %s %s", offset.Abs().Round(time.Second), direction, server), "")}
	}
	return []health.Finding{health.New(health.ClockUnknown, "clock", strings.Join(why, "; "), "")}
}
