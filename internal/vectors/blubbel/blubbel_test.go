package blubbel_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"trunkline/internal/vectors"
	"trunkline/internal/vectors/blubbel"
)

// folders are where the vectors of blubbel stand.
func folders() []string {
	return []string{"../../../blubbel/wire/testdata/blubbel", "../../../blubbel/client/testdata/blubbel"}
}

func TestRecordedVectorsHold(t *testing.T) {
	for _, folder := range folders() {
		vectors.Test(t, folder, blubbel.Files())
	}
}

func TestEveryKindOfFileIsRecorded(t *testing.T) {
	missing := blubbel.Files()
	for _, folder := range folders() {
		entries, err := os.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			delete(missing, "blubbel/"+e.Name())
		}
	}
	for kind := range missing {
		t.Errorf("no file is %s", kind)
	}
}

// text reads a recorded file.
func text(t *testing.T, kind string) []byte {
	t.Helper()
	for _, folder := range folders() {
		b, err := os.ReadFile(filepath.Join(folder, filepath.Base(kind)))
		if err == nil {
			return b
		}
	}
	t.Fatalf("%s is not there", kind)
	return nil
}

// failures returns the cases of a recorded file that fail after edit changed the
// document.
func failures(t *testing.T, kind string, edit func(doc map[string]any)) []vectors.Failure {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(text(t, kind), &doc); err != nil {
		t.Fatal(err)
	}
	edit(doc)
	b, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	var out []vectors.Failure
	for _, c := range vectors.Check(kind, b, blubbel.Files()).Cases {
		if c.Failed() {
			out = append(out, c.Failure())
		}
	}
	return out
}

// TestEveryValueOfAVectorCounts changes each value of a case that is checked,
// one at a time: the case fails every time.
func TestEveryValueOfAVectorCounts(t *testing.T) {
	t.Parallel()
	for kind, list := range map[string]string{
		"blubbel/keys.json": "cases", "blubbel/packets.json": "cases", "blubbel/frames.json": "cases",
		"blubbel/packets_malformed.json": "cases", "blubbel/login.json": "cases", "blubbel/session.json": "cases",
	} {
		var doc map[string][]map[string]any
		_ = json.Unmarshal(text(t, kind), &doc) // the description is no list
		c := doc[list][0]
		if kind == "blubbel/frames.json" || kind == "blubbel/packets_malformed.json" {
			c = doc[list][4]
		}
		for name, value := range c {
			changed, ok := change(value)
			if !ok || slices.Contains(notChecked(kind), name) {
				continue
			}
			got := failures(t, kind, func(doc map[string]any) {
				one := map[string]any{}
				maps.Copy(one, c)
				one[name] = changed
				for k := range doc {
					if l, ok := doc[k].([]any); ok && k != list {
						doc[k] = l[:1]
					}
				}
				doc[list] = []any{one}
			})
			if len(got) != 1 {
				t.Errorf("%s: %s may be %.80v", kind, name, changed)
			}
		}
	}
}

// notChecked are names and values that people read, or that other values of the
// case are computed from.
func notChecked(kind string) []string {
	switch kind {
	case "blubbel/login.json":
		return []string{"name", "nonce"} // a client never shows it
	case "blubbel/frames.json":
		return []string{"name", "limit"} // bounds, and is far from the frames
	case "blubbel/packets_malformed.json":
		return []string{"name", "payload"} // refused for its length
	}
	return []string{"name"}
}

// change returns another value of the same kind.
func change(v any) (any, bool) {
	switch v := v.(type) {
	case float64:
		return v + 1, true
	case string:
		if v == "" {
			return "00", true
		}
		last := byte('1')
		if v[len(v)-1] == '1' {
			last = '2'
		}
		return v[:len(v)-1] + string(last), true
	}
	return nil, false
}

func TestWrongVectorsSayWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ kind, file, want string }{
		{"blubbel/packets.json", `{"packet": "Proof", "kind": 6, "direction": "up", "fields": {"MAC": "` + strings.Repeat("00", 32) + `"}, "payload": "` + strings.Repeat("00", 32) + `"}`,
			`direction "up" is neither to-server nor to-client`},
		{"blubbel/packets.json", `{"packet": "Login", "direction": "to-server", "fields": {}, "payload": ""}`, "the case has no kind of one byte"},
		{"blubbel/packets.json", `{"packet": "LoginAccepted", "kind": 1, "direction": "to-server", "fields": {}, "payload": ""}`, "Login"},
		{"blubbel/packets_malformed.json", `{"kind": 1, "direction": "to-server", "reason": "ugly"}`, `reason "ugly" is not known`},
		{"blubbel/packets_malformed.json", `{"kind": 1, "direction": "to-client", "reason": "trailing"}`, "<nil>"},
		{"blubbel/packets_malformed.json", `{"kind": 1, "direction": "", "reason": "short"}`, `direction "" is neither to-server nor to-client`},
		{"blubbel/keys.json", `{"key": "00", "form": "raw"}`, "not a blubbel key: 1 bytes are neither a raw nor one whole DER key"},
		{"blubbel/keys.json", `{"text": "", "reject": ""}`, "not a blubbel key: 0 bytes are neither a raw nor one whole DER key"},
		{"blubbel/session.json", `{"initiator": "00"}`, "initiator: not a blubbel key: 1 bytes are neither a raw nor one whole DER key"},
	} {
		r := vectors.Check(c.kind, []byte(`{"cases": [`+c.file+`]}`), blubbel.Files())
		if len(r.Cases) != 1 || !r.Cases[0].Failed() || !strings.Contains(r.Cases[0].Failure().Got, c.want) {
			t.Errorf("%s: got %+v, want %s", c.file, r.Cases, c.want)
		}
	}
}

func TestVectorsPrintAsDocumented(t *testing.T) {
	var b bytes.Buffer
	paths := []string{folders()[0] + "/packets.json", folders()[0] + "/keys.json"}
	totals, err := vectors.Print(&b, vectors.Run(paths, blubbel.Files()))
	if err != nil || totals.Failed != 0 || totals.Passed < 100 {
		t.Fatalf("%v, %v\n%s", totals, err, b.String())
	}
	for _, want := range []string{"ok   blubbel/packets.json  ", "ok   blubbel/keys.json  ", " passed, 0 failed, 0 skipped\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not in\n%s", want, b.String())
		}
	}
}
