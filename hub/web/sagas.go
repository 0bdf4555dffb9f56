package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"

	"frostline/hub/fact"
	"frostline/hub/hold"
	"frostline/hub/record"
	"frostline/hub/view"
	"frostline/hub/workflow"
)

// Sagas tells what follows from excursions by itself, and takes what people
// decide; *workflow.Engine does. It is called from many goroutines at once.
type Sagas interface {
	List(ctx context.Context, f workflow.Filter, after string, limit int) ([]workflow.Saga, error)
	Ended(ctx context.Context, limit int) ([]workflow.Saga, error)
	Saga(ctx context.Context, id string) (workflow.Saga, error)
	Way(s workflow.Saga) []workflow.Stage
	Decide(ctx context.Context, actor, reason, id, at, decision string) (workflow.Saga, error)
}

// Bounds of the pages about sagas. What is left out is counted.
const (
	sagasListed = 200 // of each state
	sagasEnded  = 50
)

// sagaRoutes mounts the pages about sagas and quality holds.
func (s *Server) sagaRoutes(mux *routes) {
	mux.HandleFunc("GET /view/sagas", s.sagas)
	mux.HandleFunc("GET /view/saga/{id}", s.oneSaga)
	mux.HandleFunc("POST /view/saga/{id}/decide", s.decideSaga)
	mux.HandleFunc("POST /view/saga/{id}/stop", s.holdStop)
	mux.HandleFunc("GET /view/holds", s.holds)
	mux.HandleFunc("POST /view/holds/place", s.placeHold)
	mux.HandleFunc("GET /view/hold/{id}", s.oneHold)
	mux.HandleFunc("POST /view/hold/{id}/release", s.releaseHold)
}

func sagaPath(id string) string { return "/view/saga/" + url.PathEscape(id) }

type sagasPage struct {
	frame
	Tally  []tallyView
	Parked []sagaView
	Open   []sagaView // that wait for quality, then those that run
	Ended  []sagaView
	More   int // open ones that are not listed
	Held   int
	Of     string // an excursion, of which it lists the sagas alone
	Full   bool   // there are more holds than were counted
}

// sagaView is a saga as pages show it.
type sagaView struct {
	workflow.Saga
	Href     string
	PackHref string
	CaseHref string
	Mark     view.State
	Word     string
	Says     string
	Done     []string // what was done, in order
	Next     []aheadView
}

// aheadView is what comes on a disposition: released, rejected, or "" for any.
type aheadView struct {
	If   string
	What []string
}

func (s *Server) sagaOf(x workflow.Saga) sagaView {
	v := sagaView{Saga: x, Href: sagaPath(x.ID), PackHref: packagePath(x.Package), CaseHref: casePath(x.Excursion), Says: x.Says()}
	v.Mark, v.Word = sagaMark(x)
	if x.Asks() {
		v.Error = "" // it says no more than the choices do
	}
	for _, st := range s.cfg.Sagas.Way(x) {
		words := stageWords(x, st.Step)
		switch st.Mark {
		case workflow.MarkDone:
			v.Done = append(v.Done, words.Did)
		case workflow.MarkUndone:
			v.Done = append(v.Done, words.Did+", and undone")
		case workflow.MarkSkipped:
			v.Done = append(v.Done, words.Do+": left out")
		case workflow.MarkAhead:
			if n := len(v.Next); n == 0 || v.Next[n-1].If != st.If {
				v.Next = append(v.Next, aheadView{If: st.If})
			}
			last := &v.Next[len(v.Next)-1]
			last.What = append(last.What, words.Do)
		}
	}
	return v
}

