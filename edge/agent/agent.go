// Package agent joins the parts of a gateway into one running program: it
// starts them in the order in which a reading passes through them and stops
// them in the same order, so that what was taken is kept, and what was kept has
// had its chance to reach the hub.
package agent

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"frostline/edge/bus"
	"frostline/edge/clock"
	"frostline/edge/guard"
	"frostline/edge/identity"
	"frostline/edge/journal"
	"frostline/edge/message"
	"frostline/edge/panel"
	"frostline/edge/scan"
	"frostline/edge/sensor"
	"frostline/edge/systemd"
	"frostline/edge/uplink"
	"frostline/proto/calibration"
	"frostline/proto/mandate"
	"frostline/proto/pb"
	"frostline/proto/truetime"
)

// Config is what a gateway consists of. It is checked already.
type Config struct {
	Gateway string
	Data    string // directory of journal, keys and socket
	Version string
	Sensors []Sensor
	// Watches are the storage profiles that the gateway itself alarms by, and
	// Indicators what it alarms with.
	Watches    []guard.Watch
	Packages   []Package // whose own storage profiles are known
	Indicators []Indicator
	W1Root     string          // where the kernel shows its 1-Wire devices; empty means the usual place
	Journal    journal.Options // limits; what the agent knows better is overwritten
	Panel      string          // address of the local pages; empty for none
	Pages      panel.Settings  // what they are of
	// Labels are what people call what is watched, by its id, and NextStop is
	// where a vehicle goes; nil where nobody said.
	Labels   map[string]string
	NextStop *panel.NextStop
	Hub      string // host:port of MQTT; empty means what the enrolment said
	// ConfigVersion names the configuration in the State sent to the hub, where
	// Mandate gives none.
	ConfigVersion string
	Mandate       Mandate
	Update        Update
	// Manager is the service manager that started the agent; the zero value is
	// none.
	Manager systemd.Manager
	Log     *slog.Logger
}

// Sensor is one configured sensor.
type Sensor struct {
	sensor.Spec
	Interval time.Duration // between readings
	Timeout  time.Duration // after the tick, until which it may answer
	// Calibration corrects its temperature; nil for none.
	Calibration *calibration.Certificate
}

// Identity is who the gateway is to the hub; *identity.Identity is one.
type Identity interface {
	// Wait returns when the gateway is enrolled, which may happen while the
	// agent runs.
	Wait(ctx context.Context) error
	MQTT() []string
	TLS(host string) (*tls.Config, error)
	Signer() (crypto.Signer, error)
	Certificate() identity.Info
	// MandateKey is the key by which the hub instructs gateways; nil while none
	// is known.
	MandateKey() ed25519.PublicKey
	// Run renews the certificate in time, until ctx ends.
	Run(ctx context.Context) error
}

// JournalDir is where a gateway's journal is.
func JournalDir(data string) string { return filepath.Join(data, "journal") }

// renewedPoll is how often the uplink looks whether there is a new certificate.
const renewedPoll = time.Minute

// retryWait is the time before a part that did not work is started again.
const retryWait = 30 * time.Second

// drainLimit bounds how long a stopping agent waits for the hub.
const drainLimit = 5 * time.Second

