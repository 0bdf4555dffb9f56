package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"frostline/hub/dossier"
	"frostline/hub/event"
	"frostline/hub/evidence/verify"
	"frostline/hub/fact"
	"frostline/hub/trace/provenance"
	"frostline/hub/view"
	"frostline/proto/thermal"
)

// ErrNoStory is wrapped by errors of Stories about something that is not known.
var ErrNoStory = errors.New("not known")

// Stories tells what happened to packages. It is called from many goroutines at
// once.
type Stories interface {
	// Lines lists packages that are watched, then those closed lately, at most
	// so many.
	Lines(ctx context.Context, limit int) (dossier.Listing, error)
	// Package tells of one package.
	Package(ctx context.Context, id string) (dossier.Package, dossier.Line, error)
	// CaseLines lists cases, those that need somebody first.
	CaseLines(ctx context.Context, q dossier.CaseQuery) (dossier.Queue, error)
	// Case tells of one case, and of its package.
	Case(ctx context.Context, id string) (dossier.Case, dossier.Package, error)
	// Look judges a part of a package's watch, or by another profile; its error
	// wraps dossier.ErrSpan where the part is not within the watch.
	Look(ctx context.Context, q dossier.Query) (dossier.Look, error)
	// Profiles lists the storage profiles in force, by id.
	Profiles(ctx context.Context) ([]thermal.Profile, error)
	// Trail gives what was recorded in the stream of a thing after a version, at
	// most so many events.
	Trail(ctx context.Context, of fact.Ref, after int64, limit int) ([]event.Event, error)
	// Verify makes the evidence of a shipment and checks it.
	Verify(ctx context.Context, shipment string) (*verify.Report, error)
	// Unit tells the way of one unit.
	Unit(ctx context.Context, id string) (*provenance.Provenance, error)
	// ShipmentReport and CaseReport print; both with a file name.
	ShipmentReport(ctx context.Context, shipment string) (pdf []byte, name string, err error)
	CaseReport(ctx context.Context, id string) (pdf []byte, name string, err error)
	// Bundle gives the evidence, with what people attached or without it.
	Bundle(ctx context.Context, shipment string, documents bool) (Bundle, error)
}

// Bundle is a file that is ready to be sent, and is not in memory. Whoever gets
// it closes it.
type Bundle struct {
	Name string
	Size int64 // bytes
	Body interface {
		io.WriterTo
		io.Closer
	}
}

// storyRoutes mounts the pages about packages.
func (s *Server) storyRoutes(mux *routes) {
	mux.HandleFunc("GET /view/packages", s.packages)
	mux.HandleFunc("GET /view/package/{id}", s.onePackage)
	mux.HandleFunc("GET /view/unit/{id}", s.oneUnit)
	mux.HandleFunc("GET /view/excursions", s.cases)
	mux.HandleFunc("GET /view/excursions/{id}", s.movedCase)
	mux.HandleFunc("GET /view/excursion/{id}", s.oneCase)
	mux.HandleFunc("POST /view/excursion/{id}/verify", s.verifyCase)
	mux.HandleFunc("GET /view/trail/{kind}/{id}", s.recordTrail)
	mux.HandleFunc("GET /view/excursion/{id}/report.pdf", s.document("application/pdf", func(ctx context.Context, id string) ([]byte, string, error) {
		return s.cfg.Stories.CaseReport(ctx, id)
	}))
	mux.HandleFunc("GET /view/shipment/{id}/report.pdf", s.document("application/pdf", func(ctx context.Context, id string) ([]byte, string, error) {
		return s.cfg.Stories.ShipmentReport(ctx, id)
	}))
	mux.HandleFunc("GET /view/shipment/{id}/evidence.zip", s.bundle)
}

// listed is how many lines a list page has.
const listed = 500

type packagesPage struct {
	frame
	Lines []lineView
	Tally []tallyView
	More  int // watched ones that are not listed
}

type lineView struct {
	dossier.Line
	Href        string
	Mark        view.State // shape and colour of Now
	OutcomeMark view.State
	Degrees     string
}

func lineOf(l dossier.Line) lineView {
	v := lineView{Line: l, Href: packagePath(l.ID), Mark: nowMark(l.Now), OutcomeMark: outcomeMark(l.Outcome), Degrees: noValue}
	if l.Temperature != nil {
		v.Degrees = dossier.Degrees(*l.Temperature)
	}
	return v
}

func packagePath(id string) string { return "/view/package/" + url.PathEscape(id) }
func unitPath(id string) string    { return "/view/unit/" + url.PathEscape(id) }
func casePath(id string) string    { return "/view/excursion/" + url.PathEscape(id) }

