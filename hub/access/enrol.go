package access

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"

	"frostline/proto/chain"
	"frostline/proto/enrol"
	"frostline/proto/topic"
)

// refusal is an answer that is not the hub's fault.
func refusal(kind enrol.Kind, format string, a ...any) *enrol.Error {
	return &enrol.Error{Kind: kind, Message: fmt.Sprintf(format, a...)}
}

// Enrol makes a gateway known by a one-time code. from is where the request
// came from, for the trail. The error is an *enrol.Error where the request is
// at fault. A request that was granted is granted again, with the same
// certificate, when it comes again with the same keys: its answer was lost.
func (r *Registrar) Enrol(ctx context.Context, from string, req enrol.Request) (enrol.Response, error) {
	code, err := enrol.ParseCode(req.Code)
	if err != nil {
		return enrol.Response{}, r.refuse(ctx, from, req.Gateway, ActRefused, refusal(enrol.Malformed, "%v", err))
	}
	csr, bad := parseCSR(req.CSR, req.Gateway)
	if bad == nil {
		bad = checkSealKey(req, csr)
	}
	if bad != nil {
		return enrol.Response{}, r.refuse(ctx, from, req.Gateway, ActRefused, bad)
	}
	cert, err := r.issueGateway(req.Gateway, csr)
	if err != nil {
		return enrol.Response{}, err
	}
	e := &enrolment{req: req, code: code, csr: csr, from: from, record: recordOf(cert), now: r.now().UnixMilli()}
	err = r.enrol(ctx, e)
	if bad, ok := errors.AsType[*enrol.Error](err); ok {
		return enrol.Response{}, r.refuse(ctx, from, req.Gateway, ActRefused, bad)
	}
	if err != nil {
		return enrol.Response{}, fmt.Errorf("enrol gateway %q: %w", req.Gateway, err)
	}
	if e.repeated {
		if cert, err = x509.ParseCertificate(e.record.DER); err != nil {
			return enrol.Response{}, fmt.Errorf("enrol gateway %q: stored certificate %s: %w", req.Gateway, e.record.Serial, err)
		}
		r.counts.repeated.Add(1)
	} else {
		r.counts.enrolled.Add(1)
	}
	r.log.Info("gateway enrolled", "gateway", req.Gateway, "from", from, "again", e.replaced, "answer_repeated", e.repeated, "until", cert.NotAfter)
	if e.replaced {
		r.afterSuperseding(req.Gateway)
	}
	resp := r.response(req.Gateway, cert)
	resp.SealKeyID = chain.KeyID(req.SealPublicKey)
	return resp, nil
}

// enrolment is one request on its way.
type enrolment struct {
	req  enrol.Request
	code enrol.Code
	csr  *x509.CertificateRequest
	from string
	now  int64

	record   Certificate // to be granted, or granted before
	gateway  Gateway
	seal     SealKey
	repeated bool // it was granted before, by the same keys
	replaced bool // another certificate of the gateway was good until now
}

// enrol commits an enrolment and takes it into memory.
func (r *Registrar) enrol(ctx context.Context, e *enrolment) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	err := r.config.Repository.Update(ctx, func(ctx context.Context, tx Tx) error { return r.grant(ctx, tx, e) })
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !e.repeated {
		_, e.replaced = r.gateways[e.req.Gateway]
		r.revokeCerts(e.req.Gateway, e.now, superseded)
	}
	r.gateways[e.req.Gateway] = e.gateway
	kept := e.record
	kept.DER = nil
	r.certs[kept.Serial] = kept
	r.addKey(e.seal)
	return nil
}

