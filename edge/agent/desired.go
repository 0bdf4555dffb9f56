package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"frostline/edge/desired"
	"frostline/edge/guard"
	"frostline/edge/journal"
	"frostline/edge/panel"
	"frostline/proto/mandate"
	"frostline/proto/pb"
)

// Settings is what a gateway runs, and may change while it runs.
type Settings struct {
	Sensors []Sensor
	Watches []guard.Watch
	// Packages are those whose own storage profiles are known. They are watched
	// by them while they are aboard.
	Packages []Package
	// Labels are what people call what is watched, by its id, and NextStop is
	// where a vehicle goes; nil where nobody said.
	Labels   map[string]string
	NextStop *panel.NextStop
	Digest   string // SHA-256 of the whole configuration, hex
}

// Mandate is what the hub may have a say in. The zero value is a gateway that
// obeys nobody.
type Mandate struct {
	// Desired keeps what the hub wants; nil for nothing.
	Desired *desired.Keeper
	// Settings gives what to run by a desired state's document. An empty one is
	// the gateway's own configuration alone, and is never refused.
	Settings func(document string) (Settings, error)
	// Patience is how long a desired state may take to prove itself; 10 minutes
	// when zero.
	Patience time.Duration
	// Diagnose writes a report on the gateway, without secrets.
	Diagnose func(ctx context.Context, w io.Writer) error
	// Level is that of the log. Commands change it for a while.
	Level *slog.LevelVar
}

// provingTime is the usual time to prove itself.
const provingTime = 10 * time.Minute

// ErrRestart is what Run returns when the hub asked for a restart, or another
// release is to run: everything taken is kept, and the program is to be started
// again.
var ErrRestart = errors.New("to be started again")

// trust makes the hub's key count, and forgets what another hub wanted.
func (a *agent) trust(ctx context.Context) {
	if a.c.Mandate.Desired == nil {
		return
	}
	changed, err := a.c.Mandate.Desired.Trust(a.identity.MandateKey())
	if err != nil {
		a.trouble("configuration", err)
		return
	}
	if changed {
		a.turn(ctx)
	}
}

// configure takes a document of the hub.
func (a *agent) configure(ctx context.Context, payload []byte) {
	defer a.link.changed()
	switch changed, err := a.c.Mandate.Desired.Offer(payload); {
	case err != nil:
		a.refused(ctx, "configuration", err)
	case changed:
		a.turn(ctx)
	}
}

// refused tells that something of the hub was not obeyed. What the hub did not
// sign is told in the chain, once in a run.
func (a *agent) refused(ctx context.Context, part string, err error) {
	a.faults.add(a.clock.Now(), part, err.Error())
	a.log.Warn("what came in the hub's name is refused", "part", part, "err", err)
	if !errors.Is(err, mandate.ErrForged) && !errors.Is(err, mandate.ErrMalformed) || a.forged.Swap(true) {
		return
	}
	fault := &pb.Fault{Part: part, Detail: err.Error()}
	if err := a.note(ctx, &pb.Event{AtMs: a.clock.Now(), Kind: &pb.Event_Fault{Fault: fault}}); err != nil {
		a.log.Error("that something was refused could not be kept", "err", err)
	}
}

// note puts an event into the chain.
func (a *agent) note(ctx context.Context, e *pb.Event) error {
	_, err := a.journal.Append(ctx, nil, []*pb.Event{e})
	if errors.Is(err, journal.ErrHeld) {
		return nil // it will be kept, and once
	}
	return err
}

// turn has run what is to run now, and goes back where that cannot be.
func (a *agent) turn(ctx context.Context) {
	a.turning.Lock()
	defer a.turning.Unlock()
	a.tellBegun(ctx)
	for {
		document, version := a.c.Mandate.Desired.Document()
		set, err := a.c.Mandate.Settings(document)
		if now := a.stage(); err == nil && !now.reads(set) {
			err = a.replace(ctx, set)
		} else if err == nil && !now.watches(set) { // no reason to miss a tick, nor is a next stop
			err = a.rule(set)
		}
		if err == nil {
			a.names.Store(&names{set.Labels, set.NextStop})
			a.log.Info("configuration applied", "version", version, "sensors", len(set.Sensors))
			a.applied(ctx, version, set.Digest)
			return
		}
		if errors.Is(err, errEnding) {
			return
		}
		a.trouble("configuration", fmt.Errorf("desired state %d could not be applied: %w", version, err))
		if !a.c.Mandate.Desired.Undo(version, err.Error()) {
			return
		}
	}
}

