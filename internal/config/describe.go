package config

import (
	"bufio"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// Describe writes a configuration file with every key at its default, what it
// means and how the environment names it. The file loads as it is.
func Describe(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString("# Every key of Trunkline with its default. Only what differs needs to stand in a file:\n" +
		"# trunkline.toml beside the program's working folder, or /etc/trunkline/trunkline.toml.\n" +
		"# Stronger than the file are the environment (the name above each key), then --set KEY=VALUE.\n" +
		"# Sizes: 65536 or \"64KiB\". Durations: \"500ms\", \"5s\", \"2m\".\n")
	section := ""
	for _, k := range Keys() {
		if k.section() != section {
			section = k.section()
			fmt.Fprintf(b, "\n# %s\n[%s]\n", sectionDoc(section), section)
		}
		b.WriteByte('\n')
		for line := range strings.SplitSeq(wrap(k.about(), 96), "\n") {
			fmt.Fprintf(b, "# %s\n", line)
		}
		fmt.Fprintf(b, "# %s\n", k.Env)
		if k.isParts() {
			fmt.Fprintf(b, "# Parts: %s.\n# blubbel.server = \"debug\"\n", strings.Join(Parts(), ", "))
			continue
		}
		fmt.Fprintf(b, "%s = %s\n", strings.TrimPrefix(k.Name, section+"."), k.Default)
	}
	return b.Flush()
}

// about is the key's explanation with its bounds.
func (k Key) about() string {
	parts := []string{k.Doc}
	if len(k.OneOf) > 0 {
		parts = append(parts, "One of: "+strings.Join(k.OneOf, ", ")+".")
	}
	if k.Min != "" {
		parts = append(parts, strings.TrimSpace("From "+k.Min+" to "+k.Max+" "+k.Unit)+".")
	}
	if !k.Built {
		parts = append(parts, "Not built yet: must be empty.")
	}
	if k.Reload {
		parts = append(parts, "Takes effect on reload.")
	}
	return strings.Join(parts, " ")
}

// sectionDoc is the explanation of a section.
func sectionDoc(section string) string {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if f.Tag.Get("toml") == section {
			return f.Tag.Get("doc")
		}
	}
	return ""
}

// wrap breaks text into lines of at most width bytes where words end.
func wrap(text string, width int) string {
	var b strings.Builder
	line := 0
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case line+1+len(word) > width:
			b.WriteByte('\n')
			line = 0
		default:
			b.WriteByte(' ')
			line++
		}
		b.WriteString(word)
		line += len(word)
	}
	return b.String()
}

// Reference writes docs/reference/config.md.
func Reference(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString(`# Configuration

Trunkline needs no configuration. What differs from the defaults stands, later ones winning, in:

1. the file named with ` + "`--config` (or `TRUNKLINE_CONFIG`), else `./trunkline.toml`, else `/etc/trunkline/trunkline.toml`" + `;
2. the environment, with the names below;
3. the command line: ` + "`--set KEY=VALUE`" + `, as often as needed; lists are separated by commas.

An unknown key is an error wherever it stands. ` + "`trunkline config check` names every mistake, `trunkline config describe`" + `
prints a file with all keys, ` + "`trunkline config show`" + ` the values in force and where each came from. Sizes are written ` +
		"`65536` or `\"64KiB\"`, durations `\"500ms\"`, `\"5s\"`, `\"2m\"`" + `.
On SIGHUP the sources are read again: keys marked *reload* take effect, for the others a restart is needed.
`)
	section := ""
	for _, k := range Keys() {
		if k.section() != section {
			section = k.section()
			fmt.Fprintf(b, "\n## %s\n\n%s\n\n| key | type | default | meaning |\n|---|---|---|---|\n", section, sectionDoc(section))
		}
		fmt.Fprintf(b, "| `%s`<br>`%s` | %s | %s | %s |\n", k.Name, k.Env, k.Type, codeCell(k.Default), strings.ReplaceAll(k.about(), "|", `\|`))
	}
	fmt.Fprintf(b, "\nParts of the log: `%s`. A name covers the longer ones that begin with it.\n", strings.Join(Parts(), "`, `"))
	return b.Flush()
}

func codeCell(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}
