package netx

import (
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const tcpTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0000000000000000 20 4 30 10 -1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4713 1 0000000000000000 100 0 0 10 0
   3: broken
   4: 0100007F:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 0 1
   5: 01:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4714 1
`

const tcp6Table = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4720 1 0000000000000000 100 0 0 10 0
   1: 0000000000000000FFFF00000100007F:1F99 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4721 1 0000000000000000 100 0 0 10 0
`

// proc is a machine with a few sockets; the tables are those of a little-endian one.
func proc() fstest.MapFS {
	link := func(target string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink | 0o777}
	}
	text := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	return fstest.MapFS{
		"net/tcp": text(tcpTable), "net/tcp6": text(tcp6Table),
		"7/comm": text("nginx\n"), "7/fd/0": link("/dev/null"), "7/fd/3": link("socket:[4713]"),
		"8/comm": text("ev\x1bil\u009b\n"), "8/fd/3": link("socket:[4711]"), "8/fd/4": link("socket:[4721]"),
		"9/comm":      text("bystander\n"),
		"self/fd/3":   link("socket:[4720]"),
		"sys/kernel":  text(""),
		"10/fd/9":     link("socket:[4720]"),
		"10/status":   text(""),
		"11/comm":     text(strings.Repeat("x", 1000)),
		"11/fd/3":     link("pipe:[4720]"),
		"12/fd/other": text("socket:[4720]"),
	}
}

func TestHolderIsFoundFromTheTablesOfTheKernel(t *testing.T) {
	for _, c := range []struct {
		at      string
		pid     int
		program string
	}{
		{"127.0.0.1:8080", 8, "evil"},
		{"0.0.0.0:8080", 8, "evil"},
		{"[::]:8080", 8, "evil"},
		{"127.0.0.1:80", 7, "nginx"},
		{"127.0.0.1:8089", 8, "evil"}, // bound as a mapped address
		{"[2001:db8::1]:443", 10, ""}, // a process that has no name
		{":80", 7, "nginx"},
		{"127.0.0.2:8080", 0, ""},
		{"127.0.0.1:8081", 0, ""},
	} {
		pid, program := ownerOf(proc(), boundSockets(proc(), "tcp", addrPort(c.at)))
		if pid != c.pid || program != c.program {
			t.Errorf("%s: process %d %q, want %d %q", c.at, pid, program, c.pid, c.program)
		}
	}
}

// addrPort is netip.MustParseAddrPort that leaves a missing address zero.
func addrPort(s string) netip.AddrPort {
	if port, ok := strings.CutPrefix(s, ":"); ok {
		return netip.AddrPortFrom(netip.Addr{}, netip.MustParseAddrPort("0.0.0.0:"+port).Port())
	}
	return netip.MustParseAddrPort(s)
}

func TestMissingTablesNameNobody(t *testing.T) {
	at := netip.MustParseAddrPort("127.0.0.1:80")
	if got := boundSockets(proc(), "udp", at); got != nil {
		t.Errorf("found %v in tables that do not exist", got)
	}
	if pid, program := ownerOf(fstest.MapFS{}, []string{"1"}); pid != 0 || program != "" {
		t.Errorf("found %d %q in an empty folder", pid, program)
	}
}

func FuzzSocketTable(f *testing.F) {
	for line := range strings.Lines(tcpTable + tcp6Table) {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		for _, network := range []string{"tcp", "udp"} {
			local, inode, ok := parseSocket(line, network)
			if ok && (!local.IsValid() || !slices.Contains(strings.Fields(line), inode)) {
				t.Errorf("%q gives %v, %q", line, local, inode)
			}
		}
	})
}
