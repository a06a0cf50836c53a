package sim

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// referencePage is the reference of scenario files.
func referencePage(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../../docs/reference/sim.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestExampleOfTheReferenceRuns(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(referencePage(t), "```json\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("the page has no example")
	}
	r, log := play(t, parse(t, example), 1)
	good(t, r, log)
	if r.Arrived < 30 {
		t.Errorf("%d texts arrived; the example shows nothing", r.Arrived)
	}
}

// keysOfType lists the keys of a struct in a file, and of those inside it.
func keysOfType(v reflect.Type) (keys []string) {
	switch v.Kind() {
	case reflect.Slice, reflect.Pointer:
		return keysOfType(v.Elem())
	case reflect.Struct:
		for field := range v.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			keys = append(append(keys, name), keysOfType(field.Type)...)
		}
	}
	return keys
}

func TestReferenceNamesEveryKeyAndAction(t *testing.T) {
	t.Parallel()
	text := referencePage(t)
	words := keysOfType(reflect.TypeFor[Scenario]())
	if len(words) < 50 {
		t.Fatalf("found only %d keys", len(words))
	}
	for do := range rules() {
		words = append(words, do)
	}
	for kind := range natKinds() {
		words = append(words, kind)
	}
	for _, w := range append(words, meddlings()...) {
		if !strings.Contains(text, "`"+w+"`") {
			t.Errorf("the page does not name %s", w)
		}
	}
}

func TestScenariosOfTestdataAreGood(t *testing.T) {
	t.Parallel()
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".json") {
			load(t, f.Name())
		}
	}
}
