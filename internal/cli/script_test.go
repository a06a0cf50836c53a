package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestScripts runs the scripts in testdata/script. Besides the usual commands
// they have
//
//	code N COMMAND...   run a command that must end with exit code N
//	serve ARGS...       run a server until the script ends or stops it; sets
//	                    $PID, and $RELAY to where its relay answers
//	ended               wait for that server, which must have ended in order
//	mode PERM FILE      a file must have this mode
//
// and a data folder that was used before in $WORK/trunkline-data. Servers take
// free ports and ask no time servers.
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, settings()...)
			e.Vars = append(e.Vars, "XDG_CONFIG_HOME="+filepath.Join(e.WorkDir, "config"))
			e.Values[runningKey{}] = new(*serving)
			return furnish(filepath.Join(e.WorkDir, "trunkline-data"))
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"code": expectCode, "serve": scriptServe, "ended": scriptEnded, "mode": expectMode,
		},
	})
}

func expectCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	code := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("%q: %v", args[1:], err)
		}
		code = exit.ExitCode()
	}
	if code != want {
		ts.Fatalf("%q ends with code %d, want %d", args[1:], code, want)
	}
}

// runningKey finds the server of a script.
type runningKey struct{}

func scriptServe(ts *testscript.TestScript, _ bool, args []string) {
	c := exec.Command("trunkline", append([]string{"serve"}, args...)...)
	c.Dir = ts.MkAbs(".")
	c.Env = os.Environ()
	for _, variable := range settings() {
		name, _, _ := strings.Cut(variable, "=")
		c.Env = append(c.Env, name+"="+ts.Getenv(name))
	}
	data := ts.MkAbs("trunkline-data")
	if named := ts.Getenv("TRUNKLINE_DATA"); named != "" {
		c.Env = append(c.Env, "TRUNKLINE_DATA="+named)
		data = named
	}
	s, err := begin(c)
	ts.Check(err)
	*ts.Value(runningKey{}).(**serving) = s
	ts.Defer(func() {
		if c.ProcessState == nil {
			_ = c.Process.Signal(os.Interrupt)
			_ = s.end()
		}
	})
	address, err := relayOf(data)
	ts.Check(err)
	ts.Setenv("PID", strconv.Itoa(c.Process.Pid))
	ts.Setenv("RELAY", address)
}

func scriptEnded(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check((*ts.Value(runningKey{}).(**serving)).end())
}

func expectMode(ts *testscript.TestScript, _ bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := strconv.FormatUint(uint64(info.Mode().Perm()), 8); got != args[0] {
		ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
	}
}
