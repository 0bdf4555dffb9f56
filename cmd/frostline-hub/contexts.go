package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"frostline/hub/access"
	"frostline/hub/asset"
	"frostline/hub/catalog"
	"frostline/hub/correlate"
	"frostline/hub/custody"
	"frostline/hub/desired"
	"frostline/hub/desired/compose"
	"frostline/hub/dispatch"
	"frostline/hub/dispatch/carrier"
	"frostline/hub/dispatch/footprint"
	"frostline/hub/dispatch/progress"
	"frostline/hub/dispatch/proof"
	"frostline/hub/dispatch/propose"
	messages "frostline/hub/dispatch/relay"
	"frostline/hub/dispatch/risk"
	"frostline/hub/dossier"
	"frostline/hub/event"
	"frostline/hub/event/relay"
	"frostline/hub/evidence"
	"frostline/hub/evidence/ledger"
	"frostline/hub/evidence/witness"
	"frostline/hub/excursion"
	"frostline/hub/hold"
	"frostline/hub/influx"
	"frostline/hub/models"
	"frostline/hub/notify"
	"frostline/hub/orders"
	"frostline/hub/people"
	"frostline/hub/report"
	"frostline/hub/rest"
	"frostline/hub/rollout"
	"frostline/hub/scan"
	"frostline/hub/trace/dscsa/responder"
	"frostline/hub/web"
	"frostline/hub/web/patient"
	"frostline/hub/workflow"
	"frostline/proto/thermal"
	"frostline/proto/version"
)

// contexts are what the hub knows beyond gateways and readings: orders and
// packages, what happened to them, and who may say so. They meet in the event
// log.
//
//	people, catalog, orders, custody ──► events ──► correlate ──► excursion ──► notify
//	                                       │            ▲
//	                                       ▼            └── readings
//	                                relay, ledger ──► evidence
type contexts struct {
	people     *people.Keeper
	events     *event.Log
	relay      *relay.Relay
	catalog    *catalog.Catalog
	orders     *orders.Orders
	custody    *custody.Custody
	scans      *scan.Keeper
	correlate  *correlate.Engine
	cases      *excursion.Cases
	notify     *notify.Notifier
	holds      *hold.Holds
	sagas      *workflow.Engine
	dispatch   *dispatch.Dispatch
	progress   *progress.Tracker
	risk       *risk.Board
	proposals  *propose.Desk
	carriers   *carrier.Desk
	proofs     *proof.Desk
	assets     *asset.Desk
	footprints *footprint.Meter
	ledger     *ledger.Ledger
	evidence   *evidence.Exporter
	dossiers   *dossier.Builder
	reports    *report.Desk
	desired    *desired.Keeper
	composer   *compose.Composer
	messages   *messages.Relay
	rollout    *rollout.Keeper
	influx     *influx.Writer // nil: none is configured
	rest       *rest.API
	trace      trace
	patients   patients
}

