package config

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// maxFile bounds the configuration file, in bytes.
const maxFile = 1 << 20

// findFile returns the file to read, or "" if none was named and none of the
// default ones exists.
func findFile(s Sources, fromEnv string) string {
	if s.File != "" {
		return s.File
	}
	if fromEnv != "" {
		return fromEnv
	}
	search := s.Search
	if search == nil {
		search = []string{"trunkline.toml", "/etc/trunkline/trunkline.toml"}
	}
	for _, path := range search {
		if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
			return path
		}
	}
	return ""
}

// file takes the settings in a file.
func (l *loader) file(path string) {
	l.loaded.File = path
	from := Origin{Source: "file", Where: path}
	data, err := readFile(path)
	if err != nil {
		l.problem(from, "", err.Error(), "name a readable file with --config")
		return
	}
	var top map[string]toml.Primitive
	meta, err := toml.Decode(string(data), &top)
	if err != nil {
		if syntax, ok := errors.AsType[toml.ParseError](err); ok {
			from.Where = at(path, syntax.Position.Line)
			err = errors.New(syntax.Message)
		}
		l.problem(from, "", err.Error(), "mend the TOML; `trunkline config describe` shows a whole file")
		return
	}
	before := len(l.problems)
	(&fileReader{l, path, meta}).table("", top)
	slices.SortStableFunc(l.problems[before:], byLine)
}

// readFile reads a regular file of at most maxFile bytes.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if pathErr, ok := errors.AsType[*os.PathError](err); ok {
		return nil, pathErr.Err
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("larger than %v", Size(maxFile))
	}
	return data, err
}

// fileReader walks the tables of a parsed file.
type fileReader struct {
	*loader
	path string
	meta toml.MetaData
}

// table takes every value in a table and those below it. prefix is the table's
// name with a dot, or "".
func (r *fileReader) table(prefix string, values map[string]toml.Primitive) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key := prefix + quoted(name)
		value, line := r.look(values[name])
		from := Origin{Source: "file", Where: at(r.path, line)}
		if inner, ok := value.(map[string]any); ok && r.isTable(key, inner) {
			var below map[string]toml.Primitive
			if err := r.meta.PrimitiveDecode(values[name], &below); err != nil {
				r.problem(from, key, err.Error(), suggest(key))
				continue
			}
			r.table(key+".", below)
			continue
		}
		r.put(key, from, func(t reflect.Type) (any, error) { return fromTOML(value, t) })
	}
}

// isTable reports whether a table is looked into. A table in the place of a
// value and an unknown one without values are mistakes themselves.
func (r *fileReader) isTable(key string, values map[string]any) bool {
	if _, ok := partOf(key); ok {
		return true // [log.blubbel] beside log.blubbel = "debug"
	}
	if _, ok := r.field(key); ok {
		return false
	}
	section := slices.ContainsFunc(r.names, func(name string) bool { return strings.HasPrefix(name, key+".") })
	return section || len(values) > 0
}

// look returns a value and the line of its key. The parser tells the line only
// in the error of a decoder, so the probe returns one.
func (r *fileReader) look(value toml.Primitive) (any, int) {
	var p probe
	err := r.meta.PrimitiveDecode(value, &p)
	found, _ := errors.AsType[toml.ParseError](err)
	line := found.Position.Line
	var below map[string]toml.Primitive
	if line == 0 && r.meta.PrimitiveDecode(value, &below) == nil {
		for _, name := range slices.Sorted(maps.Keys(below)) { // a table that only a dotted key made
			_, line = r.look(below[name])
			break
		}
	}
	return p.value, line
}

// quoted puts a name with a dot of its own in quotes: "web.listen" = 1 is not
// the key web.listen.
func quoted(name string) string {
	if strings.Contains(name, ".") {
		return strconv.Quote(name)
	}
	return name
}

type probe struct{ value any }

var errProbe = errors.New("looked at")

// UnmarshalTOML keeps the value and returns an error, to learn its position.
func (p *probe) UnmarshalTOML(value any) error {
	p.value = value
	return errProbe
}

// at writes a place in a file; without a line only the file.
func at(path string, line int) string {
	if line == 0 {
		return filepath.ToSlash(path)
	}
	return fmt.Sprintf("%s:%d", filepath.ToSlash(path), line)
}

// byLine orders problems of one file.
func byLine(a, b Problem) int {
	if n := len(a.Where) - len(b.Where); n != 0 { // same file: more digits, later line
		return n
	}
	return strings.Compare(a.Where, b.Where)
}
