package vectors

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
)

// MaxFileSize is the largest vector file read, in bytes.
const MaxFileSize = 64 << 20

// Run checks every path in order: a .json file, or a folder with those anywhere
// below it, in the order of their names. What cannot be read is a Result with
// one failure.
func Run(paths []string, files Files) iter.Seq[Result] {
	return func(yield func(Result) bool) {
		for _, path := range paths {
			for file, err := range find(path) {
				if !yield(runFile(file, err, files)) {
					return
				}
			}
		}
	}
}

var (
	errNotVectors = errors.New("neither a .json file nor a folder with one")
	errTooLarge   = fmt.Errorf("larger than %d MiB", MaxFileSize>>20)
	errStop       = errors.New("stop")
)

// find lists the vector files of path.
func find(path string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			yield(path, err)
			return
		case !info.IsDir() && isVectors(path):
			yield(path, nil)
			return
		case !info.IsDir():
			yield(path, errNotVectors)
			return
		}
		found := false
		err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
			if err == nil && (d.IsDir() || !isVectors(p)) {
				return nil
			}
			found = true
			if !yield(p, err) {
				return errStop
			}
			return nil
		})
		if !found && err == nil {
			yield(path, errNotVectors)
		}
	}
}

func isVectors(path string) bool { return filepath.Ext(path) == ".json" }

func runFile(path string, err error, files Files) Result {
	var text []byte
	if err == nil {
		text, err = read(path)
	}
	if err != nil {
		return Result{File: kindOf(path), Path: path, Cases: []Case{{Name: "file", Err: err}}}
	}
	r := Check(kindOf(path), text, files)
	r.Path = path
	return r
}

// kindOf is the last two elements of a path, with slashes.
func kindOf(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	dir, file := filepath.Split(path)
	return strings.TrimPrefix(filepath.Base(dir)+"/"+file, "//")
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	if info.Size() > MaxFileSize {
		return nil, errTooLarge
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFileSize+1))
	if err == nil && len(b) > MaxFileSize {
		err = errTooLarge // it grew
	}
	return b, err
}

// Check checks the text of one file of the given kind, "tox/dht.json".
func Check(kind string, text []byte, files Files) Result {
	r := Result{File: kind, Path: kind}
	report := func(name string, err error) { r.Cases = append(r.Cases, Case{name, err}) }
	check := files[kind]
	if check == nil {
		report("unknown", &Mismatch{Want: "a kind of file that is known", Got: kind})
		return r
	}
	d, err := parse(text)
	if err != nil {
		report("file", err)
		return r
	}
	if err := protect(func() error { check(d, report); return nil }); err != nil {
		report("file", err)
	}
	return r
}
