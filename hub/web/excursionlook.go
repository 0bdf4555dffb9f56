package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"frostline/hub/dossier"
	"frostline/hub/view"
	"frostline/proto/thermal"
)

// lookView is a part of a package's watch, as the address asks for it: one brush
// for the chart, the figures, the lanes and the map.
type lookView struct {
	From, To string // of what is shown, as fields show them
	Begin    string // of the whole watch, likewise
	End      string
	Whole    bool
	WholeAt  string // addresses of the whole, and of the excursion itself
	AroundAt string
	Problem  string // with what the address asks for
	Shown    judgementView
	Figures  []figureView
	Rows     []columnView
	Lanes    []laneView
	Map      *mapView
	If       whatIf
}

// figureView is a figure of what is shown, of the whole watch, and of what would
// be; each is "" where there is none.
type figureView struct{ Name, Shown, Whole, If string }

// columnView is some columns of the chart as a line of a table.
type columnView struct {
	From, To       int64
	Min, Mean, Max string
	Unknown        string // why nothing is known of it
}

// whatIf asks what other rules would say. It is computed and told to nobody else.
type whatIf struct {
	Asked              bool
	Profile            string // "": the one that judges
	Profiles           []option
	Above, Below       string // °C
	AboveFor, BelowFor string // minutes
	Problem            string
	Shown              *judgementView // nil: nothing was asked, or it makes no sense
}

const (
	shortestLook = 1000 // ms
	tableRows    = 48
)

