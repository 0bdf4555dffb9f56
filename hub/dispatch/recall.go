package dispatch

import (
	"context"
	"fmt"
	"slices"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/proto/mandate"
)

// Hold keeps a stop from being delivered, or lets it go again, or what was called
// back; see Recall. A stop that has ended cannot be held, and what Options.Kept
// keeps is not let go. An At of 0 is the hub's clock.
func (d *Dispatch) Hold(ctx context.Context, actor, reason string, h fact.StopHeld) (Route, error) {
	if h.Recalled && h.Held {
		return Route{}, record.Invalidf("recalled: a stop is called back by a recall, which tells whoever drives")
	}
	return d.state(ctx, actor, reason, d.holds(actor, h))
}

// holds is the statement that a stop is held, or not any more.
func (d *Dispatch) holds(actor string, h fact.StopHeld) statement {
	h.Made, h.At = d.made(h.Made), d.made(h.At)
	return statement{id: h.ID, route: h.Route, at: h.At, made: h.Made, note: h.Cause, typ: fact.StopWasHeld, data: h, check: func(ctx context.Context, route Route) error {
		if err := route.has(h.Stop); err != nil {
			return err
		}
		if h.Recalled && !h.Held && route.Status() == "recalled" {
			return record.Refusedf("stop %q: the whole route is recalled; plan another for what it brings back", h.Stop)
		}
		for _, s := range route.Visits() {
			switch {
			case s.ID != h.Stop:
			case h.Held && s.Ended():
				return record.Refusedf("stop %q: is %s already", h.Stop, s.Status)
			case !h.Held && !h.Recalled && s.Held && d.o.Kept != nil:
				if why, err := d.o.Kept(ctx, actor, h.Route, h.Stop); err != nil || why != "" {
					return refusedFor(err, "stop %q: %s", h.Stop, why)
				}
			}
		}
		return nil
	}}
}

func refusedFor(err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	return record.Refusedf(format, args...)
}

// MaxMessage is how long a message to whoever drives can be, in bytes of UTF-8: so
// much goes into one command to a gateway, and is read at a glance.
const MaxMessage = mandate.MaxMessage

// Message tells whoever drives something, on the panel of the gateway. An At of
// 0 is the hub's clock.
func (d *Dispatch) Message(ctx context.Context, actor, reason string, m fact.CourierMessaged) (Route, error) {
	return d.state(ctx, actor, reason, d.tells(m))
}

func (d *Dispatch) tells(m fact.CourierMessaged) statement {
	m.At = d.made(m.At)
	return statement{id: m.ID, route: m.Route, at: m.At, made: m.At, note: m.Text, typ: fact.CourierWasMessaged, data: m, check: func(context.Context, Route) error {
		if len(m.Text) == 0 || len(m.Text) > MaxMessage {
			return record.Invalidf("text: %d bytes; want 1 to %d", len(m.Text), MaxMessage)
		}
		return nil
	}}
}

// Recalling is what is called back.
type Recalling struct {
	ID    string // of the statement, as in Report: told twice it is one
	Route string
	Stop  string // the delivery; "": the route, with all deliveries that have not ended
	Cause string // required
	Text  string // told to whoever drives; "": the usual words, which name the stop
}

