package panel

import (
	"bytes"
	"html/template"
	"net/http"
)

// face is one of the gateway's pages that follow it.
type face struct {
	name string
	// parts gives title, verdict, class of the body and parts of a snapshot, or
	// of there being none.
	parts func(p *Page, l *locale, s Snapshot, err error) (title string, state State, class string, parts []part)
}

var faces = map[string]face{
	"driver":  {"driver", driverParts},
	"wall":    {"wall", wallParts},
	"scan":    {"scan", scanParts},
	"details": {"details", detailParts},
}

func driverParts(p *Page, l *locale, s Snapshot, err error) (string, State, string, []part) {
	v := p.driverView(l, s, err)
	parts := []part{{"top", "bar", "top", v.Top}, {"verdict", "main", "cargo", v.Cargo}}
	for _, m := range v.Told {
		parts = append(parts, part{"message-" + m.ID, "told", "message", m})
	}
	if len(v.Read) > 0 {
		parts = append(parts, part{"read", "foot", "read", v.Read})
	}
	side := "calm" // no step
	if len(v.Steps) > 0 {
		side = "busy"
		parts = append(parts, part{"steps", "main", "steps", v.Steps})
	}
	if side == "calm" && len(v.Boxes) > 3 {
		side = "calm dense" // without charts
	}
	for _, b := range v.Boxes {
		parts = append(parts, part{"box-" + b.ID, "boxes", "box", b})
	}
	if v.More != "" {
		parts = append(parts, part{"more", "foot", "more", v.More})
	}
	if v.Stop != "" {
		parts = append(parts, part{"stop", "foot", "stop", v.Stop})
	}
	return v.Cargo.Word + " · " + v.Top.Gateway, v.Cargo.State, side, parts
}

func wallParts(p *Page, l *locale, s Snapshot, err error) (string, State, string, []part) {
	v, state := p.wallView(l, s, err)
	parts := []part{{"top", "bar", "top", v.Top}, {"counts", "bar", "counts", v.Counts}}
	if err == nil && len(v.Tiles) == 0 {
		parts = append(parts, part{"nothing", "tiles", "nothing", nil})
	}
	for _, t := range v.Tiles {
		parts = append(parts, part{"tile-" + t.ID, "tiles", "tile", t})
	}
	for _, t := range v.Small {
		parts = append(parts, part{"tile-" + t.ID, "small", "small", t})
	}
	return l.faceState(state) + " · " + v.Top.Gateway, state, v.Size, parts
}

func detailParts(p *Page, l *locale, s Snapshot, err error) (string, State, string, []part) {
	v := p.detailsView(l, s, err)
	parts := []part{{"head", "now", "head", headView{v.Gateway, v.Pills, v.Identify}}, {"verdict", "now", "verdict", judgement{v.Verdict, v.Word, v.Do}}}
	if len(v.Also) > 0 {
		parts = append(parts, part{"also", "now", "also", v.Also})
	}
	if len(v.Alarms) > 0 {
		parts = append(parts, part{"alarms", "now", "alarms", v.Alarms})
	}
	for _, c := range v.Sensors {
		parts = append(parts, part{"sensor-" + c.ID, "sensors", "sensor", c})
	}
	for _, c := range v.Cards {
		parts = append(parts, part{"facts-" + c.ID, "facts", "facts", c})
	}
	if len(v.Past) > 0 {
		parts = append(parts, part{"past", "below", "past", v.Past})
	}
	return v.Word + " · " + v.Gateway, v.Verdict.State, "", parts
}

// headView is the top of the details.
type headView struct {
	Gateway  string
	Pills    []pill
	Identify bool
}

// judgement is the verdict of the details.
type judgement struct {
	Verdict
	Word string
	Do   string
}

// shell is what surrounds the parts of a page.
type shell struct {
	Prefs   prefs
	Gateway string
	Face    string
	Title   string
	State   State
	Class   string
	Parts   func(container string) template.HTML
	CanScan bool
	Form    any // of the page that has one
}

// show serves a face.
func (p *Page) show(f face) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { p.showForm(w, r, f, http.StatusOK, nil) }
}

// showForm serves a face that has a form, or has been sent one.
func (p *Page) showForm(w http.ResponseWriter, r *http.Request, f face, code int, form any) {
	l := p.locale(r)
	now, err := p.frame(r.Context(), f, l)
	if err == nil && now.err != nil {
		p.log.Warn("panel has no snapshot", "err", now.err)
		code = http.StatusServiceUnavailable
	}
	if err != nil {
		p.log.Error("panel cannot be rendered", "err", err)
		http.Error(w, l.say("error.render"), http.StatusInternalServerError)
		return
	}
	p.render(w, l, code, f.name, shell{Prefs: p.prefs(r, l), Gateway: p.gateway, Face: f.name, Title: now.title, State: now.state, Class: now.class,
		Parts: now.within, CanScan: p.scanner != nil, Form: form})
}

// render serves a template in a language.
func (p *Page) render(w http.ResponseWriter, l *locale, code int, name string, data any) {
	var b bytes.Buffer
	if err := p.templates[l.tag].ExecuteTemplate(&b, name, data); err != nil {
		p.log.Error("panel cannot be rendered", "page", name, "err", err)
		http.Error(w, l.say("error.render"), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", l.tag)
	h.Set("Vary", "Accept-Language, Cookie")
	w.WriteHeader(code)
	w.Write(b.Bytes())
}