// sagas is GET /view/sagas.
func (s *Server) sagas(w http.ResponseWriter, r *http.Request) {
	page := sagasPage{frame: s.storyFrame("Sagas", "sagas")}
	page.Styles = append(page.Styles, "style/saga.css")
	if excursion := r.FormValue("excursion"); excursion != "" {
		s.sagasOf(w, r, page, excursion)
		return
	}
	n := map[workflow.State]int{}
	for _, state := range []workflow.State{workflow.Parked, workflow.Waiting, workflow.Running} {
		list, err := s.cfg.Sagas.List(r.Context(), workflow.Filter{State: state}, "", listed)
		if err != nil {
			s.broken(w, r, "list the sagas", err)
			return
		}
		n[state] = len(list)
		slices.SortStableFunc(list, func(a, b workflow.Saga) int { return int(min(max(a.Since-b.Since, -1), 1)) })
		page.More += max(0, len(list)-sagasListed)
		for _, x := range list[:min(len(list), sagasListed)] {
			if state == workflow.Parked {
				page.Parked = append(page.Parked, s.sagaOf(x))
			} else {
				page.Open = append(page.Open, s.sagaOf(x))
			}
		}
	}
	ended, err := s.cfg.Sagas.Ended(r.Context(), sagasEnded)
	if err != nil {
		s.broken(w, r, "list the sagas that ended", err)
		return
	}
	for _, x := range ended {
		page.Ended = append(page.Ended, s.sagaOf(x))
	}
	standing, err := s.cfg.Holds.List(r.Context(), hold.Filter{Standing: true}, "", listed+1)
	if err != nil {
		s.broken(w, r, "count the quality holds", err)
		return
	}
	page.Held, page.Full = min(len(standing), listed), len(standing) > listed
	page.Tally = []tallyView{
		{State: "wrong", N: n[workflow.Parked], Word: "wait for a person"},
		{State: "held", N: n[workflow.Waiting], Word: "wait for quality"},
		{State: view.Live, N: n[workflow.Running], Word: "run"},
	}
	s.render(w, s.pages.sagas, http.StatusOK, page)
}

// sagasOf leads to the saga of an excursion, or lists them where there are several
// or none.
func (s *Server) sagasOf(w http.ResponseWriter, r *http.Request, page sagasPage, excursion string) {
	list, err := s.cfg.Sagas.List(r.Context(), workflow.Filter{Excursion: excursion}, "", sagasListed)
	if err != nil {
		s.broken(w, r, "list the sagas of an excursion", err)
		return
	}
	if len(list) == 1 {
		http.Redirect(w, r, sagaPath(list[0].ID), http.StatusSeeOther)
		return
	}
	page.Of = excursion
	for _, x := range list {
		switch v := s.sagaOf(x); x.State {
		case workflow.Parked:
			page.Parked = append(page.Parked, v)
		case workflow.Ended:
			page.Ended = append(page.Ended, v)
		default:
			page.Open = append(page.Open, v)
		}
	}
	s.render(w, s.pages.sagas, http.StatusOK, page)
}

type sagaPage struct {
	frame
	sagaView
	Form     string
	Way      []stageView
	History  []turnView
	Holds    []holdView
	Stops    []stopHold
	Delivery fact.SagaDelivery
	Board    bool // who looks may see the dispatcher's board
	Buttons  []buttonView
	Sure     string // what somebody who compensates has to know; "" for nothing
	Decides  string // who may, for whoever may not
	Reason   string // that was sent
	Problem  string
	Done     string
}

// stageView is a step on the way of a saga.
type stageView struct {
	workflow.Stage
	What  string
	State view.State
	Word  string
	Links []linkView
}

// linkView is a thing by its kind and id, or by a word alone.
type linkView struct{ Kind, ID, Word, Href string }

// turnView is what was done or decided, in the order of time.
type turnView struct {
	At   int64
	Who  string
	What string
	Why  string
	Said bool // Why is a person's
}

// oneSaga is GET /view/saga/{id}.
func (s *Server) oneSaga(w http.ResponseWriter, r *http.Request) {
	s.showSaga(w, r, http.StatusOK, sagaPage{Done: decidedWords[r.FormValue("done")]})
}

func (s *Server) showSaga(w http.ResponseWriter, r *http.Request, status int, page sagaPage) {
	id, v := r.PathValue("id"), viewerOf(r)
	x, err := s.cfg.Sagas.Saga(r.Context(), id)
	if errors.Is(err, record.ErrNotFound) || errors.Is(err, record.ErrInvalid) {
		s.fail(w, r, http.StatusNotFound, "There is no such saga", "Nothing is known under "+id+".")
		return
	}
	if err != nil {
		s.broken(w, r, "tell of saga "+id, err)
		return
	}
	page.frame = s.answered("Saga of package "+x.Package, status)
	if x.State != workflow.Running && page.Done != decidedWords["stop"] {
		page.Done = "" // it has gone on by then
	}
	page.sagaView = s.sagaOf(x)
	page.Board = s.cfg.Dispatch != nil && v.May("GET /dispatch")
	for _, st := range s.cfg.Sagas.Way(x) {
		page.Way = append(page.Way, s.stageOf(x, st, page.Board))
	}
	page.Delivery = deliveryOfSaga(x)
	if page.Stops, err = s.stopsOf(r, x, page.Delivery); err != nil {
		s.broken(w, r, "look up the stops of saga "+id, err)
		return
	}
	page.History = sagaHistory(x)
	if page.Holds, err = s.holdsOf(r, x); err != nil {
		s.broken(w, r, "look up the holds of saga "+id, err)
		return
	}
	if slices.ContainsFunc(page.Stops, func(h stopHold) bool { return h.Button != "" }) {
		page.Form = s.formFor(w, r)
	}
	if len(x.Choices) > 0 {
		if v.May("POST /view/saga/{id}/decide") {
			page.Buttons, page.Sure = buttons(x, s.cfg.Sagas.Way(x)), sureWords(x)
			if i := slices.IndexFunc(page.Buttons, func(b buttonView) bool { return b.Decision == workflow.Compensate }); i >= 0 && othersHold(x, page.Holds) {
				page.Buttons[i].Means = append(page.Buttons[i].Means, stays)
			}
			page.Form = s.formFor(w, r)
		} else {
			page.Decides = roleWords(rolesFor("POST /view/saga/{id}/decide"))
		}
	}
	s.render(w, s.pages.oneSaga, status, page)
}