// applied tells chain and hub what runs, and has it proven.
func (a *agent) applied(ctx context.Context, version uint64, digest string) {
	a.digest.Store(&digest)
	p := proof{version: version}
	e := &pb.Event{AtMs: a.clock.Now(), Kind: &pb.Event_ConfigApplied{ConfigApplied: &pb.ConfigApplied{Version: versionWord(version), Digest: digest}}}
	kept, err := a.journal.Append(ctx, nil, []*pb.Event{e})
	switch {
	case err == nil:
		p.epoch, p.block = kept.Epoch, kept.First+uint64(len(kept.Blocks))-1
	case !errors.Is(err, journal.ErrHeld):
		a.trouble("journal", fmt.Errorf("what configuration runs could not be kept: %w", err))
	}
	a.link.changed()
	for {
		select {
		case a.proofs <- p:
			return
		case <-a.proofs: // of what ran before
		}
	}
}

// tellBegun tells once what ran at the start, before anything that took over
// since. turning is held.
func (a *agent) tellBegun(ctx context.Context) {
	if !a.toldBegun {
		a.toldBegun = true
		a.applied(ctx, a.began, *a.digest.Load())
	}
}

// versionWord is a version in the chain.
func versionWord(version uint64) string {
	if version == 0 {
		return "own"
	}
	return strconv.FormatUint(version, 10)
}

// proof is what proves that a configuration works: the block that tells of it,
// once the hub has acknowledged it.
type proof struct {
	version uint64
	epoch   uint32
	block   uint64 // 0: it waits in memory, and has no number yet
}

// given says whether the hub has that block.
func (p *proof) given(s journal.Stats) bool {
	if p.block == 0 {
		if !s.Loaded || s.HeldBlocks > 0 {
			return false
		}
		p.epoch, p.block = s.Epoch, s.Last
	}
	return s.Loaded && (s.Epoch > p.epoch && s.Committed > 0 || s.Epoch == p.epoch && s.Committed >= p.block)
}

// prove tells what runs, and confirms or undoes what is on trial, until ctx ends.
func (a *agent) prove(ctx context.Context) error {
	if a.c.Mandate.Desired == nil {
		return nil
	}
	select {
	case <-a.stage().sampler.Ready():
	case <-ctx.Done():
		return nil
	}
	a.turning.Lock()
	a.tellBegun(ctx)
	a.turning.Unlock()
	look := time.NewTicker(time.Second)
	defer look.Stop()
	patience := a.c.Mandate.Patience
	if patience == 0 {
		patience = provingTime
	}
	limit := time.NewTimer(patience)
	defer limit.Stop()
	var p proof
	for {
		select {
		case <-ctx.Done():
			return nil
		case p = <-a.proofs:
			limit.Reset(patience)
			continue
		case <-look.C:
			if p.version == 0 || !p.given(a.journal.Stats()) {
				continue
			}
			if err := a.c.Mandate.Desired.Confirm(p.version); err != nil {
				a.trouble("configuration", err) // the next start finds it on trial
			}
			p.version = 0
			a.link.changed()
		case <-limit.C:
			reason := fmt.Sprintf("the hub acknowledged no block within %v", patience)
			if p.version != 0 && a.c.Mandate.Desired.Undo(p.version, reason) {
				a.trouble("configuration", fmt.Errorf("desired state %d is undone: %s", p.version, reason))
				a.turn(ctx)
			}
		}
	}
}

// report is what the hub is told of configuration and commands.
func (a *agent) report(s *pb.State) {
	if a.c.Mandate.Desired == nil {
		return
	}
	s.Config, s.Outcomes = a.c.Mandate.Desired.Report(), a.c.Mandate.Desired.Outcomes()
	s.Config.Digest = *a.digest.Load()
	if a.messages != nil {
		s.Shown = a.messages.Report()
	}
	s.ConfigVersion = versionWord(s.Config.Running)
}

