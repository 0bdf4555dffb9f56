package access

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"frostline/proto/enrol"
)

// Renew gives a gateway another certificate. shown is the one it presented, by
// a key it proved to hold. It must be on record and not revoked, and may have
// expired within the renewal grace. The former stays good until it expires, so
// that an answer that is lost costs nothing.
func (r *Registrar) Renew(ctx context.Context, from string, shown *x509.Certificate, req enrol.RenewRequest) (enrol.Response, error) {
	gateway, err := r.renewable(shown)
	if err != nil {
		return enrol.Response{}, r.refuse(ctx, from, shown.Subject.CommonName, ActRenewal, refusal(enrol.Refused, "%v", err))
	}
	csr, bad := parseCSR(req.CSR, gateway)
	if bad != nil {
		return enrol.Response{}, r.refuse(ctx, from, gateway, ActRenewal, bad)
	}
	cert, err := r.issueGateway(gateway, csr)
	if err != nil {
		return enrol.Response{}, err
	}
	record := recordOf(cert)
	r.changing.Lock()
	err = r.config.Repository.Update(ctx, func(ctx context.Context, tx Tx) error {
		// Again, where a revocation cannot come in between.
		old, err := tx.Certificate(ctx, serialText(shown))
		if err != nil {
			return err
		}
		if old.Revoked != 0 {
			return refusal(enrol.Refused, "certificate %s was revoked", old.Serial)
		}
		if err := tx.SaveCertificate(ctx, record); err != nil {
			return err
		}
		return tx.AddEvent(ctx, Event{At: r.now().UnixMilli(), Actor: from, Action: ActRenewed, Gateway: gateway,
			Detail: fmt.Sprintf("certificate %s until %s, shown %s", record.Serial, utc(record.NotAfter), old.Serial)})
	})
	if err == nil {
		r.mu.Lock()
		kept := record
		kept.DER = nil
		r.certs[kept.Serial] = kept
		r.mu.Unlock()
	}
	r.changing.Unlock()
	if bad, ok := errors.AsType[*enrol.Error](err); ok {
		return enrol.Response{}, r.refuse(ctx, from, gateway, ActRenewal, bad)
	}
	if err != nil {
		return enrol.Response{}, fmt.Errorf("renew certificate of gateway %q: %w", gateway, err)
	}
	r.counts.renewed.Add(1)
	r.log.Info("certificate renewed", "gateway", gateway, "from", from, "until", cert.NotAfter)
	return r.response(gateway, cert), nil
}

// renewable checks a certificate as Authorize does, but for the grace, and its
// chain, which the listener has not.
func (r *Registrar) renewable(shown *x509.Certificate) (gateway string, err error) {
	at := r.now()
	if late := at.Sub(shown.NotAfter); late > 0 {
		if late > r.config.RenewalGrace {
			return "", fmt.Errorf("the certificate expired at %s, more than %v ago; enrol the gateway again", shown.NotAfter.UTC().Format(time.RFC3339), r.config.RenewalGrace)
		}
		at = shown.NotAfter
	}
	_, err = shown.Verify(x509.VerifyOptions{Roots: r.config.CA.Pool(), CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err != nil {
		return "", fmt.Errorf("the certificate is not one of this hub: %w", err)
	}
	return r.identify(shown)
}

// refuse counts a refusal and enters it in the trail, within limits, so that
// strangers cannot fill the disk.
func (r *Registrar) refuse(ctx context.Context, from, gateway string, action Action, bad *enrol.Error) error {
	r.counts.refused.Add(1)
	if len(gateway) > 40 {
		gateway = gateway[:40] // not a gateway's id, then
	}
	gateway = printable(gateway)
	now := r.now()
	if _, ok := r.trail.take(now); !ok {
		return bad
	}
	r.log.Warn(string(action), "gateway", gateway, "from", from, "kind", string(bad.Kind), "reason", bad.Message)
	err := r.config.Repository.Update(ctx, func(ctx context.Context, tx Tx) error {
		return tx.AddEvent(ctx, Event{At: now.UnixMilli(), Actor: from, Action: action, Gateway: gateway, Detail: string(bad.Kind) + ": " + printable(bad.Message)})
	})
	if err != nil {
		r.log.Error("a refusal could not be entered in the trail", "error", err)
	}
	return bad
}
