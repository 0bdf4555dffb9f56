package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/hub/health"
	"frostline/hub/models"
	"frostline/hub/notify"
	"frostline/hub/trace/binding"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/dscsa/responder"
	"frostline/hub/trace/form"
	"frostline/hub/trace/lookup"
	"frostline/hub/trace/provenance"
	"frostline/hub/trace/repository"
	"frostline/hub/trace/sensing"
	"frostline/hub/trace/subscription"
	"frostline/proto/gs1"
	"frostline/proto/version"
)

// epcisConfig is how EPCIS events are exchanged.
type epcisConfig struct {
	// PrivateWebhooks lets subscriptions reach this machine and private networks.
	// Default only public addresses.
	PrivateWebhooks bool `yaml:"private_webhooks"`
	// PrefixTable is the file of GS1's table of the lengths of company prefixes, in
	// JSON. Without it what came as Digital Link cannot be told as EPC URN.
	PrefixTable string `yaml:"prefix_table"`
	// Names begins the names of what has no GS1 key in events that the hub states:
	// an address under which partners reach the hub, such as https://hub.example/.
	// Set it once: what was stated keeps its name. Default a URN of this hub's own.
	Names string `yaml:"names"`
}

// base begins the hub's own names; see Names.
func (c epcisConfig) base(fingerprint string) string {
	if c.Names != "" {
		return c.Names
	}
	return "urn:frostline:" + fingerprint[:32] + "/"
}

// translator turns Digital Links into EPC URNs by the table; nil without one.
func (c epcisConfig) translator() (form.Translator, error) {
	if c.PrefixTable == "" {
		return nil, nil
	}
	f, err := os.Open(c.PrefixTable)
	if err != nil {
		return nil, fmt.Errorf("epcis: prefix_table: %w", err)
	}
	defer f.Close()
	table, err := gs1.ReadPrefixes(f)
	if err != nil {
		return nil, fmt.Errorf("epcis: prefix_table %s: %w", c.PrefixTable, err)
	}
	return func(link string) (string, bool) {
		e, err := gs1.ReadLink(link)
		if err != nil {
			return "", false
		}
		length := table.Length(e.Company())
		if length == 0 {
			return "", false
		}
		urn, err := e.URN(length)
		return urn, err == nil
	}, nil
}

// trace is what the hub knows of serialised units from EPCIS events.
//
//	partners ──► binding ──► repository ──► events (and so the evidence log)
//	                           ▲   │
//	      events ──► sensing ──┘   ▼
//	                           subscriptions ──► partners
type trace struct {
	sensing       *sensing.Keeper
	provenance    *provenance.Teller
	repository    *repository.Repository
	subscriptions *subscription.Desk
	binding       *binding.Binding
	duties        *dscsa.Desk
	lookup        *lookup.Desk
	responder     *responder.Handler
}

const postWithin = 20 * time.Second

// openTrace makes the repository of EPCIS events and what shows it.
func (h *hub) openTrace(ctx context.Context, m models.Models) (err error) {
	t, log := &h.contexts.trace, h.log.With("part", "epcis")
	if t.repository, err = repository.New(ctx, repository.Options{Store: h.store, Events: h.contexts.events, Log: log}); err != nil {
		return err
	}
	if err = h.openSensing(m); err != nil {
		return err
	}
	urn, err := h.config.Epcis.translator()
	if err != nil {
		return err
	}
	if t.subscriptions, err = subscription.New(subscription.Options{
		Store: h.store, Repository: t.repository, URN: urn, Sender: poster{notify.NewPoster(h.config.Epcis.PrivateWebhooks, postWithin)}, Log: log,
	}); err != nil {
		return err
	}
	t.binding, err = binding.New(binding.Config{
		Repository: t.repository, Subscriptions: t.subscriptions, Tokens: h.contexts.people, URN: urn, Version: "frostline " + version.String(), Log: log,
	})
	if err != nil {
		return err
	}
	return h.openDSCSA(m, urn)
}

// run delivers to subscribers until ctx ends.
func (t *trace) run(ctx context.Context, g *errgroup.Group) {
	g.Go(func() error { return named("epcis", t.subscriptions.Run(ctx)) })
	g.Go(func() error { return named("sensing", t.sensing.Run(ctx)) })
	g.Go(func() error { return named("dscsa", t.duties.Run(ctx)) })
}

// epcisPart tells how the exchange of EPCIS events is doing.
func (h *hub) epcisPart(ctx context.Context) (health.Report, error) {
	t := &h.contexts.trace
	s, err := t.subscriptions.Status(ctx)
	var p problems
	p.add(s.Failing > 0, "%d subscribers of EPCIS events accept nothing; they are tried again", s.Failing)
	own, err2 := t.sensing.Status(ctx)
	p.add(own.Error != "", "events of the hub's own cannot be stated: %s", own.Error)
	p.add(own.Failing > 0, "of %d packages, units, excursions or holds nothing can be stated; they are tried again", own.Failing)
	p.add(own.Refused > 0, "%d events that the hub stated were not captured: see the table sensing_outbox", own.Refused)
	p.add(s.Failed > 0, "%d subscriptions to EPCIS events were given up: their subscribers are told no more until they subscribe again", s.Failed)
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		gauge("epcis_events", "EPCIS events captured.", t.repository.Last()),
		gauge("epcis_subscriptions", "Subscriptions to EPCIS events.", s.Active-s.Failing, "state", "active"),
		gauge("epcis_subscriptions", "Subscriptions to EPCIS events.", s.Failing, "state", "failing"),
		gauge("epcis_subscriptions", "Subscriptions to EPCIS events.", s.Failed, "state", "failed"),
		gauge("epcis_statements", "Events that the hub has stated of its own.", own.Holding, "state", "holding"),
		gauge("epcis_statements", "Events that the hub has stated of its own.", own.Declared, "state", "declared_wrong"),
		gauge("epcis_statements_waiting", "Events of the hub's own that are to be captured.", own.Waiting),
	}}, errors.Join(err, err2)
}

// mount puts the binding beside what else programs ask.
func mount(mux *http.ServeMux, epcis http.Handler) {
	mux.Handle(binding.Root, epcis)
	mux.Handle(binding.Root+"/", epcis)
}

// poster sends what subscriptions deliver by the guards of webhooks.
type poster struct{ *notify.Poster }

func (p poster) Send(ctx context.Context, m subscription.Message) error {
	if err := p.Post(ctx, m.URL, m.ID, m.Secret, m.Body, m.Header, time.Now(), "GS1-Signature"); err != nil {
		return fmt.Errorf("subscriber %s: %w", m.URL, err)
	}
	return nil
}