// command does what the hub asks for. The error says why it was not done.
func (a *agent) command(ctx context.Context, payload []byte) error {
	defer a.link.changed()
	c, err := a.c.Mandate.Desired.Command(payload, func() (int64, bool) {
		m, ok := a.keeper.UTC(a.clock.Now())
		return m.UTC, ok
	})
	if err != nil {
		a.refused(ctx, "commands", err)
		return err
	}
	a.log.Info("doing what the hub asks for", "command", c.Kind, "argument", c.Argument, "number", c.Number)
	if c.Kind == mandate.Restart {
		a.again.Store(true)
		a.end()
		return nil
	}
	detail, report, err := a.do(ctx, c)
	a.c.Mandate.Desired.Finish(c.Number, detail, report, err)
	return err
}

// diagnoseWithin bounds diagnostics.
const diagnoseWithin = time.Minute

func (a *agent) do(ctx context.Context, c *pb.Command) (detail string, report []byte, err error) {
	what, err := mandate.ParseArgument(c.Kind, c.Argument)
	if err != nil {
		return "", nil, err
	}
	switch c.Kind {
	case mandate.Identify:
		a.identify(ctx, what.For)
		return fmt.Sprintf("showing itself for %v", what.For), nil, nil
	case mandate.LogLevel:
		return a.setLevel(what)
	case mandate.Message:
		if a.messages == nil {
			return "", nil, errors.New("this agent shows no messages")
		}
		return "on the page", nil, a.messages.Take(what)
	case mandate.Diagnostics:
		if a.c.Mandate.Diagnose == nil {
			return "", nil, errors.New("this agent has no diagnostics")
		}
		ctx, cancel := context.WithTimeout(ctx, diagnoseWithin)
		defer cancel()
		b := &bounded{most: mandate.MaxReport}
		err := a.c.Mandate.Diagnose(ctx, b)
		detail = "see the report"
		if b.cut {
			detail = fmt.Sprintf("see the report, which is cut at %d bytes", b.most)
		}
		return detail, b.Bytes(), err
	}
	return "", nil, fmt.Errorf("%q is not known to this version", c.Kind)
}

// setLevel changes the level of the log for a while.
func (a *agent) setLevel(what mandate.Argument) (string, []byte, error) {
	if a.c.Mandate.Level == nil {
		return "", nil, errors.New("this agent's log has one level")
	}
	var l slog.Level
	if err := l.UnmarshalText([]byte(what.Level)); err != nil {
		return "", nil, err
	}
	a.turning.Lock()
	defer a.turning.Unlock()
	if a.levelBack != nil {
		a.levelBack.Stop()
	} else {
		a.level = a.c.Mandate.Level.Level()
	}
	a.c.Mandate.Level.Set(l)
	var back *time.Timer
	back = time.AfterFunc(what.For, func() {
		a.turning.Lock()
		defer a.turning.Unlock()
		if a.levelBack == back {
			a.c.Mandate.Level.Set(a.level)
			a.levelBack = nil
			a.log.Info("the log has its usual level again", "level", a.level)
		}
	})
	a.levelBack = back
	return fmt.Sprintf("the log is at %s for %v, then at %s again", what.Level, what.For, a.level), nil, nil
}

// bounded takes as much as there may be, and says when more came.
type bounded struct {
	bytes.Buffer
	most int
	cut  bool
}

func (b *bounded) Write(p []byte) (int, error) {
	n := min(len(p), b.most-b.Len())
	b.cut = b.cut || n < len(p)
	b.Buffer.Write(p[:n])
	return len(p), nil
}

// shownConfig is which desired state runs, for people.
func (a *agent) shownConfig() panel.Config {
	if a.c.Mandate.Desired == nil {
		return panel.Config{}
	}
	r := a.c.Mandate.Desired.Report()
	return panel.Config{Running: r.Running, Trial: r.Trial, Refused: r.Refused, Reason: r.Reason}
}
