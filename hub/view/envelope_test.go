package view

import (
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"frostline/proto/reading"
)

func dated(utc, value int64) Reading { return Reading{Dated: true, UTC: utc, Value: value} }

func TestEnvelopeKeepsExtremes(t *testing.T) {
	p := NewPlot(0, 100_000, 10, time.Second)
	for at := int64(0); at < 100_000; at += 1000 {
		v := int64(5000)
		if at == 37_000 {
			v = 9100 // one second above 8 °C: an average would hide it
		}
		p.Add(dated(at, v))
	}
	e := p.Envelope(1_000_000)
	if len(e.Buckets) != 10 || e.Buckets[3].Max != 9100 || e.Buckets[3].Min != 5000 || e.Max != 9100 {
		t.Errorf("got buckets %+v", e.Buckets)
	}
	if e.NHoles != 0 || e.Missing != 0 {
		t.Errorf("got holes %+v, want none", e.Holes)
	}
}

func TestEnvelopeNeverBridges(t *testing.T) {
	p := NewPlot(0, 60_000, 60, time.Second)
	for at := int64(0); at < 60_000; at += 1000 {
		switch {
		case at > 10_000 && at < 20_000: // no readings at all
		case at >= 40_000 && at < 45_000:
			p.Add(Reading{Dated: true, UTC: at, Quality: reading.NoAnswer})
		default:
			p.Add(dated(at, 5000))
		}
	}
	e := p.Envelope(1_000_000)
	if want := []Hole{{From: 10_000, To: 20_000}}; !reflect.DeepEqual(e.Holes, want) {
		t.Errorf("holes: got %+v, want %+v", e.Holes, want)
	}
	if want := []Stretch{{From: 40_000, To: 44_000, Quality: reading.NoAnswer, N: 5}}; !reflect.DeepEqual(e.Bad, want) {
		t.Errorf("bad: got %+v, want %+v", e.Bad, want)
	}
	for _, i := range []int{0, 20, 45} {
		if !e.Buckets[i].Break {
			t.Errorf("bucket %d would be joined across missing data", i)
		}
	}
	if e.Buckets[21].Break || e.Buckets[5].Break {
		t.Error("an unbroken line is broken")
	}
}

func TestEnvelopeEnds(t *testing.T) {
	const now = 1_000_000
	span := func(from, to, first, last int64) Envelope {
		p := NewPlot(from, to, 100, time.Second)
		for at := first; at <= last; at += 1000 {
			p.Add(dated(at, 1))
		}
		return p.Envelope(now)
	}
	for name, tt := range map[string]struct {
		env  Envelope
		want []Hole
	}{
		"under way":     {span(now-60_000, now, now-60_000, now-3000), nil},
		"open":          {span(now-60_000, now, now-60_000, now-20_000), []Hole{{now - 20_000, now, true}}},
		"late start":    {span(now-60_000, now, now-30_000, now), []Hole{{now - 60_000, now - 30_000, false}}},
		"past, closed":  {span(0, 60_000, 0, 50_000), []Hole{{50_000, 60_000, false}}},
		"future":        {span(now-60_000, now+3600_000, now-60_000, now-1000), nil},
		"nothing":       {span(0, 60_000, 1, 0), []Hole{{0, 60_000, false}}},
		"one missing":   {span(0, 60_000, 0, 58_000), []Hole{{58_000, 60_000, false}}},
		"wholly future": {span(now+1000, now+2000, 1, 0), nil},
	} {
		if !reflect.DeepEqual(tt.env.Holes, tt.want) {
			t.Errorf("%s: got %+v, want %+v", name, tt.env.Holes, tt.want)
		}
	}
}

func TestEnvelopeLeavesUndatedOut(t *testing.T) {
	p := NewPlot(0, 1000, 1, time.Second)
	p.Add(Reading{Value: 99_000})
	p.Add(dated(500, 1))
	if e := p.Envelope(5000); e.Readings != 1 || e.Max != 1 {
		t.Errorf("got %+v", e)
	}
}

// TestEnvelopeAccounts: whatever comes, each reading is in one bucket or
// counted as bad, the list of marks is bounded, and holes cover what is missing.
func TestEnvelopeAccounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := rapid.Int64Range(1, 50_000).Draw(t, "span")
		n := rapid.IntRange(-1, 300).Draw(t, "buckets")
		interval := time.Duration(rapid.Int64Range(0, 3000).Draw(t, "interval")) * time.Millisecond
		p := NewPlot(1000, 1000+span, n, interval)
		var at, good, bad int64
		for range rapid.IntRange(0, 400).Draw(t, "readings") {
			at += rapid.Int64Range(0, 900).Draw(t, "gap")
			q := reading.Quality(rapid.IntRange(0, 3).Draw(t, "quality"))
			if at >= 1000 && at < 1000+span {
				if q == reading.OK {
					good++
				} else {
					bad++
				}
			}
			p.Add(Reading{Dated: true, UTC: at, Quality: q, Value: at})
		}
		e := p.Envelope(1000 + span)
		var inBuckets, inBad, inStretches, length, missing, badInBuckets int64
		for _, b := range e.Buckets {
			inBuckets += b.N
			badInBuckets += b.Bad
			missing += b.Missing
		}
		for _, c := range e.NBad {
			inBad += c
		}
		for _, s := range e.Bad {
			inStretches += s.N
		}
		for _, h := range e.Holes {
			length += h.To - h.From
		}
		if inBuckets != good || inBad != bad || inStretches != bad || e.Readings != good+bad {
			t.Fatalf("got %d in buckets, %d bad (%d in stretches) of %d; want %d and %d", inBuckets, inBad, inStretches, e.Readings, good, bad)
		}
		if missing != e.Missing || badInBuckets != bad {
			t.Fatalf("buckets miss %d ms and have %d bad readings, want %d ms and %d", missing, badInBuckets, e.Missing, bad)
		}
		if length < e.Missing || len(e.Holes) > len(e.Buckets)+1 {
			t.Fatalf("holes of %d ms listed, %d ms missing, %d of them for %d buckets", length, e.Missing, len(e.Holes), len(e.Buckets))
		}
	})
}
