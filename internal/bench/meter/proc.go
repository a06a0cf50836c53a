package meter

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of CPU times in /proc: 100 a second on every Linux.
const clockTick = 10 * time.Millisecond

// A Proc is a process and the descendants that it had when it was watched.
type Proc struct{ pids []int }

// Watch returns the process with the given id and its present descendants.
func Watch(pid int) *Proc {
	p := &Proc{pids: []int{pid}}
	for i := 0; i < len(p.pids); i++ {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", p.pids[i]))
		for _, f := range files {
			b, _ := os.ReadFile(f)
			for word := range strings.FieldsSeq(string(b)) {
				if c, err := strconv.Atoi(word); err == nil {
					p.pids = append(p.pids, c)
				}
			}
		}
	}
	return p
}

// CPU is the user and system time used so far by all of them.
func (p *Proc) CPU() time.Duration {
	var ticks uint64
	for _, pid := range p.pids {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err == nil {
			ticks += statTicks(b)
		}
	}
	return time.Duration(ticks) * clockTick
}

// statTicks takes utime and stime, the fields 14 and 15, from a line of
// /proc/PID/stat. The second field, the name, may hold blanks and brackets.
func statTicks(b []byte) uint64 {
	_, rest, ok := bytes.Cut(b[max(0, bytes.LastIndexByte(b, ')')):], []byte(" "))
	f := bytes.Fields(rest)
	if !ok || len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseUint(string(f[11]), 10, 64)
	system, _ := strconv.ParseUint(string(f[12]), 10, 64)
	return user + system
}

// PSS is the proportional set size of all of them in bytes; the resident size
// of those whose page tables may not be read.
func (p *Proc) PSS() (sum int64) {
	for _, pid := range p.pids {
		v := kilobytes(fmt.Sprintf("/proc/%d/smaps_rollup", pid), "Pss:")
		if v == 0 {
			v = kilobytes(fmt.Sprintf("/proc/%d/status", pid), "VmRSS:")
		}
		sum += v
	}
	return sum
}

// Descriptors is how many files and sockets all of them hold open.
func (p *Proc) Descriptors() (n int) {
	for _, pid := range p.pids {
		if d, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid)); err == nil {
			n += len(d)
		}
	}
	return n
}

// Alive reports whether the watched process itself exists and is no zombie.
func (p *Proc) Alive() bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pids[0]))
	if err != nil {
		return false
	}
	_, rest, ok := bytes.Cut(b[max(0, bytes.LastIndexByte(b, ')')):], []byte(" "))
	return ok && len(rest) > 0 && rest[0] != 'Z' && rest[0] != 'X'
}

// kilobytes reads the value in kB after key in a file of lines; 0 if absent.
func kilobytes(file, key string) int64 {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			if f := strings.Fields(rest); len(f) > 0 {
				v, _ := strconv.ParseInt(f[0], 10, 64)
				return v << 10
			}
		}
	}
	return 0
}

// TCPBuffers is the memory, in bytes, that the kernel holds for what waits in
// the TCP sockets of the whole machine.
func TCPBuffers() int64 {
	b, err := os.ReadFile("/proc/net/sockstat")
	if err != nil {
		return 0
	}
	return tcpPages(string(b)) * int64(os.Getpagesize())
}

// tcpPages takes the figure after "mem" from the line that begins with "TCP:".
func tcpPages(text string) int64 {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		for i := 0; i+1 < len(words) && words[0] == "TCP:"; i++ {
			if words[i] == "mem" {
				v, _ := strconv.ParseInt(words[i+1], 10, 64)
				return v
			}
		}
	}
	return 0
}
