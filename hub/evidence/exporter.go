package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"time"

	"frostline/hub/event"
	"frostline/hub/evidence/bundle"
	"frostline/hub/evidence/ledger"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/proto/chain"
	"frostline/proto/pb"
)

// Events gives the streams of domain events.
type Events interface {
	Stream(ctx context.Context, stream string, after int64, limit int) ([]event.Event, error)
}

// Intake gives what gateways have sent, as they signed it.
type Intake interface {
	// Chains tells of every chain with anything committed, in no order.
	Chains(yield func(gateway string, epoch uint32, version int64, waiting uint64))
	// Extent gives the committed ranges of a chain, ascending.
	Extent(gateway string, epoch uint32, yield func(first, last uint64))
	// Seeker gives a function that finds, for a tick of a boot, ms, the last
	// committed block whose readings all lie before it, or 0.
	Seeker(ctx context.Context, gateway string, epoch uint32) (func(boot uint32, tick int64) (uint64, error), error)
	// Blocks gives the blocks from..to; one that is not committed is an error.
	Blocks(ctx context.Context, gateway string, epoch uint32, from, to uint64, yield func(number uint64, raw []byte) error) error
	// Received tells when a committed block came, by the hub's clock, Unix ms.
	Received(ctx context.Context, gateway string, epoch uint32, number uint64) (int64, error)
	// Head gives the chain head after a committed block, or before the first of
	// a committed range.
	Head(ctx context.Context, gateway string, epoch uint32, number uint64) (chain.Head, error)
	// Seals gives the verified seals for blocks above after, ascending.
	Seals(ctx context.Context, gateway string, epoch uint32, after uint64, limit int, yield func(number uint64, body []byte) error) error
	// Declared gives the series that blocks declare, AnchorsUntil the anchors
	// that were received until a time of the hub's clock, Unix ms.
	Declared(ctx context.Context, gateway string, epoch uint32, yield func(block uint64, d *pb.SeriesDeclared) error) error
	AnchorsUntil(ctx context.Context, gateway string, epoch uint32, until int64, yield func(block uint64, a *pb.Anchor) error) error
}

// Verdicts are what the hub concludes of packages; *correlate.Engine makes them.
type Verdicts interface {
	// Settled waits until verdicts were made of all events up to a position.
	Settled(ctx context.Context, position int64) error
	// Restate has the last stated verdicts of packages be exactly what follows
	// from what is known, and waits until they are.
	Restate(ctx context.Context, packages []string) error
}

// Options are the parts that the exporter works with. All fields are needed
// unless they say otherwise.
type Options struct {
	Store    store.Querier // with the read model Links
	Events   Events
	Intake   Intake
	Ledger   *ledger.Ledger
	Verdicts Verdicts                  // optional: without it verdicts are taken as they were stated
	Keys     func() []ledger.KeyRecord // as the ledger has them; optional
	// Documents gives what is attached to cases; optional: without it bundles
	// have none.
	Documents Documents
	// Online tells whether a gateway is connected, and so may sign soon;
	// optional: without it all may.
	Online func(gateway string) bool
	Spool  string // directory for bundles under way; made with mode 0700
	Log    *slog.Logger
}

// Exporter makes bundles. Its methods may be called from any goroutine.
type Exporter struct {
	o    Options
	turn chan struct{} // one token: bundles are made one at a time
}

// ErrBusy is wrapped where the log has not caught up in time: try again.
var ErrBusy = errors.New("the evidence is not complete yet")

// within is how long an export waits for verdicts and the log to catch up.
const within = 45 * time.Second

// New checks the options and clears the spool of what a crash has left there.
func New(o Options) (*Exporter, error) {
	if o.Store == nil || o.Events == nil || o.Intake == nil || o.Ledger == nil || o.Spool == "" || o.Log == nil {
		return nil, errors.New("evidence: Store, Events, Intake, Ledger, Spool and Log are required")
	}
	if err := os.RemoveAll(o.Spool); err != nil {
		return nil, fmt.Errorf("clear spool of evidence: %w", err)
	}
	if err := os.MkdirAll(o.Spool, 0o700); err != nil {
		return nil, fmt.Errorf("spool of evidence: %w", err)
	}
	x := &Exporter{o: o, turn: make(chan struct{}, 1)}
	x.turn <- struct{}{}
	return x, nil
}

// Bundle is a bundle that is ready to be written. It must be closed.
type Bundle struct {
	Shipment string
	Size     int64
	Unsigned []Unsigned // by gateway and epoch
	parts    []bundle.Part
	dir      string
}

// WriteTo writes the bundle. It may be called once more after an error.
func (b *Bundle) WriteTo(w io.Writer) (int64, error) {
	c := &counting{w: w}
	err := bundle.Write(c, b.parts)
	return c.n, err
}

