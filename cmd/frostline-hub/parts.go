package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/health"
	"frostline/hub/rollout"
	"frostline/hub/scan"
	"frostline/hub/view"
)

// parts are all parts of the hub that can be asked how they are doing.
func (h *hub) parts() []health.Part {
	c := &h.contexts
	all := []health.Part{
		{Name: "store", Ask: h.storePart},
		{Name: "broker", Ask: h.brokerPart},
		{Name: "events", Ask: h.eventsPart},
		{Name: "relay", Ask: h.relayPart},
		{Name: "scans", Ask: h.scansPart},
		{Name: "correlate", Ask: h.correlatePart},
		{Name: "excursions", Ask: h.excursionsPart},
		{Name: "sagas", Ask: h.sagasPart},
		{Name: "notify", Ask: h.notifyPart},
		{Name: "evidence log", Ask: h.ledgerPart},
		{Name: "epcis", Ask: h.epcisPart},
		{Name: "dscsa", Ask: h.dscsaPart},
		{Name: "progress", Ask: h.progressPart},
		{Name: "proposals", Ask: h.proposalsPart},
		{Name: "compose", Ask: h.composePart},
		{Name: "messages", Ask: h.messagesPart},
	}
	all = append(all, health.Part{Name: "carriers", Ask: h.carriersPart})
	all = append(all, health.Part{Name: "rollout", Ask: h.rolloutPart}, health.Part{Name: "patients", Ask: h.patientsPart})
	all = append(all, health.Part{Name: "gateways", Ask: h.fleetPart})
	if c.influx != nil {
		all = append(all, health.Part{Name: "influx", Ask: h.influxPart})
	}
	return all
}

// problems joins what is wrong.
type problems []string

func (p *problems) add(when bool, format string, args ...any) {
	if when {
		*p = append(*p, fmt.Sprintf(format, args...))
	}
}

func (p problems) String() string { return strings.Join(p, "; ") }

func gauge[N int | int64 | uint64 | float64](name, help string, value N, labels ...string) health.Figure {
	return health.Figure{Name: name, Help: help, Value: float64(value), Labels: labels}
}

func counter[N int | int64 | uint64](name, help string, value N, labels ...string) health.Figure {
	return health.Figure{Name: name, Help: help, Value: float64(value), Labels: labels, Counter: true}
}

func (h *hub) storePart(context.Context) (health.Report, error) {
	s, hs, a := h.intake.Status(), h.history.Status(), h.access.Counts()
	var p problems
	p.add(s.Failing != "", "commits fail since %s: %s", s.FailingSince.UTC().Format(time.RFC3339), s.Failing)
	if t := h.store.Trouble(); t != nil && s.Failing == "" {
		p.add(true, "nothing can be kept since %s: %v", t.Since.UTC().Format(time.RFC3339), t.Err)
	}
	const parcels = "Parcels of blocks from gateways, by what became of them."
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		counter("intake_parcels_total", parcels, s.Parcels, "outcome", "committed"),
		counter("intake_parcels_total", parcels, s.Duplicates, "outcome", "duplicate"),
		counter("intake_parcels_total", parcels, s.Refused, "outcome", "quarantined"),
		counter("intake_parcels_total", parcels, s.Strangers, "outcome", "stranger"),
		counter("intake_parcels_total", parcels, s.Shed, "outcome", "shed"),
		counter("intake_parcels_total", parcels, s.Deferred, "outcome", "deferred"),
		counter("intake_parcels_total", parcels, s.Unstorable, "outcome", "unstorable"),
		counter("intake_readings_total", "Readings committed.", s.Readings),
		counter("intake_failures_total", "Commits that failed and were tried again.", s.Failures),
		gauge("intake_waiting", "Messages that wait to be committed.", s.LiveWaiting, "lane", "live"),
		gauge("intake_waiting", "Messages that wait to be committed.", s.BacklogWaiting, "lane", "backlog"),
		gauge("history_head_readings", "Readings that are not merged into chunks yet.", hs.Head),
		counter("history_repeated_total", "Readings left out because the same tick was there.", hs.Repeated),
		counter("access_refused_total", "Requests to enrol or renew that were refused.", a.Refused+a.Limited),
	}}, nil
}

func (h *hub) brokerPart(context.Context) (health.Report, error) {
	s := h.broker.Status()
	var p problems
	p.add(!s.Connected, "%s broker at %s is not connected: %s", s.Kind, s.Address, s.LastError)
	return health.Report{Problem: p.String()}, nil
}

func (h *hub) eventsPart(ctx context.Context) (health.Report, error) {
	s, err := h.contexts.events.Status(ctx)
	if err != nil {
		return health.Report{}, err
	}
	var p problems
	figures := []health.Figure{gauge("events_last_position", "Position of the last domain event.", s.Last), gauge("events_outbox", "Events that wait to be published.", s.Waiting)}
	for _, k := range s.Consumers {
		p.add(k.Attempts > 0, "consumer %s fails, %d times in a row: %s", k.Name, k.Attempts, k.LastError)
		p.add(k.Parked > 0, "%d events are parked for %s: see frostline events", k.Parked, k.Name)
		figures = append(figures, consumerFigures(k)...)
	}
	return health.Report{Problem: p.String(), Figures: figures}, nil
}

