package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"frostline/hub/dispatch/carrier"
	"frostline/hub/fact"
	"frostline/hub/health"
	"frostline/hub/notify"
)

// openCarriers takes in the partners whose mapping files are named.
func (h *hub) openCarriers(site func(context.Context, string) (*fact.Position, error)) error {
	c := &h.contexts
	all, err := carrier.LoadAll(h.config.Carriers)
	if err != nil {
		return err
	}
	c.carriers, err = carrier.New(carrier.Options{
		Carriers: all, Store: h.store, Events: c.events, Dispatch: c.dispatch, Tell: c.tellShipment, Site: site, Arrival: c.progress.ETA,
		Send: partners{public: notify.NewPoster(false, postWithin), private: notify.NewPoster(true, postWithin)}, Log: h.log.With("part", "carriers"),
	})
	return err
}

// partners sends what carriers are told by the guards of webhooks.
type partners struct{ public, private *notify.Poster }

func (p partners) Send(ctx context.Context, o carrier.Outgoing) (int, time.Duration, []byte, error) {
	by := p.public
	if o.Private {
		by = p.private
	}
	return by.Call(ctx, o.Method, o.URL, o.ID, o.Secret, o.Body, o.Header, time.Now())
}

// hook puts the webhooks of carriers beside what else programs ask.
func hook(mux *http.ServeMux, d *carrier.Desk) { mux.Handle(carrier.Pattern, d) }

func (h *hub) carriersPart(ctx context.Context) (health.Report, error) {
	all, err := h.contexts.carriers.Partners(ctx)
	var p problems
	n := h.contexts.carriers.Counts()
	figures := []health.Figure{
		counter("carrier_messages_total", "Messages of carriers that were kept.", n.Taken),
		counter("carrier_repeated_total", "Messages of carriers that were known already.", n.Again),
		counter("carrier_forged_total", "Messages that did not prove to be from a carrier.", n.Forged),
		counter("carrier_reports_total", "Reports made of messages of carriers.", n.Reports),
		counter("carrier_calls_total", "Calls that carriers have accepted.", n.Sent),
		counter("carrier_failures_total", "Rounds that failed in the hub and were tried again.", n.Failures),
	}
	for _, one := range all {
		p.add(one.Messages[carrier.Aside] > 0, "%d messages of carrier %s are set aside: see frostline carriers", one.Messages[carrier.Aside], one.Carrier)
		p.add(one.Calls[carrier.Failed] > 0, "%d calls to carrier %s were given up: it was not told; see frostline carriers", one.Calls[carrier.Failed], one.Carrier)
		p.add(one.Failing != "", "carrier %s: %s", one.Carrier, one.Failing)
		for _, state := range []string{carrier.Due, carrier.Aside} {
			figures = append(figures, gauge("carrier_messages", "Messages of carriers that wait, by state.", one.Messages[state], "carrier", one.Carrier, "state", state))
		}
		for _, state := range []string{carrier.Due, carrier.Failed} {
			figures = append(figures, gauge("carrier_calls", "Calls to carriers that wait, by state.", one.Calls[state], "carrier", one.Carrier, "state", state))
		}
	}
	if err != nil {
		err = fmt.Errorf("carriers: %w", err)
	}
	return health.Report{Problem: p.String(), Figures: figures}, err
}
