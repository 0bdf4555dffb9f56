package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"frostline/hub/dossier"
	"frostline/hub/trace/provenance"
	"frostline/hub/view"
)

type unitPage struct {
	frame
	*provenance.Provenance
	Standing string
	Mark     view.State
	Missing  int // gaps, but for what is merely not told yet
	Entries  []entryView
	Wrong    []entryView // declared to be wrong
}

// entryView is a step or a gap on the way of a unit.
type entryView struct {
	At     int64
	Gap    *gapView // nil for a step
	What   string
	Mark   view.State
	Says   []string // what more there is to say, each a line
	Via    string
	Source string
	Proof  provenance.Proof
	Sealed string
	Wrong  string
}

type gapView struct {
	Kind, Span, Why string
	Pending         bool
}

// oneUnit is GET /view/unit/{id}.
func (s *Server) oneUnit(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	p, err := s.cfg.Stories.Unit(r.Context(), id)
	if errors.Is(err, ErrNoStory) {
		s.fail(w, r, http.StatusNotFound, "There is no such unit", "Nothing is known of unit "+id+".")
		return
	}
	if err != nil {
		s.broken(w, r, "tell of unit "+id, err)
		return
	}
	page := unitPage{frame: s.storyFrame("Unit "+id, "packages"), Provenance: p, Standing: "no gap is known", Mark: view.Live}
	for _, g := range p.Gaps {
		if g.Kind != provenance.Pending {
			page.Missing++
		}
	}
	if page.Missing > 0 {
		page.Mark, page.Standing = view.Silent, counted(page.Missing, "gap")
	}
	page.Entries, page.Wrong = way(p)
	s.render(w, s.pages.oneUnit, http.StatusOK, page)
}

// counted is a number with a noun.
func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// way puts steps and gaps in the order of time; a gap stands where it begins.
func way(p *provenance.Provenance) (entries, wrong []entryView) {
	gaps := p.Gaps
	for i := range p.Steps {
		st := &p.Steps[i]
		if st.Wrong != nil {
			wrong = append(wrong, entryOf(st))
			continue
		}
		for len(gaps) > 0 && gaps[0].From < st.At {
			entries = append(entries, entryOfGap(gaps[0]))
			gaps = gaps[1:]
		}
		entries = append(entries, entryOf(st))
	}
	for _, g := range gaps {
		entries = append(entries, entryOfGap(g))
	}
	return entries, wrong
}

func entryOfGap(g provenance.Gap) entryView {
	v := gapView{Kind: g.Kind, Why: g.Why, Pending: g.Kind == provenance.Pending}
	switch {
	case g.Kind == provenance.Origin:
		v.Span = "before all that is told"
	case g.From == 0:
		v.Span = "until " + view.Moment(g.To)
	case g.To == 0:
		v.Span = "since " + view.Moment(g.From)
	case g.To == g.From:
		v.Span = "at " + view.Moment(g.From)
	case view.Date(g.From) == view.Date(g.To):
		v.Span = view.Moment(g.From) + " to " + view.TimeOfDay(g.To) + ", for " + strings.ReplaceAll(view.Span(g.To-g.From), " ", " ")
	default:
		v.Span = view.Moment(g.From) + " to " + view.Moment(g.To) + ", for " + strings.ReplaceAll(view.Span(g.To-g.From), " ", " ")
	}
	return entryView{At: g.From, Gap: &v}
}