func consumerFigures(k event.ConsumerStatus) []health.Figure {
	return []health.Figure{
		gauge("events_consumer_behind", "Events that a consumer has not handled yet.", k.Behind, "consumer", k.Name),
		gauge("events_consumer_parked", "Events that a consumer could not handle.", k.Parked, "consumer", k.Name),
		counter("events_consumer_failures_total", "Attempts of a consumer that failed.", k.Failures, "consumer", k.Name),
	}
}

func (h *hub) relayPart(context.Context) (health.Report, error) {
	s := h.contexts.relay.Status()
	var p problems
	p.add(s.On && !s.Connected, "events are not published, they wait: %s", s.LastError)
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		counter("relay_published_total", "Events published to JetStream.", s.Published),
		counter("relay_failures_total", "Sessions of the relay that ended in an error.", s.Failures),
	}}, nil
}

func (h *hub) scansPart(ctx context.Context) (health.Report, error) {
	c, err := h.contexts.scans.Count(ctx)
	var p problems
	p.add(c.Failing != "", "scans of gateways are held up: %s", c.Failing)
	p.add(c.Lines[scan.SetAside] > 0, "%d scans of gateways speak of something unknown and wait: see frostline scans --state set_aside", c.Lines[scan.SetAside])
	p.add(c.Lines[scan.Refused] > 0, "%d scans of gateways were refused: see frostline scans --state refused", c.Lines[scan.Refused])
	p.add(c.Groups[scan.Invalid] > 0, "%d scans of gateways make no sense: see frostline scans --state invalid", c.Groups[scan.Invalid])
	p.add(c.Disputed+c.Strange > 0, "%d scans of gateways contradict others of the same id, or have none", c.Disputed+c.Strange)
	figures := []health.Figure{gauge("scans", "Scans of gateways.", c.Scans)}
	for _, state := range scan.States {
		figures = append(figures, gauge("scan_groups", "Scans of gateways, each with those that correct it, by how far they are.", c.Groups[state], "state", state))
	}
	for _, state := range scan.Outcomes {
		figures = append(figures, gauge("scan_statements", "Statements from scans of gateways, by what became of them.", c.Lines[state], "state", state))
	}
	return health.Report{Problem: p.String(), Figures: figures}, err
}

func (h *hub) correlatePart(context.Context) (health.Report, error) {
	s := h.contexts.correlate.Status()
	var p problems
	p.add(s.Failing != "", "verdicts are held up: %s", s.Failing)
	p.add(s.Unreadable > 0, "%d events were left out of verdicts: this version cannot read them", s.Unreadable)
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		gauge("correlate_open_packages", "Packages whose watch goes on.", s.Open),
		gauge("correlate_waiting_packages", "Packages that wait to be judged again.", s.Waiting),
		gauge("correlate_lag_readings", "Committed readings that are not worked in yet.", s.Lag),
		counter("correlate_readings_total", "Readings of temperature worked in.", s.Readings),
		counter("correlate_judged_total", "Packages judged from history.", s.Judged),
		counter("correlate_revisions_total", "Verdicts appended.", s.Revisions),
		counter("correlate_overruns_total", "Batches that did not fit into the queue and were read again.", s.Overruns),
		counter("correlate_failures_total", "Rounds that failed and were tried again.", s.Failures),
	}}, nil
}

func (h *hub) excursionsPart(ctx context.Context) (health.Report, error) {
	k := h.contexts.cases.Counts()
	states, awaiting, err := h.contexts.cases.Tally(ctx)
	var p problems
	p.add(k.Failing != "", "%s", k.Failing)
	figures := []health.Figure{
		gauge("excursions_awaiting", "Excursions that nobody has acknowledged.", awaiting),
		counter("excursions_escalated_total", "Deadlines that passed.", k.Escalated),
		counter("excursions_refused_total", "Signatures refused.", k.Refused),
	}
	for _, s := range excursion.States {
		figures = append(figures, gauge("excursions", "Excursions by state.", states[s], "state", string(s)))
	}
	return health.Report{Problem: p.String(), Figures: figures}, err
}

