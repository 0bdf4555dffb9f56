package panel

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"frostline/edge/scan"
)

// Scans has the pages take scans. It is for before Handler and Serve.
func (p *Page) Scans(s Scanning) { p.scanner = s }

// maxRecent is how many scans are shown.
const maxRecent = 12

// actions in the order of the page.
var actions = []scan.Action{scan.Attach, scan.Detach, scan.HandOver}

// scanForm is the form of the page of scanning, as it was sent.
type scanForm struct {
	ID      string // drawn for the scan to come
	Request scan.Request
	Action  string
	Actions []choice
	Targets []choice
	Roles   []choice
	Seals   []choice
	Problem string
	Done    *scanView // what was taken
}

// Many says that there are more places than one touches at a glance.
func (f scanForm) Many() bool { return len(f.Targets) > 8 }

// choice is one of several.
type choice struct {
	Value, Text string
	Chosen      bool
}

// scanView is a scan in words.
type scanView struct {
	ID    string
	Code  string // what the code names, visibly
	Says  string
	When  string
	State State  // fine at the hub, none while kept here, silent where it was replaced
	Kept  string // in words
	Undo  bool   // it can be taken back
}

func scanParts(p *Page, l *locale, s Snapshot, err error) (string, State, string, []part) {
	top := topView{Gateway: p.gateway, Link: pill{Silent, l.say("link.unknown")}}
	state := Silent
	if err == nil {
		top, state = p.top(l, s), l.cargo(s).State
	}
	parts := []part{{"top", "bar", "top", top}}
	if p.scanner == nil {
		return l.say("scan.title") + " · " + top.Gateway, state, "", parts
	}
	entries := p.scanner.Recent()
	var views []scanView
	for _, e := range entries[:min(len(entries), maxRecent)] {
		views = append(views, p.scanned(l, s, e))
	}
	if len(views) == 0 {
		parts = append(parts, part{"none", "recent", "noscans", nil})
	}
	for _, v := range views {
		parts = append(parts, part{"scan-" + v.ID, "recent", "scanned", v})
	}
	return l.say("scan.title") + " · " + top.Gateway, state, "", parts
}

// scanned is a scan in words.
func (p *Page) scanned(l *locale, s Snapshot, e scan.Entry) scanView {
	v := scanView{ID: e.ID, Code: visible(cmp.Or(e.Subject.Value, e.Code)), Undo: !e.Replaced && !e.Withdrawn}
	v.Says = l.say("scan.did."+e.Action.String(), placeName(s, e.Target), plain(e.To), l.say("role."+cmp.Or(e.Role, "none")))
	if e.Withdrawn {
		v.Says = l.say("scan.undone", v.Says)
	}
	v.When = l.say("scan.undated")
	if e.UTC != nil {
		v.When = p.set.clock(*e.UTC)
	}
	switch {
	case e.Replaced:
		v.State, v.Kept = Silent, l.say("scan.replaced")
	case e.State == scan.Committed:
		v.State, v.Kept = Fine, l.say("scan.at-hub")
	default:
		v.State, v.Kept = "none", l.say("scan.kept")
	}
	return v
}

// placeName is what people call a target.
func placeName(s Snapshot, target string) string {
	_, id, ok := strings.Cut(target, "/")
	if !ok {
		id = target
	}
	for _, x := range s.Places {
		if x.ID == id && x.Label != "" {
			return plain(x.Label)
		}
	}
	return plain(id)
}

// visible writes a code so that nothing in it is hidden, such as GS1's separator.
func visible(code string) string {
	return plain(strings.NewReplacer("\x1d", " [GS] ", "\x1e", " [RS] ", "\x04", " [EOT] ").Replace(code))
}

// scanPage serves the page of scanning.
func (p *Page) scanPage(w http.ResponseWriter, r *http.Request) {
	l := p.locale(r)
	q := r.URL.Query()
	form := p.newForm(r.Context(), l, scan.Request{Target: clip(q.Get("target")), Role: clip(q.Get("role")), To: clip(q.Get("to")), Seal: clip(q.Get("seal"))}, clip(q.Get("action")))
	if id := q.Get("done"); id != "" {
		s := p.present(r.Context())
		for _, e := range p.scanner.Recent() {
			if e.ID == id {
				v := p.scanned(l, s, e)
				form.Done = &v
			}
		}
	}
	p.showForm(w, r, faces["scan"], http.StatusOK, form)
}

// clip bounds what comes with an address.
func clip(s string) string { return s[:min(len(s), 100)] }

