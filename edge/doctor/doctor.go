// Package doctor examines a gateway from its sensors to the hub, in the order
// in which a reading goes, and says of each part what was found and what to do
// about it. It changes nothing but a probe file that it removes, and disturbs
// no agent: while one runs, buses and a standing MQTT session are that agent's,
// and the doctor asks it instead.
package doctor

import (
	"context"
	"crypto"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"frostline/edge/bus"
	"frostline/edge/clock"
	"frostline/edge/identity"
	"frostline/edge/journal"
	"frostline/edge/panel"
	"frostline/edge/sensor"
	"frostline/edge/update"
)

// Config says what to examine.
type Config struct {
	Gateway string
	DataDir string
	Journal string // directory of the journal
	Sensors []sensor.Spec
	// Certificates are those of the sensors that have one.
	Certificates []Certificate
	W1Root       string      // where the kernel shows its 1-Wire devices; empty means the usual place
	Clock        clock.Clock // the gateway's
	Hub          string      // host:port of MQTT; empty: as the hub said at enrolment
	// Identity opens what the gateway was given at enrolment. nil where the hub
	// is reached without TLS.
	Identity func() (Identity, error)
	// Updates tells which release of the agent is to run; nil where none ever came.
	Updates  func() (update.Standing, error)
	KeyFiles []string // that hold private keys, to be read by the agent's user alone
}

// Identity is what the gateway was given at enrolment, as package identity
// keeps it.
type Identity interface {
	// Enrolled reports whether there is a certificate. Without one the others
	// are not called.
	Enrolled() bool
	Certificate() identity.Info
	// MQTT lists where the hub said it is, host:port, the preferred one first.
	MQTT() []string
	// TLS is what the uplink uses on a connection to a host.
	TLS(host string) (*tls.Config, error)
	// Signer holds the key of seals.
	Signer() (crypto.Signer, error)
}

var _ Identity = (*identity.Identity)(nil)

// agent is a running agent, as a client of its socket sees it.
type agent interface {
	Status(context.Context) (panel.Status, error)
}

// bench is what the checks work with: the real parts, unless a test says
// otherwise.
type bench struct {
	Config
	agent   agent
	running *panel.Status // of the agent; nil where none runs
	unwell  error         // why an agent that is there gives no status

	identity Identity // nil where there is none, or it is unread
	unread   error    // why

	open    func(sensor.Spec, sensor.Env) (sensor.Driver, error)
	find    func(k kind, bus string) (found []sensor.Spec, others int, err error)
	buses   *bus.Set
	verify  func(dir string) (*journal.Report, error)
	sources sources
	// receiver is the satellite receiver that answered, nil if none has.
	receiver atomic.Pointer[sensor.Spec]
	heard    heard // what it told of the time
	now      func() time.Time
}

func newBench(c Config) *bench {
	quiet := slog.New(slog.DiscardHandler)
	b := &bench{Config: c, agent: panel.NewClient(c.DataDir), buses: bus.NewSet(c.W1Root, quiet), open: sensor.Open, verify: journal.Verify, sources: kernelSources, now: time.Now, heard: make(heard, 1)}
	b.find = func(k kind, name string) ([]sensor.Spec, int, error) { return k.find(b, name) }
	return b
}

// Run examines the gateway and writes each result to out as it comes: text, or
// one JSON object a line. It returns the process's exit status, 0 where nothing
// failed and 1 otherwise, and an error where out takes no more. The last
// result, "overall", counts the others.
func Run(ctx context.Context, c Config, out io.Writer, asJSON bool) (exit int, err error) {
	b := newBench(c)
	defer b.buses.Close()
	return b.run(ctx, out, asJSON)
}

func (b *bench) run(ctx context.Context, out io.Writer, asJSON bool) (exit int, err error) {
	if status, err := b.agent.Status(ctx); err == nil {
		b.running = &status
	} else if !errors.Is(err, panel.ErrNotRunning) {
		b.unwell = err
	}
	if b.Identity != nil {
		b.identity, b.unread = b.Identity()
		if b.Hub == "" && b.credentials() && len(b.identity.MQTT()) > 0 {
			b.Hub = b.identity.MQTT()[0]
		}
	}
	r := newReport(out, asJSON)
	for _, part := range []struct {
		name   string
		checks []check
	}{
		{"agent", slices.Concat(b.agentChecks(), b.desiredCheck(), b.updateCheck(), b.guardChecks())},
		{"buses", b.busChecks()},
		{"clock", b.clockChecks()},
		{"disk", b.diskChecks()},
		{"certificate", b.certificateChecks()},
		{"hub", b.hubChecks()},
	} {
		r.begin(part.name)
		for _, c := range part.checks {
			c.run(ctx, r.add)
		}
	}
	r.cut = context.Cause(ctx)
	return r.end()
}
