// Command linkcheck looks whether the links of Markdown pages lead somewhere:
// that the files exist and that pages have the headings which links name. Links
// to other sites are not followed.
//
//	linkcheck [FOLDER]
//
// It reads every .md file below the folder, but for folders whose name begins
// with a dot and testdata. Each broken link is one line, page:line: why; then
// the exit code is 1.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	folder := "."
	if len(os.Args) > 1 {
		folder = os.Args[1]
	}
	site, err := load(os.DirFS(folder))
	if err != nil {
		fmt.Fprintln(os.Stderr, "linkcheck:", err)
		os.Exit(2)
	}
	broken, links := site.check()
	for _, b := range broken {
		fmt.Println(b)
	}
	fmt.Printf("%d pages, %d links, %d broken\n", len(site.pages), links, len(broken))
	if len(broken) > 0 {
		os.Exit(1)
	}
}

// load reads the pages of a folder.
func load(root fs.FS) (*site, error) {
	s := &site{files: root, pages: map[string]*page{}}
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".md" {
			return nil
		}
		b, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		s.pages[name] = parse(string(b))
		return nil
	})
	if err == nil && len(s.pages) == 0 {
		err = errors.New("no Markdown page here")
	}
	return s, err
}
