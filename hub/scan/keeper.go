package scan

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/intake/batch"
	"frostline/hub/store"
	"frostline/proto/truetime"
)

// Store is what a Keeper needs of the hub's store.
type Store interface {
	Write(ctx context.Context, do func(context.Context, *store.Tx) error) error
	store.Querier
}

// Evidence gives what intake has committed.
type Evidence interface {
	// Replay gives the batches with ids above after, in the order of commits.
	Replay(ctx context.Context, after int64, yield func(*batch.Batch) error) error
	// Told gives all committed events of a kind.
	Told(ctx context.Context, kind string, yield func(gateway string, epoch uint32, at int64, e batch.Event) error) error
}

// Times dates boottimes; nil where there is no anchor. What it gives has all
// anchors of the batches that were given to Committed.
type Times interface {
	Timeline(ctx context.Context, gateway string, epoch, boot uint32) (*truetime.Timeline, error)
}

// Statement is one for custody: one of the two is set.
type Statement struct {
	Attached   *fact.Attached   `json:"attached,omitempty"`
	HandedOver *fact.HandedOver `json:"handedOver,omitempty"`
}

// Outcome is what became of a statement.
type Outcome struct {
	State   string // taken, known, set_aside, refused or dropped
	Problem string // in words
}

// Custody takes statements as those of a device: each has an outcome of its own,
// one that is known is taken once, and after an error all can be given again.
type Custody interface {
	Take(ctx context.Context, actor, reason string, all []Statement) ([]Outcome, error)
}

// Events tells what became of statements that were set aside.
type Events interface {
	Consume(ctx context.Context, name string, handle func(context.Context, []event.Event) error) error
}

// Options of New. All but the last three are required.
type Options struct {
	Store    Store
	Evidence Evidence
	Times    Times
	Custody  Custody
	Events   Events
	Log      *slog.Logger

	Now       func() time.Time // nil: time.Now
	MinorWait time.Duration    // before a small shift is followed; 0: ten minutes
	Retry     time.Duration    // pause after a failure; 0: five seconds
}

// Tolerance is by how much an anchor may move a scan, or its uncertainty, so
// that it is followed after a while only, ms.
const Tolerance = 1000

// Keeper is safe for concurrent use.
type Keeper struct {
	o       Options
	queue   queue
	strange atomic.Int64 // events that are no scan that could be told from others
	failing atomic.Pointer[string]
	moved   time.Time // when the cursor was moved last; Run's own
}

