package uplink

import (
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"frostline/proto/pb"
	"frostline/proto/topic"
	"frostline/proto/truetime"
)

// Config is what an Uplink is made of.
type Config struct {
	// Gateway is this gateway's id. It is the MQTT client id too.
	Gateway string

	// Address is the host and port of the hub's MQTT listener.
	Address string

	// TLS gives the configuration of each connection anew, so that a renewed
	// certificate serves from the next one on. An empty ServerName is filled
	// in from Address. Nil connects in the clear, which is accepted only for
	// an Address that is a loopback IP.
	TLS func() (*tls.Config, error)

	// Signer signs seals; it holds an Ed25519 key.
	Signer crypto.Signer

	// Journal holds the blocks.
	Journal Journal

	// Boottime is CLOCK_BOOTTIME in milliseconds.
	Boottime func() int64

	// Anchor is the best anchor of now, for seals; nil while there is none.
	Anchor func() *pb.Anchor

	// Birth is the gateway's State without what the uplink fills in: Online,
	// Epoch, Journal and BoottimeMs. It is called at each connection, every
	// Timing.State to see whether it is news, and after Changed at once.
	Birth func() *pb.State

	// OnHubTime, if set, is given an anchor by the hub's clock for each seal
	// that the hub answers. It must not block.
	OnHubTime func(truetime.Anchor)

	// OnConfig, if set, is given each configuration document that arrives; it
	// comes again at each connection. It is called from one goroutine and may
	// take its time.
	OnConfig func(document []byte)

	// Log receives each trouble once and its end once.
	Log *slog.Logger

	// Timing is zero for the defaults.
	Timing Timing
}

// Timing is how long the uplink waits for what. A zero field has its default.
type Timing struct {
	BackoffBase    time.Duration // ceiling of the first wait before connecting again: 500 ms
	BackoffCeiling time.Duration // of later ones: 60 s
	Connect        time.Duration // for network, TLS, MQTT and subscriptions together: 20 s
	KeepAlive      time.Duration // idle time before a ping, whole seconds: 15 s
	Ping           time.Duration // for its answer: 10 s
	Write          time.Duration // for one packet to be taken by the network: 15 s
	Silence        time.Duration // nothing received though parcels are in flight: 20 s
	Unanswered     time.Duration // broker answers, hub does not: connect anew after 5 min
	MinResend      time.Duration // least time before a parcel is sent again: 1 s
	MaxResend      time.Duration // most: 30 s
	Seal           time.Duration // between seals: 60 s
	SealAnswer     time.Duration // before an unanswered seal is made again, thrice: 5 s
	State          time.Duration // least time between two States: 10 s
	StateRefresh   time.Duration // most time between two while journal numbers change: 5 min
	Epoch          time.Duration // least time between epochs that the hub asks for: 1 min
}

// withDefaults fills in what is zero.
func (t Timing) withDefaults() Timing {
	for _, f := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&t.BackoffBase, 500 * time.Millisecond}, {&t.BackoffCeiling, time.Minute},
		{&t.Connect, 20 * time.Second}, {&t.KeepAlive, 15 * time.Second}, {&t.Ping, 10 * time.Second},
		{&t.Write, 15 * time.Second}, {&t.Silence, 20 * time.Second}, {&t.Unanswered, 5 * time.Minute},
		{&t.MinResend, time.Second}, {&t.MaxResend, 30 * time.Second},
		{&t.Seal, time.Minute}, {&t.SealAnswer, 5 * time.Second},
		{&t.State, 10 * time.Second}, {&t.StateRefresh, 5 * time.Minute}, {&t.Epoch, time.Minute},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	return t
}

// check says what is wrong with a configuration.
func (c *Config) check() error {
	if err := topic.CheckGateway(c.Gateway); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(c.Address)
	if err != nil || host == "" {
		return fmt.Errorf("hub address %q: want HOST:PORT", c.Address)
	}
	if c.TLS == nil {
		if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
			return fmt.Errorf("hub address %q: without TLS only a loopback IP is accepted", c.Address)
		}
	}
	if c.Signer == nil {
		return errors.New("signer is missing: seals could not be signed")
	}
	if _, ok := c.Signer.Public().(ed25519.PublicKey); !ok {
		return fmt.Errorf("signer holds a %T: want an Ed25519 key", c.Signer.Public())
	}
	if c.Journal == nil || c.Boottime == nil || c.Anchor == nil || c.Birth == nil || c.Log == nil {
		return errors.New("journal, boottime, anchor, birth and log are all needed")
	}
	if k := c.Timing.KeepAlive; k != 0 && (k < time.Second || k%time.Second != 0) {
		return fmt.Errorf("keep-alive is %v: want whole seconds", k)
	}
	return nil
}
