package access

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"frostline/proto/enrol"
	"frostline/proto/topic"
)

// Config configures a Registrar.
type Config struct {
	CA         *CA
	Repository Repository
	// Addresses gives host:port of the MQTT listeners that gateways are told,
	// the preferred one first. It is asked at each enrolment and renewal.
	Addresses func() []string
	// BrokerCA is the authority of the MQTT listeners' certificates in PEM,
	// where it is not CA: an external broker's.
	BrokerCA []byte
	// Disconnect ends a gateway's connections after it was revoked; nil where
	// there is no way.
	Disconnect func(gateway string) error
	// CertificateLifetime is 30 days when zero; at least an hour. Gateways
	// renew when a third of it is left.
	CertificateLifetime time.Duration
	// RenewalGrace is for how long a certificate that has expired still serves
	// to renew itself, and for nothing else: 90 days when zero, negative for
	// none. A vehicle that stood in a yard over winter comes back by itself.
	RenewalGrace time.Duration
	// CodeLifetime is one hour when zero; a minute to 30 days.
	CodeLifetime time.Duration
	// CRL is where the list of revoked certificates is kept for brokers that
	// read files; empty for nowhere.
	CRL string
	Now func() time.Time // time.Now when nil
	Log *slog.Logger     // required
}

// Registrar knows gateways. What it is asked for each connection, message and
// seal it answers from memory. It is safe for concurrent use.
type Registrar struct {
	config Config
	log    *slog.Logger
	now    func() time.Time
	trail  *rate // bounds what strangers can make the trail hold

	counts struct {
		codes, enrolled, repeated, renewed, revoked, refused, limited atomic.Uint64
	}

	crl sync.Mutex // held while the list is written
	// changing is held over a transaction that changes what is in memory too,
	// and until it is there: memory follows the order of commits.
	changing sync.Mutex

	mu       sync.RWMutex // guards what follows; never held over a transaction
	gateways map[string]Gateway
	certs    map[string]Certificate // by serial, without DER
	keys     map[string]map[string]ed25519.PublicKey
	history  map[string][]SealKey // by gateway, oldest first
}

// Open reads what is known from the repository. It fails where the repository
// has another authority than CA: with it every gateway would be a stranger.
func Open(ctx context.Context, c Config) (*Registrar, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	for _, d := range []struct {
		name       string
		value      *time.Duration
		def, least time.Duration
		most       time.Duration
	}{
		{"certificate lifetime", &c.CertificateLifetime, 30 * 24 * time.Hour, time.Hour, 5 * 365 * 24 * time.Hour},
		{"code lifetime", &c.CodeLifetime, time.Hour, time.Minute, 30 * 24 * time.Hour},
		{"renewal grace", &c.RenewalGrace, 90 * 24 * time.Hour, -1 << 62, 5 * 365 * 24 * time.Hour},
	} {
		if *d.value == 0 {
			*d.value = d.def
		}
		if *d.value < d.least || *d.value > d.most {
			return nil, fmt.Errorf("%s is %v: want at least %v and at most %v", d.name, *d.value, d.least, d.most)
		}
	}
	c.RenewalGrace = max(c.RenewalGrace, 0)
	if len(c.BrokerCA) > 0 {
		if _, err := parseCertificate(c.BrokerCA); err != nil {
			return nil, fmt.Errorf("registrar: authority of the broker: %w", err)
		}
	}
	if c.CA == nil || c.Repository == nil || c.Addresses == nil || c.Log == nil {
		return nil, errors.New("registrar: authority, repository, addresses and log are all needed")
	}
	r := &Registrar{
		config: c, log: c.Log, now: c.Now, trail: newRate(time.Second, 60),
		gateways: map[string]Gateway{}, certs: map[string]Certificate{},
		keys: map[string]map[string]ed25519.PublicKey{}, history: map[string][]SealKey{},
	}
	known, err := c.Repository.Load(ctx, c.Now().Add(-c.RenewalGrace).UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("read what is known of gateways: %w", err)
	}
	if err := r.adopt(ctx, known.Authorities); err != nil {
		return nil, err
	}
	for _, g := range known.Gateways {
		r.gateways[g.ID] = g
	}
	for _, cert := range known.Certificates {
		r.certs[cert.Serial] = cert
	}
	for _, k := range known.SealKeys {
		r.addKey(k)
	}
	// A crash may have come between a revocation and its list.
	if err := r.writeCRL(); err != nil {
		return nil, err
	}
	return r, nil
}

