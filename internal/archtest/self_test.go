package archtest

import (
	"slices"
	"strings"
	"testing"
)

// imports makes a package for the rules to look at.
func imports(name string, paths ...string) pkg {
	return pkg{ImportPath: module + name, Imports: paths, Deps: paths}
}

func TestRulesAllowWhatTheDesignAllows(t *testing.T) {
	t.Parallel()
	for _, p := range []pkg{
		imports("blubbel/wire", "io", "trunkline/blubbel", "trunkline/internal/wire"),
		imports("blubbel/server", "trunkline/blubbel/wire", "trunkline/internal/netx", "trunkline/internal/limit"),
		imports("tox/onion", "trunkline/tox/dht", "trunkline/internal/health"),
		imports("internal/simnet", "trunkline/internal/loop"),
		imports("internal/network", "trunkline/internal/health"),
		imports("internal/network/blubbel", "trunkline/blubbel/server", "trunkline/internal/config", "trunkline/internal/metrics", "trunkline/internal/network"),
		imports("internal/config", "trunkline/internal/metrics", "trunkline/internal/health"),
		imports("internal/store/sqlite", "trunkline/internal/store", "trunkline/internal/config"),
		imports("internal/sim", "trunkline/internal/simnet", "trunkline/blubbel/client"),
		imports("internal/bench/load", "trunkline/internal/bench/keyring", "trunkline/internal/store/sqlite"),
		imports("internal/server", "trunkline/internal/console", "trunkline/internal/network/blubbel", "trunkline/internal/peer"),
		imports("internal/cli", "trunkline/internal/server", "trunkline/internal/chat"),
		imports("cmd/trunkline", "trunkline/internal/cli"),
		imports("interop/tox", "trunkline/internal/server", "trunkline/tox/client"),
		{ImportPath: "trunkline/blubbel/wire", XTestImports: []string{"trunkline/internal/vectors/blubbel", "trunkline/blubbel/wire"}},
		{ImportPath: "trunkline/blubbel/server", XTestImports: []string{"trunkline/blubbel/client", "trunkline/internal/simnet"}},
	} {
		if found := arrows([]pkg{p}, rules(), inTests()); len(found) > 0 {
			t.Errorf("refused: %v", found)
		}
	}
}

func TestRulesRefuseArrowsThatPointUp(t *testing.T) {
	t.Parallel()
	for _, p := range []pkg{
		imports("internal/wire", "trunkline/internal/loop"),
		imports("internal/health", "trunkline/blubbel"),
		imports("blubbel", "trunkline/internal/wire"),
		imports("blubbel/wire", "trunkline/internal/netx"),
		imports("blubbel/server", "trunkline/tox"),
		imports("blubbel/server", "trunkline/internal/metrics"),
		imports("blubbel/client", "trunkline/internal/simnet"),
		imports("tox/dht", "trunkline/tox/onion"),
		imports("internal/network", "trunkline/internal/config"),
		imports("internal/network/blubbel", "trunkline/tox/client"),
		imports("internal/network/blubbel", "trunkline/internal/network/tox"),
		imports("internal/metrics", "trunkline/internal/config"),
		imports("internal/config", "trunkline/internal/store"),
		imports("internal/account", "trunkline/internal/store/storetest"),
		imports("internal/console", "trunkline/blubbel/server"),
		imports("internal/console", "trunkline/internal/webchat"),
		imports("internal/peer", "trunkline/internal/config"),
		imports("internal/chat", "trunkline/internal/server"),
		imports("internal/peer", "trunkline/internal/simnet"),
		imports("internal/server", "trunkline/internal/cli"),
		imports("internal/server", "trunkline/internal/simnet"),
		imports("cmd/trunkline", "trunkline/internal/server"),
		imports("tools/linkcheck", "trunkline/internal/wire"),
		imports("internal/archtest", "trunkline/internal/wire"),
		imports("internal/util"),
		imports("internal/network/irc"),
		imports(""),
		{ImportPath: "trunkline/internal/health", XTestImports: []string{"trunkline/internal/cli"}},
		{ImportPath: "trunkline/internal/health", TestImports: []string{"trunkline/internal/server"}},
	} {
		if found := arrows([]pkg{p}, rules(), inTests()); len(found) != 1 {
			t.Errorf("%+v: %d violations found, want 1: %v", p, len(found), found)
		}
	}
}

func TestLibrariesAreRefusedElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p    pkg
		want int
	}{
		{imports("internal/metrics", "github.com/prometheus/client_golang/prometheus", "net/http"), 0},
		{imports("internal/server", "github.com/prometheus/client_golang/prometheus"), 1},
		{imports("internal/netx", "golang.org/x/sys/unix", "golang.org/x/net/proxy"), 0},
		{imports("blubbel/server", "golang.org/x/sync/errgroup"), 1},
		{imports("internal/health", "github.com/google/go-cmp/cmp"), 1},
		{imports("internal/health", "github.com/google/go-cmpx"), 1},
		{imports("tools/linkcheck", "github.com/BurntSushi/toml"), 1},
		{pkg{ImportPath: "trunkline/internal/health", XTestImports: []string{"github.com/google/go-cmp/cmp", "testing", "trunkline/internal/health"}}, 0},
		{pkg{ImportPath: "trunkline/internal/health", TestImports: []string{"github.com/stretchr/testify/assert"}}, 1},
	} {
		if found := strayLibraries([]pkg{c.p}, libraries()); len(found) != c.want {
			t.Errorf("%+v: %d violations found, want %d: %v", c.p, len(found), c.want, found)
		}
	}
}