// nowMark and outcomeMark give the shape and colour that go with a word.
func nowMark(s dossier.State) view.State {
	switch s {
	case dossier.NowInRange:
		return view.Live
	case dossier.NowOutOfRange:
		return "wrong"
	}
	return view.Silent
}

func outcomeMark(o thermal.Outcome) view.State {
	switch o {
	case thermal.InRange:
		return view.Live
	case thermal.Excursion:
		return "wrong"
	}
	return view.Silent
}

// packages is GET /view/packages.
func (s *Server) packages(w http.ResponseWriter, r *http.Request) {
	page := packagesPage{frame: s.storyFrame("Packages", "packages")}
	list, err := s.cfg.Stories.Lines(r.Context(), listed)
	if err != nil {
		s.broken(w, r, "list the packages", err)
		return
	}
	for _, l := range list.Lines {
		page.Lines = append(page.Lines, lineOf(l))
		if l.Closed == 0 {
			page.More--
		}
	}
	for _, state := range []dossier.State{dossier.NowOutOfRange, dossier.NowUnknown, dossier.NowInRange} {
		page.Tally = append(page.Tally, tallyView{State: nowMark(state), N: list.Watched[state], Word: state.Word() + " now"})
		page.More += list.Watched[state]
	}
	s.render(w, s.pages.packages, http.StatusOK, page)
}

func (s *Server) storyFrame(title, nav string) frame {
	f := s.frame(title, nav)
	f.Styles, f.Modules = []string{"style/home.css", "style/sensor.css", "style/story.css"}, []string{"account.js"}
	return f
}

type caseView struct {
	dossier.Case
	Package  string
	Href     string
	PackHref string
	Mark     view.State
	Sentence string // the first of its story
	Story    []string
	Closed   bool
	Waits    string // what it waits for
}

func caseOf(c dossier.Case, pkg string) caseView {
	v := caseView{Case: c, Package: pkg, Href: casePath(c.ID), PackHref: packagePath(pkg), Story: c.Story(), Closed: c.State == "closed"}
	if len(v.Story) > 0 {
		v.Sentence = v.Story[0]
	}
	v.Mark = "wrong"
	switch {
	case v.Closed || c.Facts.Retracted:
		v.Mark = view.Live
	case c.Facts.Kind == "unmonitored":
		v.Mark = view.Silent
	case c.Facts.Severity == thermal.Warning:
		v.Mark = view.NotOK
	}
	v.Waits = map[string]string{
		"opened": "to be acknowledged", "acknowledged": "to be investigated", "under_investigation": "for a proposed disposition",
		"proposed": "for a signature", "signed": "for a second approver", "approved": "to be closed",
		"reopened": "to be acknowledged anew: data have changed", "retracted": "to be acknowledged and closed: data say it never was",
	}[c.State]
	return v
}

// document serves a file that a story is told in.
func (s *Server) document(kind string, make func(context.Context, string) ([]byte, string, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, name, err := make(r.Context(), r.PathValue("id"))
		if err != nil {
			s.noDocument(w, r, err)
			return
		}
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Disposition", `attachment; filename="`+fileName(name)+`"`)
		_, _ = w.Write(b)
	}
}

// noDocument answers why a document cannot be had.
func (s *Server) noDocument(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, ErrNoStory) {
		s.fail(w, r, http.StatusNotFound, "There is no such document", "Nothing is known under "+r.PathValue("id")+".")
		return
	}
	s.broken(w, r, "make the document", err)
}

// bundle is GET /view/shipment/{id}/evidence.zip; documents=no leaves out what
// people attached. One cut short must not look whole.
func (s *Server) bundle(w http.ResponseWriter, r *http.Request) {
	b, err := s.cfg.Stories.Bundle(r.Context(), r.PathValue("id"), r.URL.Query().Get("documents") != "no")
	if err != nil {
		s.noDocument(w, r, err)
		return
	}
	defer b.Body.Close()
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.FormatInt(b.Size, 10))
	h.Set("Content-Disposition", `attachment; filename="`+fileName(b.Name)+`"`)
	if _, err := b.Body.WriteTo(patiently{w}); err != nil {
		if r.Context().Err() == nil {
			s.log.Warn("evidence was cut short", "error", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// patiently gives each piece of a long answer its own time to be taken.
type patiently struct{ http.ResponseWriter }

func (p patiently) Write(b []byte) (int, error) {
	_ = http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(writeWithin))
	return p.ResponseWriter.Write(b)
}

// fileName keeps what every system takes in a file's name.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' || r == '_' {
			return r
		}
		return '-'
	}, s)
}
