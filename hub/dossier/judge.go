package dossier

import (
	"context"
	"errors"
	"fmt"
	"math"

	"frostline/hub/correlate"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// judge gives what each profile says of a package, with charts of so many
// columns.
func (b *Builder) judge(ctx context.Context, id string, columns int) ([]Judgement, error) {
	judged, err := b.Verdicts.Judgements(ctx, id)
	if errors.Is(err, correlate.ErrUnknown) || errors.Is(err, correlate.ErrNotJudged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Judgement
	for i := range judged.Judgements {
		j := &judged.Judgements[i]
		profile, err := b.profile(ctx, j.Profile, j.Version)
		if err != nil {
			return nil, err
		}
		k := Judgement{Profile: profile, Product: j.Product, Verdict: j.Verdict, Digest: j.Digest, Chart: chartOf(&j.History, columns), Unheard: judged.Unheard}
		for _, d := range judged.Dissent {
			if d.Profile == j.Profile && d.Version == j.Version && d.Product == j.Product {
				k.Dissent = append(k.Dissent, d)
			}
		}
		out = append(out, k)
	}
	return out, nil
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
