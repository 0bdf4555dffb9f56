package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"frostline/hub/fact"
	"frostline/hub/hold"
	"frostline/hub/record"
	"frostline/hub/view"
	"frostline/hub/workflow"
)

// Holds keeps what nobody may give away; *hold.Holds does. It is called from
// many goroutines at once.
type Holds interface {
	Place(ctx context.Context, actor, reason string, p fact.HoldPlaced) (hold.Hold, error)
	Lift(ctx context.Context, actor, reason string, l fact.HoldLifted) (hold.Hold, error)
	Hold(ctx context.Context, id string) (hold.Hold, error)
	List(ctx context.Context, f hold.Filter, after string, limit int) ([]hold.Hold, error)
}

func holdPath(id string) string { return "/view/hold/" + url.PathEscape(id) }

// holdView is a quality hold as pages show it.
type holdView struct {
	hold.Hold
	Href     string
	Mark     view.State
	Word     string
	PackHref string
	By       string   // who placed it, "" where it was changed since
	Left     []string // units that it holds still
	Saga     string   // that placed it, "" for none
	SagaHref string
}

func (s *Server) holdOf(h hold.Hold) holdView {
	v := holdView{Hold: h, Href: holdPath(h.ID), Mark: "held", Word: "in quarantine"}
	if h.Revision == 1 {
		v.By = who(h.Changed.By)
	}
	if h.Package != "" {
		v.PackHref = packagePath(h.Package)
	}
	if h.Lifted != 0 {
		v.Mark, v.Word = view.Live, "released"
		return v
	}
	for _, u := range h.Units {
		if !slices.Contains(h.Out, u) {
			v.Left = append(v.Left, u)
		}
	}
	return v
}

