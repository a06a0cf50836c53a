package server

import (
	"runtime"
	"runtime/debug"
)

// Version is the release that this source is of or becomes.
const Version = "0.1.0"

// Build says which program runs.
type Build struct {
	Version   string     `json:"version"`
	Commit    string     `json:"commit"` // "devel" unless stamped when built
	Modified  bool       `json:"modified,omitempty"`
	Go        string     `json:"go"`
	Platform  string     `json:"platform"`
	Protocols []Protocol `json:"protocols"`
}

// Protocol is a protocol that is built in, and which revision of it.
type Protocol struct {
	Name     string `json:"name"`
	Revision string `json:"revision"`
}

// ThisBuild reads what the Go toolchain stamped into the program.
func ThisBuild() Build {
	b := Build{
		Version:   Version,
		Commit:    "devel",
		Go:        runtime.Version(),
		Platform:  runtime.GOOS + "/" + runtime.GOARCH,
		Protocols: []Protocol{{Name: "blubbel", Revision: "v1, and as shipped in 2020"}},
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value[:min(len(s.Value), 12)]
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

// String is version and commit: "0.1.0 (3f2c9aa01b2c)".
func (b Build) String() string {
	if b.Modified {
		return b.Version + " (" + b.Commit + ", modified)"
	}
	return b.Version + " (" + b.Commit + ")"
}
