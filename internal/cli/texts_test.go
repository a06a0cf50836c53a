package cli

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// tool finds a program that checks a text. Where there is none, the checks by
// structure have to do.
func tool(name string) (path string, ok bool) {
	path, err := exec.LookPath(name)
	return path, err == nil
}

// complain runs a program on a text, and fails the test if it has to say anything.
func complain(t *testing.T, text, program string, args ...string) {
	t.Helper()
	c := exec.Command(program, args...)
	c.Stdin = strings.NewReader(text)
	if b, err := c.CombinedOutput(); err != nil || len(b) > 0 {
		t.Errorf("%s %q: %v\n%s", program, args, err, b)
	}
}

// completed is what bash offers for the last of words.
func completed(t *testing.T, bash string, words ...string) []string {
	t.Helper()
	script := call(t, "completion", "bash").out
	var b strings.Builder
	for _, w := range words {
		fmt.Fprintf(&b, " %s", quote(w))
	}
	script += fmt.Sprintf("COMP_WORDS=(%s)\nCOMP_CWORD=%d\n_trunkline\necho \"${COMPREPLY[@]}\"\n", b.String(), len(words)-1)
	out, err := exec.Command(bash, "--norc", "-c", script).Output()
	if err != nil {
		t.Fatal(err)
	}
	offers := strings.Fields(string(out))
	slices.Sort(offers)
	return offers
}

func TestBashCompletesCommandsFlagsAndWords(t *testing.T) {
	t.Parallel()
	script := call(t, "completion", "bash").out
	bash, ok := tool("bash")
	if !ok {
		t.Logf("no bash here")
		return
	}
	complain(t, script, bash, "-n")
	for line, want := range map[string]string{
		"trunkline con":                     "config",
		"trunkline co":                      "completion config",
		"trunkline config ":                 "check describe show",
		"trunkline config s":                "show",
		"trunkline config show --js":        "--json",
		"trunkline serve --se":              "--set",
		"trunkline serve --data x --no":     "--no-self-check",
		"trunkline completion ":             "bash fish zsh",
		"trunkline peer b":                  "blubbel",
		"trunkline bot r":                   "run",
		"trunkline wor":                     "",
		"trunkline ref":                     "",
		"trunkline --h":                     "--help",
		"trunkline explain config show --f": "",
	} {
		if got := strings.Join(completed(t, bash, strings.Split(line, " ")...), " "); got != want {
			t.Errorf("%q: offered %q, want %q", line, got, want)
		}
	}
}

func TestZshAndFishScriptsAreSound(t *testing.T) {
	t.Parallel()
	for shell, check := range map[string][]string{"zsh": {"-n"}, "fish": {"--no-execute"}} {
		script := call(t, "completion", shell).out
		for _, word := range []string{"trunkline", "config", "show", "no-self-check", "bash"} {
			if shell == "fish" && word == "bash" {
				continue // fish completes values of flags and commands only
			}
			if !strings.Contains(script, word) {
				t.Errorf("the script for %s lacks %s", shell, word)
			}
		}
		if strings.Contains(script, "worker") {
			t.Errorf("the script for %s offers what is hidden", shell)
		}
		for line := range strings.Lines(script) {
			if strings.Count(strings.ReplaceAll(line, `\'`, ""), "'")%2 != 0 {
				t.Errorf("%s: a quote is open in %s", shell, line)
			}
		}
		if path, ok := tool(shell); ok {
			complain(t, script, path, check...)
		}
	}
}

func TestManualPageIsSoundAndHasEveryCommand(t *testing.T) {
	t.Parallel()
	page := call(t, "man").out
	app, err := model()
	if err != nil {
		t.Fatal(err)
	}
	for n := range visible(app.Node) {
		if !strings.Contains(page, "\n.SS "+roff(usageLine(n))+"\n") {
			t.Errorf("%s is not in it", name(n))
		}
	}
	macros := regexp.MustCompile(`^\.(TH|SH|SS|B|I|RI|TP|PP|in|nf|fi)\b`)
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, ".") && !macros.MatchString(line) || strings.HasPrefix(line, "'") {
			t.Errorf("no macro of man(7): %s", line)
		}
	}
	if man, ok := tool("groff"); ok {
		complain(t, page, man, "-man", "-ww", "-z", "-Tascii")
	}
	if man, ok := tool("mandoc"); ok {
		complain(t, page, man, "-T", "lint", "-W", "warning")
	}
}

