// Package broker is the transport between gateways and the hub.
//
// It carries and never keeps. A message handed to Publish may be lost, and a
// message a gateway sent may never reach the handler: what a gateway may
// forget is decided by the hub's acknowledgement alone, and what was lost on
// the way is sent again. So nothing here syncs, retries or queues beyond a
// bounded buffer; what the buffer cannot take is dropped, counted and shown.
//
// There are three brokers behind one interface, held to the same contract by
// package brokertest: Embedded runs a NATS server with its MQTT listener in
// this process, NATS uses an external NATS cluster whose MQTT listener the
// gateways reach, and MQTT uses Mosquitto or any other MQTT 3.1.1 broker.
//
// Ordering: messages of one gateway on one lane arrive in the order they were
// sent, gaps possible. Nothing is said about the order between lanes; it is
// the point of lanes that live and seal overtake backlog. They have their own
// connection, buffer and goroutine, so that none waits behind another.
//
// Identity: every message names the gateway it came from, and the broker's own
// access rules vouch for it. Embedded enforces them itself; for the external
// brokers NATSConfig and MosquittoConfig print the rules, and a broker that
// runs without them makes every gateway able to speak for every other.
package broker

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"frostline/proto/topic"
)

// MaxPayload is the largest payload carried in either direction, in bytes.
// Embedded disconnects a gateway that exceeds it.
const MaxPayload = 1 << 20

// wireOverhead is what headers and topics add to a payload at most.
const wireOverhead = 4 << 10

// ErrUnavailable means that the message was not sent because there is no
// connection at the moment. It is worth trying again later.
var ErrUnavailable = errors.New("broker is not connected")

// Message is what a gateway published.
type Message struct {
	Gateway string
	Lane    topic.Lane
	// Payload belongs to the handler: it may keep and change it.
	Payload []byte
	// Received is the hub's clock when the message came in.
	Received time.Time
	// Retained marks a State that the broker kept from earlier, delivered
	// because the hub has just connected and not because anything happened.
	Retained bool
}

// Broker carries messages between the hub and its gateways. All methods but
// Run may be called from any goroutine, before, during and after Run.
type Broker interface {
	// Run connects and hands every message on an upward lane (topic.Up) to
	// handle until ctx ends. It returns nil after an orderly stop, and an
	// error only where going on is pointless: a setting that cannot work, an
	// address in use. An unreachable external broker is tried again for ever,
	// with full jitter, and shows in Status.
	//
	// handle is called from one goroutine per lane, in arrival order. While it
	// runs, later messages of its lane wait in a bounded buffer, so it must
	// not block for long; other lanes go on. Run returns after the last call
	// has; messages still waiting then are discarded. After each connection
	// the last State of every gateway is delivered, marked Retained, unless a
	// newer one has come first.
	//
	// Run may be called once.
	Run(ctx context.Context, handle func(Message)) error

	// Ready is closed when the hub has been connected and subscribed for the
	// first time: from then on what a connected gateway sends arrives.
	Ready() <-chan struct{}

	// Publish sends payload to a gateway on a downward lane (topic.Down), at
	// most once: a gateway that is away misses it, and a nil error says only
	// that the broker was given it. Config is retained as well: a gateway that
	// subscribes later gets the last one. Even that rests on the broker's own
	// storage, so the hub compares the version a gateway reports in its State.
	//
	// The error wraps ErrUnavailable while there is no connection. Payloads
	// are copied or written before Publish returns. It blocks for a few
	// seconds at most.
	Publish(gateway string, lane topic.Lane, payload []byte) error

	// Disconnect ends the gateway's connections at once, so that it has to
	// authenticate again; call it after its right to do so has been taken
	// away. A gateway that is not connected is no error. The error wraps
	// errors.ErrUnsupported where the broker offers no way to do it.
	Disconnect(gateway string) error

	// Status says how the transport is doing, for health checks and pages.
	Status() Status
}

// Authorizer decides who a client certificate speaks for. It is called for
// each new connection of a gateway, from many goroutines at once, after the
// certificate's chain and validity were verified; it must answer within a few
// seconds. An error refuses the connection.
type Authorizer interface {
	Authorize(cert *x509.Certificate) (gateway string, err error)
}

// Status is a snapshot of a Broker.
type Status struct {
	Kind      string // "embedded", "nats" or "mqtt"
	Address   string // where the hub connects; for Embedded, where gateways do
	Connected bool
	Since     time.Time // when Connected last changed; zero before the first connection
	// LastError is why the last connection or attempt failed; it stays after
	// recovery. Empty if none ever did.
	LastError string
	// Connects counts connections of the hub that came about, Refused those of
	// gateways that were turned away (Embedded) and messages of gateways that
	// are not admitted (NATS, MQTT).
	Connects, Refused uint64
	// Malformed counts messages on topics that no gateway may use.
	Malformed uint64
	// Complaints counts warnings and errors of the embedded server or client
	// library, whether or not each was logged.
	Complaints uint64
	Lanes      []LaneStatus // one for each of topic.Up
}

// LaneStatus counts what came in on one lane since the start.
type LaneStatus struct {
	Lane     topic.Lane
	Messages uint64 // accepted into the buffer
	Bytes    uint64
	// Dropped messages found the buffer full, or more than their gateway's
	// share of it. The gateways send again what the hub does not acknowledge.
	Dropped      uint64
	DroppedBytes uint64
	// Waiting messages are in the buffer now.
	Waiting      int
	WaitingBytes int
}

// checkDown refuses what Publish must not send.
func checkDown(gateway string, lane topic.Lane, payload []byte) error {
	switch {
	case !slices.Contains(topic.Down, lane):
		return fmt.Errorf("publish to gateway %q: lane %q is not one of %v", gateway, lane, topic.Down)
	case len(payload) == 0:
		return fmt.Errorf("publish %s to gateway %q: payload is empty", lane, gateway)
	case len(payload) > MaxPayload:
		return fmt.Errorf("publish %s to gateway %q: payload of %d bytes, at most %d allowed", lane, gateway, len(payload), MaxPayload)
	}
	if err := topic.CheckGateway(gateway); err != nil {
		return fmt.Errorf("publish %s: %w", lane, err)
	}
	return nil
}