// New makes a Keeper. It starts nothing.
func New(o Options) (*Keeper, error) {
	if o.Store == nil || o.Evidence == nil || o.Times == nil || o.Custody == nil || o.Events == nil || o.Log == nil {
		return nil, errors.New("scan: Store, Evidence, Times, Custody, Events and Log must be set")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.MinorWait == 0 {
		o.MinorWait = 10 * time.Minute
	}
	if o.Retry == 0 {
		o.Retry = 5 * time.Second
	}
	return &Keeper{o: o, queue: queue{wake: make(chan struct{}, 1)}}, nil
}

// Committed implements intake.Sink. It does not block.
func (k *Keeper) Committed(b *batch.Batch) { k.queue.push(b) }

// Run works in what was committed, until ctx ends. What fails, such as a store
// that takes nothing, is said once and tried again.
func (k *Keeper) Run(ctx context.Context) error {
	ended := make(chan error, 1)
	consuming, stop := context.WithCancel(ctx)
	defer stop()
	go func() { ended <- k.o.Events.Consume(consuming, "scan.settled", k.settled) }()
	k.queue.missed() // what was committed since is read from the evidence
	look := time.NewTicker(min(k.o.MinorWait, time.Minute))
	defer look.Stop()
	failing := false
	for {
		err := k.work(ctx)
		if ctx.Err() != nil {
			return <-ended
		}
		k.failing.Store(nil)
		if err != nil {
			why := err.Error()
			k.failing.Store(&why)
		}
		if failed := err != nil; failed != failing {
			failing = failed
			if failed {
				k.o.Log.Error("scans of gateways cannot be worked in; they are kept and tried again", "err", err)
			} else {
				k.o.Log.Info("scans of gateways are worked in again")
			}
		}
		var again <-chan time.Time
		if failing {
			again = time.After(k.o.Retry)
		}
		select {
		case <-ctx.Done():
			return <-ended
		case err := <-ended:
			if err == nil && ctx.Err() == nil {
				err = errors.New("the log of events has ended")
			}
			return err
		case <-again:
		case <-k.queue.wake:
		case <-look.C:
		}
	}
}

// work works in all that waits.
func (k *Keeper) work(ctx context.Context) error {
	if err := k.drain(ctx); err != nil {
		return err
	}
	if err := k.overdue(ctx); err != nil {
		return err
	}
	return k.give(ctx)
}

// drain takes batches out of the queue, or, where it could not hold all, out of
// the evidence.
func (k *Keeper) drain(ctx context.Context) error {
	parts, upto, overrun := k.queue.take()
	if upto == 0 && !overrun {
		return nil
	}
	err := k.apply(ctx, parts, upto, overrun)
	if err != nil {
		k.queue.missed()
	}
	return err
}

func (k *Keeper) apply(ctx context.Context, parts []part, upto int64, overrun bool) error {
	cursor, begun, err := k.cursor(ctx)
	switch {
	case err != nil:
		return err
	case overrun && !begun: // the tables are new, or nothing has come since they were
		if err := k.all(ctx); err != nil {
			return fmt.Errorf("read scans from the evidence: %w", err)
		}
	case overrun:
		var read []part
		err := k.o.Evidence.Replay(ctx, cursor, func(b *batch.Batch) error {
			if p := partOf(b); p.says() {
				read = append(read, p)
			}
			upto = max(upto, b.ID)
			if len(read) < replayed {
				return nil
			}
			err := k.parts(ctx, read)
			read = nil
			return err
		})
		if err != nil {
			return fmt.Errorf("read scans from the evidence: %w", err)
		}
		parts = append(read, parts...)
	}
	if err := k.parts(ctx, parts); err != nil {
		return err
	}
	if upto <= cursor || len(parts) == 0 && begun && k.o.Now().Sub(k.moved) < moveEvery {
		return nil
	}
	k.moved = k.o.Now()
	return k.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO scan_cursor (name, parcel) VALUES ('committed', $1)
			ON CONFLICT (name) DO UPDATE SET parcel = excluded.parcel WHERE scan_cursor.parcel < excluded.parcel`, upto)
		return err
	})
}

const (
	replayed  = 256              // batches that are worked in at once
	moveEvery = 30 * time.Second // the cursor past what says nothing of scans
)

// parts works in what batches say.
func (k *Keeper) parts(ctx context.Context, parts []part) error {
	touched := map[group]bool{}
	var rows []row
	for _, p := range parts {
		for i := range p.scans {
			rows = k.row(rows, touched, p.gateway, p.epoch, p.received, &p.scans[i])
		}
	}
	if err := k.record(ctx, rows); err != nil {
		return err
	}
	for _, p := range parts {
		for _, boot := range p.anchored {
			if err := k.ofBoot(ctx, p.gateway, p.epoch, boot, touched); err != nil {
				return err
			}
		}
	}
	if err := k.reconcileAll(ctx, touched, false); err != nil {
		return err
	}
	return k.give(ctx)
}

// row adds the scan of an event to rows, and its group to touched.
func (k *Keeper) row(rows []row, touched map[group]bool, gateway string, epoch uint32, received int64, e *batch.Event) []row {
	r, ok := read(gateway, epoch, received, e)
	if !ok {
		if k.strange.Add(1) == 1 {
			k.o.Log.Warn("a gateway told of a scan that cannot be told from others; it is in the evidence and states nothing", "gateway", gateway, "epoch", epoch, "block", e.Block)
		}
		return rows
	}
	touched[group{r.gateway, r.root}] = true
	return append(rows, r)
}

// all works in the scans of the whole evidence.
func (k *Keeper) all(ctx context.Context) error {
	var rows []row
	touched := map[group]bool{}
	err := k.o.Evidence.Told(ctx, "scan", func(gateway string, epoch uint32, at int64, e batch.Event) error {
		rows = k.row(rows, touched, gateway, epoch, at, &e)
		return nil
	})
	if err != nil {
		return err
	}
	if err := k.record(ctx, rows); err != nil {
		return err
	}
	return k.reconcileAll(ctx, touched, false)
}