// lookAt makes what the address asks for of a case's package; nil where nothing
// judges it.
func (s *Server) lookAt(r *http.Request, c *dossier.Case, p *dossier.Package) (*lookView, error) {
	f := &c.Facts
	var whole *dossier.Judgement
	for i := range p.Judgements {
		if j := &p.Judgements[i]; j.Profile.ID == f.Profile && j.Profile.Version == f.Version && j.Product == f.Product {
			whole = j
		}
	}
	if whole == nil {
		return nil, nil
	}
	q := r.URL.Query()
	v := &lookView{}
	from, to, err := lookSpan(q)
	if err != nil {
		v.Problem, from, to = err.Error()+". The whole watch is shown.", 0, 0
	}
	look, err := s.cfg.Stories.Look(r.Context(), dossier.QueryOf(f, from, to))
	if errors.Is(err, dossier.ErrSpan) {
		v.Problem, from, to = "Nothing of this range is within the watch of the package. The whole watch is shown.", 0, 0
		look, err = s.cfg.Stories.Look(r.Context(), dossier.QueryOf(f, 0, 0))
	}
	if errors.Is(err, dossier.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	from, to = look.Verdict.From, look.Verdict.To
	v.From, v.To, v.Begin, v.End, v.Whole = fieldTime(from), fieldTime(to+999), fieldTime(look.WatchFrom), fieldTime(look.WatchTo+999), look.Whole()
	around := max((f.To-f.From)/2, int64(30*time.Minute/time.Millisecond))
	v.WholeAt, v.AroundAt = spanAddress(r.URL, 0, 0), spanAddress(r.URL, max(f.From-around, look.WatchFrom), min(max(f.To, f.From)+around, look.WatchTo))
	v.Shown = judgementOf(&look.Judgement)
	if v.If, err = s.whatIf(r, c, &look); err != nil {
		return nil, err
	}
	v.compare(whole)
	v.Rows = columnsOf(&look.Chart)
	v.Lanes = lanesOf(&look, c, p)
	v.Map, err = s.mapOf(r, &look, c, p)
	return v, err
}

// lookSpan reads from= and to=; either may be missing.
func lookSpan(q url.Values) (from, to int64, err error) {
	if text := q.Get("from"); text != "" {
		if from, err = instantOf("from", text); err != nil {
			return 0, 0, err
		}
	}
	if text := q.Get("to"); text != "" {
		if to, err = instantOf("to", text); err != nil {
			return 0, 0, err
		}
	}
	if to > 0 && to-from < shortestLook {
		return 0, 0, fmt.Errorf("to %q is not later than from %q", q.Get("to"), q.Get("from"))
	}
	return from, to, nil
}

// spanAddress is an address with another span; 0 and 0 is the whole.
func spanAddress(u *url.URL, from, to int64) string {
	q := url.Values{}
	for name, values := range u.Query() {
		if strings.HasPrefix(name, "if_") {
			q[name] = values
		}
	}
	if to > 0 {
		q.Set("from", addressTime(from))
		q.Set("to", addressTime(to+999))
	}
	path, _, _ := strings.Cut(u.EscapedPath(), "/verify")
	if len(q) == 0 {
		return path + "#look"
	}
	return path + "?" + q.Encode() + "#look"
}

// compare puts the figures of what is shown beside those of the whole watch, and
// of what would be.
func (v *lookView) compare(whole *dossier.Judgement) {
	put := func(facts []wordFact, into func(*figureView) *string) {
		for _, fact := range facts {
			if fact.Name == "engine" || fact.Name == "verdict" {
				continue
			}
			i := slices.IndexFunc(v.Figures, func(f figureView) bool { return f.Name == fact.Name })
			if i < 0 {
				i = len(v.Figures)
				v.Figures = append(v.Figures, figureView{Name: fact.Name})
			}
			*into(&v.Figures[i]) = fact.Value
		}
	}
	put(v.Shown.Facts, func(f *figureView) *string { return &f.Shown })
	if !v.Whole {
		put(judgementOf(whole).Facts, func(f *figureView) *string { return &f.Whole })
	}
	if v.If.Shown != nil {
		put(v.If.Shown.Facts, func(f *figureView) *string { return &f.If })
	}
}

// columnsOf makes a table of a chart: as many lines as an eye takes in. Each
// holds the smallest and the largest of its columns; the mean is theirs, each
// weighing the same.
func columnsOf(c *dossier.Chart) (out []columnView) {
	if c.To <= c.From || c.Width == 0 {
		return nil
	}
	columns := (c.To - c.From + c.Width - 1) / c.Width
	step := (columns + tableRows - 1) / tableRows * c.Width
	k := 0
	for at := c.From; at < c.To; at += step {
		end := min(at+step, c.To)
		row := columnView{From: at, To: end, Min: noValue, Mean: noValue, Max: noValue}
		var low, high thermal.Temp
		var sum, n int64
		for ; k < len(c.Columns) && c.Columns[k].At < end; k++ {
			if col := &c.Columns[k]; n == 0 {
				low, high, sum, n = col.Min, col.Max, int64(col.Mean), 1
			} else {
				low, high, sum, n = min(low, col.Min), max(high, col.Max), sum+int64(col.Mean), n+1
			}
		}
		if n > 0 {
			row.Min, row.Max, row.Mean = dossier.Degrees(low), dossier.Degrees(high), dossier.Degrees(thermal.Temp((sum+n/2)/n))
		}
		var why []string
		for _, u := range c.Unmonitored {
			if u.From < end && u.To > at {
				why = append(why, view.Span(min(u.To, end)-max(u.From, at))+" unknown: "+dossier.Because(u.Reason))
			}
		}
		row.Unknown = strings.Join(slices.Compact(why), "; ")
		out = append(out, row)
	}
	return out
}

// whatIf judges the part that is shown by the rules that the address asks for.
func (s *Server) whatIf(r *http.Request, c *dossier.Case, look *dossier.Look) (whatIf, error) {
	q := r.URL.Query()
	out := whatIf{Above: clip(q.Get("if_above"), 20), Below: clip(q.Get("if_below"), 20), AboveFor: clip(q.Get("if_above_min"), 10), BelowFor: clip(q.Get("if_below_min"), 10), Profile: q.Get("if_profile")}
	out.Asked = out.Above != "" || out.Below != "" || out.Profile != ""
	all, err := s.cfg.Stories.Profiles(r.Context())
	if err != nil {
		return out, err
	}
	choices := []option{{Value: "", Word: "its own, " + look.Profile.Name}}
	base := look.Profile
	for _, p := range all {
		choices = append(choices, option{Value: p.ID, Word: p.Name})
		if p.ID == out.Profile {
			base = p
		}
	}
	out.Profiles = options(out.Profile, choices)
	if !out.Asked {
		return out, nil
	}
	if out.Profile != "" && base.ID != out.Profile {
		out.Problem = "There is no profile " + clip(out.Profile, 64) + "."
		return out, nil
	}
	if base, err = out.rules(base); err != nil {
		out.Problem = "This could not be computed: " + err.Error() + "."
		return out, nil
	}
	ask := dossier.QueryOf(&c.Facts, look.Verdict.From, look.Verdict.To)
	ask.Other = &base
	other, err := s.cfg.Stories.Look(r.Context(), ask)
	if errors.Is(err, dossier.ErrSpan) {
		out.Problem = "Other rules would judge another span of the watch, and nothing of this range is in it."
		return out, nil
	}
	if err != nil {
		return out, err
	}
	j := judgementOf(&other.Judgement)
	out.Shown = &j
	return out, nil
}

// rules puts the limits that are asked for in place of a profile's own on the
// same side.
func (w *whatIf) rules(p thermal.Profile) (thermal.Profile, error) {
	p.Limits = slices.Clone(p.Limits)
	for _, side := range []struct {
		name, at, minutes string
		op                thermal.Op
		same              []thermal.Op
		bound             **thermal.Temp
	}{
		{"above", w.Above, w.AboveFor, thermal.Above, []thermal.Op{thermal.Above, thermal.AtOrAbove}, &p.High},
		{"below", w.Below, w.BelowFor, thermal.Below, []thermal.Op{thermal.Below, thermal.AtOrBelow}, &p.Low},
	} {
		if side.at == "" {
			continue
		}
		var at thermal.Temp
		if err := at.UnmarshalJSON([]byte(strings.Replace(strings.TrimSpace(side.at), "−", "-", 1))); err != nil {
			return p, fmt.Errorf("%s %q is no temperature in °C", side.name, side.at)
		}
		minutes, err := strconv.Atoi(cmp.Or(side.minutes, "0"))
		if err != nil || minutes < 0 || minutes > 366*24*60 {
			return p, fmt.Errorf("%s for %q minutes: want a whole number, at most a year", side.name, side.minutes)
		}
		p.Limits = slices.DeleteFunc(p.Limits, func(l thermal.Limit) bool { return slices.Contains(side.same, l.Op) })
		p.Limits = append(p.Limits, thermal.Limit{Name: "what if " + side.name, Op: side.op, At: at, Timer: thermal.Single, Delay: int64(minutes) * 60_000, Severity: thermal.Alarm})
		*side.bound = &at
	}
	if w.Above != "" || w.Below != "" {
		p.ID, p.Name = "what-if", p.Name+", with other limits"
	}
	return p, p.Validate()
}
