package meter

import (
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Machine describes in one line what measures: processor, cores, memory,
// kernel and Go. What cannot be read is left out.
func Machine() string {
	parts := []string{fmt.Sprintf("%d cores", runtime.NumCPU())}
	if m := field("/proc/cpuinfo", "model name"); m != "" {
		parts[0] += " " + m
	}
	if kb := kilobytes("/proc/meminfo", "MemTotal:"); kb > 0 {
		parts = append(parts, fmt.Sprintf("%.0f GB", float64(kb)/1e9))
	}
	if b, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		parts = append(parts, "Linux "+strings.TrimSpace(string(b)))
	}
	parts = append(parts, runtime.Version())
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		parts = append(parts, "load "+strings.Fields(string(b) + " ?")[0])
	}
	return strings.Join(parts, ", ")
}

// field returns the text after the colon of the first line that begins with key.
func field(file, key string) string {
	b, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
