package epcis

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// element is one element of XML with what is in it.
type element struct {
	space, local string
	attrs        []xml.Attr // without declarations of namespaces
	text         string     // what stands before the first child
	mixed        bool       // there is text between children, too
	kids         []element
}

func (e *element) attr(local string) string {
	for _, a := range e.attrs {
		if a.Name.Space == "" && a.Name.Local == local {
			return a.Value
		}
	}
	return ""
}

// xmlReader reads a document in XML 1.2 or 2.0. The standard library's decoder
// knows no external entities; a DOCTYPE that declares or names anything is refused
// here, so that there are no internal ones either.
type xmlReader struct {
	dec      *xml.Decoder
	meter    *meter
	limits   Limits
	doc      *Document
	f        func(*Event) error
	prefixes map[string]string // the first prefix of each namespace
	path     []string
	events   int
	list     bool // an EventList was seen
}

func readXML(m *meter, limits Limits, f func(*Event) error) (*Document, error) {
	r := &xmlReader{dec: xml.NewDecoder(m), meter: m, limits: limits, doc: &Document{}, f: f, prefixes: map[string]string{}}
	r.dec.CharsetReader = func(charset string, _ io.Reader) (io.Reader, error) {
		return nil, fmt.Errorf("encoding %q is not read; send UTF-8", charset)
	}
	r.budget(limits.EventBytes)
	root, err := r.next()
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, syntax("", io.ErrUnexpectedEOF, "the document has no element")
	}
	if err := r.root(root); err != nil {
		return nil, err
	}
	if end, err := r.next(); err != nil {
		return nil, err
	} else if end != nil {
		return nil, syntax("", nil, "there is something after the document")
	}
	return r.doc, nil
}

func (r *xmlReader) budget(n int64) { r.meter.until = r.dec.InputOffset() + n + slack }

func (r *xmlReader) fail(err error, format string, args ...any) error {
	return syntax(strings.Join(r.path, ""), err, format, args...)
}

// token gives the next start, end or text. It has no other kinds, and io.EOF
// at the end of the document.
func (r *xmlReader) token() (xml.Token, error) {
	for {
		t, err := r.dec.Token()
		if err != nil {
			var bad *xml.SyntaxError
			switch {
			case errors.Is(err, io.EOF) && len(r.path) == 0:
				return nil, io.EOF
			case errors.Is(err, ErrTooLarge):
				return nil, r.fail(err, "%v", err)
			case errors.As(err, &bad) && bad.Msg == "unexpected EOF":
				return nil, r.fail(io.ErrUnexpectedEOF, "the document ends in the middle")
			case errors.As(err, &bad):
				return nil, r.fail(err, "line %d: %s", bad.Line, bad.Msg)
			case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
				return nil, r.fail(io.ErrUnexpectedEOF, "the document ends in the middle")
			}
			return nil, r.fail(err, "%v", err)
		}
		switch t := t.(type) {
		case xml.Directive:
			if f := strings.Fields(string(t)); len(f) == 2 && f[0] == "DOCTYPE" && xmlName(f[1]) {
				continue // it declares nothing
			}
			return nil, r.fail(nil, "a DOCTYPE that declares or names anything is not allowed: entities are not read")
		case xml.StartElement:
			if len(r.path) >= MaxDepth {
				return nil, r.fail(nil, "nested deeper than %d", MaxDepth)
			}
			r.path = append(r.path, "/"+t.Name.Local)
			return t, r.declare(&t)
		case xml.EndElement:
			r.path = r.path[:len(r.path)-1]
			return t, nil
		case xml.CharData:
			return t, nil
		}
	}
}

// declare notes the prefixes an element declares and refuses an attribute
// given twice, which the decoder does not.
func (r *xmlReader) declare(t *xml.StartElement) error {
	for i, a := range t.Attr {
		if a.Name.Space == "xmlns" && r.prefixes[a.Value] == "" {
			r.prefixes[a.Value] = a.Name.Local
		}
		for _, b := range t.Attr[:i] {
			if a.Name == b.Name {
				return r.fail(nil, "the attribute %q is given twice", a.Name.Local)
			}
		}
	}
	return nil
}

// next gives the next child of the element that is being read, or nil at its
// end.
func (r *xmlReader) next() (*xml.StartElement, error) {
	for {
		t, err := r.token()
		if errors.Is(err, io.EOF) && len(r.path) == 0 {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			return &t, nil
		case xml.EndElement:
			return nil, nil
		case xml.CharData:
			if strings.TrimSpace(string(t)) != "" {
				return nil, r.fail(nil, "text is not wanted here")
			}
		}
	}
}

// element reads the rest of an element.
func (r *xmlReader) element(start *xml.StartElement) (element, error) {
	e := element{space: start.Name.Space, local: start.Name.Local}
	for _, a := range start.Attr {
		if a.Name.Space != "xmlns" && (a.Name.Space != "" || a.Name.Local != "xmlns") {
			e.attrs = append(e.attrs, a)
		}
	}
	var text []byte
	for {
		t, err := r.token()
		if err != nil {
			return e, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			kid, err := r.element(&t)
			if err != nil {
				return e, err
			}
			e.kids = append(e.kids, kid)
		case xml.CharData:
			if len(e.kids) == 0 {
				text = append(text, t...)
			} else if strings.TrimSpace(string(t)) != "" {
				e.mixed = true
			}
		case xml.EndElement:
			e.text = string(text)
			return e, nil
		}
	}
}

