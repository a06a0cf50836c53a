package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/alecthomas/kong"

	"trunkline/internal/config"
	"trunkline/internal/health"
	"trunkline/internal/server"
)

// Exit codes.
const (
	done   = 0
	failed = 1 // also: there are findings
	unable = 2 // wrong usage, or the question could not be asked
)

// Env is what a command sees of the world.
type Env struct {
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Environ []string               // as of os.Environ
	Exe     func() (string, error) // the program's own path, for what it starts again
}

// get returns a variable of the environment.
func (e *Env) get(name string) string {
	for _, v := range e.Environ {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// commands is the table: its fields are the commands, in the order of the help.
type commands struct {
	Serve      serveCmd      `cmd:"" help:"Run an exchange; the first start makes what it needs."`
	Status     statusCmd     `cmd:"" help:"Show what the running server does."`
	Stop       stopCmd       `cmd:"" help:"End the running server."`
	Doctor     doctorCmd     `cmd:"" help:"Find what is wrong and say what mends it."`
	Explain    explainCmd    `cmd:"" help:"Explain the code of a finding."`
	Chat       chatCmd       `cmd:"" help:"Talk, full screen: a network, or a name that the running server knows."`
	Peer       peerCmd       `cmd:"" help:"A client for scripts: JSON lines in and out."`
	Bot        botCmd        `cmd:"" help:"Programs as contacts."`
	Keygen     keygenCmd     `cmd:"" help:"Make a key, or show the address of one."`
	Inspect    inspectCmd    `cmd:"" help:"Explain a capture, byte by byte."`
	Vectors    vectorsCmd    `cmd:"" help:"Check recorded test vectors."`
	Sim        simCmd        `cmd:"" help:"Run a scenario in a simulated internet; the same seed gives the same log."`
	Bench      benchCmd      `cmd:"" help:"Measure, beside a peer and beside the machine's own limits."`
	Config     configCmd     `cmd:"" help:"Show, describe and check the settings."`
	Completion completionCmd `cmd:"" help:"Print a script that completes commands in a shell."`
	Man        manCmd        `cmd:"" help:"Print the manual page."`
	Version    versionCmd    `cmd:"" help:"Show version, commit and protocols."`

	Reference referenceCmd `cmd:"" hidden:"" help:"Write the generated reference pages."`
	Worker    workerCmd    `cmd:"" hidden:"" help:"A load process of bench."`
}

// dataFlag is the flag of every command that needs a server's data folder.
type dataFlag struct {
	Data string `placeholder:"DIR" help:"Data folder (TRUNKLINE_DATA)." default:"${data}" type:"path"`
}

// settingsFlags are the flags of every command that needs the settings.
type settingsFlags struct {
	Config string   `placeholder:"FILE" help:"Settings file. Default: trunkline.toml here, then /etc/trunkline/trunkline.toml." type:"path"`
	Set    []string `placeholder:"KEY=VALUE" sep:"none" help:"One setting, for instance blubbel.listen=127.0.0.1:0. Repeatable."`
}

func (f settingsFlags) load(e *Env) (*config.Loaded, error) {
	return config.Load(config.Sources{File: f.Config, Environ: e.Environ, Set: f.Set})
}

// jsonFlag is the flag of every command that prints data.
type jsonFlag struct {
	JSON bool `name:"json" help:"Print JSON for machines."`
}

// usageError is an error in how a command was called.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// Main runs the command that args name and returns the exit code. ctx ends it.
func Main(ctx context.Context, args []string, e *Env) int {
	var table commands
	parser, err := newParser(&table, e)
	if err != nil {
		panic("cli: the table of commands is broken: " + err.Error())
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	code, exited := done, false
	parser.Exit = func(c int) { code, exited = c, true }
	parsed, err := parse(parser, goStyle(args), &exited)
	if exited {
		return code
	}
	if err != nil {
		return report(e, usageError{usage(err)})
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return report(e, parsed.Run(e))
}

// parse stops where a flag such as --help has done its work.
func parse(parser *kong.Kong, args []string, exited *bool) (*kong.Context, error) {
	c, err := parser.Parse(args)
	if *exited {
		return nil, nil
	}
	return c, err
}

func newParser(table *commands, e *Env) (*kong.Kong, error) {
	data := e.get("TRUNKLINE_DATA")
	if data == "" {
		data = server.DefaultData
	}
	return kong.New(table,
		kong.Name("trunkline"),
		kong.Description("A messaging server for clients that lost theirs, its clients, and the tools around them."),
		kong.Writers(e.Stdout, e.Stderr),
		kong.Vars{"data": data},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, WrapUpperBound: 100}),
		kong.Help(helpWithExample),
	)
}

// usage words a parser's complaint as every other error: what: why; do.
func usage(err error) error {
	command := "trunkline"
	text := err.Error()
	if p, ok := errors.AsType[*kong.ParseError](err); ok && p.Context != nil && p.Context.Selected() != nil {
		command = path(p.Context.Selected())
		text = strings.TrimPrefix(text, name(p.Context.Selected())+": ") // of a method Validate
	}
	if do := health.Advice(err); do != "" {
		return health.Do(fmt.Errorf("%s: %s", command, text), do)
	}
	if why, guess, ok := strings.Cut(text, ", did you mean "); ok {
		return health.Do(fmt.Errorf("%s: %s", command, why), "did you mean "+strings.TrimSuffix(guess, "?")+"?")
	}
	return health.Do(fmt.Errorf("%s: %s", command, text), "`"+command+" --help` shows how to call it")
}

// report prints err and returns the exit code that it means.
func report(e *Env, err error) int {
	if err == nil {
		return done
	}
	if errors.Is(err, errQuiet) {
		return failed
	}
	wrong, isUsage := errors.AsType[usageError](err)
	if isUsage {
		err = wrong.error
	}
	for _, line := range health.Lines(err) {
		_, _ = fmt.Fprintln(e.Stderr, line)
	}
	if isUsage {
		return unable
	}
	if _, ok := errors.AsType[config.Problems](err); ok {
		return unable
	}
	return failed
}

// errQuiet ends a command with code 1 after it said everything itself.
var errQuiet = errors.New("said already")

// path is a command as it is typed.
func path(n *kong.Node) string { return n.FullPath() }

// System is the world of a real process.
func System() *Env {
	return &Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Environ: os.Environ(), Exe: os.Executable}
}