// holdsOf gives the holds on what a saga is about.
func (s *Server) holdsOf(r *http.Request, x workflow.Saga) (all []holdView, err error) {
	seen := map[string]bool{}
	for _, st := range x.Steps {
		for _, ref := range st.Refs {
			if ref.Kind != fact.Hold || seen[ref.ID] {
				continue
			}
			seen[ref.ID] = true
			h, err := s.cfg.Holds.Hold(r.Context(), ref.ID)
			if errors.Is(err, record.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			all = append(all, s.holdOf(h))
		}
	}
	others, err := s.cfg.Holds.List(r.Context(), hold.Filter{On: fact.Ref{Kind: fact.Package, ID: x.Package}}, "", 20)
	for _, h := range others {
		if !seen[h.ID] {
			all = append(all, s.holdOf(h))
		}
	}
	return all, err
}

type holdsPage struct {
	frame
	Holds   []holdView
	More    bool
	Form    string // "": who looks may not place any
	Sent    fact.HoldPlaced
	Units   string
	Reason  string
	Problem string
}

// holds is GET /view/holds.
func (s *Server) holds(w http.ResponseWriter, r *http.Request) {
	s.showHolds(w, r, http.StatusOK, holdsPage{})
}

func (s *Server) showHolds(w http.ResponseWriter, r *http.Request, status int, page holdsPage) {
	page.frame = s.answered("In quarantine", status)
	list, err := s.cfg.Holds.List(r.Context(), hold.Filter{Standing: true}, "", listed+1)
	if err != nil {
		s.broken(w, r, "list the quality holds", err)
		return
	}
	slices.SortStableFunc(list, func(a, b hold.Hold) int { return int(min(max(b.Created-a.Created, -1), 1)) })
	page.More = len(list) > listed
	for _, h := range list[:min(len(list), listed)] {
		page.Holds = append(page.Holds, s.holdOf(h))
	}
	if viewerOf(r).May("POST /view/holds/place") {
		page.Form = s.formFor(w, r)
		if page.Sent.ID == "" { // sent twice it is one hold
			page.Sent.ID = "hold-" + strings.ToLower(rand.Text())
		}
	}
	s.render(w, s.pages.holds, status, page)
}

// placeHold is POST /view/holds/place.
func (s *Server) placeHold(w http.ResponseWriter, r *http.Request) {
	text := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	p := fact.HoldPlaced{ID: text("id"), Package: text("package"), Cause: text("cause"), Units: strings.FieldsFunc(text("units"), func(r rune) bool { return r == ',' || r == ';' || r <= ' ' })}
	if p.Package != "" {
		if id, err := fact.PackageID(p.Package); err == nil {
			p.Package = id
		}
	}
	h, err := s.cfg.Holds.Place(r.Context(), viewerOf(r).actor(), "", p)
	switch {
	case err == nil:
		http.Redirect(w, r, holdPath(h.ID)+"?done=placed", http.StatusSeeOther)
	case errors.Is(err, record.ErrInvalid), errors.Is(err, record.ErrExists):
		s.showHolds(w, r, http.StatusUnprocessableEntity, holdsPage{Sent: p, Units: text("units"), Problem: "Nothing is held by this: " + err.Error() + "."})
	default:
		s.broken(w, r, "place a quality hold", err)
	}
}

type holdPage struct {
	frame
	holdView
	Form    string // "": who looks may not release it
	Why     string // they, or nobody here, may not
	Reason  string
	Problem string
	Done    string
}

var heldWords = map[string]string{"placed": "It is in quarantine.", "released": "It is released.", "units": "The units are released."}

// oneHold is GET /view/hold/{id}.
func (s *Server) oneHold(w http.ResponseWriter, r *http.Request) {
	s.showHold(w, r, http.StatusOK, holdPage{Done: heldWords[r.FormValue("done")]})
}

func (s *Server) showHold(w http.ResponseWriter, r *http.Request, status int, page holdPage) {
	id := r.PathValue("id")
	h, err := s.cfg.Holds.Hold(r.Context(), id)
	if errors.Is(err, record.ErrNotFound) || errors.Is(err, record.ErrInvalid) {
		s.fail(w, r, http.StatusNotFound, "There is no such hold", "Nothing is known under "+id+".")
		return
	}
	if err != nil {
		s.broken(w, r, "tell of hold "+id, err)
		return
	}
	page.frame = s.answered("Hold "+id, status)
	page.holdView = s.holdOf(h)
	saga, err := s.holdsIt(r.Context(), h)
	if err != nil {
		s.broken(w, r, "look up the saga of hold "+id, err)
		return
	}
	if saga.ID != "" {
		page.Saga, page.SagaHref = saga.ID, sagaPath(saga.ID)
	}
	switch rule := "POST /view/hold/{id}/release"; {
	case h.Lifted != 0:
	case !viewerOf(r).May(rule):
		page.Why = "Who may release it: " + roleWords(rolesFor(rule)) + "."
	case h.Suspect != "":
		page.Why = "It is suspect product: clearing its case releases it. After a case of illegitimate product is ended, it can be released here."
		page.Form = s.formFor(w, r)
	case saga.ID != "" && saga.State != workflow.Ended:
		page.Why = "The excursion decides: signing a disposition releases it, and the delivery goes on by itself."
	default:
		page.Form = s.formFor(w, r)
	}
	s.render(w, s.pages.oneHold, status, page)
}

// holdsIt gives the saga that placed a hold; its ID is "" where none did.
func (s *Server) holdsIt(ctx context.Context, h hold.Hold) (workflow.Saga, error) {
	if h.Excursion == "" {
		return workflow.Saga{}, nil
	}
	all, err := s.cfg.Sagas.List(ctx, workflow.Filter{Excursion: h.Excursion}, "", listed)
	for _, x := range all {
		if x.Made(fact.Ref{Kind: fact.Hold, ID: h.ID}) {
			return x, err
		}
	}
	return workflow.Saga{}, err
}

// releaseHold is POST /view/hold/{id}/release. What a saga that goes on has placed
// is released by quality's disposition alone.
func (s *Server) releaseHold(w http.ResponseWriter, r *http.Request) {
	id, reason := r.PathValue("id"), strings.TrimSpace(r.PostFormValue("reason"))
	again := func(status int, problem string) {
		s.showHold(w, r, status, holdPage{Problem: problem, Reason: reason})
	}
	h, err := s.cfg.Holds.Hold(r.Context(), id)
	var saga workflow.Saga
	if err == nil {
		saga, err = s.holdsIt(r.Context(), h)
	}
	switch {
	case err == nil && h.Lifted != 0:
		again(http.StatusConflict, "It was released already, by "+who(h.Changed.By)+" at "+view.Moment(h.Lifted)+" "+view.Zone+".")
		return
	case err == nil && saga.ID != "" && saga.State != workflow.Ended:
		again(http.StatusConflict, "Not released: its saga waits for the disposition of quality.")
		return
	}
	done := "released"
	l := fact.HoldLifted{ID: id, Units: r.PostForm["unit"]}
	if len(l.Units) > 0 {
		done = "units"
	} else if r.PostFormValue("all") == "" && err == nil && len(h.Units) > 0 {
		again(http.StatusUnprocessableEntity, "Not released: choose units, or all of it.")
		return
	}
	if err == nil {
		_, err = s.cfg.Holds.Lift(r.Context(), viewerOf(r).actor(), reason, l)
	}
	switch {
	case err == nil:
		http.Redirect(w, r, holdPath(id)+"?done="+done, http.StatusSeeOther)
	case errors.Is(err, record.ErrRefused):
		again(http.StatusConflict, "Not released: "+err.Error()+".")
	case errors.Is(err, record.ErrInvalid):
		again(http.StatusUnprocessableEntity, "Not released: "+err.Error()+".")
	case errors.Is(err, record.ErrNotFound):
		again(http.StatusNotFound, "")
	default:
		s.broken(w, r, "release hold "+id, err)
	}
}
