package history

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// Key names a series as people do: it stays the same from one epoch to the
// next.
type Key struct {
	Gateway  string
	Sensor   string
	Quantity reading.Quantity
}

// Series knows which ids a Key has. It answers from memory.
type Series interface {
	// Identities gives the series ids under which a quantity of a sensor was
	// measured, ascending by epoch, with the time between readings, 0 where it
	// was not declared; none for one that is not known.
	Identities(gateway, sensor string, q reading.Quantity, yield func(epoch, series uint32, interval time.Duration))
}

// identity is one of them.
type identity struct {
	epoch, series uint32
	interval      time.Duration
}

func (h *History) identities(k Key) (out []identity) {
	h.series.Identities(k.Gateway, k.Sensor, k.Quantity, func(epoch, series uint32, interval time.Duration) {
		out = append(out, identity{epoch, series, interval})
	})
	return out
}

// Evidence gives what intake has committed.
type Evidence interface {
	// Replay gives the batches with ids above after, in order.
	Replay(ctx context.Context, after int64, yield func(*batch.Batch) error) error
	// Anchors gives the committed anchors of an epoch with their places in the
	// chain: block, and position within it.
	Anchors(ctx context.Context, gateway string, epoch uint32, yield func(block uint64, position int, a *pb.Anchor) error) error
}

// Store is what history needs of the hub's store.
type Store interface {
	Write(ctx context.Context, do func(context.Context, *store.Tx) error) error
	store.Querier
}

// Options are the parts that history works with.
type Options struct {
	Store    Store
	Evidence Evidence
	Series   Series
	Log      *slog.Logger
	// HeadReadings is how many readings the head may hold, at 12 bytes each,
	// before backlog has to wait; default 4 million. Merging begins at a
	// quarter of it.
	HeadReadings int
	// MergeEvery is how long a reading stays in the head at most, which bounds
	// what a start has to replay; default 30 minutes.
	MergeEvery time.Duration
}

// History answers queries. Its methods may be called from any goroutine.
type History struct {
	store      Store
	evidence   Evidence
	series     Series
	log        *slog.Logger
	most       int
	mergeEvery time.Duration
	head       *head
	anchors    *anchors
	wake       chan struct{} // the head has enough to merge
	moving     sync.RWMutex  // held while readings move from the head to chunks
	unsure     []*chunk      // of a step that was reported failed and may have been done; guarded by moving

	// Owned by whoever merges.
	recount   bool            // a write failed and may have been done
	repeaters map[string]bool // gateways that were told of in the log

	repeated atomic.Int64
	merges   atomic.Uint64 // chunks written
	merged   atomic.Int64  // id of the last batch all of which is in chunks
}

// New rebuilds the head by replaying what is not merged, about 10 million
// readings in a second. From then on Committed must be given each batch.
func New(ctx context.Context, o Options) (*History, error) {
	h := &History{
		store: o.Store, evidence: o.Evidence, series: o.Series, log: o.Log, most: o.HeadReadings, mergeEvery: o.MergeEvery,
		head: newHead(), anchors: newAnchors(o.Evidence), wake: make(chan struct{}, 1),
		repeaters: map[string]bool{},
	}
	if h.most == 0 {
		h.most = 4 << 20
	}
	if h.mergeEvery == 0 {
		h.mergeEvery = 30 * time.Minute
	}
	if h.most < 1024 || h.mergeEvery < time.Second {
		return nil, fmt.Errorf("history: HeadReadings is %d and MergeEvery %v: want at least 1024 and 1s", h.most, h.mergeEvery)
	}
	if err := h.rebuild(ctx); err != nil {
		return nil, fmt.Errorf("rebuild history: %w", err)
	}
	return h, nil
}

// rebuild replays the batches after the last that is merged. Some chunks may
// be ahead of that: what they have is passed over.
func (h *History) rebuild(ctx context.Context) error {
	began := time.Now()
	if err := h.readState(ctx); err != nil {
		return err
	}
	err := each(ctx, h.store, `SELECT t.gateway, t.epoch, t.series, t.boot, c.win, c.upto FROM history_chunk c
		JOIN history_track t ON t.id = c.track WHERE c.upto > $1`, []any{h.merged.Load()}, func(rows *sql.Rows) error {
		var k chunkKey
		var upto int64
		err := rows.Scan(&k.gateway, &k.epoch, &k.series, &k.boot, &k.window, &upto)
		h.head.skip[k] = upto
		return err
	})
	if err != nil {
		return fmt.Errorf("read chunks ahead of the merge: %w", err)
	}
	h.head.applied = h.merged.Load()
	batches := 0
	err = h.evidence.Replay(ctx, h.merged.Load(), func(b *batch.Batch) error {
		batches++
		h.head.apply(b)
		for h.head.held() >= h.most { // the hub was stopped with much to merge
			if err := h.merge(ctx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	h.head.mu.Lock()
	h.head.skip = nil
	h.head.mu.Unlock()
	if batches > 0 {
		h.log.Info("history rebuilt", "parcels", batches, "readings", h.head.held(), "merged_already", h.head.skipped, "took", time.Since(began))
	}
	return nil
}

// readState reads how far chunks have come.
func (h *History) readState(ctx context.Context) error {
	for name, into := range map[string]*atomic.Int64{"merged": &h.merged, "repeated": &h.repeated} {
		var v int64
		if err := h.store.QueryRow(ctx, `SELECT value FROM history_state WHERE name = $1`, name).Scan(&v); err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		into.Store(v)
	}
	return nil
}

// Committed takes a batch after its commit; batches come in the order of their
// ids. It costs a few nanoseconds a reading.
func (h *History) Committed(b *batch.Batch) {
	h.anchors.apply(b)
	if h.head.apply(b) > h.most/4 {
		select {
		case h.wake <- struct{}{}:
		default:
		}
	}
}

// Full reports whether backlog should wait until more is merged.
func (h *History) Full() bool { return h.head.held() >= h.most }

// Status is a snapshot for health checks and pages.
type Status struct {
	Head     int    // readings not merged yet
	Applied  int64  // id of the newest parcel that can be asked for
	Merged   int64  // id of the last parcel all of which is in chunks
	Chunks   uint64 // written since the start
	Repeated int64  // readings left out because the same tick of their series was there
}

// Status tells how history is doing.
func (h *History) Status() Status {
	h.head.mu.RLock()
	defer h.head.mu.RUnlock()
	return Status{Head: h.head.readings, Applied: h.head.applied, Merged: h.merged.Load(), Chunks: h.merges.Load(), Repeated: h.repeated.Load()}
}

// each runs a query and calls scan for every row.
func each(ctx context.Context, q store.Querier, query string, args []any, scan func(*sql.Rows) error) error {
	rows, err := q.Query(ctx, query, args...)
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
