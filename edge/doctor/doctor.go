// Package doctor examines a gateway from its sensors to the hub, in the order
// in which a reading goes, and says of each part what was found and what to do
// about it. It changes nothing but a probe file that it removes, and disturbs
// no agent: while one runs, buses and the MQTT session are that agent's, and
// the doctor asks it instead.
package doctor

import (
	"context"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"periph.io/x/conn/v3/onewire"

	"frostline/edge/bus"
	"frostline/edge/clock"
	"frostline/edge/panel"
	"frostline/edge/sensor"
)

// Config says what to examine.
type Config struct {
	Gateway string
	DataDir string
	Sensors []sensor.Spec
	W1Root  string      // where the kernel shows its 1-Wire devices; empty means the usual place
	Clock   clock.Clock // the gateway's
	Hub     string      // host:port of MQTT; empty where none is configured
	// Identity gives what the gateway was given at enrolment. nil where the hub
	// is reached without TLS.
	Identity Identity
	KeyFiles []string // private keys, to be read by the agent's user alone
}

// Identity is the gateway's own.
type Identity interface {
	// Credentials reads what there is. The error wraps ErrNotEnrolled where the
	// gateway has no certificate yet.
	Credentials() (Credentials, error)
}

// ErrNotEnrolled says that the gateway has no certificate of a hub.
var ErrNotEnrolled = errors.New("this gateway is not enrolled")

// Credentials is what a gateway shows to its hub.
type Credentials struct {
	Leaf       *x509.Certificate
	Chain      []*x509.Certificate // between it and the roots; may be empty
	Key        crypto.PublicKey    // of the private key at hand, which should be the certificate's
	Roots      *x509.CertPool      // of the hub
	TLS        *tls.Config         // as the uplink uses it
	Seal       crypto.Signer       // Ed25519
	RenewAfter time.Time           // from then on the agent renews by itself; zero when not known
}

// agent is a running agent, as a client of its socket sees it.
type agent interface {
	Status(context.Context) (panel.Status, error)
}

// searcher is a 1-Wire bus that can be searched.
type searcher interface {
	Search(alarmOnly bool) ([]onewire.Address, error)
}

// bench is what the checks work with: the real parts, unless a test says
// otherwise.
type bench struct {
	Config
	agent   agent
	running *panel.Status // of the agent; nil where none runs
	unwell  error         // why an agent that is there gives no status

	open    func(sensor.Spec, sensor.Env) (sensor.Driver, error)
	search  func(bus string) (searcher, error) // nil searcher where a bus cannot be searched
	buses   *bus.Set
	sources sources
	// receiver is the satellite receiver that answered, nil if none has.
	receiver atomic.Pointer[sensor.Spec]
	heard    heard // what it told of the time
	now      func() time.Time
}

func newBench(c Config) *bench {
	quiet := slog.New(slog.DiscardHandler)
	b := &bench{Config: c, agent: panel.NewClient(c.DataDir), buses: bus.NewSet(c.W1Root, quiet), open: sensor.Open, sources: kernelSources, now: time.Now, heard: make(heard, 1)}
	b.search = func(name string) (searcher, error) {
		if name == kernelW1 {
			return kernelBus{b.buses.W1()}, nil
		}
		return b.buses.OneWire(name), nil
	}
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
	r := newReport(out, asJSON)
	for _, part := range []struct {
		name   string
		checks []check
	}{
		{"agent", b.agentChecks()},
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
