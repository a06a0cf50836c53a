//go:build interop && linux

package inspect_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"trunkline/blubbel"
	"trunkline/blubbel/client"
	"trunkline/blubbel/server"
	"trunkline/internal/inspect"
	"trunkline/internal/inspect/capture"
)

// texts is how many messages each client sends.
const texts = 200

// recorders are the programs that capture a port into a file, and the word by
// which they say that they do.
func recorders(port string) map[string][]string {
	filter := "tcp port " + port
	return map[string][]string{
		"ethernet.pcap":     {"tcpdump", "-B", "32768", "-U", "-s", "0", "-i", "lo", "-w", "FILE", filter},
		"nano.pcap":         {"tcpdump", "-B", "32768", "-U", "-s", "0", "--time-stamp-precision=nano", "-i", "lo", "-w", "FILE", filter},
		"cooked-1.pcap":     {"tcpdump", "-B", "32768", "-U", "-s", "0", "-y", "LINUX_SLL", "-i", "any", "-w", "FILE", filter},
		"cooked-2.pcap":     {"tcpdump", "-B", "32768", "-U", "-s", "0", "-y", "LINUX_SLL2", "-i", "any", "-w", "FILE", filter},
		"ethernet.pcapng":   {"dumpcap", "-B", "32", "-q", "-f", filter, "-i", "lo", "-w", "FILE"},
		"interfaces.pcapng": {"dumpcap", "-B", "32", "-q", "-f", filter, "-i", "lo", "-i", "any", "-w", "FILE"},
	}
}

// start starts a recorder and waits until it captures.
func start(t *testing.T, dir, name string, command []string) (stop func()) {
	t.Helper()
	command = slices.Clone(command)
	command[slices.Index(command, "FILE")] = filepath.Join(dir, name)
	c := exec.Command(command[0], command[1:]...)
	out, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatalf("%s: %v", command[0], err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "listening on") && !strings.HasPrefix(lines.Text(), "File:") {
	}
	return func() {
		_ = c.Process.Signal(syscall.SIGINT)
		for lines.Scan() {
		}
		_ = c.Wait() // says little: dumpcap ends with 0, tcpdump does too
	}
}

func newKey(t *testing.T) *blubbel.SecretKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := blubbel.NewSecretKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// talk runs two clients that say texts messages each to the other, and ends
// their connections.
func talk(t *testing.T, address string, l net.Listener) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	relay, err := server.New(server.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	serving, stop := context.WithCancel(t.Context())
	group.Go(func() { _ = relay.Serve(serving, l) })
	var talking sync.WaitGroup
	ann, ben := newKey(t), newKey(t)
	for key, other := range map[*blubbel.SecretKey]blubbel.PublicKey{ann: ben.Public(), ben: ann.Public()} {
		c, err := client.New(client.Config{Key: key, Server: address, Contacts: []blubbel.PublicKey{other}})
		if err != nil {
			t.Fatal(err)
		}
		group.Go(func() { _ = c.Run(ctx) })
		talking.Go(func() {
			for i := range texts {
				if _, err := c.Send(ctx, other, fmt.Sprintf("text %d %s", i, strings.Repeat("x", i*i%3000))); err != nil {
					t.Errorf("send: %v", err)
				}
			}
			got := 0
			for e := range c.Events() {
				if _, ok := e.(client.Received); ok {
					got++
				}
				if got == texts {
					return
				}
			}
			t.Errorf("%d texts of %d", got, texts)
		})
	}
	talking.Wait()
	cancel() // the clients first, so that their connections end in order
	stop()
	group.Wait()
}

// streams lists the bytes of every direction of every TCP conversation.
type streams map[string][]byte

// follow lets tshark put the streams of a file together.
func follow(t *testing.T, file string) streams {
	t.Helper()
	numbers := strings.Fields(run(t, "tshark", "-r", file, "-T", "fields", "-e", "tcp.stream"))
	slices.Sort(numbers)
	out := streams{}
	for _, n := range slices.Compact(numbers) {
		var nodes [2]string
		for line := range strings.Lines(run(t, "tshark", "-r", file, "-q", "-z", "follow,tcp,raw,"+n)) {
			line = strings.TrimRight(line, "\n")
			for i := range nodes {
				if node, ok := strings.CutPrefix(line, fmt.Sprintf("Node %d: ", i)); ok {
					nodes[i] = bare(node)
				}
			}
			digits, fromSecond := strings.CutPrefix(line, "\t")
			b, err := hex.DecodeString(digits)
			if err != nil || len(b) == 0 {
				continue
			}
			from, to := nodes[0], nodes[1]
			if fromSecond {
				from, to = to, from
			}
			out[from+" > "+to] = append(out[from+" > "+to], b...)
		}
	}
	return out
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.Command(name, args...)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.String())
	}
	return string(out)
}

