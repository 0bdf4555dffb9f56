package agent

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"frostline/edge/guard"
	"frostline/edge/panel"
	"frostline/edge/sampler"
	"frostline/edge/scan"
	"frostline/proto/reading"
)

// metrics serves what Prometheus asks for. Names begin with frostline_edge_;
// docs/OPERATING.md says what they mean. Labels are of the configuration
// (sensors, buses) and of fixed sets: there are no more of them than that.
func (a *agent) metrics() http.Handler {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collector{a}, collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "frostline_edge_info", Help: "1; the agent's version and gateway are its labels.",
			ConstLabels: prometheus.Labels{"version": a.c.Version, "gateway": a.c.Gateway}}, func() float64 { return 1 }))
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{
		MaxRequestsInFlight: 2, DisableCompression: true, // loopback
		ErrorLog: slog.NewLogLogger(a.log.With("part", "metrics").Handler(), slog.LevelError),
	})
}

// collector looks at the agent when it is asked, and keeps nothing between.
type collector struct{ a *agent }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("frostline_edge_"+name, help, labels, nil)
}

var (
	descState      = desc("state", "1 for the state that the gateway is in by its own judgement, 0 for the others.", "state")
	descUptime     = desc("uptime_seconds", "Time since the agent began.")
	descTaken      = desc("readings_taken_total", "Readings taken, by quality; ok alone may be used.", "quality")
	descKept       = desc("readings_kept_total", "Readings synced to disk in the present epoch.")
	descPending    = desc("readings_pending", "Readings kept and not acknowledged by the hub, in all epochs.")
	descHeld       = desc("readings_in_memory", "Readings that wait for a full or broken disk.")
	descLost       = desc("readings_lost_total", "Readings declared lost: before the journal (sampler) or in it (journal).", "where")
	descBlocks     = desc("blocks_kept_total", "Blocks kept in the present epoch.")
	descCommitted  = desc("blocks_committed_total", "Blocks of the present epoch that the hub has committed, without hole.")
	descOldest     = desc("pending_oldest_seconds", "Age of the oldest reading that the hub has not acknowledged; absent without one of this boot.")
	descWell       = desc("journal_well", "1 while the disk takes readings, 0 while it does not.")
	descBytes      = desc("journal_bytes", "Disk space of the journal.")
	descLimit      = desc("journal_limit_bytes", "Disk space that the journal may take.")
	descHours      = desc("journal_left_seconds", "Time until the journal is full if nothing is acknowledged; absent while not known.")
	descDamaged    = desc("journal_damaged_files_total", "Files set aside because they were damaged.")
	descConnected  = desc("uplink_connected", "1 while there is a connection to the hub's broker.")
	descCut        = desc("uplink_cut", "1 while an operator has pulled the link.")
	descSilent     = desc("uplink_hub_silent", "1 while connected to a hub that has stopped answering.")
	descAck        = desc("uplink_ack_age_seconds", "Time since the last acknowledgement; absent before the first.")
	descConnects   = desc("uplink_connects_total", "Connections that came about.")
	descParcels    = desc("uplink_parcels_total", "Parcels sent, by lane.", "lane")
	descResent     = desc("uplink_resent_parcels_total", "Parcels sent with blocks that had been sent before.")
	descRefused    = desc("uplink_refused_blocks_total", "Blocks that the hub has put into quarantine.")
	descTraffic    = desc("uplink_bytes_total", "Bytes on the socket, TLS and MQTT included.", "direction")
	descTrip       = desc("uplink_round_trip_seconds", "Parcel to acknowledgement, smoothed; absent while not measured.")
	descDated      = desc("clock_dated", "1 while readings can be dated.")
	descUncertain  = desc("clock_uncertainty_seconds", "Half the width of what the present UTC may be; absent while undated.")
	descSource     = desc("clock_source", "1 for the source of the best anchor, 0 for the others.", "source")
	descConflict   = desc("clock_conflict", "1 while time sources exclude one another and no majority says which are wrong.")
	descLeft       = desc("clock_sources_left_out", "Time sources that are not used because those that agree contradict them.")
	descSteps      = desc("clock_steps_total", "Steps of the system clock.")
	descLateness   = desc("sampling_lateness_seconds", "By how much sensors were asked after their tick.")
	descFailures   = desc("sensor_failures_total", "Readings of a sensor that are not of quality ok.", "sensor", "bus")
	descSound      = desc("sensor_sound_age_seconds", "Age of the oldest of a sensor's latest readings of quality ok; absent before there is one of each.", "sensor")
	descBus        = desc("bus_failures_total", "Readings that failed on a bus: no answer, wrong checksum, not ready.", "bus")
	descAlarms     = desc("alarms", "Alarms of the guard that are not over, by kind and by whether somebody has acknowledged them.", "kind", "acknowledged")
	descScans      = desc("scans", "Scans that are kept here: waiting for the chain, kept in it, or committed by the hub.", "state")
	descAboard     = desc("aboard", "Packages that are in something by scans at this gateway.")
	descDisordered = desc("guard_disordered_readings_total", "Readings that the guard passed over, because they came out of the order of their ticks.")
	descExpires    = desc("certificate_expires_seconds", "Time until the gateway's certificate ends; absent without one or while undated.")
	descRelease    = desc("release_phase", "1 for how far the release is that the hub wants, 0 for the others.", "phase")
	descFetched    = desc("release_fetched_bytes", "Bytes of the release that the hub wants, fetched so far; absent while none is fetched.")
	descFetch      = desc("release_bytes", "Bytes to be fetched of that release; absent while none is fetched.")
	descFaults     = desc("faults", "Faults that an operator should see and that have not passed.")
	states         = []panel.State{panel.Bad, panel.Silent, panel.Watch, panel.Undated, panel.Fine}
	clockSources   = []string{"gnss", "ntp", "hub", "rtc"}
	busFailed      = []reading.Quality{reading.NoAnswer, reading.Checksum, reading.NotReady}
	latenessBounds = func() (s []float64) {
		for _, ms := range sampler.LatenessBounds {
			s = append(s, float64(ms)/1000)
		}
		return s
	}()
)

