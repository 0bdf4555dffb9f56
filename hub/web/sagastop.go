package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/view"
	"frostline/hub/workflow"
)

// stopHold is a stop of the delivery that a saga is about: whether it is held, and
// what whoever looks may do about that.
type stopHold struct {
	fact.SagaStop
	Mark   view.State
	Word   string
	Cause  string
	Button string // "": nothing
	Held   string // what the button sends: yes holds it, no lets it go
	Why    string // nothing can be done about it here
}

const stopRoute = "POST /view/saga/{id}/stop"

// stopsOf gives the stops of a saga's delivery that are on a route still.
func (s *Server) stopsOf(r *http.Request, x workflow.Saga, d fact.SagaDelivery) (all []stopHold, err error) {
	if s.cfg.Dispatch == nil {
		return nil, nil
	}
	for _, at := range d.Stops {
		route, err := s.cfg.Dispatch.Leg(r.Context(), at.Route)
		if errors.Is(err, record.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		visits := route.Visits()
		if i := slices.IndexFunc(visits, func(v dispatch.Visit) bool { return v.ID == at.Stop }); i >= 0 {
			all = append(all, stopOf(x, at, route, visits[i], viewerOf(r).May(stopRoute)))
		}
	}
	return all, nil
}

// stopOf says how a stop stands. What a saga holds that goes on, or quality has
// rejected, nobody lets go here.
func stopOf(x workflow.Saga, at fact.SagaStop, route dispatch.Route, v dispatch.Visit, may bool) stopHold {
	h := stopHold{SagaStop: at, Mark: "calm", Word: "not held"}
	if x.State != workflow.Ended && disposed(x) != workflow.Released {
		h.Mark = view.NotOK // it can be delivered before quality has decided
	}
	status := route.Status()
	over := v.Ended() || status == "ended" || status == "cancelled"
	switch {
	case v.Held:
		h.Mark, h.Word, h.Cause = "held", "held", v.Cause
	case v.Ended():
		h.Mark, h.Word = "calm", v.Status
	case over:
		h.Mark, h.Word = "calm", status
	}
	switch {
	case over:
	case v.Held && x.State != workflow.Ended:
		h.Why = "It is let go by itself when quality has released it."
	case v.Held && disposed(x) == workflow.Rejected:
		h.Why = "Quality has rejected it: plan the stop out of its route."
	case !may:
	case v.Held:
		h.Button, h.Held = "Let it go", "no"
	default:
		h.Button, h.Held = "Hold it", "yes"
	}
	return h
}

// holdStop is POST /view/saga/{id}/stop: a person holds a stop of the delivery that
// a saga is about, or lets it go.
func (s *Server) holdStop(w http.ResponseWriter, r *http.Request) {
	id, cause := r.PathValue("id"), strings.TrimSpace(r.PostFormValue("cause"))
	again := func(status int, problem string) { s.showSaga(w, r, status, sagaPage{Problem: problem}) }
	x, err := s.cfg.Sagas.Saga(r.Context(), id)
	if errors.Is(err, record.ErrNotFound) || errors.Is(err, record.ErrInvalid) {
		again(http.StatusNotFound, "")
		return
	}
	var stops []stopHold
	if err == nil {
		stops, err = s.stopsOf(r, x, deliveryOfSaga(x))
	}
	if err != nil {
		s.broken(w, r, "look up the stops of saga "+id, err)
		return
	}
	i := slices.IndexFunc(stops, func(h stopHold) bool {
		return h.Route == r.PostFormValue("route") && h.Stop == r.PostFormValue("stop")
	})
	switch {
	case cause == "":
		again(http.StatusUnprocessableEntity, "Nothing was done: say why, for the trail.")
		return
	case i < 0 || stops[i].Button == "" || stops[i].Held != r.PostFormValue("held"):
		again(http.StatusConflict, "Nothing was done: the stop is not any more as it was when you looked. Below is how it stands now.")
		return
	}
	h := fact.StopHeld{Route: stops[i].Route, Stop: stops[i].Stop, Held: stops[i].Held == "yes", Cause: cause}
	route, err := s.cfg.Dispatch.Leg(r.Context(), h.Route)
	if err == nil {
		sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %t %d", id, h.Route, h.Stop, h.Held, route.Revision)) // pressed twice it is one
		h.ID = "page-" + hex.EncodeToString(sum[:16])
		_, err = s.cfg.Dispatch.Hold(r.Context(), viewerOf(r).actor(), cause, h)
	}
	switch {
	case err == nil:
		http.Redirect(w, r, sagaPath(id)+"?done=stop", http.StatusSeeOther)
	case errors.Is(err, record.ErrRefused), errors.Is(err, record.ErrExists):
		again(http.StatusConflict, "Nothing was done: the stop is not any more as it was when you looked. Below is how it stands now.")
	case errors.Is(err, record.ErrInvalid):
		again(http.StatusUnprocessableEntity, "Nothing was done: "+err.Error()+".")
	default:
		s.broken(w, r, "hold a stop", err)
	}
}

// deliveryOfSaga is what was found that the package is a part of.
func deliveryOfSaga(x workflow.Saga) (d fact.SagaDelivery) {
	for _, st := range x.Steps {
		if st.Step == "find" && st.Delivery != nil {
			d = *st.Delivery
		}
	}
	return d
}
