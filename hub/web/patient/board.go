package patient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"frostline/hub/correlate"
)

const (
	each       = time.Second
	readEach   = 30 * time.Second // facts of a delivery that is watched, without an event
	readAgain  = 2 * time.Second  // facts of one that is only looked at
	tooOld     = 90 * time.Second // facts that may not be told any more
	drawEach   = time.Minute      // a chart; each 500 deliveries add as much
	keepFor    = time.Minute      // a delivery that nobody watches
	readAtOnce = 400 * time.Millisecond
	drawAtOnce = 200 * time.Millisecond
	mostKept   = 10_000
	mostEvents = 2000
)

// errOld says that facts could not be read for too long.
var errOld = errors.New("what is known of the delivery is too old to be told")

// board tells deliveries.
type board struct {
	s        *Server
	failures atomic.Uint64
	seq      atomic.Uint64

	mu       sync.Mutex
	all      map[string]*delivery
	position int64  // of the last event looked at
	failing  string // why a delivery could not be told just now
}

func newBoard(s *Server) *board {
	return &board{s: s, all: map[string]*delivery{}, position: -1}
}

// delivery is one that is watched, or was looked at lately.
type delivery struct {
	shipment string
	watchers atomic.Int64 // changed under board.mu
	dirty    atomic.Bool  // an event touched it

	mu       sync.Mutex
	asked    time.Time
	read     time.Time // facts
	position int64     // of the last event when they were
	facts    facts
	ids      []string // of its boxes
	streams  map[string]bool
	chart    *chart
	charted  int // box of the chart
	drawn    time.Time
	told     time.Time
	telling  Telling
	keys     [len(partNames)]any
	seq      uint64                 // rises with each change, over all deliveries
	before   uint64                 // the seq before it, of this delivery
	since    [len(partNames)]uint64 // seq at which a part last changed
	words    map[string]*wording    // by language
	changed  chan struct{}
}

// wording is what was rendered of a delivery in one language.
type wording struct {
	seq   [len(partNames)]uint64 // at which a part was rendered
	parts [len(partNames)]string
	last  []byte // the event of the newest seq, for those who have all before it
	of    uint64 // its seq
}

// get gives a delivery; watch says that somebody goes on watching, until leave.
func (b *board) get(shipment string, watch bool) (*delivery, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.all[shipment]
	if d == nil {
		if len(b.all) >= mostKept {
			return nil, fmt.Errorf("%d deliveries are looked at already", mostKept)
		}
		d = &delivery{shipment: shipment, charted: -1, words: map[string]*wording{}, changed: make(chan struct{})}
		b.all[shipment] = d
	}
	if watch {
		d.watchers.Add(1)
	}
	return d, nil
}

func (b *board) leave(d *delivery) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d.watchers.Add(-1)
}

// look brings a delivery up to date for somebody who asks now.
func (b *board) look(ctx context.Context, d *delivery) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := b.s.now()
	d.asked = now
	if d.watchers.Load() > 1 && now.Sub(d.told) < 2*each {
		return nil // the round tells it
	}
	if now.Sub(d.read) > readAgain || d.position != b.s.cfg.Events.Last() {
		if err := b.readFacts(ctx, d, now); err != nil {
			return err
		}
	}
	if err := b.tell(ctx, d, now, b.s.cfg.Sources.Verdicts.Briefs(d.ids)); err != nil {
		return err
	}
	if d.chart == nil || d.charted != d.telling.box || now.Sub(d.drawn) > drawEach {
		if err := b.redraw(ctx, d, now); err != nil {
			return err
		}
		return b.tell(ctx, d, now, b.s.cfg.Sources.Verdicts.Briefs(d.ids))
	}
	return nil
}

// readFacts reads the facts of a delivery. Callers hold d.mu.
func (b *board) readFacts(ctx context.Context, d *delivery, now time.Time) error {
	d.dirty.Store(false) // before reading: an event after it counts
	position := b.s.cfg.Events.Last()
	f, streams, err := b.s.cfg.Sources.facts(ctx, d.shipment, now.UnixMilli())
	if err != nil {
		d.dirty.Store(true)
		return err
	}
	f.profile, f.gaps, d.position = d.facts.profile, d.facts.gaps, position
	d.facts, d.read, d.ids, d.streams = f, now, d.ids[:0], map[string]bool{}
	for _, k := range f.boxes {
		d.ids = append(d.ids, k.id)
	}
	for _, s := range streams {
		d.streams[s] = true
	}
	return nil
}

// redraw makes the chart anew. Callers hold d.mu.
func (b *board) redraw(ctx context.Context, d *delivery, now time.Time) error {
	d.drawn = now
	d.charted = d.telling.box
	if d.charted < 0 {
		d.chart, d.facts.profile, d.facts.gaps = nil, nil, false
		return nil
	}
	c, err := b.s.cfg.Sources.chart(ctx, &d.facts, d.charted, now.UnixMilli())
	if err != nil {
		return err
	}
	d.chart, d.facts.profile, d.facts.gaps = c, nil, false
	if c != nil {
		d.facts.profile, d.facts.gaps = &band{c.Low, c.High}, len(c.Unmonitored) > 0
	}
	return nil
}

