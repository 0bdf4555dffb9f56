package binding

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"frostline/hub/trace/epcis"
	"frostline/hub/trace/form"
	"frostline/hub/trace/repository"
)

// simpleQuery is the name of the query that has no name of its own.
const simpleQuery = "SimpleEventQuery"

// events answers GET /events.
func (b *Binding) events(w http.ResponseWriter, r *http.Request) error {
	return b.list(w, r, simpleQuery, nil, nil)
}

// list answers a query: the parameters of the request, and more.
func (b *Binding) list(w http.ResponseWriter, r *http.Request, name string, more repository.Parameters, ns repository.Namespaces) error {
	values := r.URL.Query()
	p, err := b.readPage(r, values)
	if err != nil {
		return err
	}
	given, err := namespaces(r)
	if err != nil {
		return err
	}
	for prefix, uri := range ns {
		given[prefix] = uri
	}
	params := parameters(values)
	for key, v := range more {
		if _, twice := params[key]; twice {
			return fail(badParameter, "%s: is said already by what is asked; leave it out", short(key))
		}
		params[key] = v
	}
	q, err := repository.NewQuery(params, given)
	if err != nil {
		return err
	}
	var from *repository.Position
	if p.token != nil {
		if from = p.token.Events; from == nil {
			return fail(badParameter, "nextPageToken: it is not one of events")
		}
	}
	rows, next, err := b.Repository.Fetch(r.Context(), q, from, p.size)
	if err != nil {
		return err
	}
	if next != nil {
		b.link(w, r, p, token{Events: next})
	}
	return b.document(w, r, name, rows)
}

// parameters are those of an address: of each, the values are with | between.
func parameters(values url.Values) repository.Parameters {
	p := repository.Parameters{}
	for name, all := range values {
		for _, v := range all {
			p[name] = append(p[name], strings.Split(v, "|")...)
		}
	}
	return p
}

// document answers with events.
func (b *Binding) document(w http.ResponseWriter, r *http.Request, query string, rows []repository.Row) error {
	f, err := format(r)
	if err != nil {
		return err
	}
	events, err := form.Events(rows, f, b.URN)
	if err != nil {
		return err
	}
	doc := &epcis.Document{Type: epcis.QueryDocument, SchemaVersion: "2.0", Created: b.Now().UTC(), QueryName: query, Events: events}
	return b.encode(w, r, doc)
}

// encode answers with a document, in what the request accepts.
func (b *Binding) encode(w http.ResponseWriter, r *http.Request, doc *epcis.Document) error {
	kind := accepted(r, jsonType, ldJSONType, xmlType, "text/xml")
	var body bytes.Buffer
	switch kind {
	case "":
		return fail(notAcceptable, "Accept %q: events are told in %s, %s or %s", short(r.Header.Get("Accept")), jsonType, ldJSONType, xmlType)
	case xmlType, "text/xml":
		if err := epcis.EncodeXML20(&body, doc); err != nil {
			return fail(notAcceptable, "an event cannot be told in XML: %v; accept %s", err, jsonType)
		}
	default:
		if err := epcis.EncodeJSON(&body, doc); err != nil {
			return fmt.Errorf("write events: %w", err)
		}
	}
	w.Header().Set("Content-Type", kind)
	_, _ = w.Write(body.Bytes())
	return nil
}

// event answers GET /events/{eventID}: the event and its error declarations.
func (b *Binding) event(w http.ResponseWriter, r *http.Request) error {
	if err := noParameters(r); err != nil {
		return err
	}
	id := r.PathValue("eventID")
	rows, err := b.Repository.Event(r.Context(), id)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fail(noSuchName, "event %q: no event has this id", short(id))
	}
	return b.document(w, r, simpleQuery, rows)
}

func noParameters(r *http.Request) error {
	for name := range r.URL.Query() {
		return fail(badParameter, "%s: there are no parameters here", short(name))
	}
	return nil
}
