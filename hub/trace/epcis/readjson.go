package epcis

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// jsonReader reads a document in JSON in one pass. The decoder refuses
// members given twice and text that is not UTF-8.
type jsonReader struct {
	dec    *jsontext.Decoder
	meter  *meter
	limits Limits
	doc    *Document
	f      func(*Event) error
	// contexted and list say that @context and a list of events were seen.
	contexted, list bool

	rest     node // members that are not read otherwise
	deferred *node
	stack    []node // kids of the values that are being read
}

func readJSON(m *meter, limits Limits, f func(*Event) error) (*Document, error) {
	r := &jsonReader{dec: jsontext.NewDecoder(m), meter: m, limits: limits, doc: &Document{}, f: f, rest: node{kind: kindObject}}
	r.budget(limits.EventBytes)
	if err := r.document(); err != nil {
		return nil, err
	}
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = syntax("", nil, "there is something after the document")
		}
		return nil, r.wrap(err)
	}
	return r.doc, nil
}

// slack is what a decoder may read beyond the value it is at.
const slack = 64 << 10

func (r *jsonReader) budget(n int64) { r.meter.until = r.dec.InputOffset() + n + slack }

// wrap makes an error of the decoder one of ours.
func (r *jsonReader) wrap(err error) error {
	var ours *SyntaxError
	switch {
	case errors.As(err, &ours):
		return err
	case errors.Is(err, ErrTooLarge):
		return syntax(string(r.dec.StackPointer()), err, "%v", errors.Unwrap(err))
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return syntax(string(r.dec.StackPointer()), io.ErrUnexpectedEOF, "the document ends in the middle")
	}
	var bad *jsontext.SyntacticError
	if errors.As(err, &bad) {
		return syntax(string(bad.JSONPointer), err, "byte %d: %v", bad.ByteOffset, bad.Err)
	}
	return err
}

func (r *jsonReader) token() (jsontext.Token, error) {
	t, err := r.dec.ReadToken()
	if err != nil {
		return t, r.wrap(err)
	}
	return t, nil
}

// node reads the next value.
func (r *jsonReader) node(name string) (node, error) {
	t, err := r.token()
	if err != nil {
		return node{}, err
	}
	return r.value(name, t)
}

// value reads the value that begins with t.
func (r *jsonReader) value(name string, t jsontext.Token) (node, error) {
	n := node{name: name}
	switch t.Kind() {
	case 'n':
	case '"':
		n.kind, n.text = kindText, t.String()
	case '0':
		n.kind, n.text = kindNumber, t.String()
	case 't', 'f':
		n.kind, n.text = kindBool, t.String()
	case '[', '{':
		if r.dec.StackDepth() > MaxDepth {
			return n, syntax(string(r.dec.StackPointer()), nil, "nested deeper than %d", MaxDepth)
		}
		n.kind = kindArray
		if t.Kind() == '{' {
			n.kind = kindObject
		}
		base := len(r.stack)
		for {
			t, err := r.token()
			if err != nil {
				return n, err
			}
			if k := t.Kind(); k == ']' || k == '}' {
				if len(r.stack) > base {
					n.kids = slices.Clone(r.stack[base:])
				}
				clear(r.stack[base:])
				r.stack = r.stack[:base]
				return n, nil
			}
			var name string
			if n.kind == kindObject {
				name = t.String()
				if t, err = r.token(); err != nil {
					return n, err
				}
			}
			kid, err := r.value(name, t)
			if err != nil {
				return n, err
			}
			r.stack = append(r.stack, kid)
		}
	}
	return n, nil
}

// members calls f for each member of the object that begins here; f reads the
// value.
func (r *jsonReader) members(f func(name string) error) error {
	t, err := r.token()
	if err != nil {
		return err
	}
	if t.Kind() != '{' {
		return syntax(string(r.dec.StackPointer()), nil, "an object is wanted, not %s", t.Kind())
	}
	for {
		t, err := r.token()
		if err != nil {
			return err
		}
		if t.Kind() == '}' {
			return nil
		}
		if err := f(t.String()); err != nil {
			return err
		}
	}
}

func (r *jsonReader) document() error {
	err := r.members(func(name string) error {
		switch {
		case name == "epcisBody" && !r.contexted:
			r.budget(deferredBytes)
			body, err := r.node(name)
			r.deferred = &body
			r.budget(r.limits.EventBytes)
			return err
		case name == "epcisBody":
			return r.body()
		}
		n, err := r.node(name)
		if err != nil {
			return err
		}
		if name == "@context" {
			r.contexted = true
			s, problems := (*scope)(nil).with(&n, "/@context")
			r.doc.scope = s
			r.doc.Problems = append(r.doc.Problems, problems...)
			return nil
		}
		r.rest.kids = append(r.rest.kids, n)
		return nil
	})
	if err != nil {
		return err
	}
	d := r.doc
	d.Type = r.rest.member("type").scalar()
	switch d.Type {
	case CaptureDocument, QueryDocument:
		d.describe(&r.rest, r.contexted)
		if err := r.deferredBody(); err != nil {
			return err
		}
		d.checkEnvelope(r.list)
		return nil
	}
	// A single event that stands alone.
	return r.f(newEvent(r.rest, d.scope, "", version20))
}

