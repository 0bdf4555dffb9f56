package web

import (
	"bytes"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"frostline/dashboards"
	"frostline/hub/dossier"
	"frostline/hub/view"
	"frostline/hub/web/tongue"
	"frostline/proto/thermal"
	"frostline/proto/version"
)

// pages holds one template set for each page, all over the same layout.
type pages struct{ home, sensor, account, packages, onePackage, cases, oneCase, oneUnit, trail, board, trace, traceEnded, traceLot, traceRequest, suspect, form3911, exception, sagas, oneSaga, holds, oneHold, fleet, gateway, rollouts, evidenceLog, health, audit, signin, enter, me, people, problem *template.Template }

// spoken are the same pages in all languages.
type spoken struct {
	tongues map[string]*tongue.Tongue
	in      map[*template.Template]map[string]*template.Template // of a page in the first language
}

// of gives a page in a language.
func (s *spoken) of(t *template.Template, lang string) *template.Template {
	if to, ok := s.in[t][lang]; ok {
		return to
	}
	return t
}

// frame is what the layout needs of every page.
type frame struct {
	Title    string
	Nav      string
	Styles   []string
	Classic  []string // scripts that are not modules
	Modules  []string
	Cursor   string // where the stream of changes goes on from this page
	Now      int64
	Version  string
	Stories  bool    // there are pages about packages
	Dispatch bool    // there is the dispatcher's board
	Trace    bool    // there are pages of traceability
	Sagas    bool    // there are pages about what follows from excursions
	Operated bool    // there are pages for operators
	Viewer   *viewer // who looks; filled in by render
	Still    bool    // it does not follow the hub
}

var words = template.FuncMap{
	"clock": view.TimeOfDay, "moment": view.Moment, "stamp": view.Stamp,
	"zone":  func() string { return view.Zone },
	"local": func(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.DateTime) },
	"count": func(n uint64) string { return view.Count(n) },

	"span": view.Span, "degrees": dossier.Degrees, "outcome": dossier.Word, "because": dossier.Because,
	"unitPath":   unitPath,
	"legend":     mapLegend,
	"aboutWords": aboutWords, "toldWords": toldWords,
	"between": func(from, to int64) string { return view.Span(to - from) },
	"state":   func(s string) string { return strings.ReplaceAll(s, "_", " ") },
	"alarmMark": func(a view.Alarm) string {
		switch {
		case a.Active && a.Unknown:
			return "silent"
		case a.Active && a.Severity != "warning":
			return "wrong"
		}
		return "not-ok"
	},
	"pick": func(ok bool, a, b string) string {
		if ok {
			return a
		}
		return b
	},
}

// wordsIn are the functions of templates in a language.
func wordsIn(l *tongue.Tongue) template.FuncMap {
	in := maps.Clone(words)
	maps.Copy(in, template.FuncMap{
		"lang": func() string { return l.Lang }, "t": l.Say, "tell": l.Tell, "each": l.Each,
		"moment":  func(ms int64) string { return l.Date(view.Moment(ms)) },
		"day":     func(ms int64) string { return l.Date(view.Date(ms)) },
		"outcome": func(o thermal.Outcome) string { return l.Tell(dossier.Word(o)) },
		"because": func(r string) string { return l.Tell(dossier.Because(r)) },
		"state":   func(s string) string { return l.Tell(strings.ReplaceAll(s, "_", " ")) },
		"quoted":  func(text string) template.HTML { return quoted(text, l) },
		"drawn":   func(figure template.HTML) template.HTML { return spokenDrawing(figure, l) },
	})
	return in
}

func newPages() (*pages, *spoken, error) {
	tongues, err := tongue.Load()
	if err != nil {
		return nil, nil, err
	}
	first, said := &pages{}, &spoken{tongues, map[*template.Template]map[string]*template.Template{}}
	for _, lang := range tongue.Languages {
		p, err := parsePages(tongues[lang])
		if err != nil {
			return nil, nil, err
		}
		if lang == tongue.Languages[0] {
			first = p
			for _, page := range first.named() {
				said.in[*page] = map[string]*template.Template{}
			}
			continue
		}
		for name, page := range first.named() {
			said.in[*page][lang] = *p.named()[name]
		}
	}
	return first, said, nil
}

