package archtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

// module is the import path of the module, with the slash behind it.
const module = "trunkline/"

// root is the top folder, seen from this package.
const root = "../.."

// A pkg is what `go list` says about one package.
type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
	Deps         []string
}

// name is the import path inside the module.
func (p pkg) name() string { return strings.TrimPrefix(p.ImportPath, module) }

// tests are the imports of the package's tests.
func (p pkg) tests() []string { return append(slices.Clone(p.TestImports), p.XTestImports...) }

// listOnce asks the go command once for all tests.
var listOnce = sync.OnceValues(func() ([]pkg, error) {
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports,Deps", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.Bytes())
	}
	var pkgs []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := d.Decode(&p); err == io.EOF {
			return pkgs, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		pkgs = append(pkgs, p)
	}
})

func listPackages(t *testing.T) []pkg {
	t.Helper()
	pkgs, err := listOnce()
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) < 10 {
		t.Fatalf("go list found only %d packages", len(pkgs))
	}
	return pkgs
}

// matches reports whether name fits the pattern; see [rule].
func matches(pattern, name string) bool {
	if pattern == "..." {
		return true
	}
	if tree, ok := strings.CutSuffix(pattern, "/..."); ok {
		return name == tree || strings.HasPrefix(name, tree+"/")
	}
	ok, err := path.Match(pattern, name)
	if err != nil {
		panic("archtest: pattern " + pattern + ": " + err.Error())
	}
	return ok
}

func matchesAny(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return matches(p, name) })
}

// arrows returns the imports inside the module that no rule allows, and the
// packages without a rule.
func arrows(pkgs []pkg, rules []rule, inTests []string) []string {
	var found []string
	for _, p := range pkgs {
		i := slices.IndexFunc(rules, func(r rule) bool { return matches(r.pattern, p.name()) })
		if i < 0 {
			found = append(found, p.name()+": no rule for this package; give it one in arch_test.go")
			continue
		}
		may := rules[i].may
		found = append(found, stray(p.name(), "imports", p.Imports, may)...)
		found = append(found, stray(p.name(), "tests import", p.tests(), slices.Concat(may, inTests, []string{p.name()}))...)
	}
	return found
}

func stray(name, verb string, imports, may []string) []string {
	var found []string
	for _, path := range imports {
		inside, ok := strings.CutPrefix(path, module)
		if ok && !matchesAny(may, inside) {
			found = append(found, fmt.Sprintf("%s: %s %s; it may import %v", name, verb, inside, may))
		}
	}
	return found
}

// isStd reports whether a path belongs to the standard library: what is outside
// has a dot in its first element, and this module is known.
func isStd(importPath string) bool {
	first, _, _ := strings.Cut(importPath, "/")
	return !strings.Contains(first, ".") && first != strings.TrimSuffix(module, "/")
}

// strayLibraries returns the imports of libraries where they do not belong.
func strayLibraries(pkgs []pkg, libraries []library) []string {
	var found []string
	for _, p := range pkgs {
		for _, path := range p.Imports {
			if isStd(path) || strings.HasPrefix(path, module) {
				continue
			}
			if l, ok := libraryOf(path, libraries); !ok || !matchesAny(l.in, p.name()) {
				found = append(found, p.name()+": imports "+path+", which does not belong there")
			}
		}
		for _, path := range p.tests() {
			if _, ok := libraryOf(path, libraries); !ok && !isStd(path) && !strings.HasPrefix(path, module) {
				found = append(found, p.name()+": tests import "+path+", which is not in the table")
			}
		}
	}
	return found
}

func libraryOf(path string, libraries []library) (library, bool) {
	i := slices.IndexFunc(libraries, func(l library) bool { return path == l.prefix || strings.HasPrefix(path, l.prefix+"/") })
	if i < 0 {
		return library{}, false
	}
	return libraries[i], true
}

// overBudget returns what public packages and the kit depend on, directly or
// not, beyond the standard library, their own protocol, the kit and the budget.
func overBudget(pkgs []pkg, protocols, kit, budget []string) []string {
	var found []string
	for _, p := range pkgs {
		allowed := slices.Concat(kit, budget)
		i := slices.IndexFunc(protocols, func(name string) bool { return matches(name+"/...", p.name()) })
		switch {
		case i >= 0:
			allowed = append(allowed, protocols[i]+"/...")
		case !slices.Contains(kit, p.name()):
			continue
		}
		for _, dep := range p.Deps {
			if inside := strings.TrimPrefix(dep, module); !isStd(dep) && !matchesAny(allowed, inside) {
				found = append(found, p.name()+": depends on "+inside)
			}
		}
	}
	return found
}

// carried returns the unwanted packages that a program depends on.
func carried(pkgs []pkg, program string, unwanted []string) []string {
	var found []string
	for _, p := range pkgs {
		if p.name() != program {
			continue
		}
		for _, dep := range p.Deps {
			if inside := strings.TrimPrefix(dep, module); matchesAny(unwanted, inside) {
				found = append(found, program+": carries "+inside)
			}
		}
	}
	return found
}
