package server_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trunkline/internal/config"
	"trunkline/internal/health"
	"trunkline/internal/server"
)

func get(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// examine returns the findings of a doctor, by code.
func examine(t *testing.T, d server.Doctor) map[health.Code]health.Finding {
	t.Helper()
	found := map[health.Code]health.Finding{}
	d.Examine(t.Context(), func(c health.Check) {
		for _, f := range c.Findings {
			found[f.Code] = f
		}
	})
	return found
}

func TestDoctorFindsNothingWithAServerThatIsWell(t *testing.T) {
	t.Parallel()
	x := start(t, folder(t), nil)
	if found := examine(t, server.Doctor{Data: x.data, Config: load(t).Config}); len(found) > 0 {
		t.Errorf("found %v", found)
	}
}

func TestDoctorNamesWhoHoldsThePort(t *testing.T) {
	t.Parallel()
	held, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := load(t, "blubbel.listen="+held.Addr().String()).Config
	d := server.Doctor{Data: t.TempDir(), Config: c, Only: []string{"blubbel"}}
	found, ok := examine(t, d)[health.PortHeld]
	if !ok || !strings.Contains(found.Detail, "held by") || !strings.Contains(found.Cure, "--set blubbel.listen=") {
		t.Fatalf("found %+v", found)
	}
	_ = held.Close()
	if found := examine(t, d); len(found) > 0 {
		t.Errorf("after the cure: %v", found)
	}
}

func TestDoctorMendsModesWhenAsked(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	key := filepath.Join(data, "keys", "k.pem")
	if err := os.Mkdir(filepath.Dir(key), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(key, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(data, 0o750); err != nil {
		t.Fatal(err)
	}
	d := server.Doctor{Data: data, Config: load(t).Config, Only: []string{"data folder"}}
	var subjects []string
	d.Examine(t.Context(), func(c health.Check) {
		for _, f := range c.Findings {
			subjects = append(subjects, f.Subject)
			if !strings.HasPrefix(f.Cure, "chmod 0") || !strings.HasSuffix(f.Cure, f.Subject) {
				t.Errorf("cure %q", f.Cure)
			}
		}
	})
	if len(subjects) != 3 {
		t.Errorf("found %v, want folder, keys and key", subjects)
	}
	d.Fix = true
	if found := examine(t, d); len(found) > 0 {
		t.Errorf("after the mending: %v", found)
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key has mode %v (%v)", info.Mode(), err)
	}
}

// timeServer answers as a time server whose clock is ahead of ours.
func timeServer(t *testing.T, ahead time.Duration) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	go func() {
		for {
			b := make([]byte, 48)
			n, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			if n < 48 {
				continue
			}
			answer := make([]byte, 48)
			answer[0], answer[1] = 0x24, 2 // version 4, server; stratum 2
			copy(answer[24:32], b[40:48])  // originate
			const since1900 = 2208988800
			now := uint32(time.Now().Add(ahead).Unix() + since1900)
			binary.BigEndian.PutUint32(answer[16:], now)
			binary.BigEndian.PutUint32(answer[32:], now)
			binary.BigEndian.PutUint32(answer[40:], now)
			_, _ = c.WriteTo(answer, from)
		}
	}()
	return c.LocalAddr().String()
}

func TestDoctorComparesTheClock(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		ahead time.Duration
		want  health.Code
	}{
		{90 * time.Second, health.ClockOff},
		{-90 * time.Second, health.ClockOff},
		{20 * time.Second, ""},
	} {
		c := load(t).Config
		c.Clock.Servers = []string{timeServer(t, tc.ahead)}
		found := examine(t, server.Doctor{Data: t.TempDir(), Config: c, Only: []string{"clock"}})
		if _, ok := found[tc.want]; tc.want != "" && !ok || tc.want == "" && len(found) > 0 {
			t.Errorf("clock off by %v: found %v", tc.ahead, found)
		}
	}
}

func TestDoctorAsksTheNextTimeServerWhereOneIsSilent(t *testing.T) {
	t.Parallel()
	c := load(t).Config
	c.Clock.Servers = []string{"127.0.0.1:1", timeServer(t, 90*time.Second)}
	found := examine(t, server.Doctor{Data: t.TempDir(), Config: c, Only: []string{"clock"}})
	if _, ok := found[health.ClockOff]; !ok {
		t.Errorf("found %v", found)
	}
}

func TestDoctorSeesANearlyFullDisk(t *testing.T) {
	t.Parallel()
	c := load(t).Config
	c.Limits.DiskFree = config.Size(1) << 60
	found := examine(t, server.Doctor{Data: filepath.Join(t.TempDir(), "not", "there"), Config: c, Only: []string{"disk"}})
	if _, ok := found[health.DiskNearlyFull]; !ok {
		t.Errorf("found %v", found)
	}
}

func TestDoctorSeesTooFewDescriptors(t *testing.T) {
	t.Parallel()
	c := load(t).Config
	c.Blubbel.Connections = 1 << 30
	found := examine(t, server.Doctor{Data: t.TempDir(), Config: c, Only: []string{"open files"}})
	if f, ok := found[health.FewDescriptors]; !ok || !strings.Contains(f.Cure, "ulimit -n") {
		t.Errorf("found %v", found)
	}
}

// otherKey is a data folder whose echo contact has another key.
func otherKey(t *testing.T) string {
	t.Helper()
	data := fresh(t)
	if err := os.Remove(filepath.Join(data, "keys", "blubbel-echo.pem")); err != nil {
		t.Fatal(err)
	}
	return data
}

func TestDoctorTellsOurServerFromAnother(t *testing.T) {
	t.Parallel()
	ours := start(t, fresh(t), func(o *server.Options) { o.SelfCheck = true })
	other := start(t, otherKey(t), func(o *server.Options) { o.SelfCheck = true })
	for _, tc := range []struct {
		name, address string
		want          bool
	}{
		{"itself", ours.network(t, "blubbel").TCP[0], false},
		{"another relay", other.network(t, "blubbel").TCP[0], true},
		{"nobody", "127.0.0.1:1", true},
		{"another program", other.network(t, "web").HTTP[0], true},
	} {
		c := load(t, "blubbel.advertise="+tc.address).Config
		found := examine(t, server.Doctor{Data: ours.data, Config: c, Only: []string{"blubbel address"}})
		if _, ok := found[health.AddressUnreachable]; ok != tc.want {
			t.Errorf("%s is told to clients: found %v", tc.name, found)
		}
	}
}

func TestAdvertisedAddressCannotBeTriedWithoutAServer(t *testing.T) {
	t.Parallel()
	c := load(t, "blubbel.advertise=example.org:8000").Config
	found := examine(t, server.Doctor{Data: t.TempDir(), Config: c, Only: []string{"blubbel address"}})
	if f := found[health.AddressUnreachable]; !strings.Contains(f.Detail, server.ErrNotRunning.Error()) {
		t.Errorf("found %v", found)
	}
}
