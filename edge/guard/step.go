package guard

import (
	"context"
	"slices"
	"time"

	"frostline/proto/pb"
	"frostline/proto/reading"
)

// step is a step in the life of an alarm, on its way into the chain.
type step struct {
	Event  pbAlarm `json:"event"`
	BootID string  `json:"boot_id"` // of its tick
	held   bool    // the journal has it in memory
}

// pbAlarm is pb.Alarm as it is kept in the guard's own state.
type pbAlarm struct {
	Alarm    string          `json:"alarm"`
	State    uint32          `json:"state"`
	Kind     Kind            `json:"kind"`
	Severity uint32          `json:"severity"`
	Watch    string          `json:"watch"`
	Sensor   string          `json:"sensor"`
	Profile  string          `json:"profile"`
	Version  uint32          `json:"version"`
	Digest   string          `json:"digest"`
	Limit    string          `json:"limit,omitempty"`
	Tick     int64           `json:"tick"` // boottime, ms
	Value    int64           `json:"value"`
	Quality  reading.Quality `json:"quality"`
	Reason   string          `json:"reason,omitempty"`
	By       string          `json:"by,omitempty"`
}

// step adds a step of an alarm. mu is held.
func (g *Guard) step(a *Alarm, state uint32, tick int64, reason string) {
	e := pbAlarm{
		Alarm: a.ID, State: state, Kind: a.Kind, Severity: uint32(rank(a.Severity)), Watch: a.Watch, Sensor: a.Sensor,
		Profile: a.Profile, Version: uint32(a.Version), Digest: a.Digest, Limit: a.Limit, Tick: tick, Value: a.Value, Quality: a.Quality, Reason: reason,
	}
	if state == Acknowledged {
		e.By = a.By
	}
	g.steps = append(g.steps, step{Event: e, BootID: g.c.BootID})
}

// message is the step as an event of the chain.
func (s *step) message(boot string, now int64) *pb.Event {
	e := &s.Event
	m := &pb.Alarm{
		Alarm: e.Alarm, State: e.State, Kind: uint32(e.Kind), Severity: e.Severity, Watch: e.Watch, Sensor: e.Sensor, Profile: e.Profile,
		Version: e.Version, Digest: e.Digest, Limit: e.Limit, TickMs: e.Tick, Value: e.Value, Quality: uint32(e.Quality), Reason: e.Reason, By: e.By,
	}
	if s.BootID != boot {
		m.BootId = s.BootID
	}
	return &pb.Event{AtMs: now, Kind: &pb.Event_Alarm{Alarm: m}}
}

// key tells steps apart.
type key struct {
	alarm string
	state uint32
	tick  int64
}

// tell puts steps into the chain, in order, until ctx ends. What was told
// before a restart is not told again.
func (g *Guard) tell(ctx context.Context) {
	g.recall(ctx)
	again := time.NewTimer(0)
	defer again.Stop()
	failing, unsaved := false, false
	for {
		ended := false
		select {
		case <-ctx.Done():
			ended = true
		case <-g.wake:
		case <-again.C:
		}
		steps := g.saveAlarms(&unsaved)
		// A stopping agent may tell what happened last: its journal ends later.
		told, err := g.tellFirst(context.WithoutCancel(ctx), steps)
		if failed := err != nil; failed != failing {
			failing = failed
			if failed {
				g.log.Error("alarms do not get into the chain; they are kept and tried again", "err", err)
			} else {
				g.log.Info("alarms get into the chain again")
			}
		}
		if told {
			g.saveAlarms(&unsaved)
		}
		if ended {
			return
		}
		if err != nil || unsaved {
			again.Reset(tellAgain)
		}
	}
}

// tellFirst tells of the first so many steps those that were not told. Later
// ones are not on disk yet: a restart would raise their alarms again.
func (g *Guard) tellFirst(ctx context.Context, most int) (told bool, err error) {
	for {
		g.mu.Lock()
		i := slices.IndexFunc(g.steps[:most], func(s step) bool { return !s.held })
		if i < 0 {
			g.mu.Unlock()
			return told, nil
		}
		m := g.steps[i].message(g.c.BootID, g.c.Now())
		g.mu.Unlock()
		kept, err := g.c.Journal.Tell(ctx, m)
		if err != nil {
			return told, err
		}
		told = true
		g.mu.Lock() // others only add at the end
		if kept {
			g.steps = slices.Delete(g.steps, 0, i+1) // and with it those that were held
			most -= i + 1
		} else {
			g.steps[i].held = true
		}
		g.mu.Unlock()
		if g.c.Told != nil {
			g.c.Told()
		}
	}
}

// recall forgets steps that the chain has: a restart came between telling and
// taking note of it.
func (g *Guard) recall(ctx context.Context) {
	g.mu.Lock()
	n := len(g.steps)
	g.mu.Unlock()
	if n == 0 {
		return
	}
	told := map[key]bool{}
	err := g.c.Journal.Recent(ctx, func(a *pb.Alarm) { told[key{a.Alarm, a.State, a.TickMs}] = true })
	if err != nil {
		g.log.Warn("the chain cannot be looked through; a step of an alarm may be told twice, and counts once", "err", err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.steps = slices.DeleteFunc(g.steps, func(s step) bool { return told[key{s.Event.Alarm, s.Event.State, s.Event.Tick}] })
}
