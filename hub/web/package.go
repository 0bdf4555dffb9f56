package web

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"frostline/hub/dossier"
	"frostline/hub/view"
)

type packagePage struct {
	frame
	dossier.Package
	Line       lineView
	Worst      string
	WorstMark  view.State
	Judgements []judgementView
	Cases      []caseView
	Where      []whereView
	Who        []whoView
	Report     string
	Evidence   string
}

type judgementView struct {
	dossier.Judgement
	Mark    view.State
	Summary string
	Chart   template.HTML
	Facts   []wordFact
}

// wordFact is a name and a value in words.
type wordFact struct{ Name, Value string }

type whereView struct {
	dossier.Attachment
	Place string
	Until string
}

type whoView struct {
	dossier.Custody
	Degrees string
	Where   string
}

// onePackage is GET /view/package/{id}.
func (s *Server) onePackage(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	p, line, err := s.cfg.Stories.Package(r.Context(), id)
	if errors.Is(err, ErrNoStory) {
		s.fail(w, r, http.StatusNotFound, "There is no such package", "Nothing is known of package "+id+".")
		return
	}
	if err != nil {
		s.broken(w, r, "tell of package "+id, err)
		return
	}
	page := packagePage{frame: s.storyFrame("Package "+id, "packages"), Package: p, Line: lineOf(line),
		Worst: dossier.Word(p.Worst()), WorstMark: outcomeMark(p.Worst())}
	for i := range p.Judgements {
		page.Judgements = append(page.Judgements, judgementOf(&p.Judgements[i]))
	}
	for _, c := range p.Cases {
		page.Cases = append(page.Cases, caseOf(c, id))
	}
	for _, a := range p.Attachments {
		v := whereView{Attachment: a, Place: placeWord(a.In), Until: "still"}
		switch {
		case a.To != 0:
			v.Until = view.Moment(a.To)
		case p.Closed != 0: // nobody looks any further
			v.Until = view.Moment(p.Closed) + ", " + p.How
		}
		page.Where = append(page.Where, v)
	}
	for _, c := range p.Custody {
		v := whoView{Custody: c, Degrees: noValue, Where: "no position: " + c.NoPosition}
		if c.Temperature != nil {
			v.Degrees = dossier.Degrees(*c.Temperature)
		}
		if f := c.Position; f != nil {
			v.Where = strings.ReplaceAll(fmt.Sprintf("%.5f, %.5f ± %.0f m", float64(f.Latitude)/1e7, float64(f.Longitude)/1e7, float64(f.Accuracy)/1000), "-", "−")
		}
		page.Who = append(page.Who, v)
	}
	if p.Shipment != "" {
		page.Report = "/view/shipment/" + url.PathEscape(p.Shipment) + "/report.pdf"
		page.Evidence = "/view/shipment/" + url.PathEscape(p.Shipment) + "/evidence.zip"
	}
	s.render(w, s.pages.onePackage, http.StatusOK, page)
}

func judgementOf(j *dossier.Judgement) judgementView {
	v := judgementView{Judgement: *j, Mark: outcomeMark(j.Verdict.Outcome), Summary: j.Summary(), Chart: storyChart(j)}
	add := func(name, value string) { v.Facts = append(v.Facts, wordFact{name, value}) }
	d := &j.Verdict
	add("monitored", view.Span(d.Monitored))
	add("unknown", view.Span(d.Unmonitored))
	add("out of range", view.Span(d.OutOfRange))
	if d.Min != nil && d.Max != nil {
		add("lowest", dossier.Degrees(*d.Min)+" at "+view.Moment(d.MinAt))
		add("highest", dossier.Degrees(*d.Max)+" at "+view.Moment(d.MaxAt))
	}
	if d.Mean != nil {
		add("mean", dossier.Degrees(*d.Mean))
	}
	if d.MKT != nil {
		add("mean kinetic temperature", dossier.Degrees(d.MKT.Value))
		if rule := dossier.MKTRule(d.MKT); rule != "" {
			add("its rule", rule)
		}
	}
	for _, b := range d.Budgets {
		word := view.Span(b.Spent) + " of " + view.Span(b.Allowed) + " used here"
		if d.Unmonitored > 0 {
			word = "at least " + word
		}
		if b.Broken {
			word += ", overspent"
		}
		add("budget "+b.Name, word)
	}
	add("engine", d.Engine)
	add("verdict", j.Digest)
	return v
}

func placeWord(in string) string {
	if in == "" {
		return "nowhere known"
	}
	kind, id, _ := strings.Cut(in, "/")
	return kind + " " + id
}