// tell makes the Telling of a delivery and notes which parts have changed.
// Callers hold d.mu.
func (b *board) tell(ctx context.Context, d *delivery, now time.Time, states []correlate.State) error {
	n := b.s.cfg.Sources.now(&d.facts, now.UnixMilli(), states)
	t := tell(&d.facts, &n)
	if t.Condition == NoData && d.telling.Condition != NoData && d.position != b.s.cfg.Events.Last() {
		// The watch may have ended: the engine knew, and the facts that were read
		// before did not. Those that are read after it do.
		if err := b.readFacts(ctx, d, now); err != nil {
			return err
		}
		n = b.s.cfg.Sources.now(&d.facts, now.UnixMilli(), b.s.cfg.Sources.Verdicts.Briefs(d.ids))
		t = tell(&d.facts, &n)
	}
	d.telling, d.told = t, now
	keys := b.s.partKeys(&d.telling, d.chart)
	if keys == d.keys && d.seq != 0 {
		return nil
	}
	d.before, d.seq = d.seq, b.seq.Add(1)
	for i := range keys {
		if keys[i] != d.keys[i] || d.since[i] == 0 {
			d.since[i] = d.seq
		}
	}
	d.keys = keys
	close(d.changed)
	d.changed = make(chan struct{})
	return nil
}

// render gives all parts in a language. Callers hold d.mu.
func (b *board) render(d *delivery, lang string) (*wording, error) {
	w := d.words[lang]
	if w == nil {
		w = &wording{}
		d.words[lang] = w
	}
	sc := &screen{b.s.locales[lang], &d.telling, d.chart}
	for i, name := range partNames {
		if w.seq[i] == d.since[i] {
			continue
		}
		html, err := b.s.part(name, sc)
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", name, err)
		}
		w.parts[i], w.seq[i] = html, d.since[i]
	}
	return w, nil
}

// whole gives all parts in a language, and up to where they tell.
func (b *board) whole(d *delivery, lang string) (parts map[string]template.HTML, sc *screen, seq uint64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w, err := b.render(d, lang)
	if err != nil {
		return nil, nil, 0, err
	}
	parts = map[string]template.HTML{}
	for i, name := range partNames {
		parts[name] = template.HTML(w.parts[i])
	}
	t := d.telling
	return parts, &screen{b.s.locales[lang], &t, d.chart}, d.seq, nil
}

// news is what a page takes.
type news struct {
	Now   int64             `json:"now"` // as of when, Unix ms
	Clock string            `json:"clock"`
	Parts map[string]string `json:"parts,omitempty"`
}

// after gives the event that tells what changed after seq, nil for nothing; up to
// where it tells, and a channel that closes when there is more. What most who
// watch need is made once for all.
func (b *board) after(d *delivery, lang string, seq uint64) (event []byte, upTo uint64, more <-chan struct{}, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if seq >= d.seq {
		return nil, d.seq, d.changed, nil
	}
	w, err := b.render(d, lang)
	if err != nil {
		return nil, seq, d.changed, err
	}
	if seq == d.before && w.of == d.seq {
		return w.last, d.seq, d.changed, nil
	}
	n := news{Now: d.telling.At, Clock: b.s.locales[lang].seconds(d.telling.At), Parts: map[string]string{}}
	for i, name := range partNames {
		if d.since[i] > seq {
			n.Parts[name] = w.parts[i]
		}
	}
	event, err = b.event("parts", d.seq, n)
	if err == nil && seq == d.before {
		w.last, w.of = event, d.seq
	}
	return event, d.seq, d.changed, err
}

// beat gives the event that says that nothing has changed; an error where that is
// not known.
func (b *board) beat(d *delivery, lang string) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if b.s.now().Sub(d.told) > 5*each {
		return nil, errOld
	}
	return b.event("beat", d.seq, news{Now: d.telling.At, Clock: b.s.locales[lang].seconds(d.telling.At)})
}

func (b *board) event(name string, seq uint64, n news) ([]byte, error) {
	var data bytes.Buffer
	e := json.NewEncoder(&data)
	e.SetEscapeHTML(false) // it goes into no page as it is
	if err := e.Encode(n); err != nil {
		return nil, fmt.Errorf("encode event: %w", err)
	}
	out := make([]byte, 0, data.Len()+80)
	out = append(out, "id: "...)
	out = append(out, b.s.start...)
	out = append(out, '.')
	out = strconv.AppendUint(out, seq, 10)
	out = append(out, "\nevent: "...)
	out = append(out, name...)
	out = append(out, "\ndata: "...)
	out = append(out, data.Bytes()...) // with its newline
	return append(out, '\n'), nil
}

func (b *board) counts() (deliveries int, failures uint64, failing string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.all {
		if d.watchers.Load() > 0 {
			deliveries++
		}
	}
	return deliveries, b.failures.Load(), b.failing
}
