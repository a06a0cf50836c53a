package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// docs is where a package describes itself.
const docs = "usr/share/doc/trunkline/"

// A pkg is what one package is made from.
type pkg struct {
	version    string // with Debian revision
	arch       string // as Go calls it
	maintainer string // "Name <address>"
	time       time.Time
	binary     string // the program
	stage      string // folder with what the program says of itself
	source     string // folder of the source
}

// debianArch returns Debian's name of the architecture, or "" if there is none.
func (p pkg) debianArch() string {
	switch p.arch {
	case "amd64", "arm64":
		return p.arch
	case "arm":
		return "armhf"
	}
	return ""
}

func (p pkg) check() error {
	name, address, _ := strings.Cut(p.maintainer, " <")
	switch {
	case !validVersion(p.version):
		return fmt.Errorf("version %q: want digits first, then letters, digits and . + - ~", p.version)
	case p.debianArch() == "":
		return fmt.Errorf("architecture %q: want amd64, arm64 or arm", p.arch)
	case p.time.Unix() <= 0:
		return errors.New("no time of the commit: set -epoch")
	case name == "" || !strings.HasSuffix(address, ">") || strings.ContainsAny(p.maintainer, "\r\n"):
		return fmt.Errorf("maintainer %q: want Name <address>", p.maintainer)
	}
	return nil
}

// validVersion reports whether deb-version(7) allows the version; epochs, which
// do not stand in file names, are not for us.
func validVersion(v string) bool {
	if v == "" || v[0] < '0' || v[0] > '9' {
		return false
	}
	return strings.Trim(v, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.+-~") == ""
}

// build returns the package.
func (p pkg) build() ([]byte, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	files, err := p.files()
	if err != nil {
		return nil, err
	}
	control, err := p.control(files)
	if err != nil {
		return nil, err
	}
	controlTar, err := archive(control, p.time)
	if err != nil {
		return nil, err
	}
	dataTar, err := archive(files, p.time)
	if err != nil {
		return nil, err
	}
	return ar([]member{
		{"debian-binary", []byte("2.0\n")},
		{"control.tar.gz", controlTar},
		{"data.tar.gz", dataTar},
	}, p.time), nil
}

// An origin says where a file of the package comes from.
type origin struct {
	path string // in the package; compressed if it ends in .gz
	from string // a file
	mode int64
}

func (p pkg) origins() []origin {
	stage := func(name string) string { return filepath.Join(p.stage, name) }
	source := func(name string) string { return filepath.Join(p.source, filepath.FromSlash(name)) }
	return []origin{
		{"usr/bin/trunkline", p.binary, 0o755},
		{"lib/systemd/system/trunkline.service", source("packaging/trunkline.service"), 0o644},
		{"usr/share/man/man1/trunkline.1.gz", stage("trunkline.1"), 0o644},
		{"usr/share/bash-completion/completions/trunkline", stage("completion.bash"), 0o644},
		{"usr/share/zsh/vendor-completions/_trunkline", stage("completion.zsh"), 0o644},
		{"usr/share/fish/vendor_completions.d/trunkline.fish", stage("completion.fish"), 0o644},
		{"usr/share/lintian/overrides/trunkline", source("packaging/debian/lintian-overrides"), 0o644},
		{docs + "changelog.gz", source("CHANGELOG.md"), 0o644},
		{docs + "copyright", source("packaging/debian/copyright"), 0o644},
		{docs + "licences.txt.gz", stage("licences.txt"), 0o644},
		{docs + "examples/trunkline.socket", source("packaging/trunkline.socket"), 0o644},
	}
}

// files returns what the package installs.
func (p pkg) files() ([]file, error) {
	changelog, err := zip([]byte(p.changelog()))
	if err != nil {
		return nil, err
	}
	files := []file{
		{path: "etc/trunkline/", mode: 0o755},
		{path: docs + "changelog.Debian.gz", mode: 0o644, body: changelog},
	}
	for _, o := range p.origins() {
		f, err := o.read()
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// read refuses an empty file: a program that failed to describe itself must not
// become a package.
func (o origin) read() (file, error) {
	body, err := os.ReadFile(o.from)
	if err != nil {
		return file{}, err
	}
	if len(body) == 0 {
		return file{}, fmt.Errorf("%s is empty", o.from)
	}
	if strings.HasSuffix(o.path, ".gz") {
		body, err = zip(body)
	}
	return file{path: o.path, mode: o.mode, body: body}, err
}

func (p pkg) changelog() string {
	return fmt.Sprintf("trunkline (%s) unstable; urgency=medium\n\n"+
		"  * What changed for people stands in changelog.gz.\n\n -- %s  %s\n",
		p.version, p.maintainer, p.time.Format(time.RFC1123Z))
}

// zip compresses as gzip -9 -n does: without name and time.
func zip(b []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(b); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
