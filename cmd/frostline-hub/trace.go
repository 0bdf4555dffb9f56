package main

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/hub/notify"
	"frostline/hub/trace/binding"
	"frostline/hub/trace/repository"
	"frostline/hub/trace/subscription"
	"frostline/proto/version"
)

// epcisConfig is how EPCIS events are exchanged.
type epcisConfig struct {
	// PrivateWebhooks lets subscriptions reach this machine and private networks.
	// Default only public addresses.
	PrivateWebhooks bool `yaml:"private_webhooks"`
}

// trace is what the hub knows of serialised units from EPCIS events.
//
//	partners ──► binding ──► repository ──► events (and so the evidence log)
//	                            │
//	                            ▼
//	                       subscriptions ──► partners
type trace struct {
	repository    *repository.Repository
	subscriptions *subscription.Desk
	binding       *binding.Binding
}

const postWithin = 20 * time.Second

// openTrace makes the repository of EPCIS events and what shows it.
func (h *hub) openTrace(ctx context.Context) (err error) {
	t, log := &h.contexts.trace, h.log.With("part", "epcis")
	if t.repository, err = repository.New(ctx, repository.Options{Store: h.store, Events: h.contexts.events, Log: log}); err != nil {
		return err
	}
	if t.subscriptions, err = subscription.New(subscription.Options{
		Store: h.store, Repository: t.repository, Sender: poster{notify.NewPoster(h.config.Epcis.PrivateWebhooks, postWithin)}, Log: log,
	}); err != nil {
		return err
	}
	t.binding, err = binding.New(binding.Config{
		Repository: t.repository, Subscriptions: t.subscriptions, Tokens: h.contexts.people, Version: "frostline " + version.String(), Log: log,
	})
	return err
}

// run delivers to subscribers until ctx ends.
func (t *trace) run(ctx context.Context, g *errgroup.Group) {
	g.Go(func() error { return named("epcis", t.subscriptions.Run(ctx)) })
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
