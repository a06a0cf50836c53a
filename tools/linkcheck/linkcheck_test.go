package main

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func folder(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, body := range files {
		m[name] = &fstest.MapFile{Data: []byte(body)}
	}
	return m
}

// broken returns the complaints about a page README.md beside some others.
func broken(t *testing.T, readme string) []string {
	t.Helper()
	s, err := load(folder(map[string]string{
		"README.md":        readme,
		"docs/guide.md":    "# The guide\n\n## First steps\n\n## First steps\n",
		"docs/picture.png": "png",
		"main.go":          "package main",
	}))
	if err != nil {
		t.Fatal(err)
	}
	b, _ := s.check()
	return b
}

func TestGoodLinksAreQuiet(t *testing.T) {
	for _, readme := range []string{
		"[guide](docs/guide.md)",
		"[guide](./docs/guide.md#the-guide) and [again](docs/guide.md#first-steps-1)",
		"![picture](docs/picture.png \"a title\")",
		"[![picture](docs/picture.png)](docs/guide.md)",
		"<img src=\"docs/picture.png\" width=\"9\">",
		"[source](main.go)", "[folder](docs)",
		"# A heading\n\n[here](#a-heading)",
		"<a id=\"mark\"></a> [here](#mark)",
		"[site](https://example.org/x#y) [mail](mailto:a@example.org)",
		"[guide][g]\n\n[g]: docs/guide.md",
		"`[code](nowhere.md)`",
		"```\n[code](nowhere.md)\n```",
		"~~~~\n[code](nowhere.md)\n~~~\n[code](nowhere.md)\n~~~~",
		"a note[^1]\n\n[^1]: nothing.md",
	} {
		if got := broken(t, readme); len(got) != 0 {
			t.Errorf("%q: %v", readme, got)
		}
	}
}

func TestBrokenLinksAreNamed(t *testing.T) {
	for readme, want := range map[string]string{
		"\n\n[guide](docs/gone.md)":              "README.md:3: docs/gone.md: no such file",
		"![picture](gone.png)":                   "README.md:1: gone.png: no such file",
		"[guide](docs/guide.md#gone)":            "README.md:1: docs/guide.md#gone: no such heading",
		"[guide](docs/guide.md#first-steps-2)":   "README.md:1: docs/guide.md#first-steps-2: no such heading",
		"[here](#gone)":                          "README.md:1: #gone: no such heading",
		"[source](main.go#L1)":                   "README.md:1: main.go#L1: only pages have headings",
		"[out](../secret.md)":                    "README.md:1: ../secret.md: leads out of the repository",
		"[root](/docs/guide.md)":                 "README.md:1: /docs/guide.md: begins at the root: wants a path from this page",
		"[g]: docs/gone.md":                      "README.md:1: docs/gone.md: no such file",
		"<a href=\"gone.html\">":                 "README.md:1: gone.html: no such file",
		"[bad](%zz)":                             "README.md:1: %zz: no address",
		"```\n```\n[after](gone.md)":             "README.md:3: gone.md: no such file",
		"`code` [guide](gone.md)":                "README.md:1: gone.md: no such file",
		"[name (x)](gone_(x).md)":                "README.md:1: gone_(x).md: no such file",
		"[windows](docs/guide.md#the-guide)\r\n": "",
	} {
		got := strings.Join(broken(t, readme), "\n")
		if got != want {
			t.Errorf("%q\ngot  %s\nwant %s", readme, got, want)
		}
	}
}

func TestAnchorsAreMadeAsForgesMakeThem(t *testing.T) {
	p := parse("# What it *is*, and `how`\n## `serve`\n### Übung 1 ###\n#### A [link](x.md) inside\n##### a_b-c\n#no heading\n")
	want := []string{"a-link-inside", "a_b-c", "serve", "what-it-is-and-how", "übung-1"}
	if got := slices.Sorted(maps.Keys(p.anchors)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPagesOfOthersAreLeftOut(t *testing.T) {
	s, err := load(folder(map[string]string{
		"README.md": "[ok](docs/a.md)", "docs/a.md": "",
		".git/x.md": "[x](gone)", "a/testdata/y.md": "[x](gone)", "web/node_modules/z/z.md": "[x](gone)",
	}))
	if err != nil {
		t.Fatal(err)
	}
	if got, links := s.check(); len(got) != 0 || links != 1 || len(s.pages) != 2 {
		t.Errorf("%d pages, %d links, complaints %v", len(s.pages), links, got)
	}
}

func TestFolderWithoutPagesIsAnError(t *testing.T) {
	if _, err := load(folder(map[string]string{"main.go": ""})); err == nil {
		t.Error("nothing was checked, and nothing said so")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("# A heading\n[a](b.md#c) `x` ![p](q.png)\n```\n```\n")
	f.Add("[a]: <b>\n[[[](((")
	f.Fuzz(func(t *testing.T, text string) {
		s := &site{files: fstest.MapFS{}, pages: map[string]*page{"a.md": parse(text)}}
		complaints, links := s.check()
		if len(complaints) > links {
			t.Errorf("%d complaints about %d links", len(complaints), links)
		}
	})
}