// openContexts makes all contexts. Nothing runs yet.
func (h *hub) openContexts(ctx context.Context) (err error) {
	c, part := &h.contexts, func(name string) *slog.Logger { return h.log.With("part", name) }
	m := models.New()
	connect, jetstream := h.broker.(interface {
		Connect(context.Context, string) (*nats.Conn, error)
	})
	if c.events, err = event.Open(ctx, event.Options{Store: h.store, Models: m.All(), Outbox: jetstream, Log: part("events")}); err != nil {
		return err
	}
	ro := relay.Options{Events: c.events, Log: part("relay")}
	if jetstream {
		ro.Connect = func(ctx context.Context) (*nats.Conn, error) { return connect.Connect(ctx, "relay") }
	}
	if c.relay, err = relay.New(ro); err != nil {
		return err
	}
	if c.people, err = people.New(people.Options{Store: h.store, Log: part("people")}); err != nil {
		return err
	}
	if c.custody, err = custody.New(custody.Options{Log: c.events, Store: h.store, Model: m.Custody, Catalog: m.Catalog, Orders: m.Orders, Logger: part("custody")}); err != nil {
		return err
	}
	if c.scans, err = scan.New(scan.Options{
		Store: h.store, Evidence: h.intake, Times: h.history, Custody: device{c.custody}, Events: c.events, Log: part("scans"),
	}); err != nil {
		return err
	}
	if c.catalog, err = catalog.New(catalog.Options{
		Log: c.events, Store: h.store, Model: m.Catalog, Attacher: c.custody,
		Enrolled: func(gateway string) bool { return h.access.Admitted(gateway) == nil }, Logger: part("catalog"),
	}); err != nil {
		return err
	}
	if _, err = c.catalog.Seed(ctx, thermal.Ready()); err != nil {
		return fmt.Errorf("enter the ready-made profiles: %w", err)
	}
	if c.correlate, err = correlate.New(ctx, correlate.Options{
		Store: h.store, Events: c.events, History: h.history, Series: measured{h.registry}, Evidence: h.intake, Log: part("correlate"),
	}); err != nil {
		return err
	}
	if c.orders, err = orders.New(orders.Options{
		Log: c.events, Store: h.store, Model: m.Orders, Catalog: m.Catalog, Places: c.custody, Verdicts: words{c.correlate}, Holds: m.Holds, Logger: part("orders"),
	}); err != nil {
		return err
	}
	if c.dispatch, err = dispatch.New(dispatch.Options{
		Log: c.events, Store: h.store, Model: m.Dispatch, Catalog: m.Catalog, Shipments: m.Orders, Kept: c.keptStop, Logger: part("dispatch"),
	}); err != nil {
		return err
	}
	router, site := h.config.Road.router(part("road")), gate(m.Catalog, h.store)
	if c.progress, err = progress.New(ctx, progress.Options{
		Store: h.store, Events: c.events, Routes: c.dispatch, Measured: tracks{h.history, h.registry}, Site: site,
		Road: router, Log: part("progress"),
	}); err != nil {
		return err
	}
	if c.risk, err = risk.NewBoard(risk.Options{
		Events: c.events, Routes: c.dispatch, Loads: loads{c.correlate}, Packages: inShipment(c.orders), Arrival: c.progress.ETA, Log: part("risk"),
	}); err != nil {
		return err
	}
	if err = h.openProposals(router, site, part("proposals")); err != nil {
		return err
	}
	if err = h.openAssets(m.Assets, m.Catalog, router, site); err != nil {
		return err
	}
	if err = h.openProofs(m.Catalog); err != nil {
		return err
	}
	if err = h.openCarriers(gate(m.Catalog, h.store)); err != nil {
		return err
	}
	if c.notify, err = notify.New(notify.Options{Config: h.config.Notify, Events: c.events, Store: h.store, Log: part("notify")}); err != nil {
		return fmt.Errorf("notify: %w", err)
	}
	if c.cases, err = excursion.New(excursion.Options{
		Events: c.events, Store: h.store, Tables: m.Cases, Signers: signers{c.people, h}, Spans: spans{c.correlate}, Policy: &h.config.Notify, Log: part("excursion"),
	}); err != nil {
		return err
	}
	if c.holds, err = hold.New(hold.Options{Log: c.events, Store: h.store, Model: m.Holds, Suspected: c.suspected, Kept: c.kept}); err != nil {
		return err
	}
	if c.sagas, err = newSagas(c, m, h.store, h.config, part("sagas"), c.events); err != nil {
		return err
	}
	if err = h.openEvidence(ctx); err != nil {
		return err
	}
	if h.config.Influx.On() {
		if c.influx, err = influx.New(influx.Options{
			Config: h.config.Influx, Store: h.store, Evidence: h.intake, Times: h.history, Log: part("influx"),
			Meaning: func(gateway string, epoch, series uint32) (influx.Meaning, bool) {
				s, ok := h.registry.Lookup(gateway, epoch, series)
				return influx.Meaning{Sensor: s.Sensor, Quantity: s.Quantity}, ok
			},
		}); err != nil {
			return err
		}
	}
	if c.desired, err = desired.New(ctx, desired.Options{
		Store: h.store, Events: c.events, Key: h.ca.Mandate(), Publish: h.broker.Publish,
		Enrolled: func(gateway string) bool { return h.access.Admitted(gateway) == nil }, Log: part("desired state"),
	}); err != nil {
		return err
	}
	if c.composer, err = h.newComposer(m.Catalog, part("compose")); err != nil {
		return err
	}
	if err = h.openMessages(m.Catalog, part("messages")); err != nil {
		return err
	}
	if c.rollout, err = rollout.New(ctx, rollout.Options{
		Store: h.store, Events: c.events, Dir: filepath.Join(h.config.Data, "releases"), Key: h.ca.Mandate(), Publish: h.broker.Publish,
		Enrolled: h.enrolled, Log: part("rollout"),
	}); err != nil {
		return err
	}
	if err = h.openTrace(ctx, m); err != nil {
		return err
	}
	c.dossiers = &dossier.Builder{Orders: c.orders, Places: c.custody, Cases: c.cases, Verdicts: c.correlate, Profiles: c.catalog, Events: c.events}
	c.reports = newReports(c.dossiers, c.evidence)
	c.reports.Delivered = c.delivered
	if err = h.openPatients(ctx, m); err != nil {
		return err
	}
	c.rest, err = rest.New(ctx, rest.Config{
		Links: c.patients,
		Store: h.store, Tokens: c.people, Sessions: web.Signed{Access: c.people}, Log: part("rest"), Version: version.String(), Metrics: h.metrics,
		People: c.people, Catalog: c.catalog, Orders: c.orders, Custody: c.custody, Verdicts: c.correlate, Evidence: c.evidence, EvidenceLog: c.ledger, Reports: c.reports, Provenance: c.trace.provenance, DSCSA: c.trace.duties, Excursions: c.cases, Notifications: c.notify, Desired: c.desired, Rollouts: c.rollout, Dispatch: c.dispatch, Sagas: c.sagas, Holds: c.holds, Risks: c.risk, Proposals: c.proposals, Progress: c.progress, GatewayScans: c.scans, Carriers: c.carriers, Proofs: c.proofs, Assets: c.assets, Footprints: c.footprints, Receipts: c.reports,
	})
	return err
}

