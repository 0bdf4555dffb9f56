package doctor

import (
	"context"
	"fmt"
	"time"

	"frostline/edge/panel"
)

func (b *bench) agentChecks() []check {
	return []check{one("agent", 15*time.Second, func(ctx context.Context) Result {
		if b.unwell != nil {
			return fail("Look at the agent's log; if it hangs, start it again.", "%v", b.unwell)
		}
		if b.running == nil {
			return skipped("none runs with %s, so buses and hub are tried directly", b.DataDir)
		}
		s := b.running
		found := fmt.Sprintf("version %s runs for %s as %s: %s", s.Version, panel.FormatAge(s.UptimeMs), s.Gateway, s.Verdict.Says)
		if s.Gateway != b.Gateway {
			return fail("Start the agent again with the present configuration.", "the agent runs as %s, the configuration says %s", s.Gateway, b.Gateway)
		}
		switch s.Verdict.State {
		case panel.Fine:
			return ok("%s", found)
		case panel.Bad:
			return fail("See frostline-edge status for all of it.", "%s", found)
		}
		return warn("See frostline-edge status for all of it.", "%s", found)
	})}
}

// hung is the result of what the agent has in its hands and cannot tell about.
func hung() Result {
	return skipped("an agent that gives no answer has it in its hands")
}

// askedSensor gives what the running agent says of a sensor.
func (b *bench) askedSensor(id string) Result {
	if b.unwell != nil {
		return hung()
	}
	for _, s := range b.running.Sensors {
		if s.ID != id {
			continue
		}
		state, words := panel.JudgeSensor(s)
		if state == panel.Fine {
			return ok("%s: the agent, which has the bus, says it %s", place(s.Driver, s.Bus, s.Address), words)
		}
		return Result{Outcome: choose(state == panel.Silent, Fail, Warn), Do: panel.SensorRemedy(s),
			Found: fmt.Sprintf("%s: the agent, which has the bus, says it %s", place(s.Driver, s.Bus, s.Address), words)}
	}
	return fail("Start the agent again, so that it takes up the present configuration.", "the agent that runs does not know it")
}

// askedUplink gives what the running agent says of its session.
func (b *bench) askedUplink() Result {
	if b.unwell != nil {
		return hung()
	}
	u := b.running.Uplink
	switch {
	case u.State == panel.LinkCut:
		return warn("Restore it with frostline-edge link up.", "the link was pulled by hand %s ago", panel.FormatAge(u.ForMs))
	case u.State == panel.LinkOff:
		return fail("See certificate above.", "the agent has no hub to connect to: %s", u.Why)
	case u.State != panel.LinkConnected:
		return fail("See the checks above: they say how far the way to the hub goes.", "the agent is %s for %s: %s", u.State, panel.FormatAge(u.ForMs), u.Why)
	case u.AckAgeMs == nil:
		return warn("Run this again in a minute; if it stays so, look at the hub's intake.", "the agent is connected for %s, and no acknowledgement has come", panel.FormatAge(u.ForMs))
	case u.HubSilent:
		return fail("Ask whoever runs the hub to look at its intake.", "the agent is connected, and the hub last acknowledged %s ago", panel.FormatAge(*u.AckAgeMs))
	}
	return ok("the agent is connected for %s, the hub last acknowledged %s ago", panel.FormatAge(u.ForMs), panel.FormatAge(*u.AckAgeMs))
}

// occupied says whether an agent has buses and session.
func (b *bench) occupied() bool { return b.running != nil || b.unwell != nil }

func choose[T any](c bool, yes, no T) T {
	if c {
		return yes
	}
	return no
}