// agent is the gateway's parts, each made before the next.
//
//	journal ◄── keeper (anchors)          started 1st, closed last
//	   ▲
//	   ├─────── keep ◄── sampler ◄── drivers ◄── buses      (a stage, replaceable)
//	   └─────── guard ◄─────┘     ──► lamps, buzzers
//	journal ──► uplink ◄── identity
//	all     ──► page, socket
type agent struct {
	c            Config
	log          *slog.Logger
	clock        clock.Clock
	journal      *journal.Journal
	keeper       *clock.Keeper
	present      atomic.Pointer[stage]
	swaps        chan swap
	guard        *guard.Guard  // nil in a recording
	scanner      *scan.Scanner // likewise
	watching     sync.Mutex    // held while the guard is told what to watch
	watched      atomic.Pointer[[]guard.Watch]
	calibrations calibrations
	history      *panel.History
	outlooks     panel.Outlooks
	names        atomic.Pointer[names]
	outputs      *bus.Set // of the indicators; nil without
	identity     Identity
	link         link
	messages     *message.Keeper // of dispatch; nil in a recording
	faults       faults
	started      int64 // boottime, ms
	progress     progress
	deaf         bool // the service manager does not hear; supervise's own

	releases   chan struct{}          // capacity 1: another release is wanted
	proofs     chan proof             // capacity 1: of what runs now
	digest     atomic.Pointer[string] // of what runs now
	forged     atomic.Bool            // what the hub did not sign was told in the chain
	lamps      []*lamp
	blinking   atomic.Bool        // the lamps show which gateway is meant
	identified atomic.Int64       // boottime until which it shows itself, ms
	again      atomic.Bool        // it is ending to be started again
	end        context.CancelFunc // of sampling, and so of all; set by run

	turning   sync.Mutex  // held while another configuration takes over
	began     uint64      // version that ran at the start
	toldBegun bool        // the chain has it; under turning
	levelBack *time.Timer // to the log's usual level; nil while it has that
	level     slog.Level  // the usual one
}

// Run runs a gateway until ctx ends. It then stops sampling, keeps what was
// taken, and gives the hub a few seconds to take what is pending; hurry ends
// that wait. It returns nil after a clean stop, and ErrRestart after one that the
// hub asked for.
//
// openIdentity is given the best time known, which is the host's until an
// anchor comes.
func Run(ctx, hurry context.Context, c Config, openIdentity func(now func() time.Time) (Identity, error)) error {
	system, err := clock.NewSystem()
	if err != nil {
		return fmt.Errorf("start agent: %w", err)
	}
	a, err := open(c, system, journal.Options{})
	if err != nil {
		return fmt.Errorf("start agent: %w", err)
	}
	if a.identity, err = openIdentity(a.now); err != nil {
		return errors.Join(fmt.Errorf("start agent: %w", err), a.close())
	}
	err = a.run(ctx, hurry)
	if err == nil && c.Update.Keeper != nil {
		err = c.Update.Keeper.Ended()
	}
	if err == nil && a.again.Load() && ctx.Err() == nil {
		err = ErrRestart
	}
	return errors.Join(err, a.close())
}

// open makes the parts on a clock. special overrides what a recording needs
// otherwise.
func open(c Config, clk clock.Clock, special journal.Options) (*agent, error) {
	a := &agent{c: c, log: c.Log, clock: clk, started: clk.Now(), swaps: make(chan swap), proofs: make(chan proof, 1), releases: make(chan struct{}, 1),
		history: panel.NewHistory()}
	o := c.Journal
	o.Boottime, o.BootID, o.Version, o.Recorded, o.Log = clk.Now, clk.BootID(), c.Version, special.Recorded, c.Log
	o.Within = a.within
	var err error
	if a.journal, err = journal.Open(JournalDir(c.Data), c.Gateway, o); err != nil {
		return nil, err
	}
	k := clock.KeeperConfig{Clock: clk, Record: a.recordClock, Log: c.Log.With("part", "clock")}
	if special.Recorded {
		k.Poll = time.Minute
	} else {
		k.NTP = clock.NTP
		k.RTC = func(clk clock.Clock) (truetime.Anchor, bool, error) { return clock.RTC(clk, clock.RTCFile) }
	}
	if a.keeper, err = clock.NewKeeper(k); err != nil {
		return nil, errors.Join(err, a.close())
	}
	run := Settings{Sensors: c.Sensors, Watches: c.Watches, Packages: c.Packages, Labels: c.Labels, NextStop: c.NextStop}
	if m := c.Mandate; m.Desired != nil {
		document, version := m.Desired.Document()
		a.began = version
		set, err := m.Settings(document)
		if err != nil {
			return nil, errors.Join(err, a.close())
		}
		run = set
	}
	a.digest.Store(&run.Digest)
	a.names.Store(&names{run.Labels, run.NextStop})
	first, err := a.openStage(run)
	if err != nil {
		return nil, errors.Join(err, a.close())
	}
	a.tellCalibrations(first)
	a.follow(first)
	a.present.Store(first)
	if !special.Recorded {
		a.openMessages()
		if err := errors.Join(a.openScanner(), a.openGuard(first)); err != nil {
			return nil, errors.Join(err, a.close())
		}
	}
	return a, nil
}

