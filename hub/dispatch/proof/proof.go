package proof

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/proto/thermal"
)

// Dispatch is what a proof is about; *dispatch.Dispatch has it.
type Dispatch interface {
	Leg(ctx context.Context, id string) (dispatch.Route, error)
	Job(ctx context.Context, id string) (dispatch.Job, error)
	Courier(ctx context.Context, id string) (dispatch.Courier, error)
	Place(ctx context.Context, id string) (p dispatch.Place, found bool, err error)
	ReportStop(ctx context.Context, actor, reason string, r fact.StopReported) (dispatch.Route, error)
}

// Log is what the desk needs of the event log; *event.Log has it.
type Log interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
	Stream(ctx context.Context, stream string, after int64, limit int) ([]event.Event, error)
	Consume(ctx context.Context, name string, handle func(context.Context, []event.Event) error) error
}

// Options of New. All are required but Skew and Now.
type Options struct {
	Events   Log
	Dispatch Dispatch
	// HandOver takes a hand-over, once for its id, and says what a person should
	// look at.
	HandOver func(ctx context.Context, actor, reason string, h fact.HandedOver) (flags []string, err error)
	// Packages gives what was in a shipment at an instant and not closed before.
	Packages func(ctx context.Context, shipment string, at int64) ([]string, error)
	// Inside gives the package that a unit was in at an instant; "" for none.
	Inside func(ctx context.Context, unit string, at int64) (pkg string, err error)
	// Patient gives the token of the patient whom a shipment is for; "" for none.
	Patient func(ctx context.Context, shipment string) (string, error)
	// Known reports whether there is a party.
	Known func(ctx context.Context, party string) (bool, error)
	Skew  time.Duration // how far a proof may lie ahead of the hub's clock; 0: two minutes
	Now   func() time.Time
	Log   *slog.Logger
}

// Desk takes proofs. It is safe for concurrent use.
type Desk struct{ o Options }

// New makes a desk. It starts nothing.
func New(o Options) (*Desk, error) {
	if o.Events == nil || o.Dispatch == nil || o.HandOver == nil || o.Packages == nil || o.Inside == nil || o.Patient == nil || o.Known == nil || o.Log == nil {
		return nil, errors.New("proof: all options but Skew and Now are required")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Skew == 0 {
		o.Skew = 2 * time.Minute
	}
	return &Desk{o}, nil
}

// Request is what somebody at the door tells.
type Request struct {
	ID, Route, Stop string
	At              int64 // UTC, Unix ms
	Uncertainty     int64 // of it, ms
	Codes           []string
	To, Role        string
	Seal            string
	Temperature     *thermal.Temp
	NoTemperature   string
	Position        *fact.Position
	NoPosition      string
	Marks           []fact.Mark
	Second          string
	Identity        *fact.Identity
}

// Outcome is what a proof came to.
type Outcome struct {
	Proof fact.ProofGiven `json:"proof"`
	Route dispatch.Route  `json:"-"`
	// HandOver is the id of the hand-over of custody.
	HandOver string   `json:"handOver"`
	Flags    []string `json:"flags,omitempty" doc:"What a person should look at, in words."`
}

// consumer is the desk's name among the consumers of events.
const consumer = "proofs"

// Follow completes what was proven, until ctx ends; it then returns nil.
func (d *Desk) Follow(ctx context.Context) error {
	return d.o.Events.Consume(ctx, consumer, func(ctx context.Context, all []event.Event) error {
		for _, e := range all {
			if e.Type != fact.ProofWasGiven {
				continue
			}
			v, err := fact.Decode(e.Type, e.Data)
			if err == nil {
				_, err = d.complete(ctx, e.Actor, *v.(*fact.ProofGiven))
			}
			if err != nil {
				return fmt.Errorf("event %d, %s: %w", e.Position, e.Type, err)
			}
		}
		return nil
	})
}

// complete hands over and ends the stop, once however often it is called.
func (d *Desk) complete(ctx context.Context, actor string, p fact.ProofGiven) (Outcome, error) {
	out := Outcome{Proof: p, HandOver: derived("ph", p.ID), Flags: p.Flags}
	h := fact.HandedOver{
		ID: out.HandOver, Subject: fact.Ref{Kind: fact.Shipment, ID: p.Shipment}, From: p.From, To: p.To, Role: p.Role, At: p.At, Uncertainty: p.Uncertainty,
		Seal: p.Seal, Temperature: p.Temperature, Position: p.Position, NoPosition: p.NoPosition,
	}
	if p.Distance != nil {
		h.NoPosition = fmt.Sprintf("%d m (within %d m) from the place of the stop, whose position is not told", (*p.Distance+500)/1000, (p.Accuracy+999)/1000)
	}
	flags, err := d.o.HandOver(ctx, actor, "", h)
	if err != nil {
		return out, fmt.Errorf("hand over: %w", err)
	}
	out.Flags = append(out.Flags, flags...)
	if out.Route, err = d.o.Dispatch.ReportStop(ctx, actor, "", fact.StopReported{
		ID: derived("ps", p.ID), Route: p.Route, Stop: p.Stop, Status: "completed", At: p.At, Uncertainty: min(p.Uncertainty, 86_400_000), Position: p.Position, Source: actor, HandOver: out.HandOver,
	}); err != nil {
		return out, fmt.Errorf("complete the stop: %w", err)
	}
	return out, nil
}

// Proofs gives the proofs of a shipment, in the order in which they came. The
// error wraps record.ErrNotFound where nothing is known of it.
func (d *Desk) Proofs(ctx context.Context, shipment string) (all []fact.ProofGiven, err error) {
	const page = 500
	for after := int64(0); ; {
		events, err := d.o.Events.Stream(ctx, fact.Ref{Kind: fact.Shipment, ID: shipment}.String(), after, page)
		if err != nil {
			return nil, err
		}
		if len(events) == 0 && after == 0 {
			return nil, fmt.Errorf("shipment %q: %w", shipment, record.ErrNotFound)
		}
		for _, e := range events {
			after = e.Version
			if e.Type != fact.ProofWasGiven {
				continue
			}
			v, err := fact.Decode(e.Type, e.Data)
			if err != nil {
				return nil, err
			}
			all = append(all, *v.(*fact.ProofGiven))
		}
		if len(events) < page {
			return all, nil
		}
	}
}
