package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"frostline/hub/access"
	"frostline/hub/api"
	"frostline/hub/broker"
	"frostline/hub/fleet"
	"frostline/hub/health"
	"frostline/hub/history"
	"frostline/hub/intake"
	"frostline/hub/registry"
	"frostline/hub/store"
	"frostline/hub/web"
	"frostline/proto/release"
	"frostline/proto/topic"
)

// hub is the parts of a running hub, in the order in which they are made. They
// start in the same order, so that nothing is let in before it can be
// committed, and stop in reverse.
//
//	store ◄── access (authority, enrolment)
//	  ▲
//	intake ──► history, registry, feed ──► fleet ──► pages, socket
//	  ▲
//	broker ◄── gateways
type hub struct {
	config   config
	log      *slog.Logger
	store    *store.DB
	ca       *access.CA
	server   *access.Own
	pages    *access.Own // nil: no TLS, or files
	access   *access.Registrar
	broker   broker.Broker
	intake   *intake.Intake
	history  *history.History
	registry *registry.Registry
	feed     *intake.Feed
	fleet    *fleet.Fleet
	health   *health.Board
	metrics  *prometheus.Registry
	web      *web.Server
	api      *api.Server
	contexts contexts
}

// serve runs the hub until ctx ends and gives nil after an orderly stop.
func serve(ctx context.Context, c config, log *slog.Logger) (err error) {
	h, err := open(ctx, c, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.store.Close()) }()
	return h.run(ctx)
}

// open makes all parts. Nothing listens yet.
func open(ctx context.Context, c config, log *slog.Logger) (_ *hub, err error) {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	h := &hub{config: c, log: log, feed: &intake.Feed{}, metrics: prometheus.NewRegistry()}
	if h.store, err = store.Open(ctx, c.Store, log.With("part", "store")); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.store.Close())
		}
	}()
	if h.ca, err = access.OpenCA(filepath.Join(c.Data, "authority"), time.Now, log.With("part", "access")); err != nil {
		return nil, err
	}
	hosts := []string{"localhost", "127.0.0.1"}
	if c.Public != "" {
		hosts = append(hosts, c.Public)
	}
	if h.server, err = h.ca.Server(hosts); err != nil {
		return nil, err
	}
	if h.access, err = access.Open(ctx, access.Config{
		CA: h.ca, Repository: access.NewSQL(h.store), Addresses: h.addresses, CRL: c.Broker.CRL,
		Disconnect: func(gateway string) error { return h.broker.Disconnect(gateway) },
		Log:        log.With("part", "access"),
	}); err != nil {
		return nil, err
	}
	if h.broker, err = h.openBroker(); err != nil {
		return nil, err
	}
	if h.intake, err = intake.New(ctx, intake.Options{
		Store: h.store, Publisher: h.broker, Gateways: h.access, Log: log.With("part", "intake"),
	}); err != nil {
		return nil, err
	}
	if h.registry, err = registry.New(ctx, h.store, h.intake, log.With("part", "registry")); err != nil {
		return nil, err
	}
	if h.history, err = history.New(ctx, history.Options{
		Store: h.store, Evidence: h.intake, Series: h.registry, Log: log.With("part", "history"),
	}); err != nil {
		return nil, err
	}
	if err = h.openContexts(ctx); err != nil {
		return nil, err
	}
	follow := []intake.Sink{h.history, h.registry, h.feed, h.contexts.correlate, h.contexts.scans, h.contexts.progress}
	if h.contexts.influx != nil {
		follow = append(follow, h.contexts.influx)
	}
	h.intake.Follow(follow...)
	if err = h.openHealth(h.metrics); err != nil {
		return nil, err
	}
	h.fleet = fleet.New(h.access, h.registry, h.intake, h.history, h.feed)
	h.fleet.Desired(h.contexts.desired)
	secure, err := h.pagesTLS()
	if err != nil {
		return nil, err
	}
	provider, err := h.openProvider()
	if err != nil {
		return nil, err
	}
	if h.web, err = web.New(web.Config{Addr: c.Web, TLS: secure, Names: c.names(), Access: h.contexts.people, Passkeys: h.contexts.people, Provider: provider, Fleet: h.fleet, History: h.fleet, Feed: h.fleet,
		Stories: h.stories(), Operations: h.operations(), Excursions: h.contexts.cases, Dispatch: h.runs(), Trace: h.contexts.trace.duties, Lookup: h.contexts.trace.lookup, Sagas: h.contexts.sagas, Holds: h.contexts.holds, Parts: h.standings, Metrics: promhttp.HandlerFor(h.metrics, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(log.With("part", "metrics").Handler(), slog.LevelError)}),
		Program: h.program(h.contexts.rest.Handler(), h.contexts.trace.binding.Handler()), Log: log.With("part", "web")}); err != nil {
		return nil, err
	}
	if h.api, err = api.New(api.Config{
		Socket: filepath.Join(c.Data, "frostline.sock"), Fleet: h.fleet, History: h.fleet, Feed: h.fleet,
		Access: h.access, Authority: h.ca, CRL: c.Broker.CRL, Enrol: h.enrolAddress(), Web: c.Web, Origin: h.web.Origin,
		Checks: h.health.Checks(), People: h.contexts.people, Events: h.contexts.events, Relay: h.contexts.relay.Status, Journals: h.intake, Releases: h.contexts.rollout, Thinned: h.fleet, Rest: h.program(h.contexts.rest.Trusted(api.Actor), h.contexts.trace.binding.Trusted(api.Actor)), Log: log.With("part", "api"),
	}); err != nil {
		return nil, err
	}
	return h, nil
}

