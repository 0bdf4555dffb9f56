package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"frostline/hub/dispatch/propose"
	eventlog "frostline/hub/event"
	"frostline/hub/record"
	"frostline/hub/view"
)

// applied are what comes of applying a suggested order, by the words that lead
// back to the board. Nothing else of an address comes onto it.
var applied = map[string]string{
	"done":    "The stops of route {} are made in the suggested order.",
	"changed": "Nothing was changed: route {} is not any more as it was when you looked. Look at it again.",
	"other":   "Nothing was changed: for route {} another order is suggested since you looked, or this one would break something else. Look at it again.",
	"fine":    "Nothing was changed: for route {} no other order is suggested any more.",
	"refused": "Nothing was changed: route {} or one of its stops has ended.",
}

// done are what comes of other things that are done on the board.
var done = map[string]string{
	"held":     "The stop is held.",
	"let-go":   "The stop is let go.",
	"recalled": "It is called back, and whoever drives is told: below is whether they have seen it.",
	"sent":     "The message is on its way: below is whether it is on the panel, and whether the driver has confirmed it.",
}

// boardWords are what the board says after something was done on it, or was not.
func boardWords(r *http.Request, routes []runView) (told string, failed bool) {
	if word := done[r.FormValue("done")]; word != "" {
		return word, false
	}
	return appliedWords(r, routes)
}

// appliedWords are what the board says after an order was applied, or was not.
func appliedWords(r *http.Request, routes []runView) (told string, failed bool) {
	code, route := r.FormValue("applied"), r.FormValue("route")
	if !slices.ContainsFunc(routes, func(v runView) bool { return v.ID == route }) {
		return "", false
	}
	return strings.ReplaceAll(applied[code], "{}", route), code != "done"
}

// seen is a digest of what a dispatcher decides by: the order, and what it would
// break.
func seen(p propose.Proposal) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d %q\n", p.Revision, p.Order)
	for _, b := range p.Breaks {
		fmt.Fprintf(sum, "%q %q %q\n", b.Kind, b.Stop, b.Package)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// applyOrder is POST /dispatch/{id}/order. The order is looked for anew, and
// applied if it is the one that was looked at and breaks nothing more: what was
// suggested for another plan, or other temperatures, is not.
func (s *Server) applyOrder(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	back := func(code string) {
		q := url.Values{"applied": {code}, "route": {id}}
		http.Redirect(w, r, "/dispatch?"+q.Encode()+"#"+anchor(id), http.StatusSeeOther)
	}
	revision, err := strconv.ParseInt(r.PostFormValue("revision"), 10, 64)
	if err != nil {
		s.fail(w, r, http.StatusUnprocessableEntity, "Nothing was changed", "The form was not whole. Go back, load the page anew and send it again.")
		return
	}
	p, err := s.cfg.Dispatch.Proposal(r.Context(), id)
	switch {
	case errors.Is(err, record.ErrNotFound), errors.Is(err, record.ErrInvalid):
		s.fail(w, r, http.StatusNotFound, "There is no such route", "Nothing is known under "+id+".")
		return
	case err != nil:
		s.broken(w, r, "look for an order of route "+id, err)
		return
	case p.Revision != revision:
		back("changed")
		return
	case p.Advice != propose.Change:
		back("fine")
		return
	case !same(seen(p), r.PostFormValue("seen")):
		back("other")
		return
	}
	_, err = s.cfg.Dispatch.Reorder(r.Context(), viewerOf(r).actor(), "as suggested at "+view.Stamp(p.Made), id, p.Order, revision)
	switch {
	case err == nil:
		s.log.Info("a suggested order is applied", "route", id, "by", viewerOf(r).actor())
		back("done")
	case errors.Is(err, eventlog.ErrStale):
		back("changed")
	case errors.Is(err, record.ErrRefused), errors.Is(err, record.ErrInvalid):
		s.log.Warn("a suggested order was not applied", "route", id, "error", err)
		back("refused")
	default:
		s.broken(w, r, "apply an order of route "+id, err)
	}
}
