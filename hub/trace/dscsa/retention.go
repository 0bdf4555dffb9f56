package dscsa

import (
	"context"
	"fmt"
	"time"

	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/trace/repository"
)

// Years is how long transaction information, statements and records of suspect
// and illegitimate product have to be kept (section 582(b)(1)(A)(ii), (4)(A)(iv),
// and likewise for other partners).
const Years = 6

func keepUntil(from int64) int64 { return time.UnixMilli(from).UTC().AddDate(Years, 0, 0).UnixMilli() }

// KeptRecords tells how much of a kind of record is kept, and of which times.
type KeptRecords struct {
	Kind   string `json:"kind"` // received, sent, package, epcis events, …
	Count  int64  `json:"count"`
	Bytes  int64  `json:"bytes,omitempty"`
	Oldest int64  `json:"oldest,omitempty"` // when the oldest was recorded, Unix ms
	Newest int64  `json:"newest,omitempty"`
	Keep   int64  `json:"keep,omitempty"` // until when at least the newest is kept
}

// Retention tells what is kept. Nothing of it is ever removed by the hub, so it
// is all there was.
func (d *Desk) Retention(ctx context.Context) ([]KeptRecords, error) {
	var all []KeptRecords
	take := func(kind, query string, args ...any) error {
		k := KeptRecords{Kind: kind}
		if err := d.o.Store.QueryRow(ctx, query, args...).Scan(&k.Count, &k.Bytes, &k.Oldest, &k.Newest); err != nil {
			return fmt.Errorf("count %s: %w", kind, err)
		}
		if k.Count > 0 {
			k.Keep = keepUntil(k.Newest)
		}
		all = append(all, k)
		return nil
	}
	for _, kind := range []string{kindReceived, kindSent, kindPackage} {
		if err := take(kind, "SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0), COALESCE(MIN(recorded_ms), 0), COALESCE(MAX(recorded_ms), 0) FROM dscsa_content WHERE kind = $1", kind); err != nil {
			return nil, err
		}
	}
	events := KeptRecords{Kind: "epcis", Count: d.o.Repository.Last()}
	for _, order := range []struct {
		descending bool
		into       *int64
	}{{false, &events.Oldest}, {true, &events.Newest}} {
		rows, _, err := d.o.Repository.Fetch(ctx, repository.Query{ByRecord: true, Descending: order.descending}, nil, 1)
		if err != nil {
			return nil, fmt.Errorf("look for EPCIS events: %w", err)
		}
		if len(rows) > 0 {
			*order.into = rows[0].Recorded
			events.Keep = keepUntil(rows[0].Recorded)
		}
	}
	all = append(all, events)
	m := d.o.Model
	for _, g := range []struct {
		kind  string
		count func(context.Context, store.Querier) (int64, error)
		types []string
	}{
		{"trace requests", m.requests.Count, []string{fact.TraceWasRequested}},
		{"suspect product", m.suspicions.Count, []string{fact.SuspectWasProposed, fact.SuspectWasOpened}},
		{"exceptions", m.discrepancies.Count, []string{fact.DiscrepancyWasReported}},
		{"verifications", m.verifications.Count, []string{fact.VerificationWasAnswered, fact.VerificationWasAsked}},
	} {
		k := KeptRecords{Kind: g.kind}
		var err error
		if k.Count, err = g.count(ctx, d.o.Store); err != nil {
			return nil, err
		}
		if k.Count > 0 {
			first, err := d.o.Log.Read(ctx, 0, 1, g.types...)
			if err != nil {
				return nil, err
			}
			if len(first) > 0 {
				k.Oldest = first[0].At
			}
		}
		all = append(all, k)
	}
	return all, nil
}
