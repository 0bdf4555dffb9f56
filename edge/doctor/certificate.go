package doctor

import (
	"context"
	"crypto"
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
	c, err := b.Identity.Credentials()
	if err != nil {
		return []check{one("enrolled", certificateLimit, func(context.Context) Result {
			if errors.Is(err, ErrNotEnrolled) {
				return fail("Make a code at the hub with frostline enrol "+b.Gateway+" and give it to frostline-edge enrol.", "this gateway has no certificate of a hub")
			}
			return fail("Restore the file from a copy, or enrol again with a code from frostline enrol.", "%v", err)
		})}
	}
	return []check{
		one("enrolled", certificateLimit, func(context.Context) Result { return b.enrolled(c) }),
		one("key", certificateLimit, func(context.Context) Result { return matches(c) }),
		one("issuer", certificateLimit, func(context.Context) Result { return b.issuer(c) }),
		one("validity", certificateLimit, func(context.Context) Result { return b.validity(c) }),
	}
}

func (b *bench) enrolled(c Credentials) Result {
	if cn := c.Leaf.Subject.CommonName; cn != b.Gateway {
		return fail("Correct the gateway's name in the configuration file, or enrol under the new one.", "the certificate is of gateway %q, the configuration says %q", cn, b.Gateway)
	}
	if c.Seal == nil {
		return fail(enrolAgain, "the key that seals evidence is missing")
	}
	return ok("as %s, serial %x", b.Gateway, c.Leaf.SerialNumber)
}

// matches checks that the private key at hand is the certificate's.
func matches(c Credentials) Result {
	public, comparable := c.Leaf.PublicKey.(interface{ Equal(crypto.PublicKey) bool })
	if !comparable {
		return fail(enrolAgain, "the certificate's key is a %T, which cannot be compared", c.Leaf.PublicKey)
	}
	if !public.Equal(c.Key) {
		return fail(enrolAgain, "the private key is not the certificate's: one of them was replaced")
	}
	return ok("the private key is the certificate's")
}

func (b *bench) issuer(c Credentials) Result {
	between := x509.NewCertPool()
	for _, x := range c.Chain {
		between.AddCert(x)
	}
	var err error
	for _, at := range []time.Time{c.Leaf.NotBefore, c.Leaf.NotAfter} { // whether it is valid now is another check
		if _, err = c.Leaf.Verify(x509.VerifyOptions{Roots: c.Roots, Intermediates: between, CurrentTime: at,
			KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}); err == nil {
			break
		}
	}
	if err != nil {
		return fail(enrolAgain, "issued by %q, and the hub's authority at hand does not vouch for it: %v", c.Leaf.Issuer.CommonName, err)
	}
	return ok("issued by %q, whose root is at hand", c.Leaf.Issuer.CommonName)
}

func (b *bench) validity(c Credentials) Result {
	now := b.now()
	until := c.Leaf.NotAfter.UTC().Format("2006-01-02 15:04")
	left := panel.FormatAge(c.Leaf.NotAfter.Sub(now).Milliseconds())
	switch {
	case now.UnixMilli() < clock.Floor:
		return warn("Set the clock: see ntp and rtc above.", "until %s UTC, which cannot be judged while the system clock says %s", until, date(now.UnixMilli()))
	case now.After(c.Leaf.NotAfter):
		return fail(enrolAgain, "it expired at %s UTC", until)
	case now.Before(c.Leaf.NotBefore):
		return fail("Set the clock of the gateway or of the hub: one of them is wrong.", "it begins at %s UTC, and the system clock says %s", date(c.Leaf.NotBefore.UnixMilli()), date(now.UnixMilli()))
	case !c.RenewAfter.IsZero() && now.After(c.RenewAfter):
		return warn("Let the agent run with the hub in reach: it renews by itself.", "until %s UTC, %s left; renewal is due since %s", until, left, date(c.RenewAfter.UnixMilli()))
	}
	return ok("until %s UTC, %s left", until, left)
}