// run runs the parts. Sampling ends with ctx; journal, page and uplink end when
// sampling has, and the uplink has had its time.
func (a *agent) run(ctx, hurry context.Context) error {
	operator, err := panel.ListenSocket(a.c.Data)
	if err != nil {
		return err
	}
	outer, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	inner, end := context.WithCancel(ctx)
	a.end = end
	g, outer := errgroup.WithContext(outer)
	g.Go(func() error { return a.journal.Run(outer) })
	g.Go(func() error { return a.serveUplink(outer) })
	if a.c.Panel != "" {
		if l, err := panel.Listen(a.c.Panel); err != nil {
			a.trouble("page", err)
		} else {
			page := panel.NewPage(a.c.Gateway, a, a.log)
			page.Set(a.c.Pages)
			page.Courses(a.history)
			page.Metrics(a.metrics())
			page.Alarms(a.guard)
			page.Scans(a.scanner)
			page.Messages(a)
			g.Go(func() error { return page.Serve(outer, l) })
		}
	}
	g.Go(func() error { return a.guard.Run(outer) })
	g.Go(func() error { return a.scanner.Run(outer) })
	g.Go(func() error { return a.watchCalibrations(outer) })
	g.Go(func() error { return a.supervise(outer, ctx) })
	g.Go(func() error { return a.prove(outer) })
	g.Go(func() error { return a.update(outer) })
	socket := panel.NewSocket(a, &a.link, a.log)
	socket.Alarms(a.guard)
	socket.Scans(a.scanner)
	g.Go(func() error { return socket.Serve(outer, operator) })
	g.Go(func() error {
		defer stop()
		defer end()
		// A failure of the parts around ends sampling too: better to be started
		// anew by the host's service manager than to run in part.
		defer context.AfterFunc(outer, end)()
		err := a.sample(inner, 1)
		a.drain(outer, hurry)
		return err
	})
	return g.Wait()
}

// sample reads and keeps until ctx ends and all that was taken is kept; see keep
// for together.
func (a *agent) sample(ctx context.Context, together int) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.keeper.Run(ctx) })
	g.Go(func() error { return a.stages(ctx, together) })
	return g.Wait()
}

// serveUplink carries blocks to the hub until ctx ends. What keeps it from
// that, such as a damaged key, is shown and tried again; sampling goes on.
func (a *agent) serveUplink(ctx context.Context) error {
	for {
		err := a.uplink(ctx)
		if ctx.Err() != nil {
			return nil
		}
		a.trouble("uplink", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retryWait):
		}
	}
}

// trouble logs and shows what an operator has to see to.
func (a *agent) trouble(part string, err error) {
	a.faults.add(a.clock.Now(), part, err.Error())
	a.log.Error("part of the agent does not work", "part", part, "err", err)
}