// openEvidence makes the evidence log and what exports from it.
func (h *hub) openEvidence(ctx context.Context) (err error) {
	c, log := &h.contexts, h.log.With("part", "evidence")
	var peers []witness.Peer
	for _, w := range h.config.Witnesses.List {
		p, err := witness.NewPeer(w.URL, w.Key)
		if err != nil {
			return fmt.Errorf("witnesses: %w", err)
		}
		peers = append(peers, p)
	}
	keys := func() (out []ledger.KeyRecord) {
		for _, g := range h.access.Gateways() {
			for _, k := range g.SealKeys {
				out = append(out, sealKey(k))
			}
		}
		return out
	}
	if c.ledger, err = ledger.Open(ctx, ledger.Options{
		Dir: filepath.Join(h.config.Data, "evidence", "log"), Origin: "frostline/" + h.ca.Fingerprint()[:32], Store: h.store,
		Events: c.events, Seals: h.intake, Keys: keys, Witnesses: peers, Quorum: h.config.Witnesses.Quorum, Log: log,
	}); err != nil {
		return fmt.Errorf("evidence log: %w", err)
	}
	c.evidence, err = evidence.New(evidence.Options{
		Store: h.store, Events: c.events, Intake: h.intake, Verdicts: c.correlate, Ledger: c.ledger, Keys: keys, Documents: c.cases,
		Online: func(gateway string) bool { g, ok := h.registry.Gateway(gateway); return ok && g.Online },
		Spool:  filepath.Join(h.config.Data, "evidence", "spool"), Log: log,
	})
	return err
}

// runContexts runs them until ctx ends.
func (h *hub) runContexts(ctx context.Context, g *errgroup.Group) {
	c := &h.contexts
	for name, run := range map[string]func(context.Context) error{
		"relay": c.relay.Run, "custody": c.custody.Run, "scans": c.scans.Run, "correlate": c.correlate.Run, "excursion": c.cases.Run, "notify": c.notify.Run, "evidence log": c.ledger.Run, "patients' links": c.patients.Run, "desired state": c.desired.Run, "compose": c.composer.Run, "messages": c.messages.Run, "rollout": c.rollout.Run, "dispatch": c.dispatch.Run, "sagas": c.sagas.Run, "progress": c.progress.Run, "carriers": c.carriers.Run, "proofs": c.proofs.Follow, "risk": c.risk.Run, "proposals": c.proposals.Run,
		"holds of suspect product": func(ctx context.Context) error { return c.holds.Follow(ctx, c.events) },
		"dispatch of shipments":    func(ctx context.Context) error { return c.dispatch.Follow(ctx, c.events, c.tellShipment) },
	} {
		g.Go(func() error { return named(name, run(ctx)) })
	}
	c.trace.run(ctx, g)
	if c.influx != nil {
		g.Go(func() error { return named("influx", c.influx.Run(ctx)) })
	}
}

func sealKey(k access.SealKey) ledger.KeyRecord {
	return ledger.KeyRecord{Use: "seal", Gateway: k.Gateway, ID: k.ID, Public: base64.StdEncoding.EncodeToString(k.Public), From: k.From}
}

// program answers programs: the interface of the contexts, and the hashes of
// the evidence log for whoever wants to follow it.
func (h *hub) program(rest, epcis http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/log/", h.contexts.ledger)
	mux.Handle(patient.Prefix, h.contexts.patients.pages)
	mount(mux, epcis)
	for _, path := range responder.Paths {
		mux.Handle(path, h.contexts.trace.responder)
	}
	hook(mux, h.contexts.carriers)
	mux.Handle("/", rest)
	return mux
}

func (h *hub) stories() web.Stories {
	s := stories{h.contexts.dossiers, h.contexts.evidence, h.contexts.reports, h.contexts.trace.provenance, h.contexts.catalog, h.contexts.events, h.contexts.ledger, nil, h.config.Witnesses.Quorum}
	for _, w := range h.config.Witnesses.List {
		s.witnesses = append(s.witnesses, w.Key)
	}
	return s
}