// named are the pages by the names of their templates.
func (p *pages) named() map[string]**template.Template {
	return map[string]**template.Template{"home": &p.home, "sensor": &p.sensor, "account": &p.account,
		"packages": &p.packages, "package": &p.onePackage, "excursions": &p.cases, "excursion": &p.oneCase, "unit": &p.oneUnit, "trail": &p.trail, "dispatch": &p.board,
		"trace": &p.trace, "traceended": &p.traceEnded, "tracelot": &p.traceLot, "tracerequest": &p.traceRequest, "suspect": &p.suspect, "form3911": &p.form3911, "exception": &p.exception,
		"sagas": &p.sagas, "saga": &p.oneSaga, "holds": &p.holds, "hold": &p.oneHold,
		"fleet": &p.fleet, "gateway": &p.gateway, "rollouts": &p.rollouts, "log": &p.evidenceLog, "health": &p.health, "audit": &p.audit,
		"signin": &p.signin, "enter": &p.enter, "me": &p.me, "people": &p.people, "error": &p.problem}
}

func parsePages(l *tongue.Tongue) (*pages, error) {
	base, err := template.New("base").Funcs(wordsIn(l)).ParseFS(dashboards.Templates, "templates/layout.html", "templates/story.html", "templates/tracelist.html", "templates/holdlist.html", "templates/boardmap.html", "templates/boardwork.html")
	if err != nil {
		return nil, fmt.Errorf("parse the layout of pages: %w", err)
	}
	p := &pages{}
	for name, to := range p.named() {
		t, err := base.Clone()
		if err == nil {
			t, err = t.ParseFS(dashboards.Templates, "templates/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		*to = t
	}
	return p, nil
}

// seat is where who looks is filled in.
func (f frame) seat() *viewer { return f.Viewer }

func (s *Server) frame(title, nav string) frame {
	_, seq, _ := s.live.since(^uint64(0), filter{})
	return frame{
		Title: title, Nav: nav, Cursor: s.hub + "." + strconv.FormatUint(seq, 10),
		Now: s.now().UnixMilli(), Version: version.String(), Stories: s.cfg.Stories != nil, Viewer: &viewer{}, Operated: s.cfg.Operations != nil, Dispatch: s.cfg.Dispatch != nil, Trace: s.cfg.Trace != nil, Sagas: s.cfg.Sagas != nil,
	}
}

// render writes a whole page, or an error page if the template fails: never
// half of one.
func (s *Server) render(w http.ResponseWriter, t *template.Template, status int, data any) {
	if to, ok := w.(watched); ok {
		t = s.spoken.of(t, to.viewer.Lang)
		if page, ok := data.(interface{ seat() *viewer }); ok {
			*page.seat() = *to.viewer
		}
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "page", data); err != nil {
		s.log.Error("page could not be rendered", "template", t.Name(), "error", err)
		http.Error(w, "this page could not be made; the hub's log says why", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes())
}

// fail answers with a page that says what went wrong and where to go on.
func (s *Server) fail(w http.ResponseWriter, _ *http.Request, status int, title, detail string) {
	f := s.frame(title, "")
	f.Still = true
	f.Styles = []string{"style/home.css"}
	s.render(w, s.pages.problem, status, struct {
		frame
		Detail string
	}{f, detail})
}

// broken answers when a part of the hub cannot be asked, and logs why.
func (s *Server) broken(w http.ResponseWriter, r *http.Request, what string, err error) {
	if r.Context().Err() != nil {
		return // nobody waits for the answer
	}
	s.log.Error("page could not be made", "path", r.URL.Path, "while", what, "error", err)
	s.fail(w, r, http.StatusInternalServerError, "The hub could not answer", "It failed to "+what+". Its log says why. Readings go on being taken and kept by the gateways.")
}
