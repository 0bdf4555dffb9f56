package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	eventlog "frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/dscsa/deadline"
	"frostline/hub/view"
)

// requestView is a trace request as pages show it.
type requestView struct {
	dscsa.TraceRequest
	Href  string
	Clock clockView
	About []string // product, in words
	For   string   // why it is asked, in words
	By    string   // the rule, in words
}

func requestPath(id string) string { return "/trace/request/" + url.PathEscape(id) }

var (
	reasonWords = map[string]string{"recall": "a recall", "suspect": "suspect product", "illegitimate": "illegitimate product", "audit": "an audit"}
	ruleWords   = map[fact.DeadlineRule]string{
		deadline.Hours24: "within 24 hours", deadline.Hours48: "within 48 hours",
		deadline.BusinessDay: "within one business day, and 48 hours", deadline.BusinessDays2: "within two business days",
	}
)

func requestOf(r dscsa.TraceRequest, now int64) requestView {
	v := requestView{TraceRequest: r, Href: requestPath(r.ID), For: reasonWords[r.Why], By: ruleWords[r.Rule]}
	for _, a := range r.TraceRequested.About {
		v.About = append(v.About, aboutWords(a))
	}
	switch {
	case r.Answer != nil && r.Answer.Late:
		v.Clock = clockView{view.NotOK, "answered " + view.Span(r.Answered-r.Due) + " late"}
	case r.Answer != nil:
		v.Clock = clockView{view.Live, "answered in time, after " + view.Span(r.Answered-r.Received)}
	default:
		v.Clock = clockOf(r.Received, r.Due, now)
	}
	return v
}

func aboutWords(a fact.TraceAbout) string {
	out := "GTIN " + a.GTIN
	if a.Lot != "" {
		out += ", lot " + a.Lot
	}
	if a.Serial != "" {
		out += ", serial " + a.Serial
	}
	return out
}

// clockOf says how much time is left.
func clockOf(from, due, now int64) clockView {
	if now >= due {
		return clockView{"wrong", "overdue by " + view.Span(now-due)}
	}
	mark := map[deadline.Stage]view.State{deadline.Fresh: "calm", deadline.Half: view.NotOK, deadline.Short: "late"}[deadline.At(from, due, now)]
	return clockView{mark, view.Span(due-now) + " left"}
}

// askView is what was typed for a request.
type askView struct {
	ID, Requester, Contact, Number, Why, Rule, Received, GTIN, Lot, Serial, Reason string
	Rules                                                                          []choice
	Reasons                                                                        []choice
}

type choice struct{ Value, Word string }

func askOf(r *http.Request) askView {
	v := askView{}
	for name, to := range map[string]*string{"id": &v.ID, "requester": &v.Requester, "contact": &v.Contact, "number": &v.Number, "why": &v.Why, "rule": &v.Rule,
		"received": &v.Received, "gtin": &v.GTIN, "lot": &v.Lot, "serial": &v.Serial, "reason": &v.Reason} {
		*to = strings.TrimSpace(r.PostFormValue(name))
	}
	return v
}

// Choices fills in what can be chosen from.
func (v askView) Choices() askView {
	for _, rule := range deadline.Rules {
		v.Rules = append(v.Rules, choice{string(rule), ruleWords[rule]})
	}
	for _, why := range dscsa.Reasons {
		v.Reasons = append(v.Reasons, choice{why, reasonWords[why]})
	}
	return v
}

// momentOf reads a date and time of UTC as a form sends it; 0 for none.
func momentOf(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UnixMilli(), nil
		}
	}
	return 0, record.Invalidf("time %q: want a date and a time, such as 2026-09-14 06:26", text)
}

// askTrace is POST /trace/requests.
func (s *Server) askTrace(w http.ResponseWriter, r *http.Request) {
	v := askOf(r)
	got, err := momentOf(v.Received)
	if err == nil {
		_, err = s.cfg.Trace.Ask(r.Context(), viewerOf(r).actor(), v.Reason, fact.TraceRequested{
			ID: v.ID, Requester: v.Requester, Contact: v.Contact, Number: v.Number, Why: v.Why, Rule: fact.DeadlineRule(v.Rule), Received: got,
			About: []fact.TraceAbout{{GTIN: v.GTIN, Lot: v.Lot, Serial: v.Serial}},
		})
	}
	if why := notDoneBecause(err); why != "" {
		s.showTrace(w, r, http.StatusUnprocessableEntity, tracePage{Ask: v, Problem: why})
		return
	}
	if err != nil {
		s.broken(w, r, "enter a trace request", err)
		return
	}
	http.Redirect(w, r, requestPath(v.ID)+"?done=asked", http.StatusSeeOther)
}

type requestPage struct {
	frame
	Form    string
	Request requestView
	Preview *dscsa.PackageManifest
	History []stepLine
	Done    string
	Problem string
}

// traceRequest is GET /trace/request/{id}.
func (s *Server) traceRequest(w http.ResponseWriter, r *http.Request) {
	done := map[string]string{"asked": "The request is entered. Its clock runs from when it was received.", "answered": "The package is made and kept, and the request is closed."}
	s.showRequest(w, r, http.StatusOK, requestPage{Done: done[r.FormValue("done")]}, false)
}

