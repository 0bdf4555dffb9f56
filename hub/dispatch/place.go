package dispatch

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

// Place is where a delivery goes that goes to no site.
type Place struct {
	ID        string `json:"id"`        // a token
	Latitude  int64  `json:"latitude"`  // 1e-7 degrees, north positive
	Longitude int64  `json:"longitude"` // 1e-7 degrees, east positive
	Radius    int64  `json:"radius"`    // m, of the fence around it; 0: 75
}

const (
	usualRadius = 75
	maxRadius   = 5000
	forgetEach  = time.Hour
	forgetMost  = 500 // at once
)

// SetPlace enters where a place is, or changes it. The position is kept beside
// the events until Forget after its last delivery; the event tells only that it
// was set.
func (d *Dispatch) SetPlace(ctx context.Context, actor, reason string, p Place) error {
	return d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) error {
		_, err := d.setPlace(ctx, ch, reason, p)
		return err
	})
}

// setPlace is SetPlace within a command. It says whether there was the same
// already.
func (d *Dispatch) setPlace(ctx context.Context, ch event.Change, reason string, p Place) (same bool, err error) {
	ref := fact.Ref{Kind: fact.Place, ID: p.ID}
	if p.Radius == 0 {
		p.Radius = usualRadius
	}
	if err := ref.Check(); err != nil {
		return false, record.Invalidf("id: %w", err)
	}
	if err := fact.CheckToken("id", p.ID); err != nil {
		return false, record.Invalid(err)
	}
	if err := (fact.Position{Latitude: p.Latitude, Longitude: p.Longitude}).Check(); err != nil {
		return false, record.Invalid(err)
	}
	if p.Radius < 10 || p.Radius > maxRadius {
		return false, record.Invalidf("radius %d: want 10 to %d m", p.Radius, maxRadius)
	}
	old, found, err := place(ctx, ch, p.ID)
	if err != nil || found && old == p {
		return true, err
	}
	if _, err := ch.Tx().Exec(ctx, `INSERT INTO dispatch_place (id, latitude, longitude, radius_m, used_ms) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (id) DO UPDATE SET latitude = excluded.latitude, longitude = excluded.longitude, radius_m = excluded.radius_m, used_ms = excluded.used_ms`,
		p.ID, p.Latitude, p.Longitude, p.Radius, d.now()); err != nil {
		return false, fmt.Errorf("keep place: %w", err)
	}
	_, err = ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.PlaceWasSet, Reason: reason, Data: fact.PlaceSet{ID: p.ID}})
	return false, err
}

// Place gives where a place is; found is false of one that was forgotten too.
func (d *Dispatch) Place(ctx context.Context, id string) (p Place, found bool, err error) {
	return place(ctx, d.o.Store, id)
}

func place(ctx context.Context, q store.Querier, id string) (Place, bool, error) {
	p := Place{ID: id}
	err := q.QueryRow(ctx, "SELECT latitude, longitude, radius_m FROM dispatch_place WHERE id = $1", id).Scan(&p.Latitude, &p.Longitude, &p.Radius)
	if errors.Is(err, sql.ErrNoRows) {
		return Place{}, false, nil
	}
	return p, err == nil, err
}

// used keeps a place for longer.
func (d *Dispatch) used(ctx context.Context, ch event.Change, r fact.Ref) error {
	if r.Kind != fact.Place {
		return nil
	}
	_, err := ch.Tx().Exec(ctx, "UPDATE dispatch_place SET used_ms = $1 WHERE id = $2 AND used_ms < $1", d.now(), r.ID)
	return err
}

// Run forgets places that have not been needed for long, until ctx ends; it
// then returns nil. A place that an open route still goes to is kept.
func (d *Dispatch) Run(ctx context.Context) error {
	for {
		if n, err := d.Forget(ctx); err != nil && ctx.Err() == nil {
			d.o.Logger.Warn("places were not forgotten; trying again later", "error", err)
		} else if n > 0 {
			d.o.Logger.Info("forgot where deliveries went", "places", n)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(forgetEach):
		}
	}
}

// Forget removes the positions of places that have not been needed for long,
// and says how many.
func (d *Dispatch) Forget(ctx context.Context) (n int, err error) {
	routes, err := d.Open(ctx)
	if err != nil {
		return 0, err
	}
	needed := map[string]bool{}
	for _, r := range routes {
		for _, s := range r.Stops {
			needed[s.Place.ID] = true
		}
		needed[r.Start.ID], needed[r.End.ID] = true, true
	}
	err = d.command(ctx, "dispatch", "", func(ctx context.Context, ch event.Change) error {
		rows, err := ch.Query(ctx, "SELECT id FROM dispatch_place WHERE used_ms < $1 ORDER BY used_ms LIMIT $2", d.now()-d.o.Forget.Milliseconds(), forgetMost)
		if err != nil {
			return err
		}
		var old []string
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return errors.Join(err, rows.Close())
			}
			old = append(old, id)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return err
		}
		for _, id := range old {
			if needed[id] {
				continue
			}
			if _, err := ch.Tx().Exec(ctx, "DELETE FROM dispatch_place WHERE id = $1", id); err != nil {
				return err
			}
			ref := fact.Ref{Kind: fact.Place, ID: id}
			if _, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: fact.PlaceWasForgotten, Data: fact.PlaceForgotten{ID: id}}); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}