// Describe implements prometheus.Collector; labels depend on the configuration.
func (c collector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c collector) Collect(to chan<- prometheus.Metric) {
	e := emitter{to}
	s, err := c.a.Snapshot(context.Background())
	if err != nil {
		to <- prometheus.NewInvalidMetric(descState, err)
		return
	}
	v := panel.Judge(s)
	for _, x := range states {
		e.gauge(descState, truth(v.State == x), string(x))
	}
	e.gauge(descUptime, seconds(s.UptimeMs))
	e.gauge(descFaults, float64(len(s.Faults)))
	if ms := s.Certificate.ExpiresInMs; ms != nil {
		e.gauge(descExpires, seconds(*ms))
	}
	c.alarms(e)
	c.release(e)
	c.readings(e, s)
	c.sensors(e, s)
	c.uplink(e, s)
	c.clock(e, s)
}

func (c collector) alarms(e emitter) {
	if c.a.guard == nil {
		return
	}
	type sort struct {
		kind         guard.Kind
		acknowledged bool
	}
	open := map[sort]int{{guard.Excursion, false}: 0, {guard.Excursion, true}: 0, {guard.Unknown, false}: 0, {guard.Unknown, true}: 0}
	for _, x := range c.a.guard.Alarms() {
		open[sort{x.Kind, x.Acknowledged}]++
	}
	e.count(descDisordered, float64(c.a.guard.Dropped()))
	scans := map[scan.State]int{scan.Waiting: 0, scan.Kept: 0, scan.Committed: 0}
	for _, x := range c.a.scanner.Recent() {
		scans[x.State]++
	}
	for state, n := range scans {
		e.gauge(descScans, float64(n), string(state))
	}
	e.gauge(descAboard, float64(len(c.a.scanner.Aboard())))
	for s, n := range open {
		e.gauge(descAlarms, float64(n), s.kind.String(), strconv.FormatBool(s.acknowledged))
	}
}