const (
	captureSpace = "urn:epcglobal:epcis:xsd:"
	querySpace   = "urn:epcglobal:epcis-query:xsd:"
)

func (r *xmlReader) root(root *xml.StartElement) error {
	d := r.doc
	if eventTypes[root.Name.Local] {
		d.Type, d.SchemaVersion = root.Name.Local, "2.0"
		return r.event(root, "")
	}
	if root.Name.Local != CaptureDocument && root.Name.Local != QueryDocument {
		return r.fail(nil, "the root is %q, not EPCISDocument or EPCISQueryDocument", root.Name.Local)
	}
	d.Type = root.Name.Local
	if !strings.HasPrefix(root.Name.Space, captureSpace) && !strings.HasPrefix(root.Name.Space, querySpace) {
		d.Problems = append(d.Problems, Problem{"/type", fmt.Sprintf("the namespace %q is not that of EPCIS", root.Name.Space)})
	}
	for _, a := range root.Attr {
		switch a.Name.Local {
		case "schemaVersion":
			d.SchemaVersion = strings.TrimSpace(a.Value)
		case "creationDate":
			d.created(strings.TrimSpace(a.Value))
		}
	}
	if strings.HasPrefix(d.SchemaVersion, "1.") || d.SchemaVersion == "1" {
		d.version = version12
	}
	for {
		t, err := r.next()
		if err != nil {
			return err
		}
		if t == nil {
			break
		}
		switch t.Name.Local {
		case "EPCISBody":
			err = r.body()
		case "EventList", "resultsBody", "queryName", "subscriptionID":
			// Results of a query are seen without a body around them, too.
			err = r.part(t)
		case "EPCISHeader":
			err = r.header(t)
		default:
			err = r.beside(t)
		}
		if err != nil {
			return err
		}
	}
	d.checkEnvelope(r.list)
	return nil
}

// beside reads an element that EPCIS does not define.
func (r *xmlReader) beside(t *xml.StartElement) error {
	e, err := r.element(t)
	if err != nil {
		return err
	}
	if e.space == ignoreNamespace && e.local == "ignoreFields" {
		for _, k := range e.kids {
			r.doc.Ignored = append(r.doc.Ignored, clark(k.space, k.local))
		}
		return nil
	}
	c := r.conversion(nil)
	n := c.extension(&e)
	r.doc.Header = append(r.doc.Header, (&scope{prefixes: c.taken}).fields(&node{kind: kindObject, kids: []node{n}})...)
	return nil
}

func (r *xmlReader) header(t *xml.StartElement) error {
	e, err := r.element(t)
	if err != nil {
		return err
	}
	c := r.conversion(nil)
	n := c.extension(&e)
	r.doc.Header = append(r.doc.Header, (&scope{prefixes: c.taken}).fields(&n)...)
	r.doc.business()
	r.doc.masterFromXML(&e)
	return nil
}

// body finds the list of events, in results of a query, too.
func (r *xmlReader) body() error {
	for {
		t, err := r.next()
		if t == nil || err != nil {
			return err
		}
		if err := r.part(t); err != nil {
			return err
		}
		r.budget(r.limits.EventBytes)
	}
}

// part reads one element of a body.
func (r *xmlReader) part(t *xml.StartElement) error {
	switch t.Name.Local {
	case "EventList":
		return r.eventList()
	case "QueryResults", "resultsBody", "QueryResultsBody":
		return r.body()
	}
	e, err := r.element(t)
	if err != nil {
		return err
	}
	switch e.local {
	case "queryName", "subscriptionID":
		n := text(e.local, trim(e.text))
		r.doc.results(&n)
	default:
		r.doc.Problems = append(r.doc.Problems, Problem{"/epcisBody", fmt.Sprintf("the element %q is not known here", e.local)})
	}
	return nil
}

func (r *xmlReader) eventList() error {
	r.list = true
	for {
		r.budget(r.limits.EventBytes)
		t, err := r.next()
		if t == nil || err != nil {
			return err
		}
		if t.Name.Local == "extension" {
			// EPCIS 1.2 has its newer types in here.
			err = r.eventList()
		} else {
			err = r.event(t, r.pointer())
			r.events++
		}
		if err != nil {
			return err
		}
	}
}

func (r *xmlReader) pointer() string {
	p := "/epcisBody/eventList"
	if r.doc.Type == QueryDocument {
		p = "/epcisBody/queryResults/resultsBody/eventList"
	}
	return atIndex(p, r.events)
}

func (r *xmlReader) event(t *xml.StartElement, pointer string) error {
	e, err := r.element(t)
	if err != nil {
		return err
	}
	root, s, problems := r.convert(&e, pointer)
	ev := newEvent(root, s, pointer, r.doc.version)
	ev.problems = append(ev.problems, problems...)
	return r.f(ev)
}

var eventTypes = words(ObjectEvent + " " + AggregationEvent + " " + TransactionEvent + " " + TransformationEvent + " " + AssociationEvent)

// clark writes a name with its namespace in braces.
func clark(ns, local string) string {
	if ns == "" {
		return local
	}
	return "{" + ns + "}" + local
}

// sortedKeys are the keys of a map in order.
func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
