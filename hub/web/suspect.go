package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"

	"frostline/hub/fact"
	"frostline/hub/trace/dscsa"
	"frostline/hub/view"
)

// suspectView is a case of suspect product as pages show it.
type suspectView struct {
	dscsa.Suspicion
	Href     string
	Mark     view.State
	Word     string // its state
	Clock    *clockView
	Sentence string
	Waits    string // for what
	Untold   []toldView
	PackHref string
	CaseHref string // of the excursion
	List     []unitRef
}

type unitRef struct{ ID, Href string }

// toldView is somebody who has to be told.
type toldView struct{ To, Word string }

func suspectPath(id string) string { return "/trace/suspect/" + url.PathEscape(id) }

// suspectRank orders cases: those whose clock runs, those that wait for a
// decision, those that are looked into, then those of which all were told.
func suspectRank(c dscsa.Suspicion) int {
	switch {
	case len(c.Untold()) > 0:
		return 0
	case c.State == dscsa.Proposed:
		return 1
	case c.State == dscsa.Suspected:
		return 2
	}
	return 3
}

func toldWords(to string) string {
	if to == dscsa.FDA {
		return "FDA"
	}
	return "partner " + to
}

func suspectOf(c dscsa.Suspicion, now int64) suspectView {
	v := suspectView{Suspicion: c, Href: suspectPath(c.ID), Word: c.State, Mark: "calm"}
	what := counted(len(c.Units), "unit")
	if c.Package != "" {
		v.PackHref = packagePath(c.Package)
		if what += " of package " + c.Package; len(c.Units) == 0 {
			what = "all of package " + c.Package
		}
	}
	if c.Excursion != "" {
		v.CaseHref = casePath(c.Excursion)
	}
	for _, u := range c.Units {
		v.List = append(v.List, unitRef{u, unitPath(u)})
	}
	for _, to := range c.Untold() {
		v.Untold = append(v.Untold, toldView{to, toldWords(to)})
	}
	one := len(c.Units) == 1 || len(c.Units) == 0
	is := map[bool]string{true: "is", false: "are"}[one]
	switch c.State {
	case dscsa.Proposed:
		v.Mark, v.Word, v.Waits = view.NotOK, "proposed", "for a decision: suspect or not"
		v.Sentence = what + " may be suspect"
	case dscsa.Suspected:
		v.Mark, v.Word, v.Waits = "held", "suspect", "for the investigation: illegitimate or not"
		v.Sentence = what + " " + is + " suspect"
	case dscsa.Illegitimate:
		v.Mark, v.Word = "wrong", "illegitimate"
		v.Sentence = what + " " + is + " illegitimate: " + c.Classification
		if len(v.Untold) > 0 {
			clock := clockOf(c.Determined, c.Due, now)
			v.Clock = &clock
			v.Waits = "for somebody to tell " + joined(v.Untold)
		} else {
			v.Waits = "for its end, after FDA was consulted"
		}
	case dscsa.Dismissed:
		v.Mark, v.Sentence = view.Live, what+" "+is+" not suspect"
	case dscsa.Cleared:
		v.Mark, v.Sentence = view.Live, what+" "+is+" not illegitimate"
	case dscsa.Terminated:
		v.Sentence = what + " " + map[bool]string{true: "was", false: "were"}[one] + " illegitimate; the case is ended"
	}
	return v
}

// joined joins who has to be told.
func joined(all []toldView) string {
	out := ""
	for i, t := range all {
		switch {
		case i == 0:
		case i == len(all)-1:
			out += " and "
		default:
			out += ", "
		}
		out += t.Word
	}
	return out
}

type suspectPage struct {
	frame
	Form    string
	Fresh   bool // signed in lately enough to decide
	May     bool
	Again   string // where signing in again leads
	Case    suspectView
	Items   []itemView // of Form FDA 3911
	Missing int
	Classes []string
	History []stepLine
	Typed   url.Values
	Step    string // that was not done
	Done    string
	Problem string
}

type itemView struct {
	dscsa.FormItem
	Typed string
	Long  bool
	// Choices are what item 1 can be.
	Choices []string
}

var suspectDone = map[string]string{
	"open": "The product is suspect from now on.", "dismiss": "The proposal is dismissed.", "clear": "The product is cleared.",
	"determine": "The product is illegitimate: FDA and the partners below have to be told within 24 hours of the determination.",
	"describe":  "The items are written.", "notified": "It is noted who was told.", "terminate": "The case is ended.",
}

// suspect is GET /trace/suspect/{id}.
func (s *Server) suspect(w http.ResponseWriter, r *http.Request) {
	s.showSuspect(w, r, http.StatusOK, suspectPage{Done: suspectDone[r.FormValue("done")]})
}

func (s *Server) showSuspect(w http.ResponseWriter, r *http.Request, status int, page suspectPage) {
	id := r.PathValue("id")
	c, err := s.cfg.Trace.Suspicion(r.Context(), id)
	if s.noTrace(w, r, "case", err) {
		return
	}
	v := viewerOf(r)
	page.frame = s.traceFrame("Case " + id)
	page.Form, page.Fresh, page.May = s.formFor(w, r), s.fresh(v), v.May("POST /trace/suspect/{id}/{step}")
	page.Again = "/signin?" + url.Values{"again": {"1"}, "next": {suspectPath(id)}}.Encode()
	page.Case, page.Classes = suspectOf(c, page.Now), dscsa.Classifications
	if page.History, err = s.steps(r, fact.Ref{Kind: fact.Suspect, ID: id}); err != nil {
		s.broken(w, r, "read what happened", err)
		return
	}
	if c.State == dscsa.Illegitimate || c.State == dscsa.Terminated {
		f, err := s.cfg.Trace.Form(r.Context(), id)
		if err != nil {
			s.broken(w, r, "read what the form says", err)
			return
		}
		page.Missing = len(f.Missing)
		for _, it := range f.Items {
			if !dscsa.Settable(it.Number) {
				continue
			}
			i := itemView{FormItem: it, Typed: cmp.Or(page.Typed.Get("item"+it.Number), c.Items[it.Number]), Long: slices.Contains([]string{"17", "18", "20", "23"}, it.Number)}
			if it.Number == "1" {
				i.Choices = dscsa.Reports
			}
			page.Items = append(page.Items, i)
		}
	}
	s.render(w, s.pages.suspect, status, page)
}

type formPage struct {
	frame
	dscsa.Form3911
	Case  suspectView
	Clock *clockView
}

// form3911 is GET /trace/suspect/{id}/form-3911: the data for the form, in its
// order, to be printed or typed into FDA's portal.
func (s *Server) form3911(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	c, err := s.cfg.Trace.Suspicion(r.Context(), id)
	if s.noTrace(w, r, "case", err) {
		return
	}
	if c.State != dscsa.Illegitimate && c.State != dscsa.Terminated {
		s.fail(w, r, http.StatusConflict, "There is no form for this case", "Form FDA 3911 is about product that was determined to be illegitimate; this is "+c.State+".")
		return
	}
	page := formPage{frame: s.traceFrame("Form FDA 3911, case " + id)}
	page.Still, page.Modules = true, nil
	if page.Form3911, err = s.cfg.Trace.Form(r.Context(), id); err != nil {
		s.broken(w, r, "read what the form says", err)
		return
	}
	page.Case = suspectOf(c, page.Now)
	s.render(w, s.pages.form3911, http.StatusOK, page)
}