// enrolAddress is where gateways enrol, as a technician has to type it.
func (h *hub) enrolAddress() string { return h.public(h.config.Enrol) }

// public is a listener's address as others reach it.
func (h *hub) public(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if h.config.Public != "" {
		host = h.config.Public
	} else if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// addresses is where gateways are told to connect by MQTT.
func (h *hub) addresses() []string {
	c := h.config
	listen := c.MQTT
	if c.Broker.URL != "" {
		if c.Broker.Gateways != "" {
			return []string{c.Broker.Gateways}
		}
		u, err := url.Parse(c.Broker.URL)
		if err != nil {
			return nil
		}
		return []string{net.JoinHostPort(u.Hostname(), "8883")}
	}
	if e, ok := h.broker.(*broker.Embedded); ok {
		listen = e.Addr()
	}
	return []string{h.public(listen)}
}

// run starts everything and waits. When one part fails, all end.
func (h *hub) run(ctx context.Context) error {
	enrolment, err := net.Listen("tcp", h.config.Enrol)
	if err != nil {
		return fmt.Errorf("enrolment listener: %w", err)
	}
	// Two circles: what takes in stops first, then what commits and shows it.
	inner, stopInner := context.WithCancel(context.WithoutCancel(ctx))
	defer stopInner()
	core, inner := errgroup.WithContext(inner)
	core.Go(func() error { return named("history", h.history.Run(inner)) })
	core.Go(func() error { return named("registry", h.registry.Run(inner)) })
	core.Go(func() error { return named("intake", h.intake.Run(inner)) })
	core.Go(func() error { return named("fleet", h.fleet.Run(inner)) })
	core.Go(func() error { return named("access", h.access.Run(inner)) })
	h.runContexts(inner, core)
	core.Go(func() error { return named("health", h.health.Run(inner)) })
	core.Go(func() error {
		defer stopInner()
		return h.front(ctx, inner, enrolment)
	})
	return core.Wait()
}

// enrolled lists the gateways that may connect.
func (h *hub) enrolled() (all []string) {
	for _, g := range h.access.Gateways() {
		if g.Revoked == 0 {
			all = append(all, g.ID)
		}
	}
	return all
}

// front runs what faces outwards, until ctx or the core ends.
func (h *hub) front(ctx, core context.Context, enrolment net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(core, stop)()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return named("broker", h.broker.Run(ctx, h.handle)) })
	g.Go(func() error {
		s := access.NewServer(h.access, h.server, h.log.With("part", "enrolment"))
		s.ForGateways(release.Path, h.contexts.rollout)
		return named("enrolment", s.Serve(ctx, enrolment))
	})
	g.Go(func() error { return named("patients' pages", h.contexts.patients.pages.Run(ctx)) })
	g.Go(func() error { return named("pages", h.web.Run(ctx)) })
	g.Go(func() error { return named("command line socket", h.api.Run(ctx)) })
	g.Go(func() error {
		select {
		case <-h.web.Ready():
			select {
			case <-h.api.Ready():
			case <-ctx.Done():
				return nil
			}
			h.log.Info("ready", "pages", h.web.URL(), "mqtt", h.addresses(), "enrolment", enrolment.Addr().String(), "store", h.store.String(), "hub", h.intake.Instance())
			welcome{h.contexts.people.First, h.web.Origin(), h.log}.Run(ctx)
		case <-ctx.Done():
		}
		return nil
	})
	return g.Wait()
}

// handle passes a message on to whoever it is for.
func (h *hub) handle(m broker.Message) {
	if h.access.Admitted(m.Gateway) == nil && !m.Retained {
		h.registry.Heard(m.Gateway, m.Received)
	}
	if m.Lane == topic.State && h.access.Admitted(m.Gateway) == nil {
		if err := h.registry.State(m.Gateway, m.Payload, m.Received, m.Retained); err != nil {
			h.log.Warn("state refused", "gateway", m.Gateway, "err", err)
		}
		h.contexts.desired.Told(m.Gateway, m.Payload)
		h.contexts.rollout.Told(m.Gateway, m.Payload)
		h.contexts.messages.Told(m.Gateway, m.Payload)
	}
	if !m.Retained {
		h.intake.Handle(intake.Message{Gateway: m.Gateway, Lane: m.Lane, Payload: m.Payload, Received: m.Received})
	}
}

func named(part string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	return nil
}
