package panel

import (
	"sync"
	"time"

	"frostline/proto/thermal"
)

// Ahead is an estimate of when a temperature will pass a limit of its profile if
// it goes on as it does: see thermal.Outlooks. It is no evidence, and no verdict
// depends on it.
type Ahead struct {
	Limit      string       `json:"limit"` // its name
	At         thermal.Temp `json:"at"`
	Upper      bool         `json:"upper"`
	LeftMs     int64        `json:"left_ms"`
	EarliestMs int64        `json:"earliest_ms"`
	LatestMs   int64        `json:"latest_ms"` // 0: perhaps never
}

// Worth saying: a limit that is further away is no business of a driver's.
const worthSaying = 2 * time.Hour

// Outlooks remembers what was estimated, which is worth its time only when a
// History has something new. The zero value is ready; it is safe for concurrent use.
type Outlooks struct {
	mu    sync.Mutex
	known map[outlookKey]outlook
}

// outlookKey is a profile and a series, at half a minute.
type outlookKey struct {
	watch  string
	series uint32
}

type outlook struct {
	bucket  int64 // of now, when it was made
	profile string
	ahead   *Ahead
	reached int64 // boottimes, ms
	from    int64
	until   int64
}

// Ahead estimates what is ahead of a series at a boottime, by a profile whose
// digest or name and version identify it; nil for nothing soon. It takes some
// tens of microseconds twice a minute, and nothing between.
func (o *Outlooks) Ahead(h *History, series uint32, watch string, p *thermal.Profile, now int64) *Ahead {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil || len(o.known) > 4096 {
		o.known = map[outlookKey]outlook{}
	}
	key, bucket := outlookKey{watch, series}, now/bucketMs
	k, ok := o.known[key]
	if !ok || k.bucket != bucket || k.profile != p.Name {
		k = estimate(h.course(series, now), p)
		k.bucket, k.profile = bucket, p.Name
		o.known[key] = k
	}
	if k.ahead == nil || k.reached <= now {
		return nil
	}
	a := *k.ahead
	a.LeftMs, a.EarliestMs = k.reached-now, max(k.from-now, 0)
	if k.until > 0 {
		a.LatestMs = k.until - now
	}
	return &a
}

// estimate finds the limit that is reached first.
func estimate(c course, p *thermal.Profile) (best outlook) {
	all, err := thermal.Outlooks(p, c.samples())
	if err != nil {
		return outlook{} // too few readings show no course
	}
	for i, x := range all {
		soon := x.OnCourse && (best.ahead == nil || x.Reached < best.reached)
		newest := c.Buckets[len(c.Buckets)-1].newest
		if !soon || x.Reached-newest > worthSaying.Milliseconds() {
			continue
		}
		upper := p.Limits[i].Op == thermal.Above || p.Limits[i].Op == thermal.AtOrAbove
		best = outlook{ahead: &Ahead{Limit: x.Limit, At: x.At, Upper: upper}, reached: x.Reached, from: x.Earliest, until: x.Latest}
	}
	return best
}
