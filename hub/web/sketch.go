package web

import (
	"context"
	"fmt"
	"html/template"
	"math"
	"strings"
	"sync"
	"time"

	"frostline/hub/view"
	"frostline/proto/reading"
)

const (
	sketchSpan    = 30 * time.Minute
	sketchBuckets = 120
	sketchKept    = 10 * time.Second // a sketch serves all pages this long
)

// sketches draws the small charts on cards: the last half hour of a sensor's
// foremost quantity, or the path of one that measures position.
type sketches struct {
	s *Server

	mu   sync.Mutex
	made map[string]sketch // by gateway/sensor
	last time.Time         // when old ones were thrown away
}

type sketch struct {
	at   time.Time
	html template.HTML
}

func newSketches(s *Server) *sketches { return &sketches{s: s, made: map[string]sketch{}} }

func (k *sketches) of(ctx context.Context, gateway string, sensor view.Sensor) template.HTML {
	key, now := gateway+"/"+sensor.Name, k.s.now()
	k.mu.Lock()
	if now.Sub(k.last) > time.Minute {
		for key, sk := range k.made {
			if now.Sub(sk.at) > time.Minute {
				delete(k.made, key)
			}
		}
		k.last = now
	}
	sk, ok := k.made[key]
	k.mu.Unlock()
	if ok && now.Sub(sk.at) < sketchKept {
		return sk.html
	}
	html, err := k.draw(ctx, gateway, sensor, now.UnixMilli())
	if err != nil {
		if ctx.Err() == nil {
			k.s.log.Warn("small chart could not be drawn", "sensor", key, "error", err)
		}
		return sk.html // the one before, if any; its caption says of when it is
	}
	k.mu.Lock()
	k.made[key] = sketch{now, html}
	k.mu.Unlock()
	return html
}

func (k *sketches) draw(ctx context.Context, gateway string, sensor view.Sensor, now int64) (template.HTML, error) {
	from := now - sketchSpan.Milliseconds()
	_, lat := sensor.Channel(reading.Latitude)
	_, lon := sensor.Channel(reading.Longitude)
	key := gateway + "/" + sensor.Name
	if lat && lon {
		tr, err := k.s.trail(ctx, gateway, sensor, from, now)
		if err != nil {
			return "", err
		}
		return figure(key, "spark trail", now, tr.svg(240, 110), tr.across()), nil
	}
	var c view.Channel
	best := math.MaxInt
	for _, candidate := range sensor.Channels {
		if r := rank(candidate.Quantity); r < best {
			best, c = r, candidate
		}
	}
	if best == math.MaxInt {
		return "", nil
	}
	p := view.NewPlot(from, now, sketchBuckets, c.Interval)
	series := view.Series{Gateway: gateway, Sensor: sensor.Name, Quantity: c.Quantity}
	err := k.s.cfg.History.Readings(ctx, series, from, now, func(r view.Reading) error { p.Add(r); return nil })
	if err != nil {
		return "", err
	}
	e := p.Envelope(now)
	caption := "no usable readings"
	if e.Usable > 0 {
		caption = view.Value(c.Quantity, e.Min) + " to " + view.Value(c.Quantity, e.Max)
		if steps(c.Quantity) {
			caption = fmt.Sprintf("%s %.1f %%", view.Value(c.Quantity, 1), 100*e.Mean)
		}
	}
	return figure(key, "spark", now, spark(e, c.Quantity), template.HTMLEscapeString(caption)), nil
}

// figure joins a drawing, which holds nothing but numbers of ours, and an
// escaped caption.
func figure(key, class string, now int64, svg, caption string) template.HTML {
	return template.HTML(fmt.Sprintf(`<figure class="%s" data-sketch="%s">%s<figcaption><span>%s</span><span>%s</span><span>%s</span></figcaption></figure>`,
		class, template.HTMLEscapeString(key), svg, view.TimeOfDay(now - sketchSpan.Milliseconds())[:5], caption, view.TimeOfDay(now)[:5]))
}

// spanFloor is the least height of a drawing, so that noise does not look like
// an event.
func spanFloor(q reading.Quantity) float64 {
	switch q {
	case reading.Door, reading.Tamper, reading.CompressorRunning:
		return 1
	case reading.SatellitesUsed:
		return 4
	case reading.Temperature, reading.TemperatureRaw, reading.CompressorSetpoint, reading.Speed:
		return 1000
	case reading.Humidity, reading.StateOfCharge:
		return 5000
	}
	return 100
}

// spark draws an envelope as an SVG of one unit a bucket and 40 high: band,
// mean line, hatched holes and marks of readings that may not be used.
func spark(e view.Envelope, q reading.Quantity) string {
	const h = 40.0
	width := float64(len(e.Buckets))
	lo, hi := float64(e.Min), float64(e.Max)
	if pad := spanFloor(q) - (hi - lo); pad > 0 {
		lo, hi = lo-pad/2, hi+pad/2
	}
	x := func(ms int64) float64 { return float64(ms-e.From) / float64(e.To-e.From) * width }
	y := func(v float64) float64 { return 2 + (h-4)*(hi-v)/(hi-lo) }

	var out, line, upper strings.Builder
	var lower []string
	fmt.Fprintf(&out, `<svg viewBox="0 0 %g %g" preserveAspectRatio="none" aria-hidden="true" focusable="false">`, width, h)
	for _, hole := range e.Holes {
		fmt.Fprintf(&out, `<rect class="hole" fill="url(#hatch)" x="%.2f" y="0" width="%.2f" height="%g"/>`, x(hole.From), max(x(hole.To)-x(hole.From), 0.4), h)
	}
	band := func() {
		if len(lower) == 0 {
			return
		}
		fmt.Fprintf(&out, `<path class="band" d="%s`, upper.String())
		for i := len(lower) - 1; i >= 0; i-- {
			out.WriteString(lower[i])
		}
		out.WriteString(`z"/>`)
		upper.Reset()
		lower = nil
	}
	for _, b := range e.Buckets {
		if b.N == 0 {
			continue
		}
		at, op := x((b.First+b.Last)/2), "L"
		if b.Break {
			op = "M"
			band()
		} else if steps(q) {
			fmt.Fprintf(&line, "H%.2f", at)
		}
		if upper.Len() == 0 {
			fmt.Fprintf(&upper, "M%.2f %.2f", at, y(float64(b.Max)))
		} else {
			fmt.Fprintf(&upper, "L%.2f %.2f", at, y(float64(b.Max)))
		}
		lower = append(lower, fmt.Sprintf("L%.2f %.2f", at, y(float64(b.Min))))
		level := b.Mean
		if steps(q) {
			level = float64(b.Max) // a door that was open a moment was open
		}
		fmt.Fprintf(&line, "%s%.2f %.2f", op, at, y(level))
		if b.Break { // a value alone shows as a dot
			fmt.Fprintf(&line, "l0.01 0")
		}
	}
	band()
	if line.Len() > 0 {
		fmt.Fprintf(&out, `<path class="line" d="%s"/>`, line.String())
	}
	for _, s := range e.Bad {
		fmt.Fprintf(&out, `<rect class="bad" x="%.2f" y="%g" width="%.2f" height="4"/>`, x(s.From), h-4, max(x(s.To)-x(s.From), 1))
	}
	out.WriteString(`</svg>`)
	return out.String()
}