// uplink waits for a certificate, then carries blocks to the hub.
func (a *agent) uplink(ctx context.Context) error {
	if err := a.identity.Wait(ctx); err != nil {
		return err
	}
	a.trust(ctx)
	signer, err := a.identity.Signer()
	if err != nil {
		return fmt.Errorf("open the key of seals: %w", err)
	}
	address := a.c.Hub
	if address == "" {
		known := a.identity.MQTT()
		if len(known) == 0 {
			return errors.New("the hub's address is not known: set hub.address, or enrol again")
		}
		address = known[0]
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("hub address %q: want HOST:PORT: %w", address, err)
	}
	c := uplink.Config{
		Gateway: a.c.Gateway, Address: address, Signer: signer,
		TLS:     func() (*tls.Config, error) { return a.identity.TLS(host) },
		Journal: a.journal, Boottime: a.clock.Now, Anchor: a.anchor, Birth: a.birth,
		OnHubTime: a.keeper.Offer, Log: a.log.With("part", "uplink"),
	}
	agent := ctx // a change of configuration outlives the uplink's troubles
	if a.c.Mandate.Desired != nil {
		c.OnConfig = func(payload []byte) { a.configure(agent, payload) }
	}
	u, err := uplink.New(c)
	if err != nil {
		return err
	}
	if a.c.Mandate.Desired != nil {
		u.Handle(strings.TrimSuffix(mandate.Prefix, "\n"), a.command)
	}
	if a.c.Update.Keeper != nil {
		u.Handle(strings.TrimSuffix(mandate.ReleasePrefix, "\n"), a.release)
	}
	a.link.set(u)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return u.Run(ctx) })
	g.Go(func() error { return a.identity.Run(ctx) })
	g.Go(func() error { return a.showRenewed(ctx, agent, u) })
	return g.Wait()
}

// showRenewed replaces the connection after the certificate was renewed, so
// that none outlives the certificate it was made with.
func (a *agent) showRenewed(ctx, agent context.Context, u *uplink.Uplink) error {
	tick := time.NewTicker(renewedPoll)
	defer tick.Stop()
	shown := a.identity.Certificate().Serial
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		a.trust(agent)
		if now := a.identity.Certificate().Serial; now != shown {
			shown = now
			u.Reconnect()
		}
	}
}

// anchor is the best of now, in the form of a seal.
func (a *agent) anchor() *pb.Anchor {
	best, ok := a.keeper.Best()
	if !ok {
		return nil
	}
	return pbAnchor(a.journal.Tip().Boot, best)
}

// birth is the State that the uplink completes.
func (a *agent) birth() *pb.State {
	s := &pb.State{
		Boot: a.journal.Tip().Boot, BootId: a.clock.BootID(), Version: a.c.Version,
		Series: a.journal.Declared(), ConfigVersion: a.c.ConfigVersion,
	}
	a.report(s)
	a.reportRelease(s)
	return s
}

// now is the best time known.
func (a *agent) now() time.Time {
	if m, ok := a.keeper.UTC(a.clock.Now()); ok {
		return time.UnixMilli(m.UTC)
	}
	return time.Now()
}

// drain waits until the hub has all and a seal over it, or for a while, or until
// told to hurry. The seal signs what a minute's one would have: without it the
// last blocks before a stop stay unsigned until the next start.
func (a *agent) drain(ctx, hurry context.Context) {
	limit := time.NewTimer(drainLimit)
	defer limit.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	asked := journal.Tip{} // what a seal was asked for of
	for {
		s, up := a.link.status()
		if !up || !s.Connected {
			return
		}
		if a.journal.Stats().PendingBlocks == 0 {
			tip := a.journal.Tip()
			switch {
			case s.SealedEpoch == tip.Epoch && s.SealedBlock >= tip.Last:
				return
			case asked != tip:
				asked = tip
				a.link.seal()
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-hurry.Done():
			return
		case <-limit.C:
			a.log.Info("stopping before the hub has acknowledged all and its seal; what it lacks is kept", "pending", a.journal.Stats().PendingReadings)
			return
		case <-tick.C:
		}
	}
}

func (a *agent) close() error {
	var err error
	if s := a.stage(); s != nil {
		err = s.close()
	}
	if a.outputs != nil {
		err = errors.Join(err, a.outputs.Close())
	}
	return errors.Join(err, a.journal.Close())
}
