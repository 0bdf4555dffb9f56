package dscsa

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/trace/dscsa/vrs"
	"frostline/hub/trace/repository"
)

// Log is what is needed of the event log; *event.Log has it.
type Log interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
	Consume(ctx context.Context, name string, handle func(context.Context, []event.Event) error) error
	Read(ctx context.Context, after int64, limit int, types ...string) ([]event.Event, error)
	Stream(ctx context.Context, stream string, after int64, limit int) ([]event.Event, error)
}

// Repository keeps EPCIS events; *repository.Repository does.
type Repository interface {
	Capture(ctx context.Context, c repository.Capture) (repository.Job, error)
	Fetch(ctx context.Context, q repository.Query, from *repository.Position, limit int) ([]repository.Row, *repository.Position, error)
	Last() int64
}

// Products tells which product has a GTIN of 14 digits.
type Products interface {
	ByGTIN(ctx context.Context, gtin string) (p fact.ProductRecord, found bool, err error)
}

// Units tells of serialised units and takes new ones. Receive is asked for units
// of products that there are only, at most 500 at once, all or none.
type Units interface {
	Unit(ctx context.Context, id string) (u fact.UnitReceived, found bool, err error)
	Receive(ctx context.Context, actor, reason string, units []fact.UnitReceived) error
}

// Load is a shipment with what is in it.
type Load struct {
	Plan       fact.ShipmentPlanned
	Dispatched int64 // Unix ms; 0 while it has not left
	Parcels    []Parcel
	From, To   fact.SiteRecord // zero where it has none
}

// Parcel is a package of a shipment.
type Parcel struct {
	ID     string // SSCC or label
	Packed int64  // Unix ms
	Units  []fact.UnitReceived
}

// Shipments gives what is in a shipment as it left.
type Shipments interface {
	Load(ctx context.Context, shipment string) (l Load, found bool, err error)
}

// Translator turns a GS1 Digital Link into an EPC URN; ok is false where the
// length of its company prefix is not known.
type Translator func(link string) (urn string, ok bool)

// Options of New.
type Options struct {
	Config     Config
	Log        Log              // required
	Store      *store.DB        // required
	Model      *Model           // required, and among the Log's models
	Repository Repository       // required
	Products   Products         // required
	Units      Units            // required
	Shipments  Shipments        // required
	URN        Translator       // nil: only what the configuration and partners' documents say
	Client     *vrs.Client      // nil: one by http.DefaultTransport
	Now        func() time.Time // nil: time.Now
	Logger     *slog.Logger     // required
}

// Desk keeps the duties. It is safe for concurrent use. Errors of commands wrap
// those of package record.
type Desk struct {
	o    Options
	zone *time.Location
}

// New makes a Desk. It starts nothing.
func New(o Options) (*Desk, error) {
	if o.Log == nil || o.Store == nil || o.Model == nil || o.Repository == nil || o.Products == nil || o.Units == nil || o.Shipments == nil || o.Logger == nil {
		return nil, errors.New("dscsa: Log, Store, Model, Repository, Products, Units, Shipments and Logger are required")
	}
	if err := o.Config.defaults(); err != nil {
		return nil, fmt.Errorf("dscsa: %w", err)
	}
	zone, err := time.LoadLocation(o.Config.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("dscsa: time_zone: %w", err)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Client == nil {
		o.Client = vrs.NewClient(nil)
	}
	return &Desk{o, zone}, nil
}

func (d *Desk) now() int64 { return d.o.Now().UnixMilli() }

// command runs do in a transaction, after what is checked of every command.
func (d *Desk) command(ctx context.Context, actor, reason string, do func(context.Context, event.Change) error) error {
	if err := fact.CheckNote("reason", reason); err != nil {
		return record.Invalid(err)
	}
	_, err := d.o.Log.Command(ctx, actor, do)
	return err
}

// add appends an event about a thing.
func add(ctx context.Context, ch event.Change, ref fact.Ref, typ, reason string, data any) error {
	_, err := ch.Append(ctx, event.New{Stream: ref.String(), Expect: -1, Type: typ, Reason: reason, Data: data})
	return err
}

// because wants a reason.
func because(reason string) error {
	if reason == "" {
		return record.Invalidf("reason: say why")
	}
	return nil
}
