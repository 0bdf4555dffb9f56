package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"

	eventlog "frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/lookup"
	"frostline/hub/view"
)

// Trace keeps the duties of a trading partner; *dscsa.Desk does. Errors of its
// methods wrap those of package record. It is called from many goroutines at
// once.
type Trace interface {
	Status(ctx context.Context) (dscsa.Status, error)
	SetAside(ctx context.Context, after string, limit int) ([]dscsa.TradeStatement, error)
	History(ctx context.Context, ref fact.Ref) ([]eventlog.Event, error)

	Ask(ctx context.Context, actor, reason string, r fact.TraceRequested) (dscsa.TraceRequest, error)
	Request(ctx context.Context, id string) (dscsa.TraceRequest, error)
	Requests(ctx context.Context, state, after string, limit int) ([]dscsa.TraceRequest, error)
	Preview(ctx context.Context, id string) (dscsa.PackageManifest, error)
	Answer(ctx context.Context, actor, reason, id string) (dscsa.TraceRequest, error)
	Package(ctx context.Context, id string) (dscsa.Content, error)

	Suspicion(ctx context.Context, id string) (dscsa.Suspicion, error)
	Suspicions(ctx context.Context, state, after string, limit int) ([]dscsa.Suspicion, error)
	Raise(ctx context.Context, by, reason string, o fact.SuspectOpened) (dscsa.Suspicion, error)
	Open(ctx context.Context, by, reason string, o fact.SuspectOpened) (dscsa.Suspicion, error)
	Dismiss(ctx context.Context, by, reason, id string) (dscsa.Suspicion, error)
	Clear(ctx context.Context, by, reason, id string) (dscsa.Suspicion, error)
	Determine(ctx context.Context, by, reason, id, classification string, at int64) (dscsa.Suspicion, error)
	Describe(ctx context.Context, by, reason, id string, items map[string]string) (dscsa.Suspicion, error)
	Notified(ctx context.Context, by, reason string, n fact.SuspectNotified) (dscsa.Suspicion, error)
	Terminate(ctx context.Context, by, reason, id string) (dscsa.Suspicion, error)
	Form(ctx context.Context, id string) (dscsa.Form3911, error)

	Discrepancy(ctx context.Context, id string) (dscsa.Discrepancy, error)
	Discrepancies(ctx context.Context, state, after string, limit int) ([]dscsa.Discrepancy, error)
	Resolve(ctx context.Context, by, reason, id string) (dscsa.Discrepancy, error)
}

// Lookup finds units; *lookup.Desk does.
type Lookup interface {
	Find(ctx context.Context, text string) (*lookup.Found, error)
	Lot(ctx context.Context, gtin, lot, after string, limit int) ([]lookup.Unit, error)
}

// traceRoutes mounts the pages of traceability.
func (s *Server) traceRoutes(mux *routes) {
	mux.HandleFunc("GET /trace", s.trace)
	mux.HandleFunc("GET /trace/ended", s.traceEnded)
	mux.HandleFunc("GET /trace/lot", s.traceLot)
	mux.HandleFunc("POST /trace/requests", s.askTrace)
	mux.HandleFunc("GET /trace/request/{id}", s.traceRequest)
	mux.HandleFunc("GET /trace/request/{id}/preview", s.tracePreview)
	mux.HandleFunc("GET /trace/request/{id}/package.zip", s.tracePackage)
	mux.HandleFunc("POST /trace/request/{id}/answer", s.answerTrace)
	mux.HandleFunc("POST /trace/suspects", s.freshly(s.raiseSuspect))
	mux.HandleFunc("GET /trace/suspect/{id}", s.suspect)
	mux.HandleFunc("GET /trace/suspect/{id}/form-3911", s.form3911)
	mux.HandleFunc("POST /trace/suspect/{id}/{step}", s.freshly(s.suspectStep))
	mux.HandleFunc("GET /trace/exception/{id}", s.exception)
	mux.HandleFunc("GET /trace/exception/{id}/{message}", s.exceptionMessage)
	mux.HandleFunc("POST /trace/exception/{id}/resolve", s.resolveException)
}