// Recall calls a delivery back, or all that is left of a route: its stops are held
// as recalled, and whoever drives is told to bring it back, all of it or nothing.
// A route that is recalled as a whole is reported to be, and stays so.
func (d *Dispatch) Recall(ctx context.Context, actor, reason string, c Recalling) (Route, error) {
	if c.Cause == "" {
		return Route{}, record.Invalidf("cause: say why it is called back")
	}
	if c.Text == "" {
		if c.Text = "Come back with all that is left: do not hand anything over any more."; c.Stop != "" {
			c.Text = fmt.Sprintf("Do not hand over stop %s: bring it back.", c.Stop)
		}
	}
	message := d.tells(fact.CourierMessaged{ID: c.ID, Route: c.Route, Text: c.Text})
	if err := d.sound(message); err != nil {
		return Route{}, err
	}
	var out Route
	err := d.command(ctx, actor, reason, func(ctx context.Context, ch event.Change) (err error) {
		if out, err = record.Get(ctx, ch, d.o.Model.routes, fact.Ref{Kind: fact.Route, ID: c.Route}); err != nil {
			return err
		}
		if again, err := d.known(ctx, ch, message); err != nil || again {
			return c.again(out, err)
		}
		all, err := d.recalls(out, actor, c)
		if err != nil {
			return err
		}
		for _, s := range append(all, message) {
			if err := d.sound(s); err != nil {
				return err
			}
			if out, err = d.stated(ctx, ch, reason, s); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// again fails for a recall whose message was told already, unless it was by this
// recall: then it was done, whole.
func (c Recalling) again(r Route, err error) error {
	if err != nil {
		return err
	}
	id := digest("recall", c.ID)
	if c.Stop != "" {
		id = digest("recall", c.ID, c.Stop)
	}
	if _, none := r.said(id); none != nil {
		return fmt.Errorf("id %q: a statement about route %s is %w; give each an id of its own", c.ID, r.ID, record.ErrExists)
	}
	return nil
}

// recalls are the statements that a recall consists of, but for the message.
func (d *Dispatch) recalls(r Route, actor string, c Recalling) (all []statement, err error) {
	switch status := r.Status(); status {
	case "ended", "cancelled", "recalled":
		return nil, record.Refusedf("route %q: is %s already", r.ID, status)
	}
	if c.Stop != "" {
		if err := r.has(c.Stop); err != nil {
			return nil, err
		}
	} else {
		at := d.now()
		rep := fact.RouteReported{ID: digest("recall", c.ID), Route: r.ID, Status: "recalled", At: at, Made: at, Source: actor, Note: c.Cause}
		all = append(all, statement{id: rep.ID, route: r.ID, at: at, made: at, note: c.Cause, typ: fact.RouteWasReported, data: rep, check: func(context.Context, Route) error { return nil }})
	}
	for _, v := range r.Visits() {
		switch {
		case c.Stop != "" && v.ID != c.Stop:
			continue
		case c.Stop != "" && v.Kind != "delivery":
			return nil, record.Refusedf("stop %q: is a %s; only deliveries are called back", v.ID, v.Kind)
		case c.Stop != "" && v.Recalled:
			return nil, record.Refusedf("stop %q: is recalled already", v.ID)
		case c.Stop == "" && (v.Kind != "delivery" || v.Ended() || v.Recalled):
			continue
		}
		all = append(all, d.holds(actor, fact.StopHeld{ID: digest("recall", c.ID, v.ID), Route: r.ID, Stop: v.ID, Held: true, Recalled: true, Cause: c.Cause}))
	}
	return all, nil
}

// Received keeps what became of a message at a gateway, once. Its error wraps
// record.ErrNotFound for a message that was never told.
func (d *Dispatch) Received(ctx context.Context, m fact.MessageReceived) error {
	if err := among("status", m.Status, fact.MessageStatuses); err != nil {
		return err
	}
	m.Note = clip(m.Note)
	return d.command(ctx, "device/"+m.Gateway, "", func(ctx context.Context, ch event.Change) error {
		in, err := d.o.Model.routes.Find(ctx, ch, "report", m.Message, "", 1)
		if err != nil {
			return err
		}
		if len(in) == 0 || !slices.ContainsFunc(in[0].Doc.Messages, func(x fact.CourierMessaged) bool { return x.ID == m.Message }) {
			return fmt.Errorf("message %q: %w", m.Message, record.ErrNotFound)
		}
		m.Route = in[0].ID
		if slices.ContainsFunc(in[0].Doc.Received, func(x fact.MessageReceived) bool {
			return x.Message == m.Message && x.Gateway == m.Gateway && x.Status == m.Status
		}) {
			return nil
		}
		_, err = ch.Append(ctx, event.New{Stream: fact.Ref{Kind: fact.Route, ID: m.Route}.String(), Expect: -1, Type: fact.MessageWasReceived, Data: m})
		return err
	})
}

// clip makes a gateway's words fit for a note.
func clip(s string) string {
	if fact.CheckNote("note", s) != nil {
		return "it said why in words that cannot be kept"
	}
	return s
}
