// Command deb writes trunkline_VERSION_ARCH.deb. It needs no Debian tool, so
// that any machine with Go can build the package, and two builds of one commit
// are equal to the byte: files are sorted, belong to root and carry the time of
// the commit, and nothing is taken from the machine that builds.
//
//	deb -version 0.1.0-1 -arch amd64 -epoch 1764000000 -binary trunkline -stage DIR -source . -out dist
//
// The stage holds what the program says of itself: trunkline.1 and
// completion.bash, completion.zsh, completion.fish, and the licences of what is
// linked in, licences.txt. packaging/deb.sh makes it.
//
// # Specification
//
// deb(5), deb-control(5), deb-md5sums(5), and the Debian policy, chapters 3, 4,
// 6 and 12.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

func main() {
	var p pkg
	var epoch int64
	var out string
	flag.StringVar(&p.version, "version", "", "package version, with Debian revision")
	flag.StringVar(&p.arch, "arch", "", "Go's name of the architecture: amd64, arm64 or arm")
	flag.Int64Var(&epoch, "epoch", 0, "time of the commit, in seconds since 1970")
	flag.StringVar(&p.maintainer, "maintainer", "The Trunkline authors <trunkline@trunkline.invalid>", "name and address")
	flag.StringVar(&p.binary, "binary", "", "the program")
	flag.StringVar(&p.stage, "stage", "", "folder with man page, completions and licences")
	flag.StringVar(&p.source, "source", ".", "folder of the source")
	flag.StringVar(&out, "out", ".", "folder to write to")
	flag.Parse()
	p.time = time.Unix(epoch, 0).UTC()
	name, err := p.write(out)
	if err != nil {
		fmt.Fprintln(os.Stderr, "deb:", err)
		os.Exit(1)
	}
	fmt.Println(name)
}

// write builds the package and writes it into a folder, whole or not at all.
func (p pkg) write(folder string) (name string, err error) {
	b, err := p.build()
	if err != nil {
		return "", err
	}
	name = filepath.Join(folder, fmt.Sprintf("trunkline_%s_%s.deb", p.version, p.debianArch()))
	tmp, err := os.CreateTemp(folder, ".deb-")
	if err != nil {
		return "", err
	}
	defer os.Remove(tmp.Name()) // gone already once renamed
	_, err = tmp.Write(b)
	if err := errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return name, os.Rename(tmp.Name(), name)
}
