package join

import (
	"context"
	"math"

	"frostline/proto/thermal"
)

// Reasons for which nobody vouches. They are part of verdicts.
const (
	NoAttachment      = "no attachment"        // it is not known where the package was
	NoSensor          = "no sensor"            // nothing that the package was in had a sensor
	NoCalibration     = "no valid calibration" // the profile wants one
	NotAccurate       = "sensor not accurate"  // enough for the profile, or nobody has told
	ConflictingClocks = "clock sources in conflict"
	BadReadings       = "bad readings"     // dated ones, none of them OK
	UndatedReadings   = "undated readings" // taken about then; no anchor says when
	SensorSilent      = "sensor silent"    // no readings, or too far apart
)

// Build tells what is known of a package's temperature from from to to, as far
// as a profile counts it as monitored.
func Build(ctx context.Context, f *Facts, r Readings, pkg string, p *thermal.Profile, from, to int64) (thermal.History, error) {
	return f.Plan(pkg, from, to).History(ctx, r, p)
}

// History reads and chooses. It uses the plan alone and no Facts.
func (p *Plan) History(ctx context.Context, r Readings, profile *thermal.Profile) (thermal.History, error) {
	b := p.builder(ctx, r, profile)
	return b.build()
}

// builder puts a history together.
type builder struct {
	ctx      context.Context
	plan     *Plan
	readings *Shelf
	profile  *thermal.Profile
	tracks   map[string]*track
	hulls    map[string]Span
	out      thermal.History
	upto     int64 // end of the plan, before it was cut
	ahead    bool  // read what is dated after upto too
}

func (p *Plan) builder(ctx context.Context, r Readings, profile *thermal.Profile) *builder {
	b := &builder{ctx: ctx, plan: p, readings: shelfOf(r), profile: profile, tracks: map[string]*track{}, hulls: map[string]Span{}, upto: p.To,
		out: thermal.History{From: p.From, To: p.To, Stretches: []thermal.Stretch{}, Unmonitored: []thermal.Unmonitored{}}}
	for _, l := range p.Legs {
		for _, s := range l.Sources {
			h, ok := b.hulls[s.Sensor]
			if !ok {
				h.From = l.From
			}
			b.hulls[s.Sensor] = Span{h.From, l.To}
		}
	}
	return b
}

// track reads a sensor once, over all legs in which it can vouch, with a
// longest gap on either side: readings beyond tell nothing about the legs.
func (b *builder) track(sensor string) (*track, error) {
	if t := b.tracks[sensor]; t != nil {
		return t, nil
	}
	h := b.hulls[sensor]
	span := Span{h.From - b.profile.LongestGap, plus(h.To, b.profile.LongestGap+1)}
	if b.ahead && h.To == b.upto {
		span.To = Open
	}
	t, err := b.readings.track(b.ctx, sensor, span, b.profile.LongestGap)
	if err != nil {
		return nil, err
	}
	b.tracks[sensor] = t
	return t, nil
}

func plus(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// piece is a part of a leg that a source vouches for, or nobody.
type piece struct {
	Span
	source int // index into the leg's sources; -1 for nobody
}

func (b *builder) build() (thermal.History, error) {
	for i := range b.plan.Legs {
		l := &b.plan.Legs[i]
		pieces := []piece{{Span{l.From, l.To}, -1}}
		for n := range l.Sources {
			var next []piece
			for _, pc := range pieces {
				if pc.source >= 0 {
					next = append(next, pc)
					continue
				}
				got, err := b.vouched(l.Sources[n].Sensor, pc.Span)
				if err != nil {
					return b.out, err
				}
				next = split(next, pc.Span, got, n)
			}
			if pieces = next; whole(pieces) {
				break
			}
		}
		for _, pc := range pieces {
			if err := b.put(l, pc); err != nil {
				return b.out, err
			}
		}
	}
	return b.out, nil
}

// whole reports whether somebody vouches everywhere.
func whole(pieces []piece) bool {
	for _, p := range pieces {
		if p.source < 0 {
			return false
		}
	}
	return true
}

// split cuts a span that nobody vouches for at the parts that a source does.
func split(out []piece, s Span, got []Span, source int) []piece {
	at := s.From
	for _, g := range got {
		if at < g.From {
			out = append(out, piece{Span{at, g.From}, -1})
		}
		out = append(out, piece{g, source})
		at = g.To
	}
	if at < s.To {
		out = append(out, piece{Span{at, s.To}, -1})
	}
	return out
}

// vouched gives the parts of a span in which a sensor vouches.
func (b *builder) vouched(sensor string, s Span) ([]Span, error) {
	t, err := b.track(sensor)
	if err != nil {
		return nil, err
	}
	var out []Span
	for _, c := range t.covered(s) {
		for _, e := range b.plan.eligible(sensor, b.profile, c) {
			if e.reason == "" {
				out = append(out, e.Span)
			}
		}
	}
	return out, nil
}

// put adds a piece to the history.
func (b *builder) put(l *Leg, pc piece) error {
	if pc.source >= 0 {
		s := &l.Sources[pc.source]
		name := s.Name()
		t := b.tracks[s.Sensor]
		if n := len(b.out.Stretches); n > 0 && b.out.Stretches[n-1].Source == name && b.out.Stretches[n-1].To == pc.From {
			old := &b.out.Stretches[n-1]
			old.To, old.Samples = pc.To, t.stretch(Span{old.From, pc.To})
			return nil
		}
		b.out.Stretches = append(b.out.Stretches, thermal.Stretch{From: pc.From, To: pc.To, Source: name, Samples: t.stretch(pc.Span)})
		return nil
	}
	switch {
	case len(l.Sources) > 0:
	case l.Known:
		b.unmonitored(pc.Span, NoSensor)
		return nil
	default:
		b.unmonitored(pc.Span, NoAttachment)
		return nil
	}
	// Why the first in order does not vouch is told.
	sensor := l.Sources[0].Sensor
	t := b.tracks[sensor]
	at := pc.From
	silent := func(to int64) error {
		if at >= to {
			return nil
		}
		reason, err := t.silence(b.ctx, b.readings, sensor, Span{at, to})
		if err == nil {
			b.unmonitored(Span{at, to}, reason)
		}
		return err
	}
	for _, c := range t.covered(pc.Span) {
		if err := silent(c.From); err != nil {
			return err
		}
		for _, e := range b.plan.eligible(sensor, b.profile, c) {
			b.unmonitored(e.Span, e.reason)
		}
		at = c.To
	}
	return silent(pc.To)
}

func (b *builder) unmonitored(s Span, reason string) {
	if n := len(b.out.Unmonitored); n > 0 && b.out.Unmonitored[n-1].To == s.From && b.out.Unmonitored[n-1].Reason == reason {
		b.out.Unmonitored[n-1].To = s.To
		return
	}
	b.out.Unmonitored = append(b.out.Unmonitored, thermal.Unmonitored{From: s.From, To: s.To, Reason: reason})
}
