package binding

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"time"

	"frostline/hub/trace/epcis"
	"frostline/hub/trace/form"
	"frostline/hub/trace/repository"
)

const slotWithin = 10 * time.Second

// capture answers POST /capture.
func (b *Binding) capture(w http.ResponseWriter, r *http.Request) error {
	if err := noParameters(r); err != nil {
		return err
	}
	behaviour := repository.Rollback
	switch v := r.Header.Get("GS1-Capture-Error-Behaviour"); v {
	case "", "rollback":
	case "proceed":
		behaviour = repository.Proceed
	default:
		return fail(invalid, "header GS1-Capture-Error-Behaviour: %q: want rollback or proceed", short(v))
	}
	doc, items, err := b.read(w, r)
	if err != nil {
		return err
	}
	if doc.Type != epcis.CaptureDocument && doc.Type != epcis.QueryDocument {
		return fail(invalid, "/type: %q: want an EPCISDocument or an EPCISQueryDocument; a single event goes to %s/events", short(doc.Type), Root)
	}
	job, err := b.Repository.Capture(r.Context(), repository.Capture{By: callOf(r).actor, Behaviour: behaviour, Items: items, Masters: masters(doc)})
	if err != nil {
		return err
	}
	w.Header().Set("Location", Root+"/capture/"+job.ID)
	w.WriteHeader(http.StatusAccepted)
	return nil
}

// read reads a document and what there is to capture of it.
func (b *Binding) read(w http.ResponseWriter, r *http.Request) (*epcis.Document, []repository.Item, error) {
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, nil, fail(badMedia, "Content-Encoding %q: send it as it is", short(e))
	}
	kind := r.Header.Get("Content-Type")
	switch t, _, err := mime.ParseMediaType(kind); {
	case err != nil, t != jsonType && t != ldJSONType && t != xmlType && t != "text/xml":
		return nil, nil, fail(badMedia, "Content-Type %q: want %s, %s or %s", short(kind), jsonType, ldJSONType, xmlType)
	}
	if r.ContentLength > maxBody {
		return nil, nil, limited(fail(captureLimit, "a document of %d bytes: at most %d are taken at once; send it in parts", r.ContentLength, maxBody))
	}
	wait := time.NewTimer(slotWithin)
	defer wait.Stop()
	select {
	case b.captures <- struct{}{}:
		defer func() { <-b.captures }()
	case <-wait.C:
		return nil, nil, fail(busy, "%d documents are being read, which is the most at once", captureAtOnce).with("Retry-After", "5")
	case <-r.Context().Done():
		return nil, nil, r.Context().Err()
	}
	var items []repository.Item
	doc, err := epcis.Read(http.MaxBytesReader(w, r.Body, maxBody), kind, epcis.Limits{DocumentBytes: maxBody, EventBytes: repository.MaxDocument}, func(e *epcis.Event) error {
		if len(items) == repository.MaxEvents {
			return fmt.Errorf("%w: more than %d events", repository.ErrTooLarge, repository.MaxEvents)
		}
		items = append(items, item(e))
		return nil
	})
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, nil, fail(slow, "the document did not come within %v", readWithin)
	case errors.Is(err, io.ErrUnexpectedEOF) && r.Context().Err() != nil:
		return nil, nil, r.Context().Err()
	case err != nil:
		return nil, nil, err
	}
	if len(doc.Problems) > 0 {
		p := fail(invalid, "%v", doc.Problems[0])
		for _, one := range doc.Problems[:min(len(doc.Problems), 100)] {
			p.Errors = append(p.Errors, fault{one.Pointer, one.Message})
		}
		return nil, nil, p
	}
	return doc, items, nil
}

// item is an event as it is to be captured, or what is wrong with it.
func item(e *epcis.Event) repository.Item {
	it := repository.Item{Pointer: e.Pointer()}
	for _, p := range e.Validate() {
		it.Problems = append(it.Problems, repository.Problem{Type: repository.Invalid, Title: "event is not valid", Detail: p.Message, Pointer: p.Pointer, EventID: e.ID})
	}
	if len(it.Problems) > 0 {
		return it
	}
	var err error
	if it.Record, err = repository.Index(e); err != nil {
		it.Problems = []repository.Problem{{Type: repository.Invalid, Title: "event is not valid", Detail: err.Error(), Pointer: e.Pointer(), EventID: e.ID}}
	}
	return it
}

// captureOne answers POST /events.
func (b *Binding) captureOne(w http.ResponseWriter, r *http.Request) error {
	if err := noParameters(r); err != nil {
		return err
	}
	doc, items, err := b.read(w, r)
	if err != nil {
		return err
	}
	if len(items) != 1 || doc.Type == epcis.CaptureDocument || doc.Type == epcis.QueryDocument {
		return fail(invalid, "/type: %q: want one event; documents go to %s/capture", short(doc.Type), Root)
	}
	id := ""
	if items[0].Record != nil {
		id = items[0].Record.ID
	}
	job, err := b.Repository.Capture(r.Context(), repository.Capture{By: callOf(r).actor, Items: items})
	if err != nil {
		return err
	}
	if !job.Success {
		first := job.Problems[0]
		if first.Type == repository.Exists {
			return fail(exists, "%s", first.Detail)
		}
		p := fail(invalid, "%s: %s", first.Pointer, first.Detail)
		for _, one := range job.Problems {
			p.Errors = append(p.Errors, fault{one.Pointer, one.Detail})
		}
		return p
	}
	rows, err := b.Repository.Event(r.Context(), id)
	if err != nil {
		return err
	}
	w.Header().Set("Location", Root+"/events/"+url.PathEscape(id))
	if len(rows) == 0 { // it is there, but not to be seen: say the least
		w.WriteHeader(http.StatusCreated)
		return nil
	}
	e, err := form.Event(rows[len(rows)-1], form.AsCame, nil)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", ldJSONType)
	w.WriteHeader(http.StatusCreated)
	return epcis.EncodeEvent(w, e)
}
