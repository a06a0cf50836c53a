package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Sources say where settings come from. The zero value stands for the default
// files and nothing else.
type Sources struct {
	File     string   // --config; must exist. Empty: TRUNKLINE_CONFIG, else the first of Search that exists
	Search   []string // files tried without --config; nil: trunkline.toml, /etc/trunkline/trunkline.toml
	Environ  []string // os.Environ(); only TRUNKLINE_* is looked at
	Set      []string // each --set, as KEY=VALUE
	Reserved []string // TRUNKLINE_* variables with another use, besides TRUNKLINE_DATA and TRUNKLINE_CONFIG
}

// An Origin says where a value came from.
type Origin struct {
	Source string // "default", "file", "environment" or "command line"
	Where  string // file:line, name of the variable, "--set"; empty for a default
}

// String returns where the value stands, or "default".
func (o Origin) String() string {
	if o.Where == "" {
		return o.Source
	}
	return o.Where
}

// Loaded is a configuration without mistakes.
type Loaded struct {
	Config Config
	File   string // the file that was read, or empty

	origins map[string]Origin
}

// Origin returns where the value of a key came from.
func (l *Loaded) Origin(key string) Origin {
	if o, ok := l.origins[key]; ok {
		return o
	}
	return Origin{Source: "default"}
}

// Load reads all sources in their order and checks the result. The error is
// [Problems], with every mistake in every source.
func Load(s Sources) (*Loaded, error) {
	l := &loader{loaded: Loaded{Config: Default(), origins: map[string]Origin{}}, keys: Keys(), names: names()}
	env := environment(s.Environ)
	if file := findFile(s, env["TRUNKLINE_CONFIG"]); file != "" {
		l.file(file)
	}
	l.environ(env, append([]string{"TRUNKLINE_DATA", "TRUNKLINE_CONFIG"}, s.Reserved...))
	for _, assignment := range s.Set {
		l.assign(assignment)
	}
	l.check()
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	return &l.loaded, nil
}

// loader gathers values and mistakes.
type loader struct {
	loaded   Loaded
	keys     []Key
	names    []string // all that may be set
	problems Problems
}

func (l *loader) problem(from Origin, key, what, do string) {
	l.problems = append(l.problems, Problem{Where: from.Where, Key: key, What: what, Do: do})
}

// put stores one value that convert makes of what the source has.
func (l *loader) put(name string, from Origin, convert func(reflect.Type) (any, error)) {
	field, ok := l.field(name)
	if !ok {
		l.problem(from, name, "unknown key", suggest(name))
		return
	}
	value, err := convert(field.Type())
	if err != nil {
		l.problem(from, name, err.Error(), example(field.Type()))
		return
	}
	if part, ok := partOf(name); ok {
		l.loaded.Config.Log.Parts[part] = value.(string)
	} else {
		field.Set(reflect.ValueOf(value))
	}
	l.loaded.origins[name] = from
}

// field returns the field of a key; for a part, the one of the general level,
// which has the same type.
func (l *loader) field(name string) (reflect.Value, bool) {
	if _, ok := partOf(name); ok {
		name = "log.level"
	}
	for _, k := range l.keys {
		if k.Name == name && !k.isParts() {
			return k.in(&l.loaded.Config), true
		}
	}
	return reflect.Value{}, false
}

// environment returns the TRUNKLINE_ variables.
func environment(environ []string) map[string]string {
	env := map[string]string{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && strings.HasPrefix(name, EnvPrefix) {
			env[name] = value
		}
	}
	return env
}

// environ takes the settings in the environment.
func (l *loader) environ(env map[string]string, reserved []string) {
	known := map[string]string{}
	for _, key := range l.names {
		known[envName(key)] = key
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		from := Origin{Source: "environment", Where: name}
		key, ok := known[name]
		switch {
		case slices.Contains(reserved, name):
		case !ok:
			guess := strings.ToLower(strings.Replace(name[len(EnvPrefix):], "_", ".", 1))
			l.problem(from, "", "unknown variable", suggestVariable(guess))
		default:
			l.put(key, from, text(env[name]))
		}
	}
}

// suggestVariable is suggest in the spelling of the environment.
func suggestVariable(guess string) string {
	do := suggest(guess)
	if key, ok := strings.CutPrefix(do, "did you mean "); ok {
		return "did you mean " + envName(strings.TrimSuffix(key, "?")) + "?"
	}
	return do
}

// assign takes one --set.
func (l *loader) assign(assignment string) {
	from := Origin{Source: "command line", Where: "--set"}
	key, value, ok := strings.Cut(assignment, "=")
	key = strings.TrimSpace(key)
	if !ok || key == "" {
		l.problem(from, "", fmt.Sprintf("%q is not KEY=VALUE", assignment), "write for instance --set blubbel.listen=127.0.0.1:8001")
		return
	}
	l.put(key, from, text(strings.TrimSpace(value)))
}

// text converts a value that is given as text.
func text(value string) func(reflect.Type) (any, error) {
	return func(t reflect.Type) (any, error) { return fromText(value, t) }
}