type counting struct {
	w io.Writer
	n int64
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// File writes the bundle to a file beside its parts, for whoever reads it at
// will. The caller closes it; Close removes it.
func (b *Bundle) File() (*os.File, error) {
	f, err := os.CreateTemp(b.dir, "whole-")
	if err != nil {
		return nil, fmt.Errorf("spool of evidence: %w", err)
	}
	if _, err := b.WriteTo(f); err != nil {
		return nil, errors.Join(fmt.Errorf("spool of evidence: %w", err), f.Close())
	}
	return f, nil
}

// Close removes what the bundle has on disk.
func (b *Bundle) Close() error { return os.RemoveAll(b.dir) }

// Wanted says what a bundle is to be like.
type Wanted struct {
	// Wait is for how long gateways that are connected may take to sign their
	// newest blocks. What has happened meanwhile is left to the next bundle.
	Wait time.Duration
	// WithoutDocuments leaves out what people have attached to cases. The bundle
	// says so; the hashes are in it as they are in the log.
	WithoutDocuments bool
}

// Export makes the bundle of a shipment at once, with documents. It fails with
// ErrNotFound, and with ErrBusy where it is too early. Bundles are made one at
// a time. Blocks that their gateways have not signed yet are listed in
// Bundle.Unsigned.
func (x *Exporter) Export(ctx context.Context, shipment string) (*Bundle, error) {
	return x.ExportWith(ctx, shipment, Wanted{})
}

// ExportWith is Export of what is wanted.
func (x *Exporter) ExportWith(ctx context.Context, shipment string, want Wanted) (*Bundle, error) {
	ctx, done := context.WithTimeout(ctx, 10*time.Minute)
	defer done()
	s, err := x.settled(ctx, shipment)
	if err != nil {
		return nil, err
	}
	b, err := x.make(ctx, s, want, false)
	if err != nil || want.Wait <= 0 || len(b.Unsigned) == 0 {
		return b, err
	}
	signed, err := x.await(ctx, b.Unsigned, want.Wait)
	if err == nil && !signed {
		return b, nil
	}
	if err = errors.Join(err, b.Close()); err != nil {
		return nil, err
	}
	return x.make(ctx, s, want, false)
}

// make makes the bundle of a scope when it is its turn.
func (x *Exporter) make(ctx context.Context, s *scope, want Wanted, asStored bool) (*Bundle, error) {
	select {
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: other bundles are being made: %w", ErrBusy, ctx.Err())
	case <-x.turn:
	}
	defer func() { x.turn <- struct{}{} }()
	dir, err := os.MkdirTemp(x.o.Spool, "bundle-")
	if err != nil {
		return nil, fmt.Errorf("spool of evidence: %w", err)
	}
	d := &draft{x: x, ctx: ctx, scope: s, want: want, asStored: asStored, dir: dir}
	b, err := d.make()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("evidence of shipment %s: %w", s.shipment, err), os.RemoveAll(dir))
	}
	return b, nil
}

// state has the hub state exactly what follows from the evidence, once for each
// package that has a verdict: readings go on arriving.
func (x *Exporter) state(ctx context.Context, s *scope, stated map[string]bool) error {
	if x.o.Verdicts == nil {
		return nil
	}
	if err := x.o.Verdicts.Settled(ctx, s.position); err != nil {
		return err
	}
	told := map[string]bool{} // of the others nothing was known: they are asked for again
	for _, e := range s.events {
		told[e.Stream] = told[e.Stream] || e.Type == fact.VerdictWasRevised
	}
	var ids []string
	for id, judged := range s.packages {
		if judged && !stated[id] {
			ids, stated[id] = append(ids, id), told[fact.Ref{Kind: fact.Package, ID: id}.String()]
		}
	}
	slices.Sort(ids)
	return x.o.Verdicts.Restate(ctx, ids)
}

// settled finds what bears on the shipment after verdicts and the log have
// caught up with it.
func (x *Exporter) settled(ctx context.Context, shipment string) (*scope, error) {
	wait, done := context.WithTimeout(ctx, within)
	defer done()
	stated := map[string]bool{}
	for last := int64(-1); ; {
		s, err := x.scope(ctx, shipment)
		if err != nil {
			return nil, err
		}
		if s.position == last {
			return s, nil
		}
		last = s.position
		if err := x.state(wait, s, stated); err != nil {
			return nil, fmt.Errorf("%w: verdicts have not caught up with event %d: %w", ErrBusy, last, err)
		}
		if err := x.o.Ledger.Reach(wait, last); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBusy, err)
		}
	}
}
