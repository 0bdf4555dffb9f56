package web

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"frostline/hub/record"
	"frostline/hub/view"
	"frostline/hub/workflow"
)

// decideSaga is POST /view/saga/{id}/decide. at is the pause that was looked at:
// of two who decide at once, the second is told what the first has decided.
func (s *Server) decideSaga(w http.ResponseWriter, r *http.Request) {
	v, id := viewerOf(r), r.PathValue("id")
	at, decision, reason := r.PostFormValue("at"), r.PostFormValue("decision"), strings.TrimSpace(r.PostFormValue("reason"))
	again := func(status int, problem string) {
		s.showSaga(w, r, status, sagaPage{Problem: problem, Reason: reason})
	}
	switch {
	case at == "" || !slices.Contains(workflow.Decisions, decision):
		again(http.StatusUnprocessableEntity, "Nothing was decided: the form was not whole. Choose one of the buttons below.")
		return
	case reason == "":
		again(http.StatusUnprocessableEntity, "Nothing was decided: say why, for the trail.")
		return
	}
	if decision == workflow.Compensate && r.PostFormValue("sure") == "" {
		if x, err := s.cfg.Sagas.Saga(r.Context(), id); err == nil && sureWords(x) != "" && x.Pause == at {
			again(http.StatusUnprocessableEntity, "Nothing was decided: quality has not decided yet. Tick that you know what ending the saga does, or wait.")
			return
		}
	}
	_, err := s.cfg.Sagas.Decide(r.Context(), v.actor(), reason, id, at, decision)
	switch {
	case err == nil:
		http.Redirect(w, r, sagaPath(id)+"?done="+decision, http.StatusSeeOther)
	case errors.Is(err, record.ErrRefused):
		s.second(w, r, at, decision, again)
	case errors.Is(err, record.ErrInvalid):
		again(http.StatusUnprocessableEntity, "Nothing was decided: "+err.Error()+".")
	case errors.Is(err, record.ErrNotFound):
		again(http.StatusNotFound, "")
	default:
		s.broken(w, r, "decide about saga "+id, err)
	}
}

// second answers who decides about what is decided, or is over.
func (s *Server) second(w http.ResponseWriter, r *http.Request, at, decision string, again func(int, string)) {
	id, v := r.PathValue("id"), viewerOf(r)
	x, err := s.cfg.Sagas.Saga(r.Context(), id)
	if err != nil {
		s.broken(w, r, "tell of saga "+id, err)
		return
	}
	i := slices.IndexFunc(x.Taken, func(d workflow.DecisionMade) bool { return d.Pause == at })
	switch {
	case i < 0:
		again(http.StatusConflict, "Nothing was decided: the saga has gone on since you looked. Below is how it stands now.")
	case x.Taken[i].By == v.actor() && x.Taken[i].Decision == decision: // pressed twice
		http.Redirect(w, r, sagaPath(id)+"?done="+decision, http.StatusSeeOther)
	default:
		d := x.Taken[i]
		again(http.StatusConflict, "Nothing was decided: "+who(d.By)+" was first, and decided "+deeds[d.Decision]+", at "+view.TimeOfDay(d.At)+" "+view.Zone+". Below is how it stands now.")
	}
}
