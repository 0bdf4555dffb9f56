package web

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"frostline/hub/dossier"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/hub/view"
	"frostline/proto/thermal"
)

type casesPage struct {
	frame
	Cases    []queueView
	Tally    []tallyView
	Filter   queueFilter
	States   []option
	Severity []option
	Kinds    []option
	Problem  string
	Found    int
	More     int // that are not listed
	All      int // of all, whatever is asked for
	Closed   int // that are left out since nothing was asked for
}

// queueFilter is what the address asks for, as it is written there.
type queueFilter struct {
	Q, State, Severity, Kind, From, To string
	Asked                              bool // for anything but what is shown by itself
}

// option is one of a list to choose from.
type option struct {
	Value, Word string
	Chosen      bool
}

type queueView struct {
	caseView
	SeverityMark view.State
	DueMark      view.State
	DueWord      string
	Lots         string
}

// cases is GET /view/excursions: the queue, by what the address asks for.
func (s *Server) cases(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	page := casesPage{frame: s.storyFrame("Excursions", "excursions"), Filter: queueFilter{
		Q: clip(q.Get("q"), 100), State: q.Get("state"), Severity: q.Get("severity"), Kind: q.Get("kind"), From: clip(q.Get("from"), 40), To: clip(q.Get("to"), 40)}}
	page.Styles = append(page.Styles, "style/workbench.css")
	f := &page.Filter
	f.Asked = f.Q != "" || f.State != "" || f.Severity != "" || f.Kind != "" || f.From != "" || f.To != ""
	if !f.Asked {
		f.State = dossier.QueueOpen // what there is to do
	}
	page.States = options(f.State, []option{{Value: "", Word: "any"}, {Value: dossier.QueueOpen, Word: "not closed"}, {Value: dossier.QueueOverdue, Word: "overdue"}}, stateOptions()...)
	page.Severity = options(f.Severity, []option{{Value: "", Word: "any"}}, option{Value: string(thermal.Critical), Word: "critical"}, option{Value: string(thermal.Alarm), Word: "alarm"}, option{Value: string(thermal.Warning), Word: "warning"})
	page.Kinds = options(f.Kind, []option{{Value: "", Word: "any"}}, option{Value: fact.BrokenLimit, Word: "beyond a limit"}, option{Value: fact.BrokenMKT, Word: "mean kinetic temperature"},
		option{Value: fact.BrokenBudget, Word: "stability budget"}, option{Value: fact.Unmonitored, Word: "not monitored"})
	ask := dossier.CaseQuery{Text: f.Q, State: f.State, Severity: f.Severity, Kind: f.Kind, Limit: listed}
	var bad []string
	note := func(at int64, err error) int64 {
		if err != nil {
			bad = append(bad, err.Error())
		}
		return at
	}
	ask.From, ask.To = note(dayOf("from", f.From, false)), note(dayOf("to", f.To, true))
	for name, list := range map[string][]option{"state " + f.State: page.States, "severity " + f.Severity: page.Severity, "kind " + f.Kind: page.Kinds} {
		if !chosen(list) {
			bad = append(bad, name+" is not among those to choose from")
		}
	}
	status := http.StatusOK
	if len(bad) > 0 {
		page.Problem, status = "This was left out of the search: "+strings.Join(bad, "; ")+".", http.StatusBadRequest
		ask = dossier.CaseQuery{Text: f.Q, Limit: listed}
	}
	queue, err := s.cfg.Stories.CaseLines(r.Context(), ask)
	if err != nil {
		s.broken(w, r, "list the excursions", err)
		return
	}
	for _, c := range queue.Lines {
		page.Cases = append(page.Cases, s.queued(c))
	}
	page.Tally = []tallyView{{State: "late", N: queue.Overdue, Word: "overdue"}, {State: "wrong", N: queue.Open, Word: "not closed"}}
	page.Found, page.More, page.All = queue.Found, queue.Found-len(queue.Lines), queue.All
	if !f.Asked {
		page.Closed = queue.All - queue.Open
	}
	s.render(w, s.pages.cases, status, page)
}

func (s *Server) queued(c dossier.CaseLine) queueView {
	v := queueView{caseView: caseOf(c.Case, c.Package), DueMark: view.Silent, SeverityMark: "wrong"}
	switch {
	case c.Facts.Kind == fact.Unmonitored:
		v.SeverityMark = view.Silent
	case c.Facts.Severity == thermal.Warning:
		v.SeverityMark = view.NotOK
	}
	now := s.now().UnixMilli()
	switch {
	case c.Overdue:
		v.DueMark, v.DueWord = "late", "overdue by "+view.Span(now-c.Due)
	case c.Due > 0:
		v.DueMark, v.DueWord = "late", "acknowledge within "+view.Span(c.Due-now)
	}
	seen := map[string]bool{}
	var lots []string
	for _, u := range c.Facts.Units {
		if u.Lot != "" && !seen[u.Lot] && len(lots) < 4 {
			seen[u.Lot] = true
			lots = append(lots, u.Lot)
		}
	}
	v.Lots = strings.Join(lots, ", ")
	return v
}

func stateOptions() (out []option) {
	for _, s := range excursion.States {
		out = append(out, option{Value: string(s), Word: strings.ReplaceAll(string(s), "_", " ")})
	}
	return out
}

func options(value string, first []option, more ...option) []option {
	all := append(first, more...)
	for i := range all {
		all[i].Chosen = all[i].Value == value
	}
	return all
}

func chosen(all []option) bool {
	for _, o := range all {
		if o.Chosen {
			return true
		}
	}
	return false
}

// dayOf reads a day, or an instant; of a day its beginning or its end, UTC. "" is 0.
func dayOf(name, text string, end bool) (int64, error) {
	if text == "" {
		return 0, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		if end {
			t = t.AddDate(0, 0, 1).Add(-time.Millisecond)
		}
		return t.UnixMilli(), nil
	}
	return instantOf(name, text)
}

// clip bounds what an address says before it is looked for.
func clip(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
}

// queueOf is the queue's address with one thing looked for.
func queueOf(text string) string { return "/view/excursions?q=" + url.QueryEscape(text) }
