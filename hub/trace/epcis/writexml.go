package epcis

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// EncodeXML20 writes a document with its events in EPCIS 2.0 XML. The hash ids
// stay the same. It fails where XML has no form for an extension: a list in a
// list, a name or a character that XML does not allow.
func EncodeXML20(w io.Writer, d *Document) error {
	_, err := encodeXML(w, d, version20)
	return err
}

// EncodeXML12 writes a document with its events in EPCIS 1.2 XML for partners
// that read no newer one, and says what it left out because that version has no
// place for it: sensor data above all, which is never put into extensions.
// Events that left something out have other hash ids than before. It fails on an
// AssociationEvent, which 1.2 does not have.
func EncodeXML12(w io.Writer, d *Document) (omitted []Problem, err error) {
	return encodeXML(w, d, version12)
}

func encodeXML(w io.Writer, d *Document, v version) ([]Problem, error) {
	x := &xmlWriter{version: v}
	for i, e := range d.Events {
		x.at = atIndex("/epcisBody/eventList", i)
		if err := x.event(e); err != nil {
			return nil, fmt.Errorf("epcis: %w", err)
		}
	}
	body := x.b
	x.b = nil
	if err := x.document(d, body); err != nil {
		return nil, fmt.Errorf("epcis: %w", err)
	}
	_, err := w.Write(x.b)
	return x.omitted, err
}

// xmlWriter writes in memory: a document that fails is not begun.
type xmlWriter struct {
	b       []byte
	version version
	scope   *scope
	spaces  map[string]string // prefixes of the present event, to namespaces
	// declared is what the document's prefixes mean, of which its header has its own.
	declared *scope
	omitted  []Problem
	at       string
}

func (x *xmlWriter) document(d *Document, body []byte) error {
	root, space, schema := "epcis:EPCISDocument", "urn:epcglobal:epcis:xsd:2", "2.0"
	if x.version == version12 {
		space, schema = "urn:epcglobal:epcis:xsd:1", "1.2"
	}
	declare := ` xmlns:epcis="` + space + `"`
	if d.Type == QueryDocument {
		root = "epcisq:EPCISQueryDocument"
		declare += ` xmlns:epcisq="` + strings.Replace(space, ":epcis:", ":epcis-query:", 1) + `"`
	}
	if x.version == version20 {
		declare += ` xmlns:gs1="` + gs1Web + `" xmlns:cbv="` + cbvWeb + `"`
	}
	x.b = append(x.b, xml.Header...)
	x.b = append(x.b, "<"+root+declare+` schemaVersion="`+schema+`" creationDate="`+canonicalTime(d.Created.Format(time.RFC3339Nano))+`">`...)
	if err := x.header(d); err != nil {
		return err
	}
	x.b = append(x.b, "<EPCISBody>"...)
	end := "</EPCISBody></" + root + ">\n"
	if d.Type == QueryDocument {
		x.b = append(x.b, "<epcisq:QueryResults>"...)
		if err := x.leaf("queryName", d.QueryName); err != nil {
			return err
		}
		if d.Subscription != "" {
			if err := x.leaf("subscriptionID", d.Subscription); err != nil {
				return err
			}
		}
		x.b = append(x.b, "<resultsBody>"...)
		end = "</resultsBody></epcisq:QueryResults>" + end
	}
	x.b = append(x.b, "<EventList>"...)
	x.b = append(x.b, body...)
	x.b = append(x.b, "</EventList>"...)
	x.b = append(x.b, end...)
	return nil
}

// escape appends text for an element or attribute.
func (x *xmlWriter) escape(s string) error {
	for _, r := range s {
		if r == utf8.RuneError || r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xfffe || r == 0xffff {
			return fmt.Errorf("%s: the character %U is not allowed in XML", x.at, r)
		}
	}
	var b bytes.Buffer
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return err
	}
	x.b = append(x.b, b.Bytes()...)
	return nil
}

func (x *xmlWriter) leaf(name, s string) error {
	x.b = append(x.b, "<"+name+">"...)
	if err := x.escape(s); err != nil {
		return err
	}
	x.b = append(x.b, "</"+name+">"...)
	return nil
}

