package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"frostline/hub/dossier"
	"frostline/hub/evidence/verify"
	"frostline/hub/fact"
	"frostline/hub/view"
)

// casePage is the workbench: what happened, what it rests on, and what is to be
// done about it.
type casePage struct {
	frame
	Case     caseView
	Pack     dossier.Package
	Report   string
	Evidence string     // "" where there is no shipment
	Facts    []factView // the story; the first is the headline
	Rests    []restView
	Records  []restView // that the case touches, with their trails
	Lots     []lotView
	Steps    []stepView
	Look     *lookView // nil where nothing judges the package

	Form    string
	Work    *workView // nil: nobody works with cases here
	Done    string
	Problem string
	Checked *verify.Report
	First   string // the first thing that does not hold
	Bad     string // and the reading that it is, in words; "" where it is none
	Counted amounts
	Seen    []string // by whom the log was seen, in words
	Papers  bool     // documents are attached
}

// amounts are how much was verified.
type amounts struct{ Readings, Blocks, Seals, Events string }

// restView is something that the story rests on, and where it is shown.
type restView struct {
	Name, Word, Href string
	Trail            bool // it is a record's trail, which not everybody may read
}

// factView is a sentence of the story, and what shows that it is true.
type factView struct {
	Text  string
	Rests []restView
}

type lotView struct {
	Lot, Product, Expiry string
	Units                int
	Href                 string
}

type stepView struct {
	dossier.Step
	Files []fileView
}

// fileView is a document, and what it can be checked by.
type fileView struct {
	restView
	Sum string // SHA-256, hex
}

// oneCase is GET /view/excursion/{id}.
func (s *Server) oneCase(w http.ResponseWriter, r *http.Request) {
	s.showCase(w, r, http.StatusOK, casePage{Done: doneSteps[r.URL.Query().Get("done")]}, nil)
}

// movedCase is GET /view/excursions/{id}, to which messages used to lead.
func (s *Server) movedCase(w http.ResponseWriter, r *http.Request) {
	http.Redirect(w, r, casePath(r.PathValue("id")), http.StatusMovedPermanently)
}

// showCase makes the page of a case. said is what somebody has typed and what was
// not taken.
func (s *Server) showCase(w http.ResponseWriter, r *http.Request, status int, page casePage, said url.Values) {
	id := r.PathValue("id")
	c, p, err := s.cfg.Stories.Case(r.Context(), id)
	if errors.Is(err, ErrNoStory) {
		s.fail(w, r, http.StatusNotFound, "There is no such excursion", "Nothing is known of excursion "+id+".")
		return
	}
	if err != nil {
		s.broken(w, r, "tell of excursion "+id, err)
		return
	}
	page.frame, page.Case, page.Pack, page.Report = s.storyFrame("Excursion of package "+p.ID, "excursions"), caseOf(c, p.ID), p, casePath(id)+"/report.pdf"
	page.Styles, page.Modules = append(page.Styles, "style/access.css", "style/workbench.css"), []string{"workbench.js"}
	if p.Shipment != "" {
		page.Evidence = "/view/shipment/" + url.PathEscape(p.Shipment) + "/evidence.zip"
	}
	page.Lots, page.Rests, page.Records, page.Steps = lotsOf(&c.Facts, &p), restsOf(&c, &p), recordsOf(&c, &p), stepsOf(&c)
	page.Papers = slices.ContainsFunc(page.Steps, func(s stepView) bool {
		return slices.ContainsFunc(s.Files, func(f fileView) bool { return f.Href != "" })
	})
	if page.Look, err = s.lookAt(r, &c, &p); err != nil {
		s.broken(w, r, "look at package "+p.ID, err)
		return
	}
	page.Facts = factsOf(&c, page.Rests, viewerOf(r).May("GET /view/trail/{kind}/{id}"))
	page.Form = s.formFor(w, r)
	if page.Work, err = s.workOn(r, &c, said); err != nil {
		s.broken(w, r, "read excursion "+id, err)
		return
	}
	s.render(w, s.pages.oneCase, status, page)
}

// factsOf links each sentence of the story to what it rests on, as far as whoever
// looks may see it.
func factsOf(c *dossier.Case, rests []restView, trails bool) (out []factView) {
	for _, told := range c.Told() {
		one := factView{Text: told.Text}
		for _, r := range rests {
			if slices.Contains(told.On, r.Name) && (trails || !r.Trail) {
				one.Rests = append(one.Rests, r)
			}
		}
		out = append(out, one)
	}
	return out
}

// restsOf links what the story says to what shows it.
func restsOf(c *dossier.Case, p *dossier.Package) (out []restView) {
	f := &c.Facts
	out = append(out, restView{dossier.OnVerdict, "revision " + strconv.Itoa(f.Revision) + " of package " + p.ID, trailPath(fact.Ref{Kind: fact.Package, ID: p.ID}), true},
		restView{dossier.OnRules, "profile " + f.Profile + ", version " + strconv.Itoa(f.Version), trailPath(fact.Ref{Kind: fact.Profile, ID: f.Profile}), true})
	if gateway, sensor, _ := dossier.SourceOf(f.Source); sensor != "" {
		const around = 30 * 60_000
		from, to := f.From-around, max(f.To, f.From)+around
		to = min(to, from+longestSpan.Milliseconds())
		q := url.Values{"from": {addressTime(from)}, "to": {addressTime(to)}}
		out = append(out, restView{dossier.OnReadings, "sensor " + sensor + " of gateway " + gateway, "/sensor/" + url.PathEscape(gateway) + "/" + url.PathEscape(sensor) + "?" + q.Encode(), false})
	}
	return append(out, restView{dossier.OnCustody, "package " + p.ID, packagePath(p.ID), false})
}