// adopt checks that the store belongs to the authority, once and for all.
func (r *Registrar) adopt(ctx context.Context, known []string) error {
	mine := r.config.CA.Fingerprint()
	switch {
	case slices.Contains(known, mine):
		return nil
	case len(known) > 0:
		return fmt.Errorf("the store belongs to the certificate authority %s… and %s holds %s…: restore %s and %s from the backup that goes with the store",
			known[len(known)-1][:16], r.config.CA.dir, mine[:16], caKey, caCert)
	}
	now := r.now().UnixMilli()
	err := r.config.Repository.Update(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.SaveAuthority(ctx, mine, now); err != nil {
			return err
		}
		return tx.AddEvent(ctx, Event{At: now, Actor: "hub", Action: ActAuthority, Detail: mine})
	})
	if err != nil {
		return fmt.Errorf("note the certificate authority: %w", err)
	}
	return nil
}

// NewCode makes a one-time code by which a gateway can be enrolled, for the
// first time or again, and withdraws earlier ones that were not used. actor
// says who asked, for the trail. The code itself is kept nowhere.
func (r *Registrar) NewCode(ctx context.Context, actor, gateway string) (code enrol.Code, expires time.Time, err error) {
	if err := topic.CheckGateway(gateway); err != nil {
		return code, expires, err
	}
	code = enrol.NewCode(r.config.CA.Certificate())
	now := r.now()
	expires = now.Add(r.config.CodeLifetime).Truncate(time.Millisecond)
	err = r.config.Repository.Update(ctx, func(ctx context.Context, tx Tx) error {
		if err := tx.VoidCodes(ctx, gateway, now.UnixMilli()); err != nil {
			return err
		}
		if err := tx.SaveCode(ctx, CodeState{Digest: code.Digest(), Gateway: gateway, Created: now.UnixMilli(), Expires: expires.UnixMilli()}); err != nil {
			return err
		}
		return tx.AddEvent(ctx, Event{At: now.UnixMilli(), Actor: actor, Action: ActCode, Gateway: gateway, Detail: "until " + expires.UTC().Format(time.RFC3339)})
	})
	if err != nil {
		return enrol.Code{}, time.Time{}, fmt.Errorf("make code for gateway %q: %w", gateway, err)
	}
	r.counts.codes.Add(1)
	return code, expires, nil
}

// Revoke takes away a gateway's right to connect: all its certificates and
// codes are void, its connections are ended, and what it sends is refused.
// Codes made later enrol it again. When the error is not nil the revocation
// may have been kept all the same; revoking again does no harm.
func (r *Registrar) Revoke(ctx context.Context, actor, gateway, reason string) error {
	if strings.TrimSpace(reason) == "" || len(reason) > 500 {
		return fmt.Errorf("revoke gateway %q: the reason has %d bytes: want 1 to 500", gateway, len(reason))
	}
	now := r.now().UnixMilli()
	err := r.revoke(ctx, actor, gateway, reason, now)
	if errors.Is(err, ErrNotFound) {
		return fmt.Errorf("revoke gateway %q: no gateway of that id was ever enrolled: %w", gateway, ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("revoke gateway %q: %w", gateway, err)
	}
	r.counts.revoked.Add(1)
	r.log.Warn("gateway revoked", "gateway", gateway, "by", actor, "reason", reason)
	err = r.writeCRL()
	if r.config.Disconnect != nil {
		if cut := r.config.Disconnect(gateway); cut != nil {
			err = errors.Join(err, fmt.Errorf("its connection may last until the broker ends it: %w", cut))
		}
	}
	if err != nil {
		return fmt.Errorf("gateway %q is revoked, but: %w", gateway, err)
	}
	return nil
}

func (r *Registrar) revoke(ctx context.Context, actor, gateway, reason string, now int64) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	var g Gateway
	err := r.config.Repository.Update(ctx, func(ctx context.Context, tx Tx) (err error) {
		if g, err = tx.Gateway(ctx, gateway); err != nil {
			return err
		}
		g.Revoked, g.RevokedFor = now, reason
		if err := tx.SaveGateway(ctx, g); err != nil {
			return err
		}
		if err := tx.RevokeCertificates(ctx, gateway, now, reason); err != nil {
			return err
		}
		if err := tx.VoidCodes(ctx, gateway, now); err != nil {
			return err
		}
		return tx.AddEvent(ctx, Event{At: now, Actor: actor, Action: ActRevoked, Gateway: gateway, Detail: reason})
	})
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gateways[gateway] = g
	r.revokeCerts(gateway, now, reason)
	return nil
}

// Events reads the trail; see Repository.Events.
func (r *Registrar) Events(ctx context.Context, gateway string, before int64, limit int) ([]Event, error) {
	return r.config.Repository.Events(ctx, gateway, before, limit)
}

// Counts says what has happened since the start.
type Counts struct {
	Codes, Enrolled, Repeated, Renewed, Revoked uint64
	Refused                                     uint64 // requests that were wrong
	Limited                                     uint64 // requests turned away unread: too many
}

// Counts gives the present counts.
func (r *Registrar) Counts() Counts {
	c := &r.counts
	return Counts{c.codes.Load(), c.enrolled.Load(), c.repeated.Load(), c.renewed.Load(), c.revoked.Load(), c.refused.Load(), c.limited.Load()}
}
