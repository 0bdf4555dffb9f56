// Package asset tells of reusable boxes and loggers: where each is, how often it
// went out, when it was cleaned, when its calibration ends, and which are
// overdue.
//
// Where one is and what was in it follow from the statements of custody, late
// and corrected ones included; they are asked for and not kept again here. A
// cycle is a stretch of time in which there was a package in a tote, or in which
// a logger was in a package or tote, all within the last 366 days.
package asset

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

// kept is what was said of an asset.
type kept struct {
	Cleaned   *fact.AssetCleaned  `json:"cleaned,omitempty"` // last by its time
	Cleanings int                 `json:"cleanings"`
	Expected  *fact.AssetExpected `json:"expected,omitempty"` // said last
}

// Model is the read model behind a Desk.
type Model struct{ table *event.Table[kept] }

// NewModel makes it, to be given to the event log before the Desk is made.
func NewModel() *Model {
	return &Model{event.NewTable("asset.asset", event.Schema[kept]{Fold: fold})}
}

// Models are what the event log takes.
func (m *Model) Models() []event.Model { return []event.Model{m.table} }

func fold(e event.Event, rows *event.Rows[kept]) error {
	v, err := record.Data(e, fact.AssetWasCleaned, fact.AssetWasExpected)
	switch d := v.(type) {
	case *fact.AssetCleaned:
		return record.Change(rows, d.Asset.String(), func(k *kept) {
			k.Cleanings++
			if k.Cleaned == nil || cmp.Or(cmp.Compare(d.At, k.Cleaned.At), cmp.Compare(d.ID, k.Cleaned.ID)) > 0 {
				k.Cleaned = d
			}
		})
	case *fact.AssetExpected:
		return record.Change(rows, d.Asset.String(), func(k *kept) { k.Expected = d })
	}
	return err
}

// Span is a stretch of time, [From, To), UTC, Unix ms.
type Span struct{ From, To int64 }

// Options of New. All are required but Now.
type Options struct {
	Log interface {
		Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
	}
	Store *store.DB
	Model *Model
	// Known reports whether there is an asset, and whether it is retired.
	Known func(ctx context.Context, r fact.Ref) (retired, found bool, err error)
	// List gives up to limit assets of a kind, not retired, after an id.
	List func(ctx context.Context, k fact.Kind, after string, limit int) ([]string, error)
	// Where says what a thing is in at an instant and since when; nil for nothing
	// that is known.
	Where func(ctx context.Context, r fact.Ref, at int64) (in *fact.Ref, since int64, err error)
	// Used gives when a tote had a package in it, or a logger was in something.
	Used func(ctx context.Context, r fact.Ref, from, to int64) ([]Span, error)
	// Calibrated gives when the first calibration of the sensors in an asset ends,
	// 0 where there is none.
	Calibrated func(ctx context.Context, r fact.Ref, at int64) (int64, error)
	Now        func() time.Time
}

// Desk tells of assets and takes what is said of them. It is safe for concurrent
// use.
type Desk struct{ o Options }

