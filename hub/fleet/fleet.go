// Package fleet puts together what the hub's contexts know of its gateways,
// in the vocabulary of package view: who is enrolled from access, who has
// spoken and with which sensors from registry, what is safe from intake, what
// was measured from history. It keeps nothing but the newest reading of each
// series.
package fleet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"frostline/hub/access"
	"frostline/hub/desired"
	"frostline/hub/history"
	"frostline/hub/intake"
	"frostline/hub/intake/batch"
	"frostline/hub/registry"
	"frostline/hub/view"
	"frostline/proto/truetime"
)

// Access knows who is enrolled.
type Access interface{ Gateways() []access.Record }

// Registry knows who has spoken.
type Registry interface {
	Gateways() []registry.Gateway
	Lookup(gateway string, epoch, series uint32) (registry.Series, bool)
	Calibrations(gateway, sensor string) registry.Calibrations
}

// Intake knows what is committed.
type Intake interface {
	Account(ctx context.Context) ([]intake.Line, error)
	QuarantineCounts(ctx context.Context) (map[string]uint64, error)
	Told(ctx context.Context, kind string, yield func(gateway string, epoch uint32, at int64, e batch.Event) error) error
}

// History knows what was measured.
type History interface {
	Latest(ctx context.Context, k history.Key) (history.Reading, bool, error)
	Readings(ctx context.Context, k history.Key, from, to int64, visit func(history.Reading) error) error
	Undated(ctx context.Context, k history.Key) (uint64, error)
	ClockState(ctx context.Context, gateway string, epoch, boot uint32, boottime int64) (history.ClockState, error)
	Timeline(ctx context.Context, gateway string, epoch, boot uint32) (*truetime.Timeline, error)
}

// Desired knows what gateways are to run.
type Desired interface {
	Standing(gateway string) desired.Standing
}

// Fleet answers for pages and programs. Its methods may be called from any
// goroutine.
type Fleet struct {
	access   Access
	registry Registry
	intake   Intake
	history  History
	feed     *intake.Feed
	desired  Desired // may be nil

	mu       sync.Mutex
	latest   map[history.Key]*view.Reading // nil: history has none
	version  uint64                        // rises when latest is to be read anew
	watchers map[int]func(view.Batch)
	next     int
}

// New joins the contexts. Latest readings and watchers follow feed while Run
// runs.
func New(a Access, r Registry, i Intake, h History, feed *intake.Feed) *Fleet {
	return &Fleet{
		access: a, registry: r, intake: i, history: h, feed: feed,
		latest: map[history.Key]*view.Reading{}, watchers: map[int]func(view.Batch){},
	}
}

// Desired has the gateways tell of desired states too. It is called before any
// other use.
func (f *Fleet) Desired(d Desired) { f.desired = d }

// Gateways implements web.Fleet: all that were ever enrolled, by id.
func (f *Fleet) Gateways(ctx context.Context) ([]view.Gateway, error) {
	lines, err := f.intake.Account(ctx)
	if err != nil {
		return nil, fmt.Errorf("list gateways: %w", err)
	}
	quarantined, err := f.intake.QuarantineCounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("list gateways: %w", err)
	}
	heard := map[string]registry.Gateway{}
	for _, g := range f.registry.Gateways() {
		heard[g.ID] = g
	}
	var out []view.Gateway
	for _, a := range f.access.Gateways() {
		g, err := f.gateway(ctx, a, heard[a.ID], lines)
		if err != nil {
			return nil, err
		}
		g.Quarantined = quarantined[a.ID]
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b view.Gateway) int { return strings.Compare(a.ID, b.ID) })
	return out, nil
}

// gateway tells of one, where r is zero for one that has never spoken.
func (f *Fleet) gateway(ctx context.Context, a access.Record, r registry.Gateway, lines []intake.Line) (view.Gateway, error) {
	g := view.Gateway{
		ID: a.ID, Enrolled: a.Enrolled, Revoked: a.Revoked, RevokedFor: a.RevokedFor,
		Connected: r.Online, Heard: r.Heard, Version: r.Version, Epoch: r.Epoch, Boot: r.Boot,
	}
	g.Journal = view.Journal{Bytes: r.Journal.Bytes, MaxBytes: r.Journal.MaxBytes, FullPercent: r.Journal.FullPercent,
		HoursLeft: r.Journal.HoursLeft, Damaged: r.Journal.Damaged, MemoryBlocks: r.Journal.MemoryBlocks}
	if f.desired != nil {
		d := f.desired.Standing(a.ID)
		g.Config = view.Config{Wanted: d.Version, Running: d.Running, Trial: d.Trial, Refused: d.Refused, Why: d.Reason, Told: d.Told != 0, Stranger: d.Stranger, Keyless: d.Keyless}
	}
	for _, l := range lines {
		if l.Gateway != a.ID {
			continue
		}
		// What is pending in any epoch is a backlog; kept and committed are of
		// the newest.
		g.PendingReadings += l.Pending
		g.PendingBlocks += l.Known - min(l.Known, l.Blocks)
		g.Epoch, g.Kept, g.Committed = l.Epoch, l.Produced, l.Committed
		g.LastCommit = max(g.LastCommit, l.LastCommit)
	}
	for _, x := range r.Faults {
		g.Faults = append(g.Faults, view.Fault(x))
	}
	for _, s := range r.Sensors {
		v := view.Sensor{Name: s.ID, Model: s.Model, Address: s.Address}
		for _, c := range s.Channels {
			last, err := f.Latest(ctx, view.Series{Gateway: a.ID, Sensor: s.ID, Quantity: c.Quantity})
			if err != nil {
				return g, err
			}
			v.Channels = append(v.Channels, view.Channel{Quantity: c.Quantity, Interval: c.Interval, Current: c.Current, Latest: last})
		}
		g.Sensors = append(g.Sensors, v)
	}
	var err error
	if g.Alarms, err = f.alarms(ctx, a.ID, r.Alarms); err != nil {
		return g, err
	}
	g.Clock, err = f.clock(ctx, g)
	return g, err
}