// Bounds of the pages of traceability. What is left out is counted on them.
const (
	traceLines  = 200
	traceSearch = 5000 // of what is open, to find the most urgent
)

type tracePage struct {
	frame
	Form       string
	Tally      []tallyView
	Text       string // that was looked for; "" for nothing
	Wrong      string // with that text
	Found      *foundView
	Requests   []requestView
	Suspects   []suspectView
	Exceptions []exceptionView
	Aside      []asideView
	// Left out of the lists.
	MoreRequests, MoreSuspects, MoreExceptions int
	MoreAside                                  bool
	Nothing                                    bool // there is nothing of all this, as on a fresh hub
	Ask                                        askView
	Raise                                      raiseView
	Fresh                                      bool // signed in lately enough to decide
	Problem                                    string
}

func (s *Server) traceFrame(title string) frame {
	f := s.frame(title, "trace")
	f.Styles = []string{"style/home.css", "style/sensor.css", "style/story.css", "style/access.css", "style/trace.css"}
	f.Modules = []string{"trace.js"}
	return f
}

// gather reads all that is in a state, up to traceSearch.
func gather[T any](ctx context.Context, state string, read func(ctx context.Context, state, after string, limit int) ([]T, error), id func(T) string) (all []T, err error) {
	for after := ""; len(all) < traceSearch; {
		part, err := read(ctx, state, after, 1000)
		if err != nil {
			return nil, err
		}
		if all = append(all, part...); len(part) < 1000 {
			break
		}
		after = id(part[len(part)-1])
	}
	return all, nil
}

func cut[T any](all []T) (list []T, more int) {
	more = max(0, len(all)-traceLines)
	return all[:len(all)-more], more
}

// trace is GET /trace.
func (s *Server) trace(w http.ResponseWriter, r *http.Request) {
	s.showTrace(w, r, http.StatusOK, tracePage{Text: r.FormValue("q")})
}

func (s *Server) showTrace(w http.ResponseWriter, r *http.Request, status int, page tracePage) {
	page.frame = s.traceFrame("Traceability")
	page.Form, page.Fresh = s.formFor(w, r), s.fresh(viewerOf(r))
	if page.Text != "" {
		found, err := s.cfg.Lookup.Find(r.Context(), page.Text)
		switch {
		case errors.Is(err, lookup.ErrText):
			page.Wrong = err.Error()
		case err != nil:
			s.broken(w, r, "look for what was typed", err)
			return
		default:
			page.Found = foundOf(found)
		}
	}
	if err := s.fillTrace(r.Context(), &page); err != nil {
		s.broken(w, r, "read how the duties stand", err)
		return
	}
	s.render(w, s.pages.trace, status, page)
}

