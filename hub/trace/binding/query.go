package binding

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"

	"frostline/hub/trace/subscription"
)

// decode reads a small JSON body.
func decode(w http.ResponseWriter, r *http.Request, k kind, into any) error {
	contentType := r.Header.Get("Content-Type")
	if t, _, err := mime.ParseMediaType(contentType); err != nil || t != jsonType && t != ldJSONType {
		return fail(badMedia, "Content-Type %q: want %s", short(contentType), jsonType)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxSmall))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return fail(tooComplex, "a body of more than %d bytes", maxSmall)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fail(slow, "the body did not come within %v", readWithin)
	case err != nil:
		return fail(k, "the body could not be read: %v", err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fail(k, "the body is not as it should be: %v", err)
	}
	return nil
}

// createQuery answers POST /queries.
func (b *Binding) createQuery(w http.ResponseWriter, r *http.Request) error {
	if err := noParameters(r); err != nil {
		return err
	}
	var in subscription.Definition
	if err := decode(w, r, badQuery, &in); err != nil {
		return err
	}
	var err error
	if in.Namespaces, err = namespaces(r); err != nil {
		return err
	}
	if err := b.Subscriptions.Create(r.Context(), callOf(r).actor, in); err != nil {
		return err
	}
	w.Header().Set("Location", Root+"/queries/"+url.PathEscape(in.Name))
	return reply(w, r, http.StatusCreated, in)
}

// query answers GET /queries/{queryName}.
func (b *Binding) query(w http.ResponseWriter, r *http.Request) error {
	if err := noParameters(r); err != nil {
		return err
	}
	q, err := b.Subscriptions.Query(r.Context(), r.PathValue("query"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, q)
}

// queries answers GET /queries.
func (b *Binding) queries(w http.ResponseWriter, r *http.Request) error {
	p, after, err := b.readList(r)
	if err != nil {
		return err
	}
	all, err := b.Subscriptions.Queries(r.Context(), after, p.size+1)
	if err != nil {
		return err
	}
	if len(all) > p.size {
		all = all[:p.size]
		b.link(w, r, p, token{After: all[p.size-1].Name})
	}
	if all == nil {
		all = []subscription.Definition{}
	}
	return reply(w, r, http.StatusOK, all)
}

// readList reads the parameters of a list, which has only those of paging.
func (b *Binding) readList(r *http.Request) (p page, after string, err error) {
	values := r.URL.Query()
	if p, err = b.readPage(r, values); err != nil {
		return p, "", err
	}
	for name := range values {
		return p, "", fail(badParameter, "%s: want perPage or nextPageToken", short(name))
	}
	if p.token != nil {
		after = p.token.After
	}
	return p, after, nil
}

// deleteQuery answers DELETE /queries/{queryName}.
func (b *Binding) deleteQuery(w http.ResponseWriter, r *http.Request) error {
	if err := b.Subscriptions.Delete(r.Context(), r.PathValue("query")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// queryEvents answers GET /queries/{queryName}/events.
func (b *Binding) queryEvents(w http.ResponseWriter, r *http.Request) error {
	if r.Header.Get("Upgrade") != "" {
		return fail(notImplemented, "Upgrade %q: subscriptions are webhooks here: POST %s/subscriptions", short(r.Header.Get("Upgrade")), Root+"/queries/"+r.PathValue("query"))
	}
	q, err := b.Subscriptions.Query(r.Context(), r.PathValue("query"))
	if err != nil {
		return err
	}
	params, ns, err := q.Parameters()
	if err != nil {
		return err
	}
	return b.list(w, r, q.Name, params, ns)
}
