package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/lookup"
)

// raiseView is what was typed for a case that nothing proposed.
type raiseView struct{ ID, Units, Package, Cause, Reason string }

// raiseSuspect is POST /trace/suspects: somebody says that product is suspect.
func (s *Server) raiseSuspect(w http.ResponseWriter, r *http.Request) {
	v := raiseView{}
	for name, to := range map[string]*string{"id": &v.ID, "units": &v.Units, "package": &v.Package, "cause": &v.Cause, "reason": &v.Reason} {
		*to = strings.TrimSpace(r.PostFormValue(name))
	}
	o := fact.SuspectOpened{ID: v.ID, Package: v.Package, Cause: v.Cause}
	var err error
	for line := range strings.Lines(v.Units) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		id, ok := lookup.UnitID(line)
		if !ok {
			err = record.Invalidf("units: %q names no unit: want GTIN and serial, in a form of GS1", line)
			break
		}
		if !slices.Contains(o.Units, id) {
			o.Units = append(o.Units, id)
		}
	}
	if err == nil {
		_, err = s.cfg.Trace.Raise(r.Context(), viewerOf(r).actor(), v.Reason, o)
	}
	switch why := notDoneBecause(err); {
	case why != "":
		s.showTrace(w, r, http.StatusUnprocessableEntity, tracePage{Raise: v, Problem: why})
	case err != nil:
		s.broken(w, r, "enter a case", err)
	default:
		http.Redirect(w, r, suspectPath(v.ID)+"?done=open", http.StatusSeeOther)
	}
}

// suspectStep is POST /trace/suspect/{id}/{step}: a decision about a case, by
// somebody who signed in lately, with a reason.
func (s *Server) suspectStep(w http.ResponseWriter, r *http.Request) {
	id, step := r.PathValue("id"), r.PathValue("step")
	err := s.takeStep(r.Context(), r, id, step)
	switch why := notDoneBecause(err); {
	case errors.Is(err, record.ErrNotFound):
		s.noTrace(w, r, "case", err)
	case errors.Is(err, errNoStep):
		s.fail(w, r, http.StatusNotFound, "There is no such step", "A case of suspect product knows no step "+step+".")
	case why != "":
		s.showSuspect(w, r, http.StatusUnprocessableEntity, suspectPage{Problem: why, Typed: r.PostForm, Step: step})
	case err != nil:
		s.broken(w, r, "decide about the case", err)
	default:
		http.Redirect(w, r, suspectPath(id)+"?done="+step, http.StatusSeeOther)
	}
}

var errNoStep = errors.New("no such step")

func (s *Server) takeStep(ctx context.Context, r *http.Request, id, step string) (err error) {
	typed := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	t, by, reason := s.cfg.Trace, viewerOf(r).actor(), typed("reason")
	at, err := momentOf(typed("at"))
	if err != nil {
		return err
	}
	switch step {
	case "open":
		_, err = t.Open(ctx, by, reason, fact.SuspectOpened{ID: id, Cause: typed("cause")})
	case "dismiss":
		_, err = t.Dismiss(ctx, by, reason, id)
	case "clear":
		_, err = t.Clear(ctx, by, reason, id)
	case "determine":
		_, err = t.Determine(ctx, by, reason, id, typed("classification"), at)
	case "notified":
		_, err = t.Notified(ctx, by, reason, fact.SuspectNotified{ID: id, To: typed("to"), At: at, How: typed("how"), Incident: typed("incident")})
	case "terminate":
		_, err = t.Terminate(ctx, by, reason, id)
	case "describe":
		c, err := t.Suspicion(ctx, id)
		if err != nil {
			return err
		}
		items := map[string]string{}
		for name := range r.PostForm {
			number, ok := strings.CutPrefix(name, "item")
			// A browser sends line ends as two characters.
			if value := strings.ReplaceAll(typed(name), "\r\n", "\n"); ok && value != c.Items[number] {
				items[number] = value
			}
		}
		if len(items) == 0 {
			return record.Invalidf("items: none was changed")
		}
		_, err = t.Describe(ctx, by, reason, id, items)
		return err
	default:
		return fmt.Errorf("%w: %q", errNoStep, step)
	}
	return err
}