func (h *hub) notifyPart(ctx context.Context) (health.Report, error) {
	k, err := h.contexts.notify.Counts(ctx)
	var p problems
	p.add(k.Failing != "", "notifications are held up: %s", k.Failing)
	p.add(k.Failed > 0, "%d deliveries were given up: somebody was not told; see frostline notifications", k.Failed)
	p.add(k.Overdue > 0, "%d deliveries fail and are tried again: see frostline notifications --state pending", k.Overdue)
	p.add(k.Lost > 0 && !h.config.Notify.None(), "%d excursions were told to nobody: no policy of notify fits them", k.Lost)
	const deliveries = "Deliveries of notifications by state; failed ones were given up and wait for a person."
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		gauge("notify_deliveries", deliveries, k.Pending, "state", "pending"),
		gauge("notify_deliveries", deliveries, k.Failed, "state", "failed"),
		gauge("notify_deliveries", deliveries, k.Waiting, "state", "gathered"),
		counter("notify_sent_total", "Deliveries accepted by their receivers.", k.Sent),
		counter("notify_retried_total", "Attempts that failed and are made again.", k.Retried),
		counter("notify_given_up_total", "Deliveries given up.", k.GaveUp),
		counter("notify_lost_total", "Events that no policy fits: nobody was told.", k.Lost),
	}}, err
}

func (h *hub) ledgerPart(context.Context) (health.Report, error) {
	s := h.contexts.ledger.Status()
	var p problems
	p.add(s.Failing != "", "evidence is not logged since %s: %s", s.FailingFrom.UTC().Format(time.RFC3339), s.Failing)
	p.add(s.Diverged > 0, "%d events of the evidence log are no longer in the store", s.Diverged)
	p.add(s.Edited > 0, "%d records of the store are not what the evidence log has of them", s.Edited)
	p.add(s.Checkpoint > 0 && s.Cosigned < s.Quorum, "the last checkpoint is cosigned by %d of %d witnesses", s.Cosigned, s.Quorum)
	figures := []health.Figure{
		gauge("evidence_entries", "Entries of the evidence log.", s.Entries),
		gauge("evidence_checkpoint_entries", "Entries under the last checkpoint.", s.Checkpoint),
		gauge("evidence_checkpoint_cosigned", "Witnesses who cosigned the last checkpoint.", s.Cosigned),
		gauge("evidence_witness_quorum", "Witnesses who have to cosign.", s.Quorum),
		counter("evidence_short_checkpoints_total", "Checkpoints kept with fewer witnesses than asked for.", s.Short),
	}
	if c, ok := h.contexts.ledger.Latest(); ok {
		age := time.Since(time.UnixMilli(c.At)).Seconds()
		figures = append(figures, gauge("evidence_checkpoint_age_seconds", "Since the last checkpoint was kept; one is kept when there are new entries.", age))
	}
	return health.Report{Problem: p.String(), Figures: figures}, nil
}

func (h *hub) rolloutPart(ctx context.Context) (health.Report, error) {
	all, err := h.contexts.rollout.Rollouts(ctx, 0, 1)
	if err != nil || len(all) == 0 {
		return health.Report{}, err
	}
	r := all[0]
	var p problems
	p.add(r.State == rollout.Stopped, "the rollout of %s is stopped: %s; see frostline rollout status", r.Version, r.Why)
	var figures []health.Figure
	for _, phase := range rollout.Phases {
		n := 0
		for _, c := range r.Counts {
			n += c[phase]
		}
		figures = append(figures, gauge("rollout_gateways", "Gateways of the newest rollout, by how far they are.", n, "phase", phase))
	}
	return health.Report{Problem: p.String(), Figures: figures}, nil
}

func (h *hub) influxPart(context.Context) (health.Report, error) {
	s := h.contexts.influx.Status()
	var p problems
	p.add(s.Failing != "", "InfluxDB takes nothing since %s, readings wait: %s", s.FailingSince.UTC().Format(time.RFC3339), s.Failing)
	p.add(s.Refused > 0, "InfluxDB has refused %d points, which are kept aside", s.Refused)
	return health.Report{Problem: p.String(), Figures: []health.Figure{
		gauge("influx_spooled_points", "Points that wait to be written.", s.Spooled),
		gauge("influx_undated_parcels", "Parcels with readings that cannot be dated yet.", s.Waiting),
		gauge("influx_refused_points", "Points that InfluxDB has refused.", s.Refused),
		counter("influx_written_points_total", "Points written.", s.Written),
		counter("influx_retries_total", "Writes that failed and were made again.", s.Retries),
	}}, nil
}

// openHealth makes the board of all parts, and what Prometheus reads.
func (h *hub) openHealth(reg *prometheus.Registry) (err error) {
	if h.health, err = health.NewBoard(h.parts(), nil, h.log.With("part", "health")); err != nil {
		return err
	}
	if err = h.health.Remember(filepath.Join(h.config.Data, "health.json")); err != nil {
		return err
	}
	reg.MustRegister(h.health, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return nil
}

// standings tells the pages how the parts are doing.
func (h *hub) standings(ctx context.Context) (all []view.Part) {
	for _, s := range h.health.Parts(ctx) {
		p := view.Part{Name: s.Name, Problem: s.Problem}
		if !s.Since.IsZero() {
			p.Since = s.Since.UnixMilli()
		}
		all = append(all, p)
	}
	return all
}