// recordsOf lists the records that a case touches, with the addresses of their
// trails.
func recordsOf(c *dossier.Case, p *dossier.Package) (out []restView) {
	add := func(kind fact.Kind, id string) {
		if id != "" {
			r := fact.Ref{Kind: kind, ID: id}
			out = append(out, restView{string(kind), id, trailPath(r), true})
		}
	}
	add(fact.Excursion, c.ID)
	add(fact.Package, p.ID)
	add(fact.Shipment, p.Shipment)
	add(fact.Order, p.Order)
	add(fact.Profile, c.Facts.Profile)
	var products []string
	for _, u := range p.Units {
		products = append(products, u.Product)
	}
	slices.Sort(products)
	for _, id := range slices.Compact(products) {
		add(fact.Product, id)
	}
	return out
}

// lotsOf counts the affected units by lot.
func lotsOf(f *fact.ExcursionFacts, p *dossier.Package) (out []lotView) {
	known := map[string]*dossier.Unit{}
	for i := range p.Units {
		known[p.Units[i].ID] = &p.Units[i]
	}
	for _, u := range f.Units {
		i := slices.IndexFunc(out, func(l lotView) bool { return l.Lot == u.Lot })
		if i < 0 {
			i = len(out)
			out = append(out, lotView{Lot: u.Lot, Href: queueOf(u.Lot)})
			if k := known[u.Unit]; k != nil {
				out[i].Product, out[i].Expiry = k.Product, k.Expiry
			}
		}
		out[i].Units++
	}
	return out
}

func stepsOf(c *dossier.Case) (out []stepView) {
	for _, step := range c.Steps {
		v := stepView{Step: step}
		for _, d := range step.Documents {
			one := fileView{restView{Name: d.Name, Word: d.Where}, d.SHA256}
			if d.Where == fact.DocumentKept {
				one.Word, one.Href = bytesWord(d.Size), casePath(c.ID)+"/document/"+d.SHA256
			}
			v.Files = append(v.Files, one)
		}
		out = append(out, v)
	}
	return out
}

// bytesWord is a size as people read it.
func bytesWord(n int64) string {
	switch {
	case n >= 1<<20:
		return strings.TrimSuffix(strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64), ".0") + " MiB"
	case n >= 1<<10:
		return strconv.FormatInt((n+1<<9)>>10, 10) + " KiB"
	}
	return strconv.FormatInt(n, 10) + " bytes"
}

// verifyCase is POST /view/excursion/{id}/verify: it makes the evidence of the
// shipment and checks it as anybody would to whom it was given.
func (s *Server) verifyCase(w http.ResponseWriter, r *http.Request) {
	_, p, err := s.cfg.Stories.Case(r.Context(), r.PathValue("id"))
	if errors.Is(err, ErrNoStory) {
		s.fail(w, r, http.StatusNotFound, "There is no such excursion", "Nothing is known of excursion "+r.PathValue("id")+".")
		return
	}
	var page casePage
	switch {
	case err != nil:
	case p.Shipment == "":
		page.Problem = "Package " + p.ID + " is in no shipment: there is no bundle of evidence that could be checked."
	default:
		page.Checked, err = s.cfg.Stories.Verify(r.Context(), p.Shipment)
	}
	if err != nil {
		s.broken(w, r, "check the evidence", err)
		return
	}
	if page.Checked != nil {
		n := page.Checked.Counts
		page.Counted = amounts{view.Count(n.Readings), view.Count(n.Blocks), view.Count(n.Seals), view.Count(n.Events)}
	}
	if page.Checked != nil {
		page.Seen = witnessed(page.Checked)
	}
	if page.Checked != nil && len(page.Checked.Problems) > 0 {
		page.First = strings.TrimSuffix(page.Checked.Problems[0].String(), ".")
		page.Bad = badReading(page.Checked.Problems[0])
	}
	s.showCase(w, r, http.StatusOK, page, nil)
}

// witnessed says which witnesses vouch that the log shows everybody the same.
func witnessed(r *verify.Report) (out []string) {
	if r.Size == 0 {
		return nil // it was not looked at
	}
	switch {
	case len(r.Witnesses) > 0:
		out = append(out, "The log was cosigned by "+strings.Join(r.Witnesses, ", ")+": they saw the same entries.")
	case len(r.Absent) == 0:
		return []string{"This hub knows no witness: that its log shows everybody the same is its word alone."}
	default:
		out = append(out, "No witness has cosigned the log: that it shows everybody the same is the hub's word alone.")
	}
	if len(r.Absent) > 0 {
		out = append(out, "Not cosigned by "+strings.Join(r.Absent, ", ")+".")
	}
	return out
}

// badReading says which reading does not hold, as far as can be told.
func badReading(p verify.Problem) string {
	if p.Check != verify.ChainIs || p.Gateway == "" || p.Block == 0 {
		return ""
	}
	where := fmt.Sprintf("in block %d", p.Block)
	if p.To > p.Block {
		where = fmt.Sprintf("in one of blocks %d to %d", p.Block, p.To)
	}
	if p.After == 0 {
		return fmt.Sprintf("The first bad reading of gateway %s is %s.", p.Gateway, where)
	}
	return fmt.Sprintf("Readings of gateway %s hold up to %s; the first bad one is the next, %s.", p.Gateway, view.Moment(p.After), where)
}
