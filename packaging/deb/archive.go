package main

import (
	"archive/tar"
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// A file is a file of the package, or a folder if its path ends in a slash.
type file struct {
	path string // without a leading slash
	mode int64
	body []byte
}

func (f file) folder() bool { return strings.HasSuffix(f.path, "/") }

// withFolders adds the folders in which files lie, and sorts, so that each
// folder stands before what it holds.
func withFolders(files []file) []file {
	all := map[string]file{}
	for _, f := range files {
		for dir := path.Dir(path.Clean(f.path)); dir != "."; dir = path.Dir(dir) {
			if _, ok := all[dir+"/"]; !ok {
				all[dir+"/"] = file{path: dir + "/", mode: 0o755}
			}
		}
		all[f.path] = f
	}
	sorted := make([]file, 0, len(all))
	for _, f := range all {
		sorted = append(sorted, f)
	}
	slices.SortFunc(sorted, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return sorted
}

// archive returns a compressed tar of the files: sorted, of root, all of one
// time.
func archive(files []file, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	all := append([]file{{path: "", mode: 0o755}}, withFolders(files)...)
	for _, f := range all {
		h := &tar.Header{
			Format: tar.FormatGNU, Typeflag: tar.TypeReg, Name: "./" + f.path, Size: int64(len(f.body)),
			Mode: f.mode, Uname: "root", Gname: "root", ModTime: at,
		}
		if f.path == "" || f.folder() {
			h.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(h); err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.path, err)
		}
		if _, err := w.Write(f.body); err != nil {
			return nil, fmt.Errorf("pack %s: %w", f.path, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return zip(out.Bytes())
}

// A member is a file of an ar archive; its name has at most 15 bytes.
type member struct {
	name string
	body []byte
}

// ar returns an archive in the common ar format of deb(5): a header of 60 bytes
// before each member, members padded to even length.
func ar(members []member, at time.Time) []byte {
	var out bytes.Buffer
	out.WriteString("!<arch>\n")
	for _, m := range members {
		fmt.Fprintf(&out, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", m.name, at.Unix(), 0, 0, 0o100644, len(m.body))
		out.Write(m.body)
		if len(m.body)%2 == 1 {
			out.WriteByte('\n')
		}
	}
	return out.Bytes()
}