func TestTheBudgetCountsDistantDependencies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p    pkg
		want int
	}{
		{imports("blubbel/server", "net", "vendor/golang.org/x/net/idna", "golang.org/x/sys/unix", "trunkline/blubbel", "trunkline/internal/netx"), 0},
		{imports("tox", "golang.org/x/crypto/nacl/box"), 0},
		{imports("blubbel/server", "github.com/BurntSushi/toml"), 1},
		{imports("blubbel/server", "golang.org/x/text/width"), 1},
		{imports("blubbel/server", "trunkline/tox"), 1},
		{imports("blubbel/server", "trunkline/internal/metrics"), 1},
		{imports("internal/netx", "golang.org/x/sync/errgroup"), 1},
		{imports("internal/cli", "github.com/alecthomas/kong"), 0},
		{imports("blubbelish", "github.com/alecthomas/kong"), 0},
	} {
		if found := overBudget([]pkg{c.p}, protocols(), kit(), publicBudget()); len(found) != c.want {
			t.Errorf("%+v: %d violations found, want %d: %v", c.p, len(found), c.want, found)
		}
	}
}

func TestPackagesOfTestsAreFoundInTheProgram(t *testing.T) {
	t.Parallel()
	p := imports("cmd/trunkline", "testing", "testing/fstest", "net/http", "pgregory.net/rapid", "github.com/nats-io/nats-server/v2/server", "github.com/nats-io/nats.go")
	if found := carried([]pkg{p, imports("internal/vectors", "testing")}, "cmd/trunkline", notInBinary()); len(found) != 4 {
		t.Errorf("found %v, want four", found)
	}
}

func TestSourceIsSearchedForWhatRunsBeforeMain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`import "C"`:                      `imports "C"`,
		`func init() {}`:                  "func init",
		`var n int`:                       "variable n",
		`var m = map[string]int{}`:        "variable m",
		`var a, b = errors.New("a"), f()`: "variable a",
		`var (` + "\n" + `_ I = T{}` + "\n" + `x = 3` + ")": "variable x",
		`var p *sync.Pool`:    "variable p",
		`func (`:              "expected",
		`func (T) init() {}`:  "",
		`var _ I = (*T)(nil)`: "",
		`var ErrA, errB = errors.New("a"), fmt.Errorf("b")`:  "",
		`var errA = health.Do(errors.New("a"), "b")`:         "",
		`var pool sync.Pool`:                                 "",
		`var pool = sync.Pool{New: f}`:                       "",
		`var once = sync.OnceValue(func() int { return 1 })`: "",
		"//go:embed x.html\nvar page string":                 "",
		"var (\n//go:embed x.html\npage string\n)":           "",
		"var table = [2]int{1, 2}":                           "",
		"func f() { var n int; _ = n }":                      "",
		"const c = 1":                                        "",
	} {
		found := inSource("x.go", []byte("package x\n"+text+"\n"), map[string]string{"x.go table": "only read"})
		if got := strings.Join(found, "\n"); (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("%s\nfound %q, want %q", text, got, want)
		}
	}
	generated := "// Code generated by x. DO NOT EDIT.\npackage x\nfunc init() {}\nvar n int\n"
	if found := inSource("x.go", []byte(generated), nil); len(found) > 0 {
		t.Errorf("generated code: %v", found)
	}
	test := "package x\nimport \"C\"\nvar n int\n"
	if found := inSource("x_test.go", []byte(test), nil); len(found) != 1 {
		t.Errorf("test: found %v, want the import of C only", found)
	}
}

func TestForbiddenWordsAreFoundWithTheirLine(t *testing.T) {
	t.Parallel()
	folder := "shar" + "ed"
	for text, want := range map[string]string{
		"a\nb ../" + folder + "/x":                  `doc.md:2: says "../` + folder + `"`,
		folder + "/design/x.md":                     `doc.md:1: says "` + folder + `/design"`,
		folder + " memory, a " + folder + "/reader": "",
	} {
		got := strings.Join(says("doc.md", []byte(text), forbidden()), "\n")
		if (want == "") != (got == "") || !strings.HasPrefix(got, want) {
			t.Errorf("%q: found %q, want %q", text, got, want)
		}
	}
	if found := says(folder+"/design/x.md", nil, forbidden()); len(found) != 1 {
		t.Errorf("a file's name: %v", found)
	}
}

func TestAllowedVariablesHaveAReason(t *testing.T) {
	t.Parallel()
	list := variables()
	if len(list) > 12 {
		t.Errorf("%d exceptions: too many to be exceptions", len(list))
	}
	for name, reason := range list {
		if len(strings.Fields(reason)) < 5 {
			t.Errorf("%s: reason %q", name, reason)
		}
	}
}

func TestEveryServiceComesAfterThoseItMayImport(t *testing.T) {
	t.Parallel()
	if s := services(); !slices.Equal(s[:2], []string{"metrics", "config"}) || len(s) != 8 {
		t.Errorf("order of services: %v", s)
	}
}
