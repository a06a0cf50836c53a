package server_test

import (
	"encoding/json"
	"strings"
	"testing"

	"trunkline/internal/config"
	"trunkline/internal/server"
)

func TestPartsHaveLevelsThatFollow(t *testing.T) {
	t.Parallel()
	var out buffer
	logs := server.NewLogs(&out, config.Log{Level: "warn", Format: "text", Parts: config.Levels{"blubbel": "debug"}}, nil)
	relay, web := logs.Logger("blubbel.server"), logs.Logger("web").With("conn", 1)
	relay.Debug("one")
	web.Info("two")
	web.Warn("three")
	logs.SetLevels(config.Log{Level: "info", Parts: config.Levels{"blubbel.server": "error"}})
	relay.Warn("four")
	web.Info("five")
	for word, want := range map[string]bool{"one": true, "two": false, "three": true, "four": false, "five": true} {
		if got := strings.Contains(out.String(), "msg="+word); got != want {
			t.Errorf("%s logged: %v, want %v\n%s", word, got, want, out.String())
		}
	}
	if !strings.Contains(out.String(), "part=blubbel.server") || !strings.Contains(out.String(), "conn=1") {
		t.Errorf("attributes are missing:\n%s", out.String())
	}
}

func TestJournalGetsPrioritiesAndNoTimes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		format  string
		environ []string
	}{{"systemd", nil}, {"auto", []string{"JOURNAL_STREAM=8:1"}}} {
		var out buffer
		log := server.NewLogs(&out, config.Log{Level: "debug", Format: tc.format}, tc.environ).Logger("web")
		log.Error("broken", "n", 1)
		log.WithGroup("g").Debug("packet", "k", 2)
		want := "<3>msg=broken part=web n=1\n<7>msg=packet part=web g.k=2\n"
		if out.String() != want {
			t.Errorf("%s: got %q, want %q", tc.format, out.String(), want)
		}
	}
}

func TestJSONIsOneObjectALine(t *testing.T) {
	t.Parallel()
	var out buffer
	server.NewLogs(&out, config.Log{Level: "info", Format: "json"}, nil).Logger("web").Info("hello", "n", 1)
	var got struct {
		Msg, Part string
		N         int
	}
	if err := json.Unmarshal([]byte(out.String()), &got); err != nil || got.Msg != "hello" || got.Part != "web" || got.N != 1 {
		t.Errorf("got %+v (%v) from %q", got, err, out.String())
	}
}