func TestRoffTakesAnyText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a-b":       `a\-b`,
		`C:\x`:      `C:\\x`,
		".dot":      `\&.dot`,
		"'q'\n.x y": "\\&'q'\n\\&.x y",
	} {
		if got := roff(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestGeneratedPagesAreUpToDate(t *testing.T) {
	t.Parallel()
	for file, write := range pages() {
		var want bytes.Buffer
		if err := write(&want); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("../../docs/reference", file))
		if err != nil {
			t.Errorf("%v; run go generate ./internal/cli", err)
			continue
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("docs/reference/%s is not what the program says; run go generate ./internal/cli", file)
		}
	}
}

func TestReferenceWritesThePages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if s := call(t, "reference", dir); s.code != done || s.errors != "" {
		t.Fatalf("got %+v", s)
	}
	for file := range pages() {
		if b, err := os.ReadFile(filepath.Join(dir, file)); err != nil || !bytes.HasPrefix(b, []byte("# ")) {
			t.Errorf("%s: %.20q, %v", file, b, err)
		}
	}
	if s := call(t, "reference", filepath.Join(dir, "none")); s.code != failed || s.errors == "" {
		t.Errorf("into a folder that is not there: %+v", s)
	}
}

// written yields the command lines in a document: lines of code that begin with
// trunkline, perhaps after a prompt, up to what a shell would do with them.
func written(text string) (lines []string) {
	fence := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fence = !fence
			continue
		}
		code := strings.TrimRight(line, "\n")
		if !fence && !strings.HasPrefix(code, "    ") && !strings.HasPrefix(code, "\t") {
			continue
		}
		code = strings.TrimSpace(code)
		for _, prompt := range []string{"$ ", "% ", "go run ./cmd/"} {
			code = strings.TrimPrefix(code, prompt)
		}
		code = regexp.MustCompile(`^sudo (-u \S+ )?`).ReplaceAllString(code, "")
		if !strings.HasPrefix(code, "trunkline ") || strings.Contains(code, "…") || strings.Contains(code, " ...") {
			continue
		}
		code = regexp.MustCompile(`\s+(\||>|2>|<|&&|#|;|&)(\s.*)?$`).ReplaceAllString(code, "")
		lines = append(lines, code)
	}
	return lines
}

func TestEveryCommandInTheDocumentsIsOne(t *testing.T) {
	t.Parallel()
	documents := []string{"../../README.md"}
	err := filepath.WalkDir("../../docs", func(path string, _ fs.DirEntry, err error) error {
		if filepath.Ext(path) == ".md" {
			documents = append(documents, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, path := range documents {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, line := range written(string(b)) {
			found++
			if isUsage(line) {
				continue
			}
			if err := parses(fields(line)[1:]); err != nil {
				t.Errorf("%s: %s: %v", path, line, err)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d commands in the documents", found)
	}
}

// isUsage reports whether a line is how a command is called in general, as the
// generated reference shows it.
func isUsage(line string) bool {
	app, err := model()
	if err != nil {
		return false
	}
	return slices.ContainsFunc(slices.Collect(visible(app.Node)), func(n *kong.Node) bool { return usageLine(n) == line })
}

func TestCommandsAreFoundInDocuments(t *testing.T) {
	t.Parallel()
	got := written("text `trunkline no`\ntrunkline no\n\n    trunkline status --json | jq .\n\n```sh\n$ trunkline stop\nls\n" +
		"sudo -u x trunkline man > y # z\n```\n\n    go run ./cmd/trunkline serve\n")
	want := []string{"trunkline status --json", "trunkline stop", "trunkline man", "trunkline serve"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
