package main

import (
	"crypto/md5" // deb-md5sums(5) knows no other; it finds damage, not forgery
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// control returns the files of control.tar: what dpkg must know, and what it
// runs. There are no conffiles: the folder of settings comes empty.
func (p pkg) control(files []file) ([]file, error) {
	control := []file{
		{path: "control", mode: 0o644, body: []byte(p.fields(files))},
		{path: "md5sums", mode: 0o644, body: []byte(md5sums(files))},
	}
	for _, script := range []string{"postinst", "prerm", "postrm"} {
		body, err := os.ReadFile(filepath.Join(p.source, "packaging", "debian", script))
		if err != nil {
			return nil, err
		}
		control = append(control, file{path: script, mode: 0o755, body: body})
	}
	return control, nil
}

func (p pkg) fields(files []file) string {
	return fmt.Sprintf(`Package: trunkline
Version: %s
Architecture: %s
Maintainer: %s
Installed-Size: %d
Section: net
Priority: optional
Description: messaging exchange for old Skype, Skynet, blubbel and Tox
 One program with accounts for people who hold an old client of one of these
 networks, or only a browser. It lets them talk with each other and tells them
 truthfully who can read what. It is also a command-line client of each
 network.
 .
 Nothing starts by itself and nothing is open to others before somebody says
 so: systemctl enable --now trunkline.
`, p.version, p.debianArch(), p.maintainer, installedSize(files))
}

// installedSize estimates the space on disk as dpkg-gencontrol does: files in
// whole KiB, and one for each folder.
func installedSize(files []file) int {
	size := 0
	for _, f := range withFolders(files) {
		size += max(1, (len(f.body)+1023)/1024)
	}
	return size
}

func md5sums(files []file) string {
	var lines []string
	for _, f := range files {
		if !f.folder() {
			lines = append(lines, fmt.Sprintf("%x  %s\n", md5.Sum(f.body), f.path))
		}
	}
	slices.SortFunc(lines, func(a, b string) int { return strings.Compare(a[32:], b[32:]) })
	return strings.Join(lines, "")
}