// New makes a desk. It starts nothing.
func New(o Options) (*Desk, error) {
	if o.Log == nil || o.Store == nil || o.Model == nil || o.Known == nil || o.List == nil || o.Where == nil || o.Used == nil || o.Calibrated == nil {
		return nil, errors.New("asset: all options but Now are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Desk{o}, nil
}

// Asset is a reusable box or logger as it is now.
type Asset struct {
	Kind       fact.Kind  `json:"kind"`
	ID         string     `json:"id"`
	Retired    bool       `json:"retired,omitempty"`
	In         []fact.Ref `json:"in" doc:"What it is in, and what that is in, and so on; empty where nobody knows."`
	Since      int64      `json:"since,omitempty" doc:"It is in the first of these, Unix ms."`
	Cycles     int        `json:"cycles" doc:"How often it went out, within 366 days."`
	LastUsed   int64      `json:"lastUsed,omitempty" doc:"End of the last time, Unix ms; now where it is in use."`
	Cleaned    int64      `json:"cleaned,omitempty" doc:"Last, Unix ms; absent: never that anybody said."`
	Cleanings  int        `json:"cleanings"`
	Dirty      bool       `json:"dirty" doc:"It was used since it was last cleaned."`
	ExpectedBy int64      `json:"expectedBy,omitempty" doc:"It is to be back by then, Unix ms."`
	Overdue    bool       `json:"overdue" doc:"It was to be back and stands in no zone of a site."`
	Calibrated int64      `json:"calibratedUntil,omitempty" doc:"When the first calibration of a sensor in it ends, Unix ms; absent where there is none."`
}

const year = 366 * 86_400_000

// Asset tells of one.
func (d *Desk) Asset(ctx context.Context, r fact.Ref) (Asset, error) {
	a := Asset{Kind: r.Kind, ID: r.ID, In: []fact.Ref{}}
	if err := fact.CheckAsset(r); err != nil {
		return a, record.Invalid(err)
	}
	retired, found, err := d.o.Known(ctx, r)
	if err == nil && !found {
		err = fmt.Errorf("%s: %w", r, record.ErrNotFound)
	}
	if err != nil {
		return a, err
	}
	a.Retired = retired
	now := d.o.Now().UnixMilli()
	for at := r; len(a.In) < 8; { // deeper than things can be within one another
		in, since, err := d.o.Where(ctx, at, now)
		if err != nil {
			return a, err
		}
		if in == nil {
			break
		}
		if len(a.In) == 0 {
			a.Since = since
		}
		a.In, at = append(a.In, *in), *in
	}
	spans, err := d.o.Used(ctx, r, now-year+1, now+1)
	if err != nil {
		return a, err
	}
	a.Cycles, a.LastUsed = cycles(spans)
	a.LastUsed = min(a.LastUsed, now)
	k, _, err := d.o.Model.table.Get(ctx, d.o.Store, r.String())
	if err != nil {
		return a, err
	}
	if a.Cleanings = k.Cleanings; k.Cleaned != nil {
		a.Cleaned = k.Cleaned.At
	}
	a.Dirty = a.LastUsed > a.Cleaned
	home := slices.ContainsFunc(a.In, func(in fact.Ref) bool { return in.Kind == fact.Zone })
	if k.Expected != nil && !home {
		a.ExpectedBy = k.Expected.By
		a.Overdue = a.ExpectedBy > 0 && a.ExpectedBy < now
	}
	a.Calibrated, err = d.o.Calibrated(ctx, r, now)
	return a, err
}

// cycles counts stretches of time, those that touch as one, and gives the end of
// the last.
func cycles(spans []Span) (n int, last int64) {
	slices.SortFunc(spans, func(a, b Span) int { return cmp.Or(cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To)) })
	for i, s := range spans {
		if i == 0 || s.From > last {
			n++
		}
		last = max(last, s.To)
	}
	return n, last
}

// Assets tells of up to limit assets of a kind after an id; of those that are
// overdue alone where asked.
func (d *Desk) Assets(ctx context.Context, k fact.Kind, overdue bool, after string, limit int) (all []Asset, err error) {
	if err := fact.CheckAsset(fact.Ref{Kind: k, ID: "x"}); err != nil {
		return nil, record.Invalid(err)
	}
	for len(all) < limit {
		ids, err := d.o.List(ctx, k, after, limit)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			after = id
			a, err := d.Asset(ctx, fact.Ref{Kind: k, ID: id})
			if err != nil {
				return nil, err
			}
			if len(all) < limit && (!overdue || a.Overdue) {
				all = append(all, a)
			}
		}
		if len(ids) < limit {
			break
		}
	}
	return all, nil
}

// Cleaned takes that an asset was cleaned; told twice it is one.
func (d *Desk) Cleaned(ctx context.Context, actor, reason string, c fact.AssetCleaned) (Asset, error) {
	if err := fact.CheckTime("at", c.At); err != nil {
		return Asset{}, record.Invalid(err)
	}
	if ahead := c.At - d.o.Now().UnixMilli(); ahead > 120_000 {
		return Asset{}, record.Invalidf("at %d: is %d s ahead of the hub's clock", c.At, ahead/1000)
	}
	if err := fact.CheckNote("method", c.Method); err != nil {
		return Asset{}, record.Invalid(err)
	}
	return d.say(ctx, actor, reason, c.ID, c.Asset, fact.AssetWasCleaned, c)
}

// Expect takes by when an asset is to be back; the last said holds.
func (d *Desk) Expect(ctx context.Context, actor, reason string, e fact.AssetExpected) (Asset, error) {
	if e.By != 0 {
		if err := fact.CheckTime("by", e.By); err != nil {
			return Asset{}, record.Invalid(err)
		}
	}
	return d.say(ctx, actor, reason, e.ID, e.Asset, fact.AssetWasExpected, e)
}

func (d *Desk) say(ctx context.Context, actor, reason, id string, r fact.Ref, typ string, data any) (Asset, error) {
	if err := (fact.Ref{Kind: fact.Job, ID: id}).Check(); err != nil {
		return Asset{}, record.Invalidf("id %q: want up to 64 letters, digits and ._:+-", id)
	}
	if err := fact.CheckNote("reason", reason); err != nil {
		return Asset{}, record.Invalid(err)
	}
	a, err := d.Asset(ctx, r)
	if err != nil {
		return a, err
	}
	if a.Retired {
		return a, record.Refusedf("id %q: %s is retired", r.ID, r)
	}
	if _, err := d.o.Log.Command(ctx, actor, func(ctx context.Context, ch event.Change) error {
		_, err := ch.Append(ctx, event.New{ID: "asset:" + id, Stream: r.String(), Expect: -1, Type: typ, Reason: reason, Data: data})
		return err
	}); err != nil {
		return a, err
	}
	return d.Asset(ctx, r)
}
