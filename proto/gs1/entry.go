package gs1

import (
	"errors"
	"fmt"
	"strings"
)

// entry is what the dictionary says of one application identifier.
type entry struct {
	ai         string
	title      string
	separator  bool // FNC1 has to follow
	attribute  attribute
	parts      []part
	min, max   int // bytes of a value
	forbids    []pattern
	requires   []requirement
	qualifiers [][]string // of a primary key, in their order; one empty list if it has none
}

// attribute says whether an element may be in the query of a digital link.
type attribute uint8

const (
	noAttribute attribute = iota
	isAttribute
	unknownAttribute
)

// part is one component of a value. Only the last can vary in length, and no
// part that has to be there follows one that need not.
type part struct {
	set      rule
	min, max int
	optional bool
	rules    []rule
}

// pattern is an application identifier, or a family such as 31nn.
type pattern struct {
	prefix string
	length int
}

// requirement is met if all of one of its groups are there.
type requirement struct {
	text   string
	groups [][]pattern
}

const flags = "*?!\"$%&'()+,-./:;<=>@[\\]^_`{|}~"

// readEntries reads a line of the dictionary: nothing, one identifier, or a
// range of them.
func readEntries(line string) ([]*entry, error) {
	line, title, _ := strings.Cut(line, "#")
	words := strings.Fields(line)
	if len(words) == 0 {
		return nil, nil
	}
	first, last, err := bounds(words[0])
	if err != nil {
		return nil, err
	}
	e := entry{title: strings.TrimSpace(title), separator: true}
	words = words[1:]
	for len(words) > 0 && strings.Trim(words[0], flags) == "" {
		if strings.Contains(words[0], "*") {
			e.separator = false
		}
		if strings.Contains(words[0], "?") {
			e.attribute = isAttribute
		}
		words = words[1:]
	}
	for len(words) > 0 && (words[0][0] == '[' || words[0][0] >= 'A' && words[0][0] <= 'Z') {
		p, err := readPart(words[0])
		if err != nil {
			return nil, err
		}
		e.parts = append(e.parts, p)
		words = words[1:]
	}
	if err := e.measure(); err != nil {
		return nil, fmt.Errorf("AI %s: %w", first, err)
	}
	for _, w := range words {
		if err := e.readAttribute(w); err != nil {
			return nil, fmt.Errorf("AI %s: %w", first, err)
		}
	}
	entries := []*entry{}
	for c := first[len(first)-1]; c <= last; c++ {
		one := e
		one.ai = first[:len(first)-1] + string(c)
		entries = append(entries, &one)
	}
	return entries, nil
}

// bounds gives the first of one or more identifiers and the last digit of the
// last.
func bounds(word string) (first string, last byte, err error) {
	first, end, many := strings.Cut(word, "-")
	if !many {
		end = first
	}
	n := len(first)
	if n < 2 || n > 4 || len(end) != n || !allDigits(first) || !allDigits(end) || end[:n-1] != first[:n-1] || end < first {
		return "", 0, fmt.Errorf("%q is no application identifier and no range of them", word)
	}
	return first, end[n-1], nil
}

// measure checks the parts and adds up their lengths.
func (e *entry) measure() error {
	if len(e.parts) == 0 {
		return errors.New("has no components")
	}
	for i, p := range e.parts {
		if i < len(e.parts)-1 && p.min != p.max {
			return errors.New("only the last component may vary in length")
		}
		if i > 0 && !p.optional && e.parts[i-1].optional {
			return errors.New("a component that must be there follows one that need not")
		}
		if !e.separator && (p.optional || p.min != p.max) {
			return errors.New("varies in length without FNC1 after it")
		}
		e.max += p.max
		if !p.optional {
			e.min += p.min
		}
	}
	return nil
}

// readPart reads a component, such as N14,csum or [X..17].
func readPart(word string) (part, error) {
	spec, names, _ := strings.Cut(word, ",")
	p := part{}
	if strings.HasPrefix(spec, "[") && strings.HasSuffix(spec, "]") {
		p.optional, spec = true, spec[1:len(spec)-1]
	}
	if spec == "" || sets[spec[0]] == nil {
		return p, fmt.Errorf("component %q: no known character set", word)
	}
	p.set = sets[spec[0]]
	length, varies := strings.CutPrefix(spec[1:], "..")
	if length == "" || len(length) > 2 || !allDigits(length) || length[0] == '0' {
		return p, fmt.Errorf("component %q: length is no number from 1 to 99", word)
	}
	for i := range len(length) {
		p.max = p.max*10 + int(length[i]-'0')
	}
	p.min = p.max
	if varies {
		p.min = 1
	}
	if names == "" {
		return p, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		r := rules[name]
		if r == nil {
			return p, fmt.Errorf("component %q: no known rule %q", word, name)
		}
		p.rules = append(p.rules, r)
	}
	return p, nil
}

// readAttribute reads such as req=01+21,02 or dlpkey=22,10,21|235.
func (e *entry) readAttribute(word string) error {
	name, value, _ := strings.Cut(word, "=")
	switch name {
	case "ex":
		for ai := range strings.SplitSeq(value, ",") {
			p, err := readPattern(ai)
			if err != nil {
				return err
			}
			e.forbids = append(e.forbids, p)
		}
	case "req":
		r := requirement{text: value}
		for group := range strings.SplitSeq(value, ",") {
			all := []pattern{}
			for ai := range strings.SplitSeq(group, "+") {
				p, err := readPattern(ai)
				if err != nil {
					return err
				}
				all = append(all, p)
			}
			r.groups = append(r.groups, all)
		}
		e.requires = append(e.requires, r)
	case "dlpkey":
		for alternative := range strings.SplitSeq(value, "|") {
			qualifiers := []string{}
			if alternative != "" {
				qualifiers = strings.Split(alternative, ",")
			}
			if len(qualifiers) > 5 {
				return fmt.Errorf("attribute %q: more than 5 qualifiers", word)
			}
			e.qualifiers = append(e.qualifiers, qualifiers)
		}
	}
	return nil
}

func readPattern(ai string) (pattern, error) {
	prefix := strings.TrimRight(ai, "n")
	if len(ai) < 2 || len(ai) > 4 || prefix == "" || !allDigits(prefix) {
		return pattern{}, fmt.Errorf("%q is no application identifier and no pattern of them", ai)
	}
	return pattern{prefix: prefix, length: len(ai)}, nil
}

// matches reports whether an application identifier is one of the pattern's.
func (p pattern) matches(ai string) bool {
	return len(ai) == p.length && strings.HasPrefix(ai, p.prefix)
}