func (x *xmlWriter) attribute(name, s string) error {
	x.b = append(x.b, " "+name+`="`...)
	if err := x.escape(s); err != nil {
		return err
	}
	x.b = append(x.b, '"')
	return nil
}

// value is a text as XML has it: XML knows no prefixes in values but those of
// GS1, so that all others are written out.
func (x *xmlWriter) value(s string) string {
	if p, _, ok := strings.Cut(s, ":"); ok && (p == "gs1" || p == "cbv") && (x.scope == nil || x.scope.prefixes[p] == "") {
		return s
	}
	return x.scope.expand(s)
}

// name gives the qualified name of a member, and notes its namespace.
func (x *xmlWriter) name(key string) (string, error) {
	ns, local := x.scope.name(key)
	if !xmlName(local) {
		return "", fmt.Errorf("%s: the name %q has no form in XML", x.at, key)
	}
	if ns == "" {
		return local, nil
	}
	prefix, _, _ := strings.Cut(key, ":")
	if !xmlName(prefix) || strings.HasPrefix(strings.ToLower(prefix), "xml") || x.reserved(prefix, ns) {
		prefix = "x" + strings.Map(func(r rune) rune {
			if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
				return r
			}
			return -1
		}, prefix)
	}
	if x.version == version12 && ns == masterData+":" {
		ns = masterData // which is how XML writes it
	}
	for base := prefix; x.spaces[prefix] != "" && x.spaces[prefix] != ns; {
		prefix = base + "_"
		base = prefix
	}
	x.spaces[prefix] = ns
	return prefix + ":" + local, nil
}

// reserved says whether the document declares the prefix for something else.
func (x *xmlWriter) reserved(prefix, ns string) bool {
	switch prefix {
	case "epcis", "epcisq", "gs1", "cbv":
		return standardPrefixes[prefix] != ns || prefix == "epcis"
	}
	return false
}

// xmlName says whether s is a name without a colon.
func xmlName(s string) bool {
	for i, r := range s {
		switch {
		case r == '_', unicode.IsLetter(r):
		case i > 0 && (r == '-' || r == '.' || unicode.IsDigit(r)):
		default:
			return false
		}
	}
	return s != ""
}

// extension writes a member that EPCIS does not define: an element, or one for
// each element of a list.
func (x *xmlWriter) extension(n *node) error {
	if n.name == "comment" || n.name == "rdfs:comment" {
		return nil
	}
	var failed error
	n.each(func(_ int, m *node) {
		if failed == nil {
			failed = x.single(n.name, m)
		}
	})
	return failed
}

func (x *xmlWriter) single(key string, m *node) error {
	name, err := x.name(key)
	if err != nil {
		return err
	}
	switch m.kind {
	case kindArray:
		return fmt.Errorf("%s: a list in a list, in %q, has no form in XML", x.at, key)
	case kindObject:
	default:
		return x.leaf(name, x.value(m.text))
	}
	x.b = append(x.b, "<"+name...)
	if err := x.attributes(m); err != nil {
		return err
	}
	x.b = append(x.b, '>')
	for i := range m.kids {
		switch k := &m.kids[i]; {
		case k.name == "#text":
			err = x.escape(x.value(k.text))
		case !strings.HasPrefix(k.name, "@"):
			err = x.extension(k)
		}
		if err != nil {
			return err
		}
	}
	x.b = append(x.b, "</"+name+">"...)
	return nil
}

// attributes writes the members that were attributes.
func (x *xmlWriter) attributes(n *node) error {
	for i := range n.kids {
		k := &n.kids[i]
		key, ok := strings.CutPrefix(k.name, "@")
		if !ok {
			continue
		}
		if k.kind == kindObject || k.kind == kindArray {
			return fmt.Errorf("%s: the attribute %q is no text", x.at, key)
		}
		name, err := x.name(key)
		if err != nil {
			return err
		}
		if err := x.attribute(name, x.value(k.text)); err != nil {
			return err
		}
	}
	return nil
}
