package dossier

import (
	"context"
	"errors"
	"fmt"
	"math"

	"frostline/hub/correlate"
	"frostline/hub/correlate/join"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// live is the state of a package at this moment.
type live struct {
	State       State
	Since       int64
	Temperature *thermal.Temp
	At          int64
	Source      string
	Outcome     thermal.Outcome // of the verdicts so far, the worst
}

// judge gives what each profile says of a package, with charts of so many
// columns, and how it is now: by the worst of them.
func (b *Builder) judge(ctx context.Context, id string, columns int) ([]Judgement, live, error) {
	now := live{State: NowUnknown, Outcome: thermal.Unknown}
	judged, err := b.Verdicts.Judgements(ctx, id)
	if errors.Is(err, correlate.ErrUnknown) || errors.Is(err, correlate.ErrNotJudged) {
		return nil, now, nil
	}
	if err != nil {
		return nil, now, err
	}
	p := Package{}
	for i := range judged.Judgements {
		j := &judged.Judgements[i]
		profile, err := b.profile(ctx, j.Profile, j.Version)
		if err != nil {
			return nil, now, err
		}
		p.Judgements = append(p.Judgements, Judgement{Profile: profile, Product: j.Product, Verdict: j.Verdict, Digest: j.Digest, Chart: chartOf(&j.History, columns)})
		if n := stateOf(j, &profile); i == 0 || n.State == NowOutOfRange || n.State == NowUnknown && now.State == NowInRange {
			now = n
		}
	}
	now.Outcome = p.Worst()
	return p.Judgements, now, nil
}

func (b *Builder) profile(ctx context.Context, id string, version int) (thermal.Profile, error) {
	e, err := b.Profiles.Version(ctx, id, version)
	if err != nil {
		return thermal.Profile{}, fmt.Errorf("profile %s version %d: %w", id, version, err)
	}
	r, err := e.Record()
	if err != nil {
		return thermal.Profile{}, err
	}
	switch p := r.(type) {
	case fact.ProfileRecord:
		return p.Profile, nil
	case *fact.ProfileRecord:
		return p.Profile, nil
	}
	return thermal.Profile{}, fmt.Errorf("profile %s version %d is a %T", id, version, r)
}

// stateOf compares the newest reading that vouches with the labelled range.
func stateOf(j *join.Judgement, p *thermal.Profile) live {
	n := live{State: NowUnknown}
	last := len(j.History.Stretches) - 1
	if j.Lead == "" || last < 0 || len(j.History.Stretches[last].Samples) == 0 {
		if u := j.History.Unmonitored; len(u) > 0 {
			n.Since = u[len(u)-1].From
		}
		return n
	}
	samples := j.History.Stretches[last].Samples
	s := samples[len(samples)-1]
	n.Temperature, n.At, n.Source = &s.Value, s.At, j.Lead
	n.State = NowInRange
	if p.Low != nil && s.Value < *p.Low || p.High != nil && s.Value > *p.High {
		n.State = NowOutOfRange
	}
	for _, e := range j.Verdict.Excursions {
		if n.State == NowOutOfRange && e.Ended == thermal.Ongoing && (n.Since == 0 || e.From < n.Since) {
			n.Since = e.From
		}
	}
	return n
}

// chartOf puts the samples of a history into columns. A sample that lies
// outside its stretch, where it only says how the line goes on, is not shown.
func chartOf(h *thermal.History, columns int) Chart {
	c := Chart{From: h.From, To: h.To, Unmonitored: h.Unmonitored}
	if h.To <= h.From {
		return c
	}
	c.Width = max((h.To-h.From+int64(columns)-1)/int64(columns), 1)
	var sum, n int64
	end := func() {
		if n > 0 {
			c.Columns[len(c.Columns)-1].Mean = thermal.Temp(math.Round(float64(sum) / float64(n)))
		}
	}
	current := int64(-1)
	for i := range h.Stretches {
		st := &h.Stretches[i]
		for _, s := range st.Samples {
			if s.At < st.From || s.At > st.To {
				continue
			}
			if k := (s.At - h.From) / c.Width; k != current {
				end()
				current, sum, n = k, 0, 0
				c.Columns = append(c.Columns, Column{At: h.From + k*c.Width, Min: s.Value, Max: s.Value})
			}
			col := &c.Columns[len(c.Columns)-1]
			col.Min, col.Max = min(col.Min, s.Value), max(col.Max, s.Value)
			sum, n = sum+int64(s.Value), n+1
		}
	}
	end()
	return c
}