func (c collector) readings(e emitter, s panel.Snapshot) {
	j, lost := c.a.journal.Stats(), c.a.stage().sampler.Stats().Lost
	e.count(descKept, float64(j.Readings))
	e.gauge(descPending, float64(j.PendingReadings))
	e.gauge(descHeld, float64(j.HeldReadings))
	e.count(descLost, float64(lost), "sampler")
	e.count(descLost, float64(j.LostReadings), "journal")
	e.count(descBlocks, float64(j.Last))
	e.count(descCommitted, float64(j.Committed))
	if ms := s.Journal.OldestAgeMs; ms != nil {
		e.gauge(descOldest, seconds(*ms))
	}
	e.gauge(descWell, truth(j.Err == nil))
	e.gauge(descBytes, float64(j.Bytes))
	e.gauge(descLimit, float64(j.MaxBytes))
	if j.HoursLeft != nil {
		e.gauge(descHours, *j.HoursLeft*3600)
	}
	e.count(descDamaged, float64(j.Damaged))
}

func (c collector) sensors(e emitter, s panel.Snapshot) {
	var taken [lastQualities]int64
	buses, failures, failed := map[string]string{}, map[string]int64{}, map[string]int64{}
	for _, x := range s.Sensors {
		buses[x.ID] = x.Bus
		failed[x.Bus] += 0
		age, known := int64(0), len(x.Last) > 0
		for _, l := range x.Last {
			if known = known && l.Sound != nil; known {
				age = max(age, l.Sound.AgeMs)
			}
		}
		if known {
			e.gauge(descSound, seconds(age), x.ID)
		}
	}
	for _, x := range c.a.stage().sampler.Latest() {
		failures[x.Sensor] += x.Failures
		for q, n := range x.Counts[:lastQualities] {
			taken[q] += n
		}
		for _, q := range busFailed {
			failed[buses[x.Sensor]] += x.Counts[q]
		}
	}
	for q, n := range taken {
		e.count(descTaken, float64(n), reading.Quality(q).String())
	}
	for id, n := range failures {
		e.count(descFailures, float64(n), id, buses[id])
	}
	for bus, n := range failed {
		e.count(descBus, float64(n), bus)
	}
	late, all := c.a.stage().sampler.Lateness(), uint64(0)
	upTo := map[float64]uint64{}
	for i, n := range late.Counts {
		if all += n; i < len(latenessBounds) {
			upTo[latenessBounds[i]] = all
		}
	}
	e.to <- prometheus.MustNewConstHistogram(descLateness, all, seconds(late.SumMs), upTo)
}

func (c collector) uplink(e emitter, s panel.Snapshot) {
	u, ok := c.a.link.status()
	e.gauge(descConnected, truth(ok && u.Connected))
	e.gauge(descCut, truth(ok && u.Cut))
	if !ok {
		return // not enrolled: there is nothing to count
	}
	e.gauge(descSilent, truth(u.Silent))
	if ms := s.Uplink.AckAgeMs; ms != nil {
		e.gauge(descAck, seconds(*ms))
	}
	if ms := s.Uplink.RoundTripMs; ms != nil {
		e.gauge(descTrip, *ms/1000)
	}
	e.count(descConnects, float64(u.Connects))
	e.count(descParcels, float64(u.Live), "live")
	e.count(descParcels, float64(u.Backlog), "backlog")
	e.count(descResent, float64(u.Resent))
	e.count(descRefused, float64(u.Refused))
	e.count(descTraffic, float64(u.Up), "up")
	e.count(descTraffic, float64(u.Down), "down")
}

func (c collector) clock(e emitter, s panel.Snapshot) {
	e.gauge(descDated, truth(s.Clock.UTCMs != nil))
	if s.Clock.UTCMs != nil {
		e.gauge(descUncertain, seconds(s.Clock.UncertaintyMs))
	}
	for _, x := range clockSources {
		e.gauge(descSource, truth(s.Clock.Source == x), x)
	}
	e.gauge(descConflict, truth(s.Clock.Conflict))
	e.gauge(descLeft, float64(len(s.Clock.Left)))
	e.count(descSteps, float64(c.a.keeper.Stats().Steps))
}

// lastQualities is how many qualities there are.
const lastQualities = int(reading.NotReady) + 1

// emitter hands on metrics.
type emitter struct{ to chan<- prometheus.Metric }

func (e emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e.to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func (e emitter) count(d *prometheus.Desc, v float64, labels ...string) {
	e.to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