func entryOf(s *provenance.Step) entryView {
	v := entryView{At: s.At, Mark: view.Live, Proof: s.Proof, Source: s.Proof.By, Sealed: "not yet in the evidence log"}
	v.What = strings.ReplaceAll(s.Step, "_", " ")
	if v.What == "" {
		v.What = strings.ToLower(strings.TrimSuffix(s.Type, "Event")) + " event"
	}
	if s.Own {
		v.Source = "this hub"
	}
	if s.Proof.Entry != nil {
		v.Sealed = "entry " + strconv.FormatUint(*s.Proof.Entry, 10) + " of the evidence log"
	}
	if s.Via != "" {
		v.Via = short(s.Via)
	}
	if w := s.Wrong; w != nil {
		v.Wrong = "declared wrong " + view.Moment(w.At)
		if w.Reason != "" {
			v.Wrong += ": " + strings.ReplaceAll(w.Reason, "_", " ")
		}
	}
	say := func(format string, a ...any) { v.Says = append(v.Says, fmt.Sprintf(format, a...)) }
	if s.Parent != "" {
		verb := map[string]string{"ADD": "into", "DELETE": "out of"}[s.Action]
		if verb == "" {
			verb = "seen in"
		}
		say("%s %s", verb, short(s.Parent))
	}
	switch {
	case s.From != "" && s.To != "":
		say("from %s to %s", short(s.From), short(s.To))
	case s.From != "":
		say("from %s", short(s.From))
	case s.To != "":
		say("to %s", short(s.To))
	}
	if s.Disposition != "" {
		say("%s", strings.ReplaceAll(s.Disposition, "_", " "))
		if s.Disposition == "non_conformant" || s.Disposition == "non_sellable_other" {
			v.Mark = view.NotOK
		}
	}
	if at := s.Place; at != "" || s.Location != "" {
		if at == "" {
			at = s.Location
		}
		say("place: %s", short(at))
	}
	for i := range s.Sensors {
		text, mark := sensorWords(&s.Sensors[i])
		if len(v.Says) < 12 {
			say("%s", text)
		}
		if mark == "wrong" || v.Mark == view.Live {
			v.Mark = mark
		}
	}
	if n := len(s.Sensors); len(v.Says) == 12 && n > 8 {
		say("and more: %s in all", counted(n, "report"))
	}
	return v
}

// sensorWords says what a sensor reported.
func sensorWords(r *provenance.Sensor) (string, view.State) {
	text, mark := "", view.Live
	switch {
	case r.Min != nil && r.Max != nil:
		text = dossier.Degrees(*r.Min) + " to " + dossier.Degrees(*r.Max)
		if r.Mean != nil {
			text += ", mean " + dossier.Degrees(*r.Mean)
		}
	case r.Value != nil:
		text = dossier.Degrees(*r.Value)
		if strings.HasSuffix(r.Method, "-mkt") {
			text += " mean kinetic temperature"
		}
	case r.Exception == "ERROR_CONDITION":
		text, mark = "nobody vouches for its temperature", view.Silent
	default:
		text = strings.ToLower(r.Type) + " reported"
	}
	switch {
	case r.From != 0 && r.To != 0 && view.Date(r.From) == view.Date(r.To):
		text += ", " + view.Moment(r.From) + " to " + view.TimeOfDay(r.To)
	case r.From != 0 && r.To != 0:
		text += ", " + view.Moment(r.From) + " to " + view.Moment(r.To)
	case r.From != 0:
		text += ", since " + view.Moment(r.From)
	}
	if r.Device != "" {
		text += ", by " + short(r.Device)
	}
	if r.Exception == "ALARM_CONDITION" {
		text, mark = "alarm: "+text, "wrong"
	}
	return text, mark
}

// short is an identifier as people know it: a GS1 key by its name and value,
// anything else by its last parts.
func short(uri string) string {
	if rest, ok := strings.CutPrefix(uri, "https://id.gs1.org/"); ok {
		key, value, _ := strings.Cut(rest, "/")
		names := map[string]string{"00": "SSCC", "01": "GTIN", "414": "GLN", "417": "party GLN", "8003": "GRAI", "8004": "GIAI"}
		if n := names[key]; n != "" {
			return n + " " + strings.Replace(value, "/21/", ", serial ", 1)
		}
		return rest
	}
	for prefix, name := range map[string]string{"urn:epc:id:pgln:": "party ", "urn:epc:id:sgln:": "GLN ", "urn:epc:id:sscc:": "SSCC ", "urn:epc:id:sgtin:": "SGTIN "} {
		if value, ok := strings.CutPrefix(uri, prefix); ok {
			return name + value
		}
	}
	parts := strings.Split(strings.TrimRight(uri, "/"), "/")
	if n := len(parts); n >= 3 && parts[n-3] == "sensor" {
		return "sensor " + parts[n-2] + "/" + parts[n-1]
	} else if n >= 2 && parts[n-2] != "" {
		return parts[n-2] + " " + parts[n-1]
	}
	return uri
}
