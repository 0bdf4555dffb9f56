package carrier

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"frostline/hub/dispatch"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
)

// consumer is the desk's name among the consumers of events.
const consumer = "carriers"

// tooLate is how old an event is that partners are told nothing of any more, as
// are those from before a hub had partners.
const tooLate = 24 * time.Hour

const lookAhead = 30 * time.Second // between looks at estimates

// follow writes down what partners are to be told, until ctx ends.
func (d *Desk) follow(ctx context.Context) error {
	if d.o.Arrival != nil {
		done := make(chan struct{})
		go func() { defer close(done); d.estimates(ctx) }()
		defer func() { <-done }()
	}
	return d.o.Events.Consume(ctx, consumer, func(ctx context.Context, all []event.Event) error {
		for _, e := range all {
			if err := d.Handle(ctx, e); err != nil {
				return fmt.Errorf("event %d, %s: %w", e.Position, e.Type, err)
			}
		}
		return nil
	})
}

// Handle writes down what partners are to be told of an event, once however
// often it is handed over.
func (d *Desk) Handle(ctx context.Context, e event.Event) error {
	if len(d.carriers) == 0 || d.now()-e.At > tooLate.Milliseconds() {
		return nil
	}
	v, err := record.Data(e, fact.RouteWasPlanned, fact.RouteWasReported, fact.StopWasReported)
	if err != nil || v == nil {
		return err
	}
	var route string
	switch r := v.(type) {
	case *fact.RoutePlanned:
		route = r.ID
	case *fact.RouteReported:
		route = r.Route
	case *fact.StopReported:
		route = r.Route
	}
	leg, err := d.o.Dispatch.Leg(ctx, route)
	if err != nil {
		return err
	}
	if p, ok := v.(*fact.RoutePlanned); ok {
		leg.RoutePlanned = *p // as the event has it, not as it is by now
	}
	courier, err := d.o.Dispatch.Courier(ctx, leg.Courier)
	if err != nil {
		return err
	}
	shipments := map[string]string{}
	for _, s := range leg.Stops {
		if _, known := shipments[s.Job]; !known {
			j, err := d.o.Dispatch.Job(ctx, s.Job)
			if err != nil {
				return err
			}
			shipments[s.Job] = j.Shipment
		}
	}
	err = d.o.Store.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		done, err := passed(ctx, tx, e.Position)
		if err != nil || done {
			return err
		}
		w := writer{d, tx, e, leg, courier.Party, shipments}
		switch r := v.(type) {
		case *fact.RoutePlanned:
			return w.bookings(ctx, false)
		case *fact.RouteReported:
			if r.Status == "cancelled" {
				return w.bookings(ctx, true)
			}
			if r.Status == "started" {
				return w.tasks(ctx, "started", r.At, "")
			}
		case *fact.StopReported:
			if trigger := triggers[r.Status]; trigger != "" && r.Withdraws == "" {
				return w.tasks(ctx, trigger, r.At, r.Stop)
			}
		}
		return nil
	})
	for _, p := range d.carriers {
		wake(p.due)
	}
	return err
}

var triggers = map[string]string{"arrived": "arrival", "completed": "completed", "failed": "failed"}

// passed moves the cursor over an event; done tells that it was there already.
func passed(ctx context.Context, tx *store.Tx, position int64) (done bool, err error) {
	var at int64
	err = tx.QueryRow(ctx, "SELECT position FROM carrier_cursor WHERE name = 'calls'").Scan(&at)
	if err != nil && !errors.Is(err, sql.ErrNoRows) || at >= position {
		return at >= position, err
	}
	_, err = tx.Exec(ctx, "INSERT INTO carrier_cursor (name, position) VALUES ('calls', $1) ON CONFLICT (name) DO UPDATE SET position = excluded.position", position)
	return false, err
}

// writer writes calls of one event down.
type writer struct {
	d         *Desk
	tx        *store.Tx
	e         event.Event
	leg       dispatch.Route
	party     string
	shipments map[string]string
}

// bookings books what the plan gives to a partner, and cancels what it does not
// give any more.
func (w writer) bookings(ctx context.Context, none bool) error {
	old, err := calls(w.tx.Query(ctx, "SELECT "+callColumns+" FROM carrier_call WHERE route = $1 AND kind IN ('book', 'cancel') ORDER BY number", w.leg.ID))
	if err != nil {
		return err
	}
	standing := map[string]Call{} // by carrier and job
	for _, c := range old {
		if key := c.Carrier + " " + c.Job; c.Kind == "book" {
			standing[key] = c
		} else {
			delete(standing, key)
		}
	}
	for _, name := range w.d.names() {
		p := w.d.carriers[name]
		if p.Booking == nil || p.Party != w.party || none {
			continue
		}
		for _, s := range w.leg.Stops {
			key := name + " " + s.Job
			if s.Kind != "delivery" {
				continue
			}
			if _, booked := standing[key]; booked {
				delete(standing, key)
				continue
			}
			if err := w.insert(ctx, Call{Carrier: name, Kind: "book", Stop: s.ID, Job: s.Job, At: w.e.At}, strconv.FormatInt(w.e.Position, 10)); err != nil {
				return err
			}
		}
	}
	for _, c := range old {
		if b, still := standing[c.Carrier+" "+c.Job]; still && b.ID == c.ID {
			if err := w.insert(ctx, Call{Carrier: c.Carrier, Kind: "cancel", Stop: c.Stop, Job: c.Job, Shipment: c.Shipment, At: w.e.At, booking: c.ID}, c.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// tasks tells a trigger of the deliveries of the route, or of one stop.
func (w writer) tasks(ctx context.Context, trigger string, at int64, stop string) error {
	for _, name := range w.d.names() {
		p := w.d.carriers[name]
		if t := p.Tasks; t == nil || t.Of == "own" && p.Party != w.party || !slices.Contains(t.Triggers, trigger) {
			continue
		}
		for _, s := range w.leg.Stops {
			if s.Kind != "delivery" || stop != "" && s.ID != stop {
				continue
			}
			if err := w.insert(ctx, Call{Carrier: name, Kind: trigger, Stop: s.ID, Job: s.Job, At: at}, s.Job); err != nil {
				return err
			}
		}
	}
	return nil
}

// insert completes a call and writes it down. its is what makes it one of its
// kind for the route and stop.
func (w writer) insert(ctx context.Context, c Call, its string) error {
	c.ID, c.Route, c.Due = digest(c.Kind, c.Carrier, w.leg.ID, c.Stop, its), w.leg.ID, w.d.now()
	if c.Shipment == "" {
		c.Shipment = w.shipments[c.Job]
	}
	return insert(ctx, w.tx, c)
}

func (d *Desk) names() []string {
	var all []string
	for name := range d.carriers {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}
