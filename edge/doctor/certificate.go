package doctor

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"time"

	"frostline/edge/clock"
	"frostline/edge/panel"
)

const certificateLimit = 5 * time.Second

// enrolAgain is the remedy where the identity is beyond repair.
const enrolAgain = "Enrol this gateway again with a code from frostline enrol; what is kept here stays."

func (b *bench) certificateChecks() []check {
	if b.Identity == nil {
		return []check{skip("certificate", "the hub is reached without TLS, so none is needed")}
	}
	if b.unread != nil || !b.identity.Enrolled() {
		return []check{one("enrolled", certificateLimit, func(context.Context) Result {
			if b.unread != nil {
				return fail("Restore it from a copy, or enrol again with a code from frostline enrol.", "%v", b.unread)
			}
			return fail("Make a code at the hub with frostline enrol "+b.Gateway+" and give it to frostline-edge enrol.", "this gateway has no certificate of a hub")
		})}
	}
	return []check{
		one("enrolled", certificateLimit, b.enrolled),
		one("key", certificateLimit, b.key),
		one("validity", certificateLimit, b.validity),
	}
}

// credentials says whether there is something to show to the hub.
func (b *bench) credentials() bool {
	return b.identity != nil && b.unread == nil && b.identity.Enrolled()
}

func (b *bench) enrolled(context.Context) Result {
	c := b.identity.Certificate()
	if c.Gateway != b.Gateway {
		return fail("Correct the gateway's name in the configuration file, or enrol under the new one.", "enrolled as %q, the configuration says %q", c.Gateway, b.Gateway)
	}
	return ok("as %s by %q at %s, serial %s", c.Gateway, c.Issuer, c.Hub, c.Serial)
}

// key checks that the private keys at hand are those the hub was told of.
func (b *bench) key(context.Context) Result {
	seal, err := b.identity.Signer()
	if err != nil {
		return fail(enrolAgain, "the key that seals evidence: %v", err)
	}
	if _, is := seal.Public().(ed25519.PublicKey); !is {
		return fail(enrolAgain, "the key that seals evidence is a %T, want Ed25519", seal.Public())
	}
	config, err := b.identity.TLS("localhost")
	if err != nil {
		return fail(enrolAgain, "%v", err)
	}
	pair, err := shown(config)
	if err != nil {
		return fail(enrolAgain, "%v", err)
	}
	private, is := pair.PrivateKey.(crypto.Signer)
	if !is {
		return fail(enrolAgain, "the private key is a %T, which cannot sign", pair.PrivateKey)
	}
	public, is := pair.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !is || !public.Equal(private.Public()) {
		return fail(enrolAgain, "the private key is not the certificate's: one of them was replaced")
	}
	return ok("the private key is the certificate's, and the key of seals is there")
}

// shown is the certificate that a TLS client shows.
func shown(c *tls.Config) (pair *tls.Certificate, err error) {
	switch {
	case c.GetClientCertificate != nil:
		if pair, err = c.GetClientCertificate(&tls.CertificateRequestInfo{}); err != nil {
			return nil, err
		}
	case len(c.Certificates) > 0:
		pair = &c.Certificates[0]
	default:
		return nil, errors.New("no certificate is shown to the hub")
	}
	if pair.Leaf == nil && len(pair.Certificate) > 0 {
		read := *pair
		read.Leaf, err = x509.ParseCertificate(pair.Certificate[0])
		pair = &read
	}
	if err == nil && pair.Leaf == nil {
		err = errors.New("the certificate shown to the hub is empty")
	}
	return pair, err
}

func (b *bench) validity(context.Context) Result {
	c, now := b.identity.Certificate(), b.now()
	until := c.NotAfter.UTC().Format("2006-01-02 15:04")
	left := panel.FormatAge(c.NotAfter.Sub(now).Milliseconds())
	switch {
	case now.UnixMilli() < clock.Floor:
		return warn("Set the clock: see ntp and rtc above.", "until %s UTC, which cannot be judged while the system clock says %s", until, date(now.UnixMilli()))
	case now.After(c.NotAfter):
		return fail(enrolAgain, "it expired at %s UTC", until)
	case now.Before(c.NotBefore):
		return fail("Set the clock of the gateway or of the hub: one of them is wrong.", "it begins at %s UTC, and the system clock says %s", date(c.NotBefore.UnixMilli()), date(now.UnixMilli()))
	case now.After(c.RenewAt):
		return warn("Let the agent run with the hub in reach: it renews by itself.", "until %s UTC, %s left; renewal is due since %s", until, left, date(c.RenewAt.UnixMilli()))
	}
	return ok("until %s UTC, %s left", until, left)
}
