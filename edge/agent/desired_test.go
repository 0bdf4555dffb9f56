package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/edge/clock"
	"frostline/edge/desired"
	"frostline/edge/journal"
	"frostline/edge/sensor"
	"frostline/proto/block"
	"frostline/proto/mandate"
	"frostline/proto/pb"
)

var hub = ed25519.NewKeyFromSeed([]byte(strings.Repeat("h", ed25519.SeedSize)))

// post is an agent without a hub, whose desired state is a list of the names of
// batteries that are not there: they are read, and give no answer. A name that
// begins with + is that of a package.
type post struct {
	*agent
	t    *testing.T
	stop func() error
}

func settings(document string) (Settings, error) {
	set := Settings{Digest: "of " + document}
	for _, name := range strings.Fields(document) {
		if name == "unfit" {
			return set, errors.New("there is no such battery")
		}
		if id, ok := strings.CutPrefix(name, "+"); ok {
			set.Packages = append(set.Packages, Package{ID: id})
			continue
		}
		interval := 100 * time.Millisecond
		if name == "never" { // fit by all rules, and the sampler does not take it
			interval = time.Millisecond
		}
		set.Sensors = append(set.Sensors, Sensor{
			Spec:     sensor.Spec{ID: name, Driver: "battery", Bus: "/sys/class/power_supply/" + name},
			Interval: interval, Timeout: 50 * time.Millisecond,
		})
	}
	return set, nil
}

func startPost(t *testing.T, data string, patience time.Duration) *post {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	k, err := desired.Open(desired.Options{Dir: filepath.Join(data, "desired"), Gateway: "van-1", Log: log,
		Check: func(d string) error { _, err := settings(d); return err }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Trust(hub.Public().(ed25519.PublicKey)); err != nil {
		t.Fatal(err)
	}
	system, err := clock.NewSystem()
	if err != nil {
		t.Fatal(err)
	}
	a, err := open(Config{Gateway: "van-1", Data: data, Log: log, Mandate: Mandate{Desired: k, Settings: settings, Patience: patience}}, system, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.journal.Run(ctx) })
	g.Go(func() error { return a.stages(ctx, 1) })
	g.Go(func() error { return a.prove(ctx) })
	p := &post{agent: a, t: t}
	done := false
	p.stop = func() error {
		if done {
			return nil
		}
		done = true
		cancel()
		return errors.Join(g.Wait(), a.close())
	}
	t.Cleanup(func() {
		if err := p.stop(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *post) want(version uint64, document string) {
	p.t.Helper()
	b, err := mandate.SignDesired(&pb.Desired{Gateway: "van-1", Version: version, Document: document}, hub)
	if err != nil {
		p.t.Fatal(err)
	}
	p.configure(p.t.Context(), b)
}

func (p *post) await(what string, ok func() bool) {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("waited for %s; reports %v", what, p.c.Mandate.Desired.Report())
		}
	}
}

// reads gives the sensors that are read now.
func (p *post) reads() (names []string) {
	for _, s := range p.stage().sensors {
		names = append(names, s.ID)
	}
	return names
}

// acknowledge is the hub having all that is kept.
func (p *post) acknowledge() {
	p.t.Helper()
	tip := p.journal.Tip()
	if err := p.journal.Acknowledge(journal.Commit{Epoch: tip.Epoch, Committed: tip.Last, Head: tip.Head}); err != nil {
		p.t.Fatal(err)
	}
}

// told lists what the chain says of configurations.
func (p *post) told() (all []string) {
	p.t.Helper()
	tip := p.journal.Tip()
	for n := uint64(1); n <= tip.Last; {
		run, err := p.journal.Read(tip.Epoch, n, 256, 1<<20)
		if err != nil {
			p.t.Fatal(err)
		}
		for _, raw := range run.Blocks {
			b, err := block.Decode(raw)
			if err != nil {
				p.t.Fatal(err)
			}
			for _, e := range b.Events {
				if m, err := block.DecodeEvent(e); err == nil && m.GetConfigApplied() != nil {
					all = append(all, m.GetConfigApplied().Version+" "+m.GetConfigApplied().Digest)
				}
			}
		}
		n = run.First + uint64(len(run.Blocks))
	}
	return all
}

// What changes is what is watched: no sensor misses a tick for that.
func TestPackagesLeaveSensorsAlone(t *testing.T) {
	p := startPost(t, t.TempDir(), time.Hour)
	p.want(1, "one +BOX-1")
	s := p.stage()
	p.want(2, "one +BOX-1 +BOX-2")
	if r := s.rules.Load(); p.stage() != s || len(r.packages) != 2 || r.packages[1].ID != "BOX-2" {
		t.Errorf("the sensors were opened anew, or %+v are known", r.packages)
	}
	p.want(3, "two +BOX-1")
	if now := p.stage(); now == s || len(now.rules.Load().packages) != 1 {
		t.Errorf("%+v are known", now.rules.Load().packages)
	}
}

// A desired state takes over at once and stays once the hub has the block that
// tells of it; one that the hub never acknowledges a block of is undone.
func TestDesiredStateProvesItself(t *testing.T) {
	data := t.TempDir()
	p := startPost(t, data, time.Hour)
	p.want(1, "one two")
	if got := fmt.Sprint(p.reads()); got != "[one two]" {
		t.Errorf("reads %s", got)
	}
	p.await("readings of the new sensors", func() bool {
		all := p.stage().sampler.Latest()
		return len(all) > 0 && all[0].Taken
	})
	if r := p.c.Mandate.Desired.Report(); !r.Trial || r.Running != 1 {
		t.Errorf("reports %v", r)
	}
	p.await("the agent to be content", func() bool { p.acknowledge(); return !p.c.Mandate.Desired.Trial() })
	// What the sampler does not take is undone at once, and the former goes on.
	p.want(2, "never")
	if r := p.c.Mandate.Desired.Report(); r.Running != 1 || r.Refused != 2 || !strings.Contains(r.Reason, "interval") || fmt.Sprint(p.reads()) != "[one two]" {
		t.Errorf("reads %v, reports %v", p.reads(), r)
	}
	p.want(3, "unfit")
	if r := p.c.Mandate.Desired.Report(); r.Running != 1 || r.Refused != 3 {
		t.Errorf("reports %v", r)
	}
	p.want(4, "")
	if len(p.reads()) != 0 {
		t.Errorf("reads %v", p.reads())
	}
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}

	// Nobody acknowledges anything any more.
	p = startPost(t, data, 50*time.Millisecond)
	p.await("version 4 to be undone", func() bool { return p.c.Mandate.Desired.Report().Refused == 4 && len(p.reads()) == 2 })
	if r := p.c.Mandate.Desired.Report(); r.Running != 1 || r.Trial || !strings.Contains(r.Reason, "acknowledged no block") {
		t.Errorf("reports %v", r)
	}
	p.await("the chain to tell all of it", func() bool {
		return strings.Join(p.told(), ", ") == "own of , 1 of one two, 1 of one two, 4 of , 4 of , 1 of one two"
	})
	var s pb.State
	p.report(&s)
	if s.ConfigVersion != "1" || s.Config.Digest != "of one two" {
		t.Errorf("the State says %v", &s)
	}
}