// clock tells how the boot of the newest reading is dated.
func (f *Fleet) clock(ctx context.Context, g view.Gateway) (view.Clock, error) {
	var newest *view.Reading
	for _, s := range g.Sensors {
		for _, c := range s.Channels {
			if r := c.Latest; r != nil && (newest == nil || later(r, newest)) {
				newest = r
			}
		}
	}
	if newest == nil {
		return view.Clock{}, nil
	}
	c, err := f.history.ClockState(ctx, g.ID, newest.Epoch, newest.Boot, newest.Tick)
	if err != nil || !c.Dated {
		return view.Clock{}, err
	}
	v := view.Clock{Dated: true, Uncertainty: c.Uncertainty, Source: c.Source.String(), Conflict: c.Conflict}
	for _, s := range c.Left {
		v.Left = append(v.Left, s.String())
	}
	return v, nil
}

func later(a, b *view.Reading) bool {
	if a.Epoch != b.Epoch {
		return a.Epoch > b.Epoch
	}
	if a.Boot != b.Boot {
		return a.Boot > b.Boot
	}
	return a.Tick > b.Tick
}

// Accounts implements web.Fleet.
func (f *Fleet) Accounts(ctx context.Context) ([]view.Account, error) {
	lines, err := f.intake.Account(ctx)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	quarantined, err := f.intake.QuarantineCounts(ctx)
	if err != nil {
		return nil, fmt.Errorf("account: %w", err)
	}
	var out []view.Account
	for _, l := range lines {
		out = append(out, view.Account{
			Gateway: l.Gateway, Epoch: l.Epoch, Produced: l.Produced, Committed: l.Committed, Pending: l.Pending, Gaps: l.Gaps,
			Through: l.Watermark, Last: l.Known, Holes: l.Holes, Quarantined: quarantined[l.Gateway],
			AddsUp: l.AddsUp, Note: note(l), AsOf: max(l.Stated, l.LastCommit),
		})
	}
	return out, nil
}

// Readings implements web.History.
func (f *Fleet) Readings(ctx context.Context, s view.Series, from, to int64, visit func(view.Reading) error) error {
	certificates := f.calibrations(s)
	return f.history.Readings(ctx, key(s), from, to, func(r history.Reading) error {
		v := shown(r)
		calibrate(certificates, &v)
		return visit(v)
	})
}

// Undated implements web.History.
func (f *Fleet) Undated(ctx context.Context, s view.Series) (uint64, error) {
	return f.history.Undated(ctx, key(s))
}

// Latest gives the newest reading of a series, dated by what is known now; nil
// where there is none.
func (f *Fleet) Latest(ctx context.Context, s view.Series) (*view.Reading, error) {
	k := key(s)
	f.mu.Lock()
	r, known := f.latest[k]
	version := f.version
	f.mu.Unlock()
	if !known {
		h, ok, err := f.history.Latest(ctx, k)
		if err != nil {
			return nil, fmt.Errorf("latest of %s: %w", s, err)
		}
		if ok {
			v := shown(h)
			r = &v
		}
		f.mu.Lock()
		if now, known := f.latest[k]; known && now != nil {
			r = now // a commit was faster
		} else if version == f.version {
			f.latest[k] = r
		}
		f.mu.Unlock()
	}
	if r == nil {
		return nil, nil
	}
	dated, err := f.date(ctx, s.Gateway, *r)
	calibrate(f.calibrations(s), &dated)
	return &dated, err
}

// date says when a reading was taken, by the anchors known now.
func (f *Fleet) date(ctx context.Context, gateway string, r view.Reading) (view.Reading, error) {
	c, err := f.history.ClockState(ctx, gateway, r.Epoch, r.Boot, r.Tick)
	r.Dated, r.UTC, r.Uncertainty, r.Conflict = c.Dated, c.UTC, c.Uncertainty, c.Conflict
	return r, err
}

func key(s view.Series) history.Key { return history.Key(s) }

// settle bounds how long dating one batch may take.
const settle = 5 * time.Second
