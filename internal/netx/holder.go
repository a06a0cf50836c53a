package netx

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io/fs"
	"net/netip"
	"os"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// Limits of the search: proc is read only when a port is taken, but a busy machine
// has very many sockets.
const (
	mostSockets   = 1 << 20
	mostProcesses = 1 << 16
)

// errFound ends the walk through a process's descriptors.
var errFound = errors.New("found")

// holder finds the process that has the socket bound to at. What it cannot see is
// zero.
func holder(network string, at netip.AddrPort) (pid int, program string) {
	if runtime.GOOS != "linux" {
		return 0, ""
	}
	proc := os.DirFS("/proc")
	return ownerOf(proc, boundSockets(proc, strings.TrimRight(network, "46"), at))
}

// boundSockets returns the inodes of the sockets that are in the way of at. See
// proc_net_tcp in the kernel's documentation for the form of the tables.
func boundSockets(proc fs.FS, network string, at netip.AddrPort) []string {
	var inodes []string
	for _, table := range []string{network, network + "6"} {
		f, err := proc.Open("net/" + table)
		if err != nil {
			continue
		}
		lines := bufio.NewScanner(f)
		for n := 0; lines.Scan() && n < mostSockets; n++ {
			local, inode, ok := parseSocket(lines.Text(), network)
			if ok && overlap(local, at) {
				inodes = append(inodes, inode)
			}
		}
		f.Close()
	}
	return inodes
}

// parseSocket reads one line of /proc/net/tcp, udp, tcp6 or udp6. Of TCP only
// sockets that listen count.
func parseSocket(line, network string) (local netip.AddrPort, inode string, ok bool) {
	const listening = "0A"
	f := strings.Fields(line)
	if len(f) < 10 || network == "tcp" && f[3] != listening || f[9] == "0" {
		return local, "", false
	}
	local, ok = parseHexAddr(f[1])
	return local, f[9], ok
}

// parseHexAddr reads an address such as 0100007F:1F90: numbers of four bytes
// whose bytes in the machine's order are the address, then the port.
func parseHexAddr(s string) (netip.AddrPort, bool) {
	text, portText, ok := strings.Cut(s, ":")
	raw, err := hex.DecodeString(text)
	port, err2 := strconv.ParseUint(portText, 16, 16)
	if !ok || err != nil || err2 != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for word := range slices.Chunk(raw, 4) {
		binary.NativeEndian.PutUint32(word, binary.BigEndian.Uint32(word))
	}
	a, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(a.Unmap(), uint16(port)), ok
}

// overlap reports whether sockets at a and b are in each other's way.
func overlap(a, b netip.AddrPort) bool {
	x, y := a.Addr().Unmap().WithZone(""), b.Addr().Unmap().WithZone("")
	every := func(a netip.Addr) bool { return !a.IsValid() || a.IsUnspecified() } // ":80" has no address
	return a.Port() == b.Port() && (x == y || every(x) || every(y))
}

// ownerOf finds the first process that has one of the sockets open.
func ownerOf(proc fs.FS, inodes []string) (pid int, program string) {
	if len(inodes) == 0 {
		return 0, ""
	}
	entries, _ := fs.ReadDir(proc, ".") // nothing is found in what cannot be read
	for _, e := range entries[:min(len(entries), mostProcesses)] {
		pid, err := strconv.Atoi(e.Name())
		if err == nil && hasOpen(proc, path.Join(e.Name(), "fd"), inodes) {
			return pid, programName(proc, e.Name())
		}
	}
	return 0, ""
}

func hasOpen(proc fs.FS, dir string, inodes []string) bool {
	err := fs.WalkDir(proc, dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return nil // another user's, or gone meanwhile
		}
		target, err := fs.ReadLink(proc, p)
		inode, ok := strings.CutPrefix(target, "socket:[")
		if err == nil && ok && slices.Contains(inodes, strings.TrimSuffix(inode, "]")) {
			return errFound
		}
		return nil
	})
	return errors.Is(err, errFound)
}

// programName is what the kernel calls the process, with nothing in it that could
// upset a terminal.
func programName(proc fs.FS, pid string) string {
	name, _ := fs.ReadFile(proc, path.Join(pid, "comm"))
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, string(name[:min(len(name), 64)]))
}
