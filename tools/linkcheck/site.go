package main

import (
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
)

// A site is a folder of pages that link to each other and to other files.
type site struct {
	files fs.FS
	pages map[string]*page // by path
}

// check returns what is wrong, sorted by page and line, and how many links
// there are.
func (s *site) check() (broken []string, links int) {
	for _, name := range slices.Sorted(maps.Keys(s.pages)) {
		for _, l := range s.pages[name].links {
			links++
			if why := s.follow(name, l.target); why != "" {
				broken = append(broken, fmt.Sprintf("%s:%d: %s: %s", name, l.line, l.target, why))
			}
		}
	}
	return broken, links
}

// follow returns why a link of a page leads nowhere, or "".
func (s *site) follow(from, target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "no address"
	}
	if u.Scheme != "" || u.Host != "" {
		return ""
	}
	to := from
	if u.Path != "" {
		if strings.HasPrefix(u.Path, "/") {
			return "begins at the root: wants a path from this page"
		}
		to = path.Join(path.Dir(from), u.Path)
	}
	if !fs.ValidPath(to) {
		return "leads out of the repository"
	}
	if _, err := fs.Stat(s.files, to); err != nil {
		return "no such file"
	}
	if u.Fragment == "" {
		return ""
	}
	p, ok := s.pages[to]
	if !ok {
		return "only pages have headings"
	}
	if !p.anchors[u.Fragment] {
		return "no such heading"
	}
	return ""
}