// othersHold says whether a hold stands on the package that is not the saga's.
func othersHold(x workflow.Saga, holds []holdView) bool {
	return slices.ContainsFunc(holds, func(h holdView) bool {
		return h.Lifted == 0 && !x.Made(fact.Ref{Kind: fact.Hold, ID: h.ID})
	})
}

// answered is the frame of a page about a saga or hold. One that answers a form
// that was refused stands still: its address is the form's, and gives no page.
func (s *Server) answered(title string, status int) frame {
	f := s.storyFrame(title, "sagas")
	f.Styles = append(f.Styles, "style/access.css", "style/saga.css")
	if status != http.StatusOK {
		f.Still, f.Modules = true, nil
	}
	return f
}

// stageOf words a step.
func (s *Server) stageOf(x workflow.Saga, st workflow.Stage, board bool) stageView {
	v := stageView{Stage: st, What: stageWords(x, st.Step).Do}
	switch st.Mark {
	case workflow.MarkDone:
		v.State, v.Word, v.What = view.Live, "done", stageWords(x, st.Step).Did
	case workflow.MarkNothing:
		v.State, v.Word = "calm", "nothing to do"
	case workflow.MarkSkipped:
		v.State, v.Word = view.NotOK, "left out by a person"
	case workflow.MarkUndone:
		v.State, v.Word, v.What = view.NotOK, "undone", stageWords(x, st.Step).Did
	case workflow.MarkNow:
		v.State, v.Word = nowWords(x)
	default:
		v.State, v.Word = "ahead", "to come"
		if st.If != "" {
			v.Word = "to come, if quality has " + st.If + " it"
		}
	}
	for _, ref := range st.Refs {
		v.Links = append(v.Links, linkOf(ref, board))
	}
	return v
}

// linkOf leads to a thing, where there is a page of it.
func linkOf(ref fact.Ref, board bool) linkView {
	l := linkView{Kind: string(ref.Kind), ID: ref.ID}
	switch ref.Kind {
	case fact.Hold:
		l = linkView{Word: "the hold", Href: holdPath(ref.ID)}
	case fact.Saga:
		l.Href = sagaPath(ref.ID)
	case fact.Package:
		l.Href = packagePath(ref.ID)
	case fact.Excursion:
		l.Href = casePath(ref.ID)
	case fact.Route:
		if board {
			l.Href = "/dispatch#" + anchor(ref.ID)
		}
	}
	return l
}

// sagaHistory puts steps and decisions in the order of time.
func sagaHistory(x workflow.Saga) (all []turnView) {
	for _, st := range x.Steps {
		words := stageWords(x, st.Step)
		t := turnView{At: st.At, Who: "the hub", What: words.Did, Why: st.Note}
		switch {
		case st.Undo && st.Outcome == "nothing":
			t.What = "Not undone: " + lower(words.Did)
		case st.Undo:
			t.What = "Undone: " + lower(words.Did)
		case st.Outcome == "nothing":
			t.What = words.Do + ": nothing to do"
		case st.Outcome == "skipped":
			t.What = words.Do + ": left out"
		case st.Disposition != "":
			t.What = "Quality has " + st.Disposition + " it"
		}
		all = append(all, t)
	}
	for _, d := range x.Taken {
		all = append(all, turnView{d.At, who(d.By), decisionWords[d.Decision] + ": " + lower(stageWords(x, d.Step).Do), d.Reason, true})
	}
	slices.SortStableFunc(all, func(a, b turnView) int { return int(min(max(a.At-b.At, -1), 1)) })
	return all
}
