package broker

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"frostline/proto/topic"
)

// NATSSettings configures NATS.
type NATSSettings struct {
	// URL is one or more NATS addresses, separated by commas, as in
	// "tls://a:4222,tls://b:4222". Required.
	URL string
	// TLS is the hub's certificate and the authority of the servers'; nil
	// means no TLS, which suits a server on this machine at most.
	TLS *tls.Config
	// Credentials is a NATS .creds file; empty means none.
	Credentials string
	// Admit says whether to take messages of a gateway; nil admits all. It is
	// called for each message and must be quick. It matters for the seconds
	// between a revocation and the external broker's learning of it.
	Admit   func(gateway string) bool
	Buffers Buffers
	Log     *slog.Logger // required
}

// NATS uses an external NATS server or cluster with JetStream, whose MQTT
// listener the gateways connect to. The hub's user needs the permissions that
// NATSConfig prints.
//
// An external cluster does not tie MQTT client ids to certificates, so an
// enrolled gateway can end another's connection by using its id. It gains
// nothing by it: what it may publish and read goes by its certificate.
type NATS struct {
	link    *natsLink
	running atomic.Bool
}

// NewNATS checks c. Nothing is opened before Run.
func NewNATS(c NATSSettings) (*NATS, error) {
	switch {
	case c.URL == "":
		return nil, errors.New("nats broker: url is not set: want for example tls://broker:4222")
	case c.Log == nil:
		return nil, errors.New("nats broker: logger is not set")
	}
	in, err := newInbox(c.Buffers, c.Admit, c.Log)
	if err != nil {
		return nil, fmt.Errorf("nats broker: %w", err)
	}
	var options []nats.Option
	if c.TLS != nil {
		options = append(options, nats.Secure(c.TLS))
	}
	if c.Credentials != "" {
		options = append(options, nats.UserCredentials(c.Credentials))
	}
	return &NATS{link: newNATSLink(c.URL, in, c.Log, options...)}, nil
}

// Ready is as in Broker.
func (n *NATS) Ready() <-chan struct{} { return n.link.ready }

// Run is as in Broker.
func (n *NATS) Run(ctx context.Context, handle func(Message)) error {
	if n.running.Swap(true) {
		return errors.New("nats broker: run was called before")
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { n.link.in.run(ctx, handle) })
	err := n.link.run(ctx)
	cancel()
	wg.Wait()
	return err
}

// Publish is as in Broker.
func (n *NATS) Publish(gateway string, lane topic.Lane, payload []byte) error {
	return n.link.publish(gateway, lane, payload)
}

// Disconnect is not supported: a NATS server ends a gateway's connections when
// its configuration is reloaded without the gateway's user.
func (n *NATS) Disconnect(gateway string) error {
	if err := topic.CheckGateway(gateway); err != nil {
		return fmt.Errorf("disconnect: %w", err)
	}
	return fmt.Errorf("disconnect gateway %q: an external nats server does it when its configuration is reloaded without the gateway: %w", gateway, errors.ErrUnsupported)
}

// Status is as in Broker.
func (n *NATS) Status() Status { return n.link.status("nats") }
