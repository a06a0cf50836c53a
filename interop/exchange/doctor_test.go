//go:build interop && linux

package exchange_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// finding is what doctor says.
type finding struct{ Code, Subject, Detail, Cure string }

// doctor runs the command behind a shell line, such as "ulimit -n 64;", and
// returns its findings. Its exit code has to agree with them.
func doctor(t *testing.T, program, before string, flags ...string) []finding {
	t.Helper()
	flags = append([]string{"-c", before + ` exec "$@"`, "sh", program, "doctor", "--json", "--set", "clock.servers=[]"}, flags...)
	command := exec.Command("/bin/sh", flags...)
	var out, said bytes.Buffer
	command.Stdout, command.Stderr = &out, &said
	err := command.Run()
	var found []finding
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var check struct{ Findings []finding }
		if err := decoder.Decode(&check); err != nil {
			t.Fatalf("%v\n%s", err, said.String())
		}
		found = append(found, check.Findings...)
	}
	exit, failed := errors.AsType[*exec.ExitError](err)
	switch {
	case len(found) > 0 && (!failed || exit.ExitCode() != 1):
		t.Errorf("with findings doctor ended with %v, want exit code 1", err)
	case len(found) == 0 && err != nil:
		t.Fatalf("doctor: %v\n%s", err, said.String())
	}
	return found
}

// wants checks that code alone was found.
func wants(t *testing.T, found []finding, code string) finding {
	t.Helper()
	if len(found) != 1 || found[0].Code != code || found[0].Cure == "" {
		t.Fatalf("found %+v, want %s with a cure", found, code)
	}
	return found[0]
}

func healthy(t *testing.T, found []finding) {
	t.Helper()
	if len(found) > 0 {
		t.Errorf("after the cure: %+v", found)
	}
}

func TestDoctorNamesWhoHoldsThePortUntilItIsFree(t *testing.T) {
	p := program(t)
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{"blubbel", "--data", t.TempDir(), "--set", "blubbel.listen=" + held.Addr().String()}
	f := wants(t, doctor(t, p, "", flags...), "NET-003")
	if !strings.Contains(f.Detail, "exchange.test") || !strings.Contains(f.Cure, "--set blubbel.listen=127.0.0.1:0") {
		t.Errorf("finding %+v", f)
	}
	healthy(t, doctor(t, p, "", "blubbel", "--data", t.TempDir(), "--set", "blubbel.listen=127.0.0.1:0"))
	_ = held.Close()
	healthy(t, doctor(t, p, "", flags...))
}

func TestDoctorGivesTheCommandThatClosesTheFolder(t *testing.T) {
	p := program(t)
	data := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	flags := []string{"--only", "data folder", "--data", data}
	f := wants(t, doctor(t, p, "", flags...), "KEY-002")
	if out, err := exec.Command("/bin/sh", "-c", f.Cure).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", f.Cure, err, out)
	}
	healthy(t, doctor(t, p, "", flags...))
}

func TestDoctorSeesAClockThatIsNinetySecondsOff(t *testing.T) {
	p := program(t)
	var ahead time.Duration
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	asked := make(chan struct{})
	turn := func(flags ...string) []finding {
		go func() {
			answerTime(c, ahead)
			asked <- struct{}{}
		}()
		found := doctor(t, p, "", append(flags, "--only", "clock", "--set", "clock.servers="+c.LocalAddr().String())...)
		<-asked
		return found
	}
	ahead = 90 * time.Second
	f := wants(t, turn(), "NET-001")
	// The answer has whole seconds, so that one may be missing.
	if !regexp.MustCompile("^1m(29|30)s behind ").MatchString(f.Detail) || !strings.Contains(f.Cure, "timedatectl") {
		t.Errorf("finding %+v", f)
	}
	ahead = 0 // the clock was set
	healthy(t, turn())
}

// answerTime answers one question of the time.
func answerTime(c net.PacketConn, ahead time.Duration) {
	b := make([]byte, 48)
	_, from, err := c.ReadFrom(b)
	if err != nil {
		return
	}
	const since1900 = 2208988800
	answer := make([]byte, 48)
	answer[0], answer[1] = 0x24, 2
	copy(answer[24:32], b[40:48])
	for _, at := range []int{16, 32, 40} {
		binary.BigEndian.PutUint32(answer[at:], uint32(time.Now().Add(ahead).Unix()+since1900))
	}
	_, _ = c.WriteTo(answer, from)
}

func TestDoctorTriesTheAddressThatClientsAreTold(t *testing.T) {
	s := serve(t)
	flags := []string{"--only", "blubbel address", "--data", s.data, "--set"}
	wants(t, doctor(t, s.program, "", append(flags, "blubbel.advertise=127.0.0.1:9")...), "NET-002")
	healthy(t, doctor(t, s.program, "", append(flags, "blubbel.advertise="+s.address)...))
}

func TestDoctorSeesThatTooFewFilesMayBeOpen(t *testing.T) {
	p := program(t)
	flags := []string{"--only", "open files", "--data", t.TempDir()}
	f := wants(t, doctor(t, p, "ulimit -S -n 64; ulimit -H -n 64;", flags...), "NET-006")
	cure, _, ok := strings.Cut(f.Cure, " before the start")
	if !ok {
		t.Fatalf("finding %+v", f)
	}
	healthy(t, doctor(t, p, cure+";", flags...))
}

func TestDoctorSeesANearlyFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("a small disk is made by root only")
	}
	p := program(t)
	data := t.TempDir()
	if err := syscall.Mount("none", data, "tmpfs", 0, "size=8m,mode=0700"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(data, 0) })
	f := wants(t, doctor(t, p, "", "--only", "disk", "--data", data), "DATA-003")
	if !strings.Contains(f.Cure, "--data") {
		t.Errorf("finding %+v", f)
	}
	healthy(t, doctor(t, p, "", "--only", "disk", "--data", t.TempDir()))
}
