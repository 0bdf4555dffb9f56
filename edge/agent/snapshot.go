package agent

import (
	"context"
	"time"

	"frostline/edge/panel"
	"frostline/edge/sampler"
)

// Snapshot implements panel.Source.
func (a *agent) Snapshot(context.Context) (panel.Snapshot, error) {
	now := a.clock.Now()
	j, sensors := a.journal.Stats(), a.sensors(now)
	s := panel.Snapshot{
		Gateway: a.c.Gateway, Version: a.c.Version, Boot: j.Boot, BootID: a.clock.BootID(), UptimeMs: now - a.started,
		Clock: panel.Clock{BoottimeMs: now}, Sensors: sensors, Journal: a.journalState(now),
		Uplink: a.uplinkState(), Certificate: a.certificate(), Faults: a.faults.at(now), Guard: a.guarded(sensors, now),
		IdentifyMs: a.identifiedFor(), Config: a.shownConfig(), Release: a.shownRelease(), NextStop: a.names.Load().stop, Messages: a.told(), Places: a.places(),
	}
	if m, ok := a.keeper.UTC(now); ok {
		s.Clock.UTCMs, s.Clock.UncertaintyMs, s.Clock.Conflict = &m.UTC, m.Uncertainty, m.Conflict
		if best, ok := a.keeper.Best(); ok {
			s.Clock.Source = best.Source.String()
		}
		for _, left := range a.keeper.Left() {
			s.Clock.Left = append(s.Clock.Left, left.String())
		}
	}
	return s, nil
}

func (a *agent) certificate() panel.Certificate {
	i := a.identity.Certificate()
	c := panel.Certificate{Enrolled: i.Enrolled, Issuer: i.Issuer}
	if i.Trouble != nil {
		c.Error = i.Trouble.Error()
	}
	if !i.Enrolled {
		return c
	}
	c.NotBeforeMs, c.NotAfterMs = i.NotBefore.UnixMilli(), i.NotAfter.UnixMilli()
	if m, ok := a.keeper.UTC(a.clock.Now()); ok {
		left := c.NotAfterMs - m.UTC
		c.ExpiresInMs = &left
	}
	return c
}

func (a *agent) sensors(now int64) []panel.Sensor {
	states, stage := map[string][]sampler.State{}, a.stage()
	for _, s := range stage.sampler.Latest() {
		states[s.Sensor] = append(states[s.Sensor], s)
	}
	var out []panel.Sensor
	for _, c := range stage.sensors {
		p := panel.Sensor{ID: c.ID, Driver: c.Driver, Bus: c.Bus, Address: c.Address, IntervalMs: c.Interval.Milliseconds(), Calibration: a.shownCalibration(c)}
		for _, s := range states[c.ID] {
			l := panel.Last{Quantity: s.Quantity, Error: s.Error, Series: s.Last.Series}
			if s.HasGood {
				l.Sound = &panel.Sound{Value: s.Good.Value, AgeMs: now - s.Good.Tick}
			}
			if s.Taken {
				age := now - s.Last.Tick
				l.Quality, l.Value, l.AgeMs = s.Last.Quality, s.Last.Value, &age
			}
			p.Last = append(p.Last, l)
		}
		out = append(out, p)
	}
	return out
}

func (a *agent) journalState(now int64) panel.Journal {
	j := a.journal.Stats()
	p := panel.Journal{
		Epoch: j.Epoch, LastBlock: j.Last, Readings: j.Readings,
		PendingBlocks: j.PendingBlocks, PendingReadings: j.PendingReadings,
		Bytes: j.Bytes, LimitBytes: j.MaxBytes, FullPercent: j.FullPercent, DamagedSegments: j.Damaged,
		MemoryBlocks: j.HeldBlocks, MemoryReadings: j.HeldReadings, LostReadings: j.LostReadings, HoursLeft: j.HoursLeft,
	}
	if j.Err != nil {
		p.Error = j.Err.Error()
	}
	if o := j.Oldest; o != nil && o.Boot == j.Boot {
		age := now - o.Tick
		p.OldestAgeMs = &age
		if m, ok := a.keeper.UTC(o.Tick); ok {
			p.OldestUTCMs = &m.UTC
		}
	}
	return p
}

func (a *agent) uplinkState() panel.Uplink {
	s, ok := a.link.status()
	if !ok {
		return panel.Uplink{State: panel.LinkOff, Why: "this gateway is not enrolled", ForMs: a.clock.Now() - a.started}
	}
	p := panel.Uplink{
		State: panel.LinkConnected, Hub: s.Address, Why: s.Why, ForMs: time.Since(s.Since).Milliseconds(), HubSilent: s.Silent,
		InFlightParcels: s.InFlight, ResentParcels: s.Resent, RefusedBlocks: s.Refused, RefusedReason: s.RefusedWhy,
	}
	switch {
	case s.Cut:
		p.State = panel.LinkCut
	case !s.Connected:
		p.State = panel.LinkDisconnected
	}
	if !s.Retry.IsZero() {
		ms := max(time.Until(s.Retry).Milliseconds(), 0)
		p.RetryInMs = &ms
	}
	if !s.LastAck.IsZero() {
		ms := time.Since(s.LastAck).Milliseconds()
		p.AckAgeMs = &ms
	}
	if s.RoundTrip > 0 {
		ms := float64(s.RoundTrip) / float64(time.Millisecond)
		p.RoundTripMs = &ms
	}
	return p
}
