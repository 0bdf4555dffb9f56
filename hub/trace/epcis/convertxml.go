package epcis

import (
	"encoding/xml"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// conversion makes the JSON tree of one event from its XML.
type conversion struct {
	given    map[string]string // the document's prefix of each namespace
	taken    map[string]string // prefix to namespace, as far as used
	blocked  map[string]bool   // prefixes not to use
	problems []Problem
	at       string
}

func (r *xmlReader) conversion(blocked map[string]bool) *conversion {
	return &conversion{given: r.prefixes, taken: map[string]string{}, blocked: blocked}
}

// convert gives the tree of an event and what its prefixes mean. JSON expands
// prefixes in values, XML only those of GS1: where a value would be taken for
// an abbreviation, the prefix of that name is given another.
func (r *xmlReader) convert(e *element, pointer string) (node, *scope, []Problem) {
	var blocked map[string]bool
	for {
		c := r.conversion(blocked)
		c.at = pointer
		root := c.event(e)
		hit := ""
		if len(c.taken) > 0 {
			hit = collision(&root, c.taken)
		}
		if hit == "" {
			return root, &scope{prefixes: c.taken}, c.problems
		}
		if blocked == nil {
			blocked = map[string]bool{}
		}
		blocked[hit] = true
	}
}

// collision finds a prefix that a value begins with as if it meant it.
func collision(n *node, prefixes map[string]string) string {
	if n.kind == kindText {
		if p, rest, ok := strings.Cut(n.text, ":"); ok && prefixes[p] != "" && !strings.HasPrefix(rest, "//") {
			return p
		}
	}
	for i := range n.kids {
		if p := collision(&n.kids[i], prefixes); p != "" {
			return p
		}
	}
	return ""
}

// name is the name of a member, with a prefix for its namespace.
func (c *conversion) name(space, local string) string {
	if space == "" {
		return local
	}
	p := c.given[space]
	switch {
	case space == masterData:
		p = "cbvmda"
	case space == masterData+":":
		p = "mda"
	case standardPrefixes[p] != "" && standardPrefixes[p] != space:
		p = "x" + p // the context of GS1 protects its own
	}
	if p == "" || strings.HasPrefix(p, "xml") {
		p = "ns"
	}
	base := p
	for i := 1; c.blocked[p] || c.taken[p] != "" && c.taken[p] != space || standardPrefixes[p] != "" && standardPrefixes[p] != space; i++ {
		p = base + strconv.Itoa(i)
	}
	if standardPrefixes[p] != space {
		c.taken[p] = space
	}
	return p + ":" + local
}

func (c *conversion) wrong(name, format string, args ...any) {
	c.problems = append(c.problems, Problem{at(c.at, name), fmt.Sprintf(format, args...)})
}

func (c *conversion) event(e *element) node {
	n := node{kind: kindObject, kids: []node{text("type", e.local)}}
	c.members(&n, e)
	for _, a := range e.attrs {
		n.kids = append(n.kids, text("@"+c.name(a.Name.Space, a.Name.Local), a.Value))
	}
	return n
}

// members adds the children of e to an event, and those of the extension
// elements that older versions nest newer fields in.
func (c *conversion) members(n *node, e *element) {
	if e.mixed {
		c.wrong(e.local, "text between elements is not kept")
	}
	for i := range e.kids {
		k := &e.kids[i]
		if k.space == "" && (k.local == "extension" || k.local == "baseExtension") {
			c.members(n, k)
			continue
		}
		m := c.member(k)
		if n.member(m.name) != nil && standard[m.name] && m.name != "certificationInfo" {
			c.wrong(m.name, "the element is given twice")
			continue
		}
		join(n, m)
	}
}

// join adds a member; a second one of its name makes a list of both.
func join(n *node, m node) {
	old := n.member(m.name)
	switch {
	case old == nil:
		n.kids = append(n.kids, m)
	case old.kind == kindArray:
		m.name = ""
		old.kids = append(old.kids, m)
	default:
		first := *old
		first.name, m.name = "", ""
		*old = node{name: old.name, kind: kindArray, kids: []node{first, m}}
	}
}

func (c *conversion) member(k *element) node {
	if k.space != "" {
		return c.extension(k)
	}
	switch k.local {
	case "epcList", "childEPCs", "inputEPCList", "outputEPCList":
		return c.list(k, "epc", func(e *element) node { return text("", trim(e.text)) })
	case "quantityList", "childQuantityList", "inputQuantityList", "outputQuantityList":
		return c.list(k, "quantityElement", c.quantity)
	case "bizTransactionList":
		return c.list(k, "bizTransaction", c.pair(transactionTypes))
	case "sourceList":
		return c.list(k, "source", c.pair(partyTypes))
	case "destinationList":
		return c.list(k, "destination", c.pair(partyTypes))
	case "sensorElementList":
		return c.list(k, "sensorElement", c.sensor)
	case "readPoint", "bizLocation":
		return c.object(k, nil)
	case "persistentDisposition":
		n := node{name: k.local, kind: kindObject}
		for i := range k.kids {
			m := node{name: k.kids[i].local, kind: kindArray, kids: []node{c.word(&k.kids[i], dispositions)}}
			m.kids[0].name = ""
			if old := n.member(m.name); old != nil {
				old.kids = append(old.kids, m.kids[0])
				continue
			}
			n.kids = append(n.kids, m)
		}
		return n
	case "errorDeclaration":
		return c.declaration(k)
	case "ilmd":
		return c.object(k, nil)
	case "bizStep":
		return c.word(k, bizSteps)
	case "disposition":
		return c.word(k, dispositions)
	}
	if len(k.kids) > 0 {
		return c.extension(k) // no field of the standard; validation says so
	}
	return text(k.local, trim(k.text))
}

func trim(s string) string { return strings.TrimSpace(s) }

func (c *conversion) word(k *element, v *vocabulary) node {
	s := trim(k.text)
	if w, ok := v.bare(s); ok {
		s = w
	}
	return text(k.local, s)
}

// list makes an array of the children, which all have one name.
func (c *conversion) list(k *element, name string, f func(*element) node) node {
	n := node{name: k.local, kind: kindArray}
	for i := range k.kids {
		e := &k.kids[i]
		if e.local != name || e.space != "" {
			c.wrong(k.local, "the element %q is not known here, but %q", e.local, name)
			continue
		}
		n.kids = append(n.kids, f(e))
	}
	return n
}

func (c *conversion) quantity(e *element) node {
	n := node{kind: kindObject}
	for i := range e.kids {
		k := &e.kids[i]
		m := c.member(k)
		if k.local == "quantity" && k.space == "" {
			if slices.ContainsFunc(k.attrs, isNil) {
				continue
			}
			m = number(k.local, k.text)
		}
		join(&n, m)
	}
	return n
}

// isNil finds xsi:nil="true", which says that there is no value.
func isNil(a xml.Attr) bool {
	return a.Name.Local == "nil" && a.Name.Space == "http://www.w3.org/2001/XMLSchema-instance" && (a.Value == "true" || a.Value == "1")
}

func (c *conversion) pair(v *vocabulary) func(*element) node {
	return func(e *element) node {
		n := node{kind: kindObject}
		for _, a := range e.attrs {
			value := trim(a.Value)
			if a.Name.Local == "type" && a.Name.Space == "" {
				if w, ok := v.bare(value); ok {
					value = w
				}
			}
			n.kids = append(n.kids, text(c.name(a.Name.Space, a.Name.Local), value))
		}
		n.kids = append(n.kids, text(e.local, trim(e.text)))
		return n
	}
}

// object takes the children as members, texts and extensions alike.
func (c *conversion) object(k *element, special func(*element) (node, bool)) node {
	if k.mixed {
		c.wrong(k.local, "text between elements is not kept")
	}
	n := node{name: k.local, kind: kindObject}
	for _, a := range k.attrs {
		n.kids = append(n.kids, text("@"+c.name(a.Name.Space, a.Name.Local), a.Value))
	}
	for i := range k.kids {
		e := &k.kids[i]
		if e.space == "" && e.local == "extension" {
			for _, m := range c.object(e, special).kids {
				join(&n, m)
			}
			continue
		}
		if special != nil {
			if m, ok := special(e); ok {
				join(&n, m)
				continue
			}
		}
		if e.space == "" && e.local == "id" {
			join(&n, text("id", trim(e.text)))
			continue
		}
		join(&n, c.extension(e))
	}
	return n
}

func (c *conversion) declaration(k *element) node {
	return c.object(k, func(e *element) (node, bool) {
		switch {
		case e.space != "":
		case e.local == "declarationTime":
			return text(e.local, trim(e.text)), true
		case e.local == "reason":
			return c.word(e, errorReasons), true
		case e.local == "correctiveEventIDs":
			return c.list(e, "correctiveEventID", func(e *element) node { return text("", trim(e.text)) }), true
		}
		return node{}, false
	})
}

func (c *conversion) sensor(e *element) node {
	return c.object(e, func(e *element) (node, bool) {
		switch {
		case e.space != "":
		case e.local == "sensorMetadata":
			return c.attributes(e), true
		case e.local == "sensorReport":
			n := c.attributes(e)
			n.name = ""
			return node{name: e.local, kind: kindArray, kids: []node{n}}, true
		}
		return node{}, false
	}).flattened("sensorReport")
}

// flattened makes one list of a list of lists of one, which join left.
func (n node) flattened(name string) node {
	n.name = ""
	m := n.member(name)
	if m == nil {
		return n
	}
	for i := range m.kids {
		if m.kids[i].kind == kindArray {
			m.kids[i] = m.kids[i].kids[0]
		}
	}
	return n
}

// attributes are the fields of sensorMetadata and sensorReport, which XML has
// as attributes.
func (c *conversion) attributes(e *element) node {
	n := node{name: e.local, kind: kindObject}
	for _, a := range e.attrs {
		if a.Name.Space != "" {
			n.kids = append(n.kids, text(c.name(a.Name.Space, a.Name.Local), a.Value))
			continue
		}
		value := trim(a.Value)
		m := text(a.Name.Local, value)
		v := map[string]*vocabulary{"type": measurements, "exception": alarms, "component": components}[a.Name.Local]
		switch {
		case v != nil:
			if w, ok := v.bare(value); ok {
				m.text = w
			}
		case a.Name.Local == "booleanValue":
			m = boolean(m.name, value)
		case numeric[a.Name.Local]:
			m = number(m.name, value)
		}
		n.kids = append(n.kids, m)
	}
	for i := range e.kids {
		join(&n, c.extension(&e.kids[i]))
	}
	return n
}

var numeric = words("value minValue maxValue meanValue sDev percRank percValue")

// extension keeps an element that EPCIS does not define: its text, or an
// object of its attributes, its text and its children.
func (c *conversion) extension(e *element) node {
	if e.mixed {
		c.wrong(e.local, "text between elements is not kept")
	}
	name := c.name(e.space, e.local)
	if len(e.attrs)+len(e.kids) == 0 {
		return text(name, e.text)
	}
	n := node{name: name, kind: kindObject}
	for _, a := range e.attrs {
		n.kids = append(n.kids, text("@"+c.name(a.Name.Space, a.Name.Local), a.Value))
	}
	if s := trim(e.text); s != "" {
		n.kids = append(n.kids, text("#text", e.text))
	}
	for i := range e.kids {
		join(&n, c.extension(&e.kids[i]))
	}
	return n
}

// number keeps a number as it was written if JSON writes numbers so, and makes
// it one if not. What is no number stays text, for validation to refuse.
func number(name, s string) node {
	s = trim(s)
	n := node{name: name, kind: kindNumber, text: s}
	if jsonNumber(s) {
		return n
	}
	if t, ok := canonicalNumber(s); ok {
		n.text = t
		return n
	}
	return text(name, s)
}

// jsonNumber says whether s is a number by RFC 8259.
func jsonNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, rest := digits(s)
	if whole == "" || len(whole) > 1 && whole[0] == '0' {
		return false
	}
	if after, ok := strings.CutPrefix(rest, "."); ok {
		var part string
		if part, rest = digits(after); part == "" {
			return false
		}
	}
	if rest != "" && (rest[0] == 'e' || rest[0] == 'E') {
		rest = rest[1:]
		if rest != "" && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		var part string
		if part, rest = digits(rest); part == "" {
			return false
		}
	}
	return rest == ""
}

func digits(s string) (string, string) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func boolean(name, s string) node {
	switch s {
	case "true", "1":
		return node{name: name, kind: kindBool, text: "true"}
	case "false", "0":
		return node{name: name, kind: kindBool, text: "false"}
	}
	return text(name, s)
}