// describe takes what stands around the body.
func (d *Document) describe(n *node, contexted bool) {
	d.SchemaVersion = n.member("schemaVersion").scalar()
	d.ID = n.member("id").scalar()
	d.Sender = n.member("sender").scalar()
	d.Receiver = n.member("receiver").scalar()
	d.Instance = n.member("instanceIdentifier").scalar()
	if h := n.member("epcisHeader"); h != nil {
		d.Header = d.scope.fields(h)
		d.masterFromJSON(h)
	}
	for i := range n.kids {
		if strings.HasSuffix(n.kids[i].name, ":ignoreFields") {
			d.ignore(&n.kids[i])
		}
	}
	if !contexted {
		d.Problems = append(d.Problems, Problem{"/@context", "@context is required: name " + ContextURL})
	}
	switch c := n.member("creationDate"); {
	case c == nil:
		d.created("")
	default:
		d.created(c.text)
	}
}

// ignore takes a list of fields to leave out of hash ids, which the reference
// implementation of the hash reads under this namespace.
func (d *Document) ignore(n *node) {
	if ns, _ := d.scope.name(n.name); ns != ignoreNamespace && n.name != ":ignoreFields" {
		return
	}
	n.each(func(_ int, e *node) { d.Ignored = append(d.Ignored, clark(d.scope.name(e.text))) })
}

const ignoreNamespace = "https://repository-x.example.com/"

// body reads the body while it streams by.
func (r *jsonReader) body() error {
	return r.members(func(name string) error {
		switch name {
		case "eventList":
			return r.events()
		case "queryResults":
			return r.members(func(name string) error {
				if name != "resultsBody" {
					n, err := r.node(name)
					r.doc.results(&n)
					return err
				}
				return r.members(func(name string) error {
					if name == "eventList" {
						return r.events()
					}
					return r.other(name)
				})
			})
		case "event":
			return r.event()
		}
		return r.other(name)
	})
}

// other reads and keeps away from a member that is not known here.
func (r *jsonReader) other(name string) error {
	p := string(r.dec.StackPointer())
	if _, err := r.node(name); err != nil {
		return err
	}
	r.doc.Problems = append(r.doc.Problems, Problem{p, "this member is not known here"})
	return nil
}

func (d *Document) results(n *node) {
	switch n.name {
	case "queryName":
		d.QueryName = n.scalar()
	case "subscriptionID":
		d.Subscription = n.scalar()
	default:
		if strings.HasSuffix(n.name, ":ignoreFields") {
			d.ignore(n)
		}
	}
}

func (r *jsonReader) events() error {
	r.list = true
	t, err := r.token()
	if err != nil {
		return err
	}
	if t.Kind() != '[' {
		return syntax(string(r.dec.StackPointer()), nil, "a list of events is wanted")
	}
	for {
		if r.dec.PeekKind() == ']' {
			_, err := r.token()
			r.budget(r.limits.EventBytes)
			return err
		}
		if err := r.event(); err != nil {
			return err
		}
	}
}

func (r *jsonReader) event() error {
	r.list = true
	r.budget(r.limits.EventBytes)
	n, err := r.node("")
	if err != nil {
		return err
	}
	p := string(r.dec.StackPointer())
	return r.f(newEvent(n, r.doc.scope, p, version20))
}

// deferredBody gives the events of a body that stood before its context.
func (r *jsonReader) deferredBody() error {
	if r.deferred == nil {
		return nil
	}
	r.list = true
	body, p := r.deferred, "/epcisBody"
	list := body.member("eventList")
	if results := body.member("queryResults"); results != nil {
		for i := range results.kids {
			r.doc.results(&results.kids[i])
		}
		p += "/queryResults/resultsBody"
		list = results.member("resultsBody").member("eventList")
	}
	if e := body.member("event"); e != nil {
		return r.f(newEvent(*e, r.doc.scope, p+"/event", version20))
	}
	if list == nil || list.kind != kindArray {
		return syntax(p+"/eventList", nil, "a list of events is wanted")
	}
	for i := range list.kids {
		if err := r.f(newEvent(list.kids[i], r.doc.scope, atIndex(p+"/eventList", i), version20)); err != nil {
			return err
		}
	}
	return nil
}
