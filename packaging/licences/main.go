// Command licences prints the licences of everything that is linked into a Go
// program: of each module, and of Go's own library. They must go with the
// binary wherever it goes.
//
//	licences trunkline > licences.txt
//
// The modules are those that the binary itself names, the texts those in the
// module cache. A module without a licence is an error.
package main

import (
	"bytes"
	"cmp"
	"context"
	"debug/buildinfo"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: licences PROGRAM")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, program string, out io.Writer) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	places := []place{{"the Go standard library " + info.GoVersion, string(bytes.TrimSpace(root))}}
	modules, err := folders(ctx, info.Deps)
	if err != nil {
		return err
	}
	return write(out, append(places, modules...))
}

// A place is where the licences of a thing lie.
type place struct{ what, folder string }

// folders finds the source of the modules, in their order.
func folders(ctx context.Context, modules []*debug.Module) ([]place, error) {
	if len(modules) == 0 {
		return nil, nil
	}
	args := []string{"mod", "download", "-json"}
	for _, m := range modules {
		m = cmp.Or(m.Replace, m)
		args = append(args, m.Path+"@"+m.Version)
	}
	b, err := exec.CommandContext(ctx, "go", args...).Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download: %w", err)
	}
	var places []place
	for d := json.NewDecoder(bytes.NewReader(b)); ; {
		var m struct{ Path, Version, Dir string }
		if err := d.Decode(&m); errors.Is(err, io.EOF) {
			return places, nil
		} else if err != nil {
			return nil, fmt.Errorf("go mod download: %w", err)
		}
		places = append(places, place{m.Path + " " + m.Version, m.Dir})
	}
}

// write prints the licences of all places, each under its name.
func write(out io.Writer, places []place) error {
	for _, p := range places {
		texts, err := licences(p.folder)
		if err != nil {
			return fmt.Errorf("%s: %w", p.what, err)
		}
		for _, text := range texts {
			if _, err := fmt.Fprintf(out, "==== %s, %s\n\n%s\n\n", p.what, text.name, bytes.TrimSpace(text.body)); err != nil {
				return err
			}
		}
	}
	return nil
}

type text struct {
	name string
	body []byte
}

// licences reads the licence files of a folder, sorted by name.
func licences(folder string) ([]text, error) {
	name := regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)([-.].*)?$`)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var texts []text
	for _, e := range entries {
		if !e.Type().IsRegular() || !name.MatchString(e.Name()) {
			continue
		}
		body, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, err
		}
		texts = append(texts, text{e.Name(), body})
	}
	if len(texts) == 0 {
		return nil, errors.New("no licence file")
	}
	slices.SortFunc(texts, func(a, b text) int { return cmp.Compare(a.name, b.name) })
	return texts, nil
}
