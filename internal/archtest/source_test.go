package archtest

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// maxFile bounds what is searched of one file.
const maxFile = 4 << 20

type file struct {
	name string // from the top folder, with slashes
	text []byte
}

// goFiles returns every Go file of the tree, whatever system it is for.
func goFiles(t *testing.T) []file {
	t.Helper()
	return slices.DeleteFunc(walk(t), func(f file) bool { return !strings.HasSuffix(f.name, ".go") })
}

// committedFiles returns the files that git knows; without git, as in an
// unpacked release, those that are there.
func committedFiles(t *testing.T) []file {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", "ls-files", "-z")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return walk(t)
	}
	var files []file
	for name := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed, and not committed so yet
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file{name, text[:min(len(text), maxFile)]})
	}
	if len(files) < 50 {
		t.Fatalf("git knows only %d files", len(files))
	}
	return files
}

// walk returns all files but those of git, of test data and of runs.
func walk(t *testing.T) []file {
	t.Helper()
	var files []file
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && slices.Contains([]string{".git", "testdata", "dist", "trunkline-data", "node_modules"}, d.Name()) {
			return filepath.SkipDir
		}
		info, err := d.Info()
		if err != nil || !info.Mode().IsRegular() || info.Size() > maxFile {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		files = append(files, file{filepath.ToSlash(name), text})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// inSource returns what a Go file must not have: import "C", init functions,
// and package variables that something could change.
func inSource(name string, text []byte, allowed map[string]string) []string {
	parsed, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return []string{name + ": " + err.Error()}
	}
	var found []string
	for _, i := range parsed.Imports {
		if i.Path.Value == `"C"` {
			found = append(found, name+`: imports "C"`)
		}
	}
	if strings.HasSuffix(name, "_test.go") || ast.IsGenerated(parsed) {
		return found
	}
	for _, d := range parsed.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Recv == nil && d.Name.Name == "init" {
				found = append(found, name+": func init; give what it needs to a constructor")
			}
		case *ast.GenDecl:
			found = append(found, mutable(name, d, allowed)...)
		}
	}
	return found
}

// mutable returns the variables of a declaration that may change.
func mutable(file string, d *ast.GenDecl, allowed map[string]string) []string {
	if d.Tok != token.VAR || embeds(d.Doc) {
		return nil
	}
	var found []string
	for _, s := range d.Specs {
		spec := s.(*ast.ValueSpec)
		if embeds(spec.Doc) || constantEnough(spec) {
			continue
		}
		for _, n := range spec.Names {
			if n.Name == "_" || allowed[file+" "+n.Name] != "" {
				continue
			}
			found = append(found, fmt.Sprintf("%s: package variable %s; make it a constant, a function or part of a Config", file, n.Name))
		}
	}
	return found
}

// embeds reports whether a comment fills the variable from a file.
func embeds(doc *ast.CommentGroup) bool {
	return doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") })
}

// constantEnough reports whether all variables of spec are errors, pools, or
// functions that compute a value once.
func constantEnough(spec *ast.ValueSpec) bool {
	if isSelector(spec.Type, "sync.Pool") {
		return true
	}
	for _, v := range spec.Values {
		var made ast.Expr
		switch v := v.(type) {
		case *ast.CallExpr:
			made = v.Fun
		case *ast.CompositeLit:
			made = v.Type
		}
		if !isSelector(made, "errors.New", "fmt.Errorf", "health.Do", "health.WithCode", "sync.Pool", "sync.OnceValue", "sync.OnceValues", "sync.OnceFunc") {
			return false
		}
	}
	return len(spec.Values) > 0
}

func isSelector(e ast.Expr, names ...string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && slices.Contains(names, x.Name+"."+s.Sel.Name)
}

// says returns where a file, or its name, says what it must not.
func says(name string, text []byte, forbidden []saying) []string {
	var found []string
	lower := bytes.ToLower(text)
	for _, f := range forbidden {
		if bytes.Contains(lower, []byte(f.hint)) {
			if at := f.pattern.FindIndex(text); at != nil {
				line := 1 + bytes.Count(text[:at[0]], []byte("\n"))
				found = append(found, fmt.Sprintf("%s:%d: says %q", name, line, text[at[0]:at[1]]))
			}
		}
		if at := f.pattern.FindString(name); at != "" {
			found = append(found, fmt.Sprintf("%s: is named %q", name, at))
		}
	}
	return found
}