// present is the snapshot, or an empty one.
func (p *Page) present(ctx context.Context) Snapshot {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	s, err := p.source.Snapshot(ctx)
	if err != nil {
		return Snapshot{}
	}
	return s
}

// newForm is the form with what was chosen last.
func (p *Page) newForm(ctx context.Context, l *locale, q scan.Request, action string) *scanForm {
	f := &scanForm{ID: strings.ToLower(rand.Text()[:20]), Request: q, Action: action}
	if !slices.ContainsFunc(actions, func(a scan.Action) bool { return a.String() == action }) {
		f.Action = scan.Attach.String()
	}
	for _, a := range actions {
		f.Actions = append(f.Actions, choice{a.String(), l.say("scan.action." + a.String()), a.String() == f.Action})
	}
	kind := choose(p.set.Kind == Site, "zone/", "compartment/")
	places := p.present(ctx).Places
	for _, x := range places {
		f.Targets = append(f.Targets, choice{kind + x.ID, plain(cmp.Or(x.Label, x.ID)), kind+x.ID == q.Target || len(places) == 1})
	}
	for _, r := range scan.Roles {
		f.Roles = append(f.Roles, choice{r, l.say("role." + r), r == q.Role})
	}
	for _, s := range scan.Seals {
		f.Seals = append(f.Seals, choice{s, l.say("seal." + s), s == q.Seal})
	}
	return f
}

// scanAnswer is what a script is told of its scan.
type scanAnswer struct {
	Problem string `json:"problem,omitempty"`
	Again   bool   `json:"again,omitempty"` // it may be sent again as it is
	Code    string `json:"code"`
	Says    string `json:"says,omitempty"`
	Kept    string `json:"kept,omitempty"`
}

// scan takes the form of a scan, or of taking one back. A script asks for JSON; a
// browser without one is sent back to the form.
func (p *Page) scan(w http.ResponseWriter, r *http.Request) {
	if !p.form(w, r) {
		return
	}
	l, f := p.locale(r), r.PostForm
	q := scan.Request{ID: f.Get("id"), Code: f.Get("code"), Corrects: f.Get("corrects"), Withdrawn: f.Get("withdrawn") != ""}
	var err error
	if !q.Withdrawn {
		q.Target, q.To, q.Role, q.Seal = f.Get("target"), strings.TrimSpace(f.Get("to")), f.Get("role"), f.Get("seal")
		err = q.Action.UnmarshalText([]byte(f.Get("action")))
		switch q.Action {
		case scan.Attach:
			q.To, q.Role = "", ""
		case scan.Detach:
			q.Target, q.To, q.Role = "", "", ""
		case scan.HandOver:
			q.Target, q.Leaves = "", true
		}
	}
	var result scan.Result
	if err == nil {
		result, err = p.scanner.Scan(r.Context(), q)
	} else {
		err = &scan.Problem{Code: scan.BadAction, Field: "action", Why: err.Error(), Err: err}
	}
	p.stale()
	script := strings.Contains(r.Header.Get("Accept"), "application/json")
	if err != nil {
		says, again := l.scanProblem(err)
		p.log.Info("scan not taken", "err", err)
		if script {
			answerScan(w, http.StatusUnprocessableEntity, scanAnswer{Problem: says, Again: again, Code: visible(q.Code)})
			return
		}
		form := p.newForm(r.Context(), l, q, f.Get("action"))
		form.Problem = says
		p.showForm(w, r, faces["scan"], http.StatusUnprocessableEntity, form)
		return
	}
	if script {
		v := p.scanned(l, p.present(r.Context()), result.Entry)
		says := v.Says
		if result.Watched {
			says += " " + l.say("scan.watched")
		}
		answerScan(w, http.StatusOK, scanAnswer{Code: v.Code, Says: says, Kept: v.Kept})
		return
	}
	query := r.PostForm
	for _, k := range []string{"id", "code", "corrects", "withdrawn", "back"} {
		query.Del(k)
	}
	query.Set("done", result.ID)
	http.Redirect(w, r, "/scan?"+query.Encode(), http.StatusSeeOther)
}

func answerScan(w http.ResponseWriter, code int, a scanAnswer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(a)
}

// scanProblem says why a scan was not taken, and whether it helps to send it
// again.
func (l *locale) scanProblem(err error) (says string, again bool) {
	var p *scan.Problem
	if !errors.As(err, &p) {
		return l.say("scan.problem.not-kept"), true
	}
	if key := "scan.problem." + p.Code; l.has(key) {
		return l.say(key), p.Code == scan.NotKept
	}
	return plain(p.Why), false
}