// explained reads the same file with inspect: the bytes of all frames, and how
// many frames have which name.
func explained(t *testing.T, file string, port uint16) (streams, map[string]int) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c, err := inspect.Open(f, inspect.Options{As: []inspect.As{{Protocol: "blubbel", Port: port}}})
	if err != nil {
		t.Fatal(err)
	}
	out, names := streams{}, map[string]int{}
	for f, err := range c.Frames() {
		if err != nil {
			t.Fatal(err)
		}
		way := bare(f.From.String()) + " > " + bare(f.To.String())
		out[way] = append(out[way], f.Bytes...)
		names[f.Name]++
	}
	return out, names
}

// bare writes an address without brackets: versions of tshark differ there.
func bare(addr string) string { return strings.NewReplacer("[", "", "]", "").Replace(addr) }

func compare(t *testing.T, name string, want, got streams) {
	t.Helper()
	for way, b := range want {
		if !bytes.Equal(b, got[way]) {
			t.Errorf("%s: %s: %d bytes, tshark has %d", name, way, len(got[way]), len(b))
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d directions, tshark has %d", name, len(got), len(want))
	}
}

func TestStreamsAreThoseOfTshark(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		number := l.Addr().(*net.TCPAddr).AddrPort().Port()
		dir := t.TempDir()
		var stops []func()
		for name, command := range recorders(port) {
			stops = append(stops, start(t, dir, name, command))
		}
		talk(t, l.Addr().String(), l)
		settle(t, dir, len(stops))
		for _, stop := range stops {
			stop()
		}
		for name := range recorders(port) {
			file := filepath.Join(dir, name)
			want := follow(t, file)
			got, names := explained(t, file, number)
			if len(want) != 4 {
				t.Errorf("%s: tshark sees %d directions of 2 connections", name, len(want))
			}
			compare(t, name, want, got)
			checkNames(t, name, names)
			disturbed := filepath.Join(dir, "disturbed.pcap")
			disturb(t, file, disturbed)
			got, _ = explained(t, disturbed, number)
			compare(t, name+", disturbed, against tshark undisturbed", want, got)
		}
	}
}

// settle waits until the files grow no more for longer than tcpdump keeps packets
// to itself.
func settle(t *testing.T, dir string, files int) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(1500 * time.Millisecond)
	defer tick.Stop()
	for before := int64(-1); ; {
		select {
		case <-deadline:
			t.Fatal("the captures do not settle")
		case <-tick.C:
		}
		var size int64
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil && info.Size() > 0 {
				size += info.Size()
			}
		}
		if size == before && len(entries) == files {
			return
		}
		before = size
	}
}

// checkNames checks that everything two clients say was explained.
func checkNames(t *testing.T, file string, names map[string]int) {
	t.Helper()
	for name, want := range map[string]int{
		"login to server": 2, "challenge to client": 2, "proof to server": 2, "login accepted to client": 2,
		inspect.Unknown: 0, "gap": 0,
	} {
		if names[name] != want {
			t.Errorf("%s: %d frames are %s, want %d", file, names[name], name, want)
		}
	}
	// Each text and at least one confirmation, once to the relay and once from it.
	if names["message to server"] < 2*texts+2 || names["message to client"] < 2*texts+2 || names["accept to client"] < 1 {
		t.Errorf("%s: %v", file, names)
	}
}

// disturb writes the packets of a capture in another order, some of them twice.
func disturb(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	r, err := capture.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	var packets []capture.Packet
	for {
		p, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		p.Data = bytes.Clone(p.Data)
		if len(packets) == 0 || p.Link == packets[0].Link {
			packets = append(packets, p)
		}
	}
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w, err := capture.NewWriter(out, packets[0].Link)
	if err != nil {
		t.Fatal(err)
	}
	for i := 8; i+7 < len(packets)-12; i += 7 { // not the handshakes, nor the ends
		packets[i], packets[i+5] = packets[i+5], packets[i]
	}
	for i, p := range packets {
		for range 1 + min(i%11/10, 1) {
			if err := w.Write(p); err != nil {
				t.Fatal(err)
			}
		}
	}
}
