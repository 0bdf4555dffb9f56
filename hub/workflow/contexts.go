package workflow

import (
	"context"
	"time"

	"frostline/hub/event"
	"frostline/hub/fact"
)

// Events is what is needed of the event log; *event.Log has it.
type Events interface {
	Command(ctx context.Context, actor string, do func(context.Context, event.Change) error) ([]event.Event, error)
	Consume(ctx context.Context, name string, handle func(context.Context, []event.Event) error) error
}

// Cases tells how excursions stand.
type Cases interface {
	Standing(ctx context.Context, excursion string) (Standing, error)
}

// Standing is how an excursion stands.
type Standing struct {
	Facts fact.ExcursionFacts
	// Decided: two persons have signed what Dispositions say, or data have
	// retracted the excursion and a person has acknowledged that.
	Decided      bool
	Retracted    bool
	Closed       bool // there is nothing more to be done about it
	Dispositions []fact.Disposition
}

// Holds keeps what nobody may give away. Both are done once for each id: an
// error that wraps record.ErrExists means that it was.
type Holds interface {
	Place(ctx context.Context, actor, reason string, p fact.HoldPlaced) error
	Lift(ctx context.Context, actor, reason string, l fact.HoldLifted) error
	// Held reports whether any hold stands on a package.
	Held(ctx context.Context, pkg string) (bool, error)
}

// Orders keeps orders and shipments. What makes something is done once for each
// id, as in Holds; what cancels something that is cancelled has no effect.
type Orders interface {
	// Shipment gives the shipment that a package belongs to, delivered or not,
	// and its order; "" where there is none, or it was cancelled.
	Shipment(ctx context.Context, pkg string) (shipment, order string, err error)
	// Again gives an order like one that cannot be delivered, and the plan of its
	// shipment, with ids given: for the units, or, where none are given, for all
	// of it. short names a product of which the site it comes from has not enough.
	Again(ctx context.Context, order, shipment string, units []string) (o fact.OrderPlaced, p fact.ShipmentPlanned, short string, err error)
	Place(ctx context.Context, actor, reason string, o fact.OrderPlaced) error
	Plan(ctx context.Context, actor, reason string, p fact.ShipmentPlanned) error
	Cancel(ctx context.Context, actor, reason, order string) error
	CancelShipment(ctx context.Context, actor, reason, shipment string) error
	// Patient gives the token that an order is for, "" where it has none.
	Patient(ctx context.Context, order string) (string, error)
}

// Dispatch keeps who carries what where. What makes or states something is done
// once for each id, as in Holds.
type Dispatch interface {
	// Job gives the newest job of a shipment that was not cancelled, nil for none,
	// and its stops that have not ended, of routes that have not.
	Job(ctx context.Context, shipment string) (*fact.JobPlanned, []fact.SagaStop, error)
	Hold(ctx context.Context, actor, reason string, h fact.StopHeld) error
	Report(ctx context.Context, actor, reason string, r fact.RouteReported) error
	Message(ctx context.Context, actor, reason string, m fact.CourierMessaged) error
	Plan(ctx context.Context, actor, reason string, j fact.JobPlanned) error
	Cancel(ctx context.Context, actor, reason, job string) error
}

// What is done with a delivery that is under way.
const (
	StopHold   = "hold"   // its stop is not delivered until quality has decided
	StopRecall = "recall" // the courier comes back with all that it carries
	StopAsk    = "ask"    // a person decides: the saga is parked
)

// Config says which excursions start sagas, and what these do. It can be changed
// while sagas are under way: Remind and Tries count for all at once, the rest for
// those that begin from then on.
type Config struct {
	Off bool `yaml:"off"` // no saga is started; those that run go on
	// Severities of excursions that start one; default alarm and critical.
	Severities []string `yaml:"severities"`
	// Stop is done with a delivery that is under way: hold (default), recall, ask.
	// A saga keeps to what was configured when it began, so that it lets go what it
	// has held, whatever is configured by then.
	Stop string `yaml:"stop"`
	// Remind is how long quality has before it is reminded, again and again; 1m
	// to 168h, default 4h.
	Remind time.Duration `yaml:"remind"`
	// Tries of a step before a person is asked, 1 to 20; default 8, which is some
	// minutes. While the hub's own store fails a step is tried without end.
	Tries int `yaml:"tries"`
}