// fillTrace reads what is open, most urgent first.
func (s *Server) fillTrace(ctx context.Context, page *tracePage) error {
	stands, err := s.cfg.Trace.Status(ctx)
	if err != nil {
		return err
	}
	page.Tally = tallyOf(stands)
	requests, err := gather(ctx, "open", s.cfg.Trace.Requests, func(r dscsa.TraceRequest) string { return r.ID })
	if err != nil {
		return err
	}
	slices.SortStableFunc(requests, func(a, b dscsa.TraceRequest) int { return cmp.Compare(a.Due, b.Due) })
	requests, page.MoreRequests = cut(requests)
	for _, q := range requests {
		page.Requests = append(page.Requests, requestOf(q, page.Now))
	}
	var cases []dscsa.Suspicion
	for _, state := range []string{dscsa.Illegitimate, dscsa.Proposed, dscsa.Suspected} {
		part, err := gather(ctx, state, s.cfg.Trace.Suspicions, func(c dscsa.Suspicion) string { return c.ID })
		if err != nil {
			return err
		}
		cases = append(cases, part...)
	}
	slices.SortStableFunc(cases, func(a, b dscsa.Suspicion) int {
		return cmp.Or(cmp.Compare(suspectRank(a), suspectRank(b)), cmp.Compare(a.Due, b.Due), cmp.Compare(a.Created, b.Created))
	})
	cases, page.MoreSuspects = cut(cases)
	for _, c := range cases {
		page.Suspects = append(page.Suspects, suspectOf(c, page.Now))
	}
	open, err := gather(ctx, "open", s.cfg.Trace.Discrepancies, func(c dscsa.Discrepancy) string { return c.ID })
	if err != nil {
		return err
	}
	slices.SortStableFunc(open, func(a, b dscsa.Discrepancy) int { return cmp.Compare(a.Created, b.Created) })
	open, page.MoreExceptions = cut(open)
	for _, c := range open {
		page.Exceptions = append(page.Exceptions, exceptionOf(c))
	}
	aside, err := s.cfg.Trace.SetAside(ctx, "", traceLines+1)
	if err != nil {
		return err
	}
	if page.MoreAside = len(aside) > traceLines; page.MoreAside {
		aside = aside[:traceLines]
	}
	for _, d := range aside {
		page.Aside = append(page.Aside, asideOf(d)...)
	}
	if len(page.Requests)+len(page.Suspects)+len(page.Exceptions)+len(page.Aside) == 0 {
		ended, err := s.ended(ctx, "", "", "", 1)
		page.Nothing = len(ended.Requests)+len(ended.Suspects)+len(ended.Exceptions) == 0
		return err
	}
	return nil
}

// tallyOf counts what waits for somebody.
func tallyOf(s dscsa.Status) []tallyView {
	n := func(n int64) int { return int(n) }
	return []tallyView{
		{State: "wrong", N: n(s.Overdue + s.Late), Word: "overdue"},
		{State: "calm", N: n(s.Open - s.Overdue), Word: "to answer in time"},
		{State: "late", N: n(s.Untold - s.Late), Word: "to tell FDA or partners of"},
		{State: view.NotOK, N: n(s.Proposed), Word: "to decide"},
		{State: "held", N: n(s.Suspect), Word: "suspect"},
		{State: view.NotOK, N: n(s.Exceptions), Word: "exceptions open"},
	}
}

// clockView says how a deadline stands, in words.
type clockView struct {
	Mark view.State
	Word string
}

// asideView is units of a document that were set aside, with what to do.
type asideView struct {
	fact.UnitsAside
	Document string
	Sender   string
	Remedy   string
	More     int // serials that are not listed
}

// remedies say what mends that units were set aside.
var remedies = map[string]string{
	dscsa.AsideNoProduct: "Enter the product with this GTIN in the catalog: the units then become known by themselves.",
	dscsa.AsideLot:       "Look at the box: correct the lot of the unit that is known, or report an exception to the sender.",
	dscsa.AsideExpiry:    "Look at the box: correct the expiry of the unit that is known, or report an exception to the sender.",
	dscsa.AsideNoLot:     "Ask the sender for a document that says lot and expiry, or receive the units by scanning them.",
	dscsa.AsideNoKey:     "Ask the sender for a document with serials and lots as GS1 writes them.",
}

func asideOf(d dscsa.TradeStatement) (out []asideView) {
	for _, a := range d.Aside {
		out = append(out, asideView{a, d.ID, d.Sender, cmp.Or(remedies[a.Why], "Ask the sender."), a.Count - len(a.Serials)})
	}
	return out
}

// notDoneBecause gives what an asker may know of why something was not done; ""
// where the hub failed.
func notDoneBecause(err error) string {
	for _, kind := range []error{record.ErrInvalid, record.ErrRefused, record.ErrExists, record.ErrNotFound} {
		if errors.Is(err, kind) {
			return "Not done: " + err.Error()
		}
	}
	return ""
}
