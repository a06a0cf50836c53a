package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// sample returns a package made of small files in a folder of its own.
func sample(t *testing.T) pkg {
	t.Helper()
	dir := t.TempDir()
	for name, body := range map[string]string{
		"bin/trunkline":                             strings.Repeat("program ", 1000),
		"stage/trunkline.1":                         ".TH TRUNKLINE 1\n",
		"stage/completion.bash":                     "complete trunkline\n",
		"stage/completion.zsh":                      "#compdef trunkline\n",
		"stage/completion.fish":                     "complete -c trunkline\n",
		"stage/licences.txt":                        "licences\n",
		"source/CHANGELOG.md":                       "# Changes\n",
		"source/packaging/trunkline.service":        "[Service]\n",
		"source/packaging/trunkline.socket":         "[Socket]\n",
		"source/packaging/debian/copyright":         "Format: x\n",
		"source/packaging/debian/lintian-overrides": "trunkline: statically-linked-binary\n",
		"source/packaging/debian/postinst":          "#!/bin/sh\n",
		"source/packaging/debian/prerm":             "#!/bin/sh\n",
		"source/packaging/debian/postrm":            "#!/bin/sh\n",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return pkg{
		version: "0.1.0-1", arch: "amd64", maintainer: "A Builder <builder@example.org>",
		time:   time.Date(2026, 11, 21, 22, 0, 0, 0, time.UTC),
		binary: filepath.Join(dir, "bin", "trunkline"),
		stage:  filepath.Join(dir, "stage"), source: filepath.Join(dir, "source"),
	}
}

func build(t *testing.T, p pkg) []byte {
	t.Helper()
	b, err := p.build()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// members reads an ar archive as deb(5) describes it.
func members(t *testing.T, b []byte, at time.Time) []member {
	t.Helper()
	b, ok := bytes.CutPrefix(b, []byte("!<arch>\n"))
	if !ok {
		t.Fatal("no ar archive")
	}
	var all []member
	for len(b) > 0 {
		if len(b) < 60 || string(b[58:60]) != "`\n" {
			t.Fatalf("bad header %q", b[:min(60, len(b))])
		}
		size, err := strconv.Atoi(strings.TrimRight(string(b[48:58]), " "))
		if err != nil || size+size%2 > len(b)-60 {
			t.Fatalf("bad size in header %q", b[:60])
		}
		if got, want := strings.TrimRight(string(b[16:28]), " "), strconv.FormatInt(at.Unix(), 10); got != want {
			t.Errorf("time %s, want %s", got, want)
		}
		all = append(all, member{strings.TrimRight(string(b[:16]), " "), b[60 : 60+size]})
		b = b[60+size+size%2:]
	}
	return all
}

// unpack reads a compressed tar and checks what holds for every entry.
func unpack(t *testing.T, b []byte, at time.Time) (names []string, headers map[string]*tar.Header, bodies map[string]string) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if !z.ModTime.IsZero() || z.Name != "" {
		t.Errorf("gzip carries time %v and name %q", z.ModTime, z.Name)
	}
	headers, bodies = map[string]*tar.Header{}, map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names, headers, bodies
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Uname != "root" || h.Gname != "root" || !h.ModTime.Equal(at) {
			t.Errorf("%s: owner %d:%d %s:%s, time %v", h.Name, h.Uid, h.Gid, h.Uname, h.Gname, h.ModTime)
		}
		names, headers[h.Name], bodies[h.Name] = append(names, h.Name), h, string(body)
	}
}

func TestPackageHasItsThreeMembersInOrder(t *testing.T) {
	p := sample(t)
	all := members(t, build(t, p), p.time)
	var names []string
	for _, m := range all {
		names = append(names, m.name)
	}
	if want := []string{"debian-binary", "control.tar.gz", "data.tar.gz"}; !slices.Equal(names, want) {
		t.Fatalf("members %v, want %v", names, want)
	}
	if got := string(all[0].body); got != "2.0\n" {
		t.Errorf("format %q, want 2.0", got)
	}
}

