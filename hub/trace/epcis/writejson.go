package epcis

import (
	"io"
	"time"
)

// JSON is the event as it is kept: EPCIS 2.0 JSON in one line, members in the
// order they came, numbers and extensions as they were written. It has an
// "@context" only for prefixes that the context of GS1 does not declare, and
// only those it uses. Reading it gives the same bytes again.
func (e *Event) JSON() []byte { return e.appendJSON(make([]byte, 0, 1024), false) }

func (e *Event) appendJSON(b []byte, alone bool) []byte {
	n := node{kind: kindObject}
	ctx, ok := e.scope.context(&e.root)
	if alone {
		ctx.name, ctx.kind = "@context", kindArray
		ctx.kids = append([]node{text("", ContextURL)}, ctx.kids...)
	}
	if ok || alone {
		n.kids = append(n.kids, ctx)
	}
	n.kids = append(n.kids, e.root.kids...)
	return n.appendJSON(b)
}

// EncodeEvent writes one event that stands alone, with the context of GS1.
func EncodeEvent(w io.Writer, e *Event) error {
	_, err := w.Write(e.appendJSON(nil, true))
	return err
}

// EncodeJSON writes a document with its events: an EPCISDocument, or an
// EPCISQueryDocument if that is its type.
func EncodeJSON(w io.Writer, d *Document) error {
	n := node{kind: kindObject}
	n.kids = append(n.kids, node{name: "@context", kind: kindArray, kids: []node{text("", ContextURL)}})
	if d.ID != "" {
		n.kids = append(n.kids, text("id", d.ID))
	}
	kind := CaptureDocument
	if d.Type == QueryDocument {
		kind = QueryDocument
	}
	n.kids = append(n.kids, text("type", kind), text("schemaVersion", "2.0"), text("creationDate", canonicalTime(d.Created.Format(time.RFC3339Nano))))
	for _, m := range []node{text("sender", d.Sender), text("receiver", d.Receiver), text("instanceIdentifier", d.Instance)} {
		if m.text != "" {
			n.kids = append(n.kids, m)
		}
	}
	if len(d.Master) > 0 {
		n.kids = append(n.kids, d.masterJSON())
	}
	b := n.appendJSON(make([]byte, 0, 1024*(1+len(d.Events))))
	b = append(b[:len(b)-1], `,"epcisBody":{`...)
	end := "]}}"
	if kind == QueryDocument {
		r := node{kind: kindObject}
		if d.Subscription != "" {
			r.kids = append(r.kids, text("subscriptionID", d.Subscription))
		}
		r.kids = append(r.kids, text("queryName", d.QueryName))
		b = append(b, `"queryResults":`...)
		b = r.appendJSON(b)
		b = append(b[:len(b)-1], `,"resultsBody":{`...)
		end = "]}}}}"
	}
	b = append(b, `"eventList":[`...)
	for i, e := range d.Events {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.appendJSON(b, false)
	}
	_, err := w.Write(append(b, end...))
	return err
}
