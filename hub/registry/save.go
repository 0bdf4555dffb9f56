package registry

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"time"

	"frostline/hub/store"
	"frostline/proto/reading"
)

// saveEvery is how often changes are written.
const saveEvery = time.Second

// Run writes changes to the store until ctx ends, and once more then. While
// the store does not take them they are kept and tried again.
func (r *Registry) Run(ctx context.Context) error {
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			if err := r.save(context.WithoutCancel(ctx)); err != nil {
				r.log.Error("registry could not be saved; gateways will tell again", "error", err)
			}
			return nil
		case <-tick.C:
		}
		err := r.save(ctx)
		if failed := err != nil && ctx.Err() == nil; failed != failing {
			failing = failed
			if failed {
				r.log.Error("registry cannot be saved", "error", err)
			} else {
				r.log.Info("registry is saved again")
			}
		}
	}
}

// save writes what has changed.
func (r *Registry) save(ctx context.Context) error {
	type row struct {
		id                   string
		first, heard, change int64
		online               bool
		state                []byte
	}
	r.mu.Lock()
	var rows []row
	for id := range r.dirty {
		g := r.gateways[id]
		rows = append(rows, row{id, g.first, g.heard, g.changed, g.online, append([]byte{}, g.raw...)})
	}
	dirty, series := r.dirty, r.series
	r.dirty, r.series = map[string]bool{}, map[seriesKey]*declared{}
	r.mu.Unlock()
	if len(rows) == 0 && len(series) == 0 {
		return nil
	}
	err := r.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		for _, g := range rows {
			online := 0
			if g.online {
				online = 1
			}
			if _, err := tx.Exec(ctx, `INSERT INTO registry_gateway (gateway, first_ms, last_ms, online, changed_ms, state)
				VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (gateway) DO UPDATE SET last_ms = excluded.last_ms,
				online = excluded.online, changed_ms = excluded.changed_ms, state = excluded.state`,
				g.id, g.first, g.heard, online, g.change, g.state); err != nil {
				return fmt.Errorf("save gateway %s: %w", g.id, err)
			}
		}
		for k, d := range series {
			chained := 0
			if d.chained {
				chained = 1
			}
			if _, err := tx.Exec(ctx, `INSERT INTO registry_series (gateway, epoch, series, sensor, quantity, model, address, interval_ms, chained)
				VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (gateway, epoch, series) DO UPDATE SET sensor = excluded.sensor,
				quantity = excluded.quantity, model = excluded.model, address = excluded.address,
				interval_ms = excluded.interval_ms, chained = excluded.chained`,
				k.gateway, int64(k.epoch), int64(k.series), d.sensor, int64(d.quantity), d.model, d.address, d.interval.Milliseconds(), chained); err != nil {
				return fmt.Errorf("save series %d of gateway %s, epoch %d: %w", k.series, k.gateway, k.epoch, err)
			}
		}
		return nil
	})
	if err == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.Copy(r.dirty, dirty)
	for k, d := range series {
		if r.series[k] == nil {
			r.series[k] = d
		}
	}
	return err
}

// load reads what was saved.
func (r *Registry) load(ctx context.Context) error {
	err := each(ctx, r.store, `SELECT gateway, first_ms, last_ms, online, changed_ms, state FROM registry_gateway`, func(rows *sql.Rows) error {
		g := &gateway{epochs: map[uint32]*epoch{}}
		var online int64
		if err := rows.Scan(&g.id, &g.first, &g.heard, &online, &g.changed, &g.raw); err != nil {
			return err
		}
		g.online = online == 1
		if len(g.raw) > 0 {
			s, err := parseState(g.raw)
			if err != nil {
				return fmt.Errorf("gateway %s: %w", g.id, err)
			}
			g.state = s
		}
		r.gateways[g.id] = g
		return nil
	})
	if err != nil {
		return err
	}
	err = each(ctx, r.store, `SELECT gateway, epoch, series, sensor, quantity, model, address, interval_ms, chained FROM registry_series
		ORDER BY gateway, epoch, series`, func(rows *sql.Rows) error {
		var k seriesKey
		var quantity, interval, chained int64
		d := &declared{}
		if err := rows.Scan(&k.gateway, &k.epoch, &k.series, &d.sensor, &quantity, &d.model, &d.address, &interval, &chained); err != nil {
			return err
		}
		d.quantity, d.interval, d.chained = reading.Quantity(quantity), time.Duration(interval)*time.Millisecond, chained == 1
		e := r.get(k.gateway, 0).epoch(k.epoch)
		e.series[k.series] = d
		e.byName[d.sensorKey] = k.series
		return nil
	})
	if err != nil {
		return err
	}
	return each(ctx, r.store, `SELECT gateway, sensor, name FROM registry_name`, func(rows *sql.Rows) error {
		var k nameKey
		var name string
		err := rows.Scan(&k.gateway, &k.sensor, &name)
		r.names[k] = name
		return err
	})
}

// Name sets what people call a gateway (sensor "") or a sensor; "" takes the
// name away. It is saved when Name returns nil.
func (r *Registry) Name(ctx context.Context, gateway, sensor, name string) error {
	if len(name) > maxText || clip(name) != name {
		return fmt.Errorf("name %q: want at most %d bytes of text without control characters", name, maxText)
	}
	err := r.store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		if name == "" {
			_, err := tx.Exec(ctx, `DELETE FROM registry_name WHERE gateway = $1 AND sensor = $2`, gateway, sensor)
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO registry_name (gateway, sensor, name) VALUES ($1, $2, $3)
			ON CONFLICT (gateway, sensor) DO UPDATE SET name = excluded.name`, gateway, sensor, name)
		return err
	})
	if err != nil {
		return fmt.Errorf("name %s/%s: %w", gateway, sensor, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[nameKey{gateway, sensor}] = name
	return nil
}

// each runs a query and calls scan for every row.
func each(ctx context.Context, q store.Querier, query string, scan func(*sql.Rows) error) error {
	rows, err := q.Query(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
