package identity

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"frostline/edge/outage"
	"frostline/proto/enrol"
)

// Renew gets another certificate from the hub, for a new key, and puts it in
// use: connections made from then on show it, present ones go on. The former
// stays good until it expires. The error is an *enrol.Error where the hub
// refused.
func (i *Identity) Renew(ctx context.Context) error {
	i.writing.Lock()
	defer i.writing.Unlock()
	err := i.renew(ctx)
	i.settled(err)
	return err
}

func (i *Identity) renew(ctx context.Context) error {
	// Another process may have enrolled the gateway again.
	if _, err := i.reload(); err != nil {
		return err
	}
	c := i.get()
	if c == nil {
		return ErrNotEnrolled
	}
	base, err := hubAddress(c.settings.Hub)
	if err != nil {
		return err
	}
	key, keyText, err := newTLSKey()
	if err != nil {
		return err
	}
	_, csr, err := signingRequest(c.settings.Gateway, key)
	if err != nil {
		return err
	}
	resp, err := i.send(ctx, base, enrol.RenewPath, i.tls(base.Hostname(), c, c.hubCA), enrol.RenewRequest{CSR: csr})
	if err != nil {
		return fmt.Errorf("renew certificate at %s: %w", base, err)
	}
	next := c.settings
	next.Key = keyText
	if err := next.adopt(resp); err != nil {
		return fmt.Errorf("renew certificate at %s: %w", base, err)
	}
	if next.CA != c.settings.CA {
		return fmt.Errorf("renew certificate at %s: the hub has another authority now: enrol the gateway again", base)
	}
	if len(resp.MandateKey) > 0 && !bytes.Equal(resp.MandateKey, next.MandateKey) {
		i.log.Error("the hub signs with another key than the one this gateway was enrolled with; what it asks for is refused: restore the hub's mandate.key, or enrol the gateway again", "gateway", next.Gateway)
	}
	if err := i.keep(next); err != nil {
		return err
	}
	i.log.Info("certificate renewed", "gateway", next.Gateway, "until", time.UnixMilli(resp.NotAfterMs).UTC())
	return nil
}

func (i *Identity) settled(err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.trouble = err
}

// Pace of Run.
const (
	look       = time.Minute     // between looks at the file and the clock
	lookNew    = 2 * time.Second // while there is no identity
	retryFirst = time.Minute     // ceiling of the first wait after a failure
	retryMost  = 2 * time.Hour
	blindEvery = 24 * time.Hour // between renewals while the clock is certainly wrong
)

// Run renews the certificate when two thirds of its life have passed, a little
// earlier by chance so that a fleet does not come all at once, and again with
// full jitter while that fails; it goes on after the certificate has expired,
// because the hub takes it for renewal a while longer. It also takes up an
// identity that another process has put in the directory. It returns nil when
// ctx ends.
func (i *Identity) Run(ctx context.Context) error {
	s := schedule{early: rand.Float64()}
	stored := outage.Outage{Log: i.log, Fails: "identity could not be read or written; the one in use stays", Works: "identity is read and written again"}
	renewal := outage.Outage{Log: i.log, Fails: "certificate could not be renewed; trying again", Works: "renewal works again"}
	began := time.Now()
	for {
		wait := look
		if !i.Enrolled() {
			wait = lookNew
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil
		}
		at := time.Since(began).Milliseconds()
		changed, broken := i.reload()
		if broken != nil {
			stored.Failed(at, "read", broken)
		} else if changed {
			i.log.Info("identity taken up", "gateway", i.Gateway())
			s = schedule{early: rand.Float64()}
		}
		if err := s.retrySave(time.Now(), i.saveAgain); err != nil {
			stored.Failed(at, "write", fmt.Errorf("the identity in use would not outlive a restart: %w", err))
			broken = err
		}
		if broken == nil && !i.owes() {
			stored.Worked(at)
		}
		c := i.get()
		if c == nil || !s.due(time.Now(), i.now(), c) {
			continue
		}
		err := i.Renew(ctx)
		if ctx.Err() != nil {
			return nil
		}
		s.tried(time.Now(), err)
		at = time.Since(began).Milliseconds()
		if err != nil {
			renewal.Failed(at, "", err, "expires", i.Certificate().NotAfter)
			continue
		}
		renewal.Worked(at)
	}
}

// owes says whether the disk has not taken the identity in use.
func (i *Identity) owes() bool {
	i.mu.RLock()
	defer i.mu.RUnlock()
	return i.unsaved != nil
}

// schedule decides when to renew. Waits are measured on the process's own
// clock, which no one sets; only expiry goes by the best known time.
type schedule struct {
	early    float64 // 0 to 1: how much of a twentieth of the life earlier
	failures int
	next     time.Time // not before; zero at first
	blind    time.Time // not before this where the clock is certainly wrong
}

func (s *schedule) due(steady, now time.Time, c *current) bool {
	if steady.Before(s.next) {
		return false
	}
	life := c.cert.NotAfter.Sub(c.cert.NotBefore)
	if now.Before(c.cert.NotBefore) {
		return !steady.Before(s.blind) // the clock is wrong; better too often than too late
	}
	return !now.Before(renewAt(c.cert).Add(-time.Duration(s.early * float64(life) / 20)))
}

// retrySave tries to write what could not be written, no more often than an
// attempt to renew.
func (s *schedule) retrySave(steady time.Time, save func() error) error {
	if steady.Before(s.next) {
		return nil
	}
	err := save()
	if err != nil {
		s.tried(steady, err)
	}
	return err
}

// tried notes an attempt.
func (s *schedule) tried(steady time.Time, err error) {
	if err == nil {
		s.failures, s.early, s.blind = 0, rand.Float64(), steady.Add(blindEvery)
		return
	}
	ceiling := retryMost
	if s.failures < 7 {
		ceiling = min(retryFirst<<s.failures, retryMost)
	}
	s.failures++
	wait := rand.N(ceiling)
	var refused *enrol.Error
	if errors.As(err, &refused) {
		wait = max(wait, min(time.Duration(refused.RetryAfterMs)*time.Millisecond, retryMost))
	}
	s.next = steady.Add(wait)
}

// Wait returns when the gateway is enrolled, here or by another process, or
// with ctx's error.
func (i *Identity) Wait(ctx context.Context) error {
	for !i.Enrolled() {
		select {
		case <-time.After(lookNew):
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := i.reload(); err != nil {
			return err
		}
	}
	return nil
}