func TestPackageInstallsTheProgramAndItsCompany(t *testing.T) {
	p := sample(t)
	_, headers, bodies := unpack(t, members(t, build(t, p), p.time)[2].body, p.time)
	for name, mode := range map[string]int64{
		"./":                                     0o755,
		"./etc/trunkline/":                       0o755,
		"./usr/bin/trunkline":                    0o755,
		"./lib/systemd/system/trunkline.service": 0o644,
		"./usr/share/man/man1/trunkline.1.gz":    0o644,
		"./usr/share/bash-completion/completions/trunkline":    0o644,
		"./usr/share/zsh/vendor-completions/_trunkline":        0o644,
		"./usr/share/fish/vendor_completions.d/trunkline.fish": 0o644,
		"./usr/share/doc/trunkline/copyright":                  0o644,
		"./usr/share/doc/trunkline/changelog.Debian.gz":        0o644,
		"./usr/share/doc/trunkline/changelog.gz":               0o644,
		"./usr/share/doc/trunkline/licences.txt.gz":            0o644,
		"./usr/share/doc/trunkline/examples/trunkline.socket":  0o644,
		"./usr/share/lintian/overrides/trunkline":              0o644,
	} {
		h, ok := headers[name]
		if !ok {
			t.Errorf("%s is missing", name)
			continue
		}
		if h.Mode != mode {
			t.Errorf("%s has mode %o, want %o", name, h.Mode, mode)
		}
		if folder := strings.HasSuffix(name, "/"); folder != (h.Typeflag == tar.TypeDir) {
			t.Errorf("%s has type %c", name, h.Typeflag)
		}
	}
	if got := bodies["./usr/bin/trunkline"]; got != strings.Repeat("program ", 1000) {
		t.Errorf("the program has changed: %d bytes", len(got))
	}
}

func TestFoldersStandBeforeWhatTheyHold(t *testing.T) {
	p := sample(t)
	for _, m := range members(t, build(t, p), p.time)[1:] {
		names, _, _ := unpack(t, m.body, p.time)
		if !slices.IsSorted(names) {
			t.Errorf("%s is not sorted: %v", m.name, names)
		}
		seen := map[string]bool{}
		for _, name := range names {
			if seen[name] {
				t.Errorf("%s: %s stands twice", m.name, name)
			}
			seen[name] = true
			if dir := filepath.ToSlash(filepath.Dir(strings.TrimSuffix(name, "/"))); name != "./" && dir != "." && !seen[dir+"/"] && !seen["./"+dir+"/"] {
				t.Errorf("%s: %s stands before its folder", m.name, name)
			}
		}
	}
}

func TestControlTellsWhatDpkgMustKnow(t *testing.T) {
	p := sample(t)
	_, headers, bodies := unpack(t, members(t, build(t, p), p.time)[1].body, p.time)
	for _, line := range []string{
		"Package: trunkline", "Version: 0.1.0-1", "Architecture: amd64", "Section: net",
		"Maintainer: A Builder <builder@example.org>", "Installed-Size: ",
	} {
		if !strings.Contains("\n"+bodies["./control"], "\n"+line) {
			t.Errorf("control lacks %q:\n%s", line, bodies["./control"])
		}
	}
	if !strings.HasSuffix(bodies["./control"], "\n") || strings.Contains(bodies["./control"], "\n\n") {
		t.Error("control is not one paragraph that ends in a line")
	}
	for _, script := range []string{"./postinst", "./prerm", "./postrm"} {
		if h := headers[script]; h == nil || h.Mode != 0o755 || !strings.HasPrefix(bodies[script], "#!/bin/sh\n") {
			t.Errorf("%s is no script: %v", script, h)
		}
	}
}

