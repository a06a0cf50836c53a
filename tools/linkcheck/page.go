package main

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// A page is what a Markdown file offers and asks for.
type page struct {
	anchors map[string]bool // what a link can name after #
	links   []link
}

type link struct {
	line   int // counted from 1
	target string
}

// parse reads a page. Of Markdown it knows headings of the # form, inline links
// and images, reference definitions, code spans, fenced code, and HTML anchors.
func parse(text string) *page {
	p := &page{anchors: map[string]bool{}}
	s := scanner{
		inline:  regexp.MustCompile(`\]\(\s*<?([^()<>\s]+(?:\([^()\s]*\)[^()<>\s]*)*)>?(?:\s+"[^"]*")?\s*\)`),
		define:  regexp.MustCompile(`^ {0,3}\[[^\]^][^\]]*\]:\s+<?([^\s>]+)`),
		named:   regexp.MustCompile(`<a\s+(?:id|name)="([^"]+)"`),
		source:  regexp.MustCompile(`<(?:img|a)\s[^>]*(?:src|href)="([^"]+)"`),
		heading: regexp.MustCompile(`^ {0,3}#{1,6}\s+(.+?)(?:\s+#+)?\s*$`),
		span:    regexp.MustCompile("`+[^`]*`+"),
		markup:  regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`),
	}
	fence := ""
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if mark := fenceOf(line); mark != "" && (fence == "" || strings.HasPrefix(mark, fence)) {
			if fence == "" {
				fence = mark
			} else {
				fence = ""
			}
			continue
		}
		if fence == "" {
			s.line(p, i+1, line)
		}
	}
	return p
}

// fenceOf returns the characters that open or close fenced code, if the line
// begins with them.
func fenceOf(line string) string {
	line = strings.TrimLeft(line, " ")
	for _, c := range []string{"`", "~"} {
		if n := len(line) - len(strings.TrimLeft(line, c)); n >= 3 {
			return line[:n]
		}
	}
	return ""
}

type scanner struct{ inline, define, named, source, heading, span, markup *regexp.Regexp }

func (s scanner) line(p *page, number int, line string) {
	if m := s.heading.FindStringSubmatch(line); m != nil {
		p.addHeading(s.markup.ReplaceAllString(m[1], "$1"))
	}
	for _, m := range s.named.FindAllStringSubmatch(line, -1) {
		p.anchors[m[1]] = true
	}
	line = s.span.ReplaceAllString(line, "")
	for _, kind := range []*regexp.Regexp{s.inline, s.define, s.source} {
		for _, m := range kind.FindAllStringSubmatch(line, -1) {
			p.links = append(p.links, link{number, m[1]})
		}
	}
}

// addHeading makes the anchor of a heading as forges do: lower case, letters
// and digits, blanks to hyphens, and a number behind one that comes again.
func (p *page) addHeading(text string) {
	anchor := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
			return unicode.ToLower(r)
		case r == ' ':
			return '-'
		}
		return -1
	}, text)
	unique := anchor
	for n := 1; p.anchors[unique]; n++ {
		unique = fmt.Sprintf("%s-%d", anchor, n)
	}
	p.anchors[unique] = true
}
