package panel

import "net/http"

// tableView is the charts in figures, for who does not see them.
type tableView struct {
	Prefs   prefs
	Gateway string
	Zones   []tableZone
	Problem string
}

type tableZone struct {
	Name, Word, Range, Value, Age string
	State                         State
	Rows                          []tableRow
}

// tableRow is ten minutes.
type tableRow struct {
	When   string // "10 min ago"
	Least  string // empty where there are no readings
	Most   string
	Gap    bool // readings are missing in it
	Beyond bool // it leaves the range
}

// rowBuckets are a row's length.
const rowBuckets = 10 * 60_000 / bucketMs

// table shows what the charts show, zone by zone.
func (p *Page) table(w http.ResponseWriter, r *http.Request) {
	l := p.locale(r)
	v := tableView{Prefs: p.prefs(r, l), Gateway: p.gateway}
	s, err := p.source.Snapshot(r.Context())
	code := http.StatusOK
	if err != nil {
		code, v.Problem = http.StatusServiceUnavailable, l.say("judge.broken", plain(err.Error()))
	}
	for _, z := range s.Guard.zones() {
		for _, x := range z.Watches {
			b := p.box(l, s, zone{ID: z.ID, Name: z.Name, State: s.Guard.standing(x), Watches: []Watched{x}})
			t := tableZone{Name: l.say("watch.by", z.Name, x.Sensor), Word: b.Word, Range: b.Range, Age: b.Age, State: b.State}
			if b.Value != nil {
				t.Value = l.say(choose(b.Value.Old, "table.last", "table.now"), b.Value.Number)
			}
			t.Rows = p.rows(l, s, x)
			v.Zones = append(v.Zones, t)
		}
	}
	p.render(w, l, code, "table", v)
}

// rows are the last two hours of a watch's sensor, the newest first.
func (p *Page) rows(l *locale, s Snapshot, w Watched) (rows []tableRow) {
	series, ok := s.thermometer(w.Sensor)
	if p.history == nil || !ok {
		return nil
	}
	now := s.Clock.BoottimeMs
	c := p.history.course(series, now)
	end := now / bucketMs
	for to := end; to > max(end-buckets, c.Since/bucketMs) && c.Since > 0; to -= rowBuckets {
		row := tableRow{When: l.say("ago", FormatAge((end-to+rowBuckets)*bucketMs))}
		var run course
		run.IntervalMs = c.IntervalMs
		for _, b := range c.Buckets {
			if b.number >= to-rowBuckets && b.number < to {
				run.Buckets = append(run.Buckets, b)
			}
		}
		begin, until := max((to-rowBuckets)*bucketMs, c.Since), to*bucketMs
		if n := len(run.Buckets); n == 0 {
			row.Gap = late(until-begin, c.IntervalMs)
			if !row.Gap {
				continue // none was due in it
			}
		} else {
			low, high := run.Buckets[0].min, run.Buckets[0].max
			for i, b := range run.Buckets {
				low, high = min(low, b.min), max(high, b.max)
				row.Gap = row.Gap || i > 0 && run.gap(run.Buckets[i-1], b)
			}
			row.Gap = row.Gap || late(run.Buckets[0].first-begin, c.IntervalMs) || late(until-run.Buckets[n-1].newest, c.IntervalMs)
			row.Least, row.Most = shownTemp(temp(low), w.Low, w.High), shownTemp(temp(high), w.Low, w.High)
			row.Beyond = w.Low != nil && temp(low) < *w.Low || w.High != nil && temp(high) > *w.High
		}
		rows = append(rows, row)
	}
	return rows
}