func TestChecksumsCoverEveryFile(t *testing.T) {
	p := sample(t)
	all := members(t, build(t, p), p.time)
	_, _, control := unpack(t, all[1].body, p.time)
	_, headers, bodies := unpack(t, all[2].body, p.time)
	want := map[string]string{}
	for name, h := range headers {
		if h.Typeflag == tar.TypeReg {
			want[strings.TrimPrefix(name, "./")] = fmt.Sprintf("%x", md5.Sum([]byte(bodies[name])))
		}
	}
	got := map[string]string{}
	for line := range strings.Lines(control["./md5sums"]) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		got[name] = sum
	}
	if !maps.Equal(got, want) {
		t.Errorf("md5sums\n%v\nwant\n%v", got, want)
	}
}

func TestTwoBuildsAreEqual(t *testing.T) {
	one, two := sample(t), sample(t)
	if !bytes.Equal(build(t, one), build(t, two)) {
		t.Error("two packages of the same files differ")
	}
	two.time = two.time.Add(time.Second)
	if bytes.Equal(build(t, one), build(t, two)) {
		t.Error("the time of the commit does not stand in the package")
	}
}

func TestChangelogCarriesVersionAndTimeOfTheCommit(t *testing.T) {
	got := sample(t).changelog()
	if !strings.HasPrefix(got, "trunkline (0.1.0-1) unstable; urgency=") ||
		!strings.HasSuffix(got, "\n -- A Builder <builder@example.org>  Sat, 21 Nov 2026 22:00:00 +0000\n") {
		t.Errorf("changelog:\n%s", got)
	}
}

func TestArchitectureIsTranslated(t *testing.T) {
	for arch, want := range map[string]string{"amd64": "amd64", "arm64": "arm64", "arm": "armhf", "mips": ""} {
		if got := (pkg{arch: arch}).debianArch(); got != want {
			t.Errorf("%s: %q, want %q", arch, got, want)
		}
	}
}

func TestBadOrdersAreRefused(t *testing.T) {
	for want, spoil := range map[string]func(*pkg){
		"version":      func(p *pkg) { p.version = "v1" },
		`version ""`:   func(p *pkg) { p.version = "" },
		"version \"1/": func(p *pkg) { p.version = "1/../x" },
		"architecture": func(p *pkg) { p.arch = "sparc" },
		"time":         func(p *pkg) { p.time = time.Time{} },
		"maintainer":   func(p *pkg) { p.maintainer = "nobody" },
		"maintainer \"a\\nEvil": func(p *pkg) {
			p.maintainer = "a\nEvil: yes <b@example.org>"
		},
		"no such file": func(p *pkg) { p.binary += ".not" },
		"is empty": func(p *pkg) {
			if err := os.WriteFile(filepath.Join(p.stage, "trunkline.1"), nil, 0o600); err != nil {
				t.Error(err)
			}
		},
		"prerm": func(p *pkg) {
			if err := os.Remove(filepath.Join(p.source, "packaging", "debian", "prerm")); err != nil {
				t.Error(err)
			}
		},
	} {
		p := sample(t)
		spoil(&p)
		out := t.TempDir()
		if _, err := p.write(out); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
		if left, err := os.ReadDir(out); err != nil || len(left) != 0 {
			t.Errorf("%q left %v behind, %v", want, left, err)
		}
	}
}

func TestPackageIsWrittenUnderItsName(t *testing.T) {
	p := sample(t)
	out := t.TempDir()
	name, err := p.write(out)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(out, "trunkline_0.1.0-1_amd64.deb"); name != want {
		t.Errorf("name %s, want %s", name, want)
	}
	b, err := os.ReadFile(name)
	if err != nil || !bytes.Equal(b, build(t, p)) {
		t.Errorf("the file differs from the package: %d bytes, %v", len(b), err)
	}
	if left, err := os.ReadDir(out); err != nil || len(left) != 1 {
		t.Errorf("the folder holds %v, %v", left, err)
	}
}