// tracePreview is GET /trace/request/{id}/preview: what the package would hold.
func (s *Server) tracePreview(w http.ResponseWriter, r *http.Request) {
	s.showRequest(w, r, http.StatusOK, requestPage{}, true)
}

func (s *Server) showRequest(w http.ResponseWriter, r *http.Request, status int, page requestPage, preview bool) {
	id := r.PathValue("id")
	q, err := s.cfg.Trace.Request(r.Context(), id)
	if s.noTrace(w, r, "trace request", err) {
		return
	}
	page.frame = s.traceFrame("Trace request " + id)
	page.Form = s.formFor(w, r)
	page.Request = requestOf(q, page.Now)
	if preview && q.Answer == nil {
		m, err := s.cfg.Trace.Preview(r.Context(), id)
		switch why := notDoneBecause(err); {
		case why != "":
			page.Problem = why
		case err != nil:
			s.broken(w, r, "look at what the package would hold", err)
			return
		default:
			page.Preview = &m
		}
	}
	if page.History, err = s.steps(r, fact.Ref{Kind: fact.TraceRequest, ID: id}); err != nil {
		s.broken(w, r, "read what happened", err)
		return
	}
	s.render(w, s.pages.traceRequest, status, page)
}

// answerTrace is POST /trace/request/{id}/answer.
func (s *Server) answerTrace(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	_, err := s.cfg.Trace.Answer(r.Context(), viewerOf(r).actor(), strings.TrimSpace(r.PostFormValue("reason")), id)
	switch why := notDoneBecause(err); {
	case errors.Is(err, record.ErrNotFound):
		s.noTrace(w, r, "trace request", err)
	case why != "":
		s.showRequest(w, r, http.StatusUnprocessableEntity, requestPage{Problem: why}, false)
	case err != nil:
		s.broken(w, r, "answer the request", err)
	default:
		http.Redirect(w, r, requestPath(id)+"?done=answered", http.StatusSeeOther)
	}
}

// tracePackage is GET /trace/request/{id}/package.zip.
func (s *Server) tracePackage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	c, err := s.cfg.Trace.Package(r.Context(), id)
	if errors.Is(err, record.ErrRefused) {
		s.fail(w, r, http.StatusConflict, "There is no package yet", "The request was not answered: nothing was given out.")
		return
	}
	if s.noTrace(w, r, "trace request", err) {
		return
	}
	s.give(w, c.Media, "trace-"+id+".zip", c.Body)
}

// give sends a file.
func (s *Server) give(w http.ResponseWriter, media, name string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", media)
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Disposition", `attachment; filename="`+fileName(name)+`"`)
	_, _ = w.Write(body)
}

// noTrace answers where what is asked for is not known, or could not be read.
func (s *Server) noTrace(w http.ResponseWriter, r *http.Request, what string, err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, record.ErrNotFound), errors.Is(err, record.ErrInvalid):
		s.fail(w, r, http.StatusNotFound, "There is no such "+what, "Nothing is known under "+r.PathValue("id")+".")
	default:
		s.broken(w, r, "read the "+what, err)
	}
	return true
}

// stepLine is something that happened to a request or a case.
type stepLine struct {
	At            int64
	By, What, Why string
}

// steps are what happened to a thing, oldest first.
func (s *Server) steps(r *http.Request, ref fact.Ref) (out []stepLine, err error) {
	events, err := s.cfg.Trace.History(r.Context(), ref)
	for _, e := range events {
		out = append(out, stepLine{e.At, e.Actor, happenedWords(e), e.Reason})
	}
	return out, err
}

// happenedWords says what an event tells.
func happenedWords(e eventlog.Event) string {
	v, err := fact.Decode(e.Type, e.Data)
	if err != nil {
		return e.Type
	}
	switch d := v.(type) {
	case *fact.TraceRequested:
		return "entered, asked for by " + d.Requester
	case *fact.TraceAnswered:
		return fmt.Sprintf("answered with a package of %s", counted(d.Statements, "document"))
	case *fact.TraceReminded:
		return "reminded: " + timeWords[deadline.Stage(d.Stage)]
	case *fact.SuspectReminded:
		return "reminded: " + timeWords[deadline.Stage(d.Stage)]
	case *fact.SuspectProposed:
		return "proposed to be suspect"
	case *fact.SuspectOpened:
		return "decided to be suspect"
	case *fact.SuspectIllegitimate:
		return "determined to be illegitimate: " + d.Classification
	case *fact.SuspectDescribed:
		return counted(len(d.Items), "item") + " of Form FDA 3911 written"
	case *fact.SuspectNotified:
		return toldWords(d.To) + " told, by " + d.How
	case *fact.SuspectStep:
		return map[string]string{fact.SuspectWasDismissed: "dismissed: not suspect", fact.SuspectWasCleared: "cleared: not illegitimate", fact.SuspectWasTerminated: "terminated, after FDA was consulted"}[e.Type]
	}
	return e.Type
}

var timeWords = map[deadline.Stage]string{deadline.Half: "half of the time is gone", deadline.Short: "nine tenths of the time are gone", deadline.Overdue: "the time is over"}