// grant is the transaction.
func (r *Registrar) grant(ctx context.Context, tx Tx, e *enrolment) error {
	id := e.req.Gateway
	state, bad, err := r.checkCode(ctx, tx, e.code, id, e.now)
	if err != nil {
		return err
	}
	if bad != nil {
		return bad
	}
	was, err := tx.Gateway(ctx, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	keys := keysDigest(e.csr.RawSubjectPublicKeyInfo, e.req.SealPublicKey)
	e.seal = SealKey{Gateway: id, ID: hex.EncodeToString(chain.KeyID(e.req.SealPublicKey)), Public: e.req.SealPublicKey, From: e.now}
	if state.Used != 0 {
		if state.UsedKeys != keys {
			return refusal(enrol.CodeUsed, "this code was used already; ask for another")
		}
		if e.record, err = tx.Certificate(ctx, state.UsedSerial); err != nil {
			return err
		}
		if e.record.Revoked != 0 {
			return refusal(enrol.CodeUsed, "this code was used already and its certificate is revoked; ask for another")
		}
		e.repeated, e.gateway, e.seal.From = true, was, state.Used
		return tx.AddEvent(ctx, Event{At: e.now, Actor: e.from, Action: ActRepeated, Gateway: id, Detail: "certificate " + e.record.Serial})
	}
	owner, err := tx.SealKeyOwner(ctx, e.req.SealPublicKey)
	if err != nil {
		return err
	}
	if owner != "" && owner != id {
		return refusal(enrol.Malformed, "the seal key is that of gateway %q: is this a copy of its disk? Remove the identity directory and enrol again", owner)
	}
	e.gateway = Gateway{ID: id, Enrolled: e.now}
	if was.Enrolled != 0 {
		e.gateway.Enrolled = was.Enrolled
	}
	// Whoever enrols takes the place of who had the name before.
	if err := tx.RevokeCertificates(ctx, id, e.now, superseded); err != nil {
		return err
	}
	if err := tx.SaveGateway(ctx, e.gateway); err != nil {
		return err
	}
	if err := tx.SaveCertificate(ctx, e.record); err != nil {
		return err
	}
	if owner == "" {
		if err := tx.SaveSealKey(ctx, e.seal); err != nil {
			return err
		}
	}
	state.Used, state.UsedKeys, state.UsedSerial = e.now, keys, e.record.Serial
	if err := tx.SaveCode(ctx, state); err != nil {
		return err
	}
	return tx.AddEvent(ctx, Event{At: e.now, Actor: e.from, Action: ActEnrolled, Gateway: id,
		Detail: fmt.Sprintf("certificate %s until %s, seal key %s", e.record.Serial, utc(e.record.NotAfter), e.seal.ID)})
}

const superseded = "superseded"

// afterSuperseding ends what the former holder of a name has open. Its
// certificate is refused already, so what fails here is told and no more.
func (r *Registrar) afterSuperseding(gateway string) {
	err := r.writeCRL()
	if r.config.Disconnect != nil {
		if cut := r.config.Disconnect(gateway); cut != nil && !errors.Is(cut, errors.ErrUnsupported) {
			err = errors.Join(err, cut)
		}
	}
	if err != nil {
		r.log.Error("former certificates of a gateway are revoked, but a broker may not know yet", "gateway", gateway, "error", err)
	}
}

// checkCode finds the code's record and says why it cannot be used, if so. A
// code that was used is left to the caller.
func (r *Registrar) checkCode(ctx context.Context, tx Tx, code enrol.Code, gateway string, now int64) (CodeState, *enrol.Error, error) {
	unknown := refusal(enrol.CodeUnknown, "this code is not known for gateway %q; check both, or ask for another", gateway)
	if !code.Names(r.config.CA.Certificate()) {
		return CodeState{}, refusal(enrol.CodeUnknown, "this code is another hub's"), nil
	}
	state, err := tx.Code(ctx, code.Digest())
	switch {
	case errors.Is(err, ErrNotFound):
		return state, unknown, nil
	case err != nil:
		return state, nil, err
	case state.Gateway != gateway:
		return state, unknown, nil
	case state.Void != 0 && state.Used == 0:
		return state, refusal(enrol.CodeUnknown, "this code was replaced by a newer one or withdrawn"), nil
	case now >= state.Expires:
		return state, refusal(enrol.CodeExpired, "this code was good until %s; ask for another", utc(state.Expires)), nil
	}
	return state, nil, nil
}

// parseCSR reads a signing request for a gateway.
func parseCSR(text, gateway string) (*x509.CertificateRequest, *enrol.Error) {
	if err := topic.CheckGateway(gateway); err != nil {
		return nil, refusal(enrol.Malformed, "%v", err)
	}
	block, rest := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE REQUEST" || len(rest) > 0 {
		return nil, refusal(enrol.Malformed, "csr: want one PEM block CERTIFICATE REQUEST")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, refusal(enrol.Malformed, "csr: %v", err)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, refusal(enrol.Malformed, "csr: it is not signed by its own key")
	}
	if key, ok := csr.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() && key.Curve != elliptic.P384() {
		return nil, refusal(enrol.Malformed, "csr: the key must be ECDSA on curve P-256 or P-384")
	}
	if csr.Subject.CommonName != gateway {
		return nil, refusal(enrol.Malformed, "csr: the common name is %.60q, want the gateway id %q", csr.Subject.CommonName, gateway)
	}
	return csr, nil
}

func checkSealKey(req enrol.Request, csr *x509.CertificateRequest) *enrol.Error {
	if len(req.SealPublicKey) != ed25519.PublicKeySize {
		return refusal(enrol.Malformed, "seal_public_key: %d bytes, want %d", len(req.SealPublicKey), ed25519.PublicKeySize)
	}
	if !ed25519.Verify(req.SealPublicKey, enrol.ProofText(req.Gateway, csr.Raw), req.Proof) {
		return refusal(enrol.Malformed, "proof: it is not a signature of the signing request by the seal key")
	}
	return nil
}

// issueGateway signs a certificate that says who a gateway is, and nothing the
// gateway asked for beside.
func (r *Registrar) issueGateway(gateway string, csr *x509.CertificateRequest) (*x509.Certificate, error) {
	return r.config.CA.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: gateway},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, csr.PublicKey, r.config.CertificateLifetime)
}

func recordOf(c *x509.Certificate) Certificate {
	return Certificate{
		Serial: serialText(c), Gateway: c.Subject.CommonName,
		NotBefore: c.NotBefore.UnixMilli(), NotAfter: c.NotAfter.UnixMilli(), DER: c.Raw,
	}
}

func (r *Registrar) response(gateway string, c *x509.Certificate) enrol.Response {
	return enrol.Response{
		Gateway: gateway, Certificate: string(certToPEM(c.Raw)), CA: string(r.config.CA.PEM()), MQTT: r.config.Addresses(), MQTTCA: string(r.config.BrokerCA),
		NotAfterMs: c.NotAfter.UnixMilli(), RenewMs: renewAt(c).UnixMilli(), HubMs: r.now().UnixMilli(),
		MandateKey: r.config.CA.mandate.Public().(ed25519.PublicKey),
	}
}

// keysDigest ties a code to the keys it was used with.
func keysDigest(spki []byte, seal []byte) string {
	h := sha256.New()
	h.Write(spki)
	h.Write(seal)
	return hex.EncodeToString(h.Sum(nil))
}
