package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Run prints the script.
func (c *completionCmd) Run(e *Env) error {
	app, err := model()
	if err != nil {
		return err
	}
	switch c.Shell {
	case "bash":
		return bash(e.Stdout, app.Node)
	case "zsh":
		return zsh(e.Stdout, app.Node)
	}
	return fish(e.Stdout, app.Node)
}

// words are what may follow a command: its commands, else its flags.
func words(n *kong.Node) []string {
	var list []string
	for _, c := range n.Children {
		if !c.Hidden {
			list = append(list, c.Name)
		}
	}
	for _, f := range flagsOf(n) {
		list = append(list, "--"+f.Name)
	}
	for _, p := range n.Positional {
		if p.Enum != "" {
			list = append(list, strings.Split(p.Enum, ",")...)
		}
	}
	return list
}

// nodes are the program and all commands under it, deepest last.
func nodes(n *kong.Node) []*kong.Node {
	list := []*kong.Node{n}
	for _, c := range n.Children {
		if !c.Hidden {
			list = append(list, nodes(c)...)
		}
	}
	return list
}

func bash(w io.Writer, root *kong.Node) error {
	var b strings.Builder
	b.WriteString("# bash completion of trunkline; put it into /usr/share/bash-completion/completions/trunkline\n")
	b.WriteString("_trunkline() {\n\tlocal path=trunkline word\n")
	b.WriteString("\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n")
	b.WriteString("\t\tcase \"$path $word\" in\n")
	for _, n := range nodes(root)[1:] {
		fmt.Fprintf(&b, "\t\t'%s') path='%s' ;;\n", path(n), path(n))
	}
	b.WriteString("\t\tesac\n\tdone\n\tcase \"$path\" in\n")
	for _, n := range nodes(root) {
		fmt.Fprintf(&b, "\t'%s') COMPREPLY=($(compgen -W '%s' -- \"${COMP_WORDS[COMP_CWORD]}\")) ;;\n",
			path(n), strings.Join(words(n), " "))
	}
	b.WriteString("\tesac\n}\ncomplete -o default -F _trunkline trunkline\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func zsh(w io.Writer, root *kong.Node) error {
	var b strings.Builder
	b.WriteString("#compdef trunkline\n# zsh completion of trunkline; put it into a folder of $fpath as _trunkline\n")
	b.WriteString("_trunkline() {\n\tlocal path=trunkline word\n")
	b.WriteString("\tfor word in \"${words[@]:1:CURRENT-2}\"; do\n\t\tcase \"$path $word\" in\n")
	for _, n := range nodes(root)[1:] {
		fmt.Fprintf(&b, "\t\t'%s') path='%s' ;;\n", path(n), path(n))
	}
	b.WriteString("\t\tesac\n\tdone\n\tcase \"$path\" in\n")
	for _, n := range nodes(root) {
		fmt.Fprintf(&b, "\t'%s') compadd -- %s; _files ;;\n", path(n), strings.Join(words(n), " "))
	}
	b.WriteString("\tesac\n}\n_trunkline \"$@\"\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func fish(w io.Writer, root *kong.Node) error {
	var b strings.Builder
	b.WriteString("# fish completion of trunkline; put it into ~/.config/fish/completions/trunkline.fish\n")
	for _, n := range nodes(root) {
		condition := "__fish_use_subcommand"
		if n != root {
			condition = "__fish_seen_subcommand_from " + n.Name
		}
		for _, c := range n.Children {
			if !c.Hidden {
				fmt.Fprintf(&b, "complete -c trunkline -n '%s' -f -a %s -d %s\n", condition, c.Name, quote(c.Help))
			}
		}
		for _, f := range flagsOf(n) {
			if n != root || f.Name != "help" {
				fmt.Fprintf(&b, "complete -c trunkline -n '%s' -l %s -d %s\n", condition, f.Name, quote(f.Help))
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// quote makes one word of s for the shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
