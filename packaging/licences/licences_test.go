package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder makes a folder of the given files.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, body := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLicencesAreFoundByTheirNames(t *testing.T) {
	dir := folder(t, map[string]string{
		"LICENSE": "a", "License.md": "b", "COPYING": "c", "NOTICE.txt": "d", "LICENCE-MIT": "e", "PATENTS": "f",
		"README.md": "no", "licensed.go": "no", "unlicense": "no",
	})
	if err := os.Mkdir(filepath.Join(dir, "licenses"), 0o700); err != nil {
		t.Fatal(err)
	}
	texts, err := licences(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, x := range texts {
		got.WriteString(x.name + "=" + string(x.body) + " ")
	}
	if want := "COPYING=c LICENCE-MIT=e LICENSE=a License.md=b NOTICE.txt=d PATENTS=f "; got.String() != want {
		t.Errorf("got  %s\nwant %s", &got, want)
	}
}

func TestModuleWithoutLicenceIsAnError(t *testing.T) {
	places := []place{{"example.org/free v1.0.0", folder(t, map[string]string{"README": "free as in beer"})}}
	err := write(io.Discard, places)
	if err == nil || !strings.Contains(err.Error(), "example.org/free v1.0.0: no licence") {
		t.Errorf("got %v", err)
	}
}

func TestEachTextStandsUnderItsName(t *testing.T) {
	var out bytes.Buffer
	err := write(&out, []place{
		{"example.org/one v1.0.0", folder(t, map[string]string{"LICENSE": "\nFirst.\n\n", "NOTICE": "Made by one."})},
		{"example.org/two v2.0.0", folder(t, map[string]string{"COPYING": "Second."})},
	})
	want := "==== example.org/one v1.0.0, LICENSE\n\nFirst.\n\n" +
		"==== example.org/one v1.0.0, NOTICE\n\nMade by one.\n\n" +
		"==== example.org/two v2.0.0, COPYING\n\nSecond.\n\n"
	if err != nil || out.String() != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, &out, want)
	}
}

// The test binary is a Go program without modules of others.
func TestProgramWithoutModulesHasTheLicenceOfGo(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(t.Context(), program, &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "==== the Go standard library go1") || !strings.Contains(got, "The Go Authors") {
		t.Errorf("got %.200s", got)
	}
}

func TestWhatIsNoProgramIsRefused(t *testing.T) {
	err := run(t.Context(), filepath.Join(folder(t, map[string]string{"x": "text"}), "x"), io.Discard)
	if err == nil {
		t.Error("a text was taken for a Go program")
	}
	if err := run(t.Context(), filepath.Join(t.TempDir(), "none"), io.Discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}
