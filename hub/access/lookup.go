package access

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// revokeCerts marks certificates in memory. r.mu is held.
func (r *Registrar) revokeCerts(gateway string, now int64, reason string) {
	for serial, c := range r.certs {
		if c.Gateway == gateway && c.Revoked == 0 {
			c.Revoked, c.RevokedFor = now, reason
			r.certs[serial] = c
		}
	}
}

func (r *Registrar) addKey(k SealKey) {
	if r.keys[k.Gateway] == nil {
		r.keys[k.Gateway] = map[string]ed25519.PublicKey{}
	}
	if r.keys[k.Gateway][k.ID] == nil {
		r.history[k.Gateway] = append(r.history[k.Gateway], k)
	}
	r.keys[k.Gateway][k.ID] = k.Public
}

// Authorize names the gateway of a certificate whose chain was verified, as
// broker.Authorizer: it must be on record, not revoked and not expired.
func (r *Registrar) Authorize(cert *x509.Certificate) (gateway string, err error) {
	gateway, err = r.identify(cert)
	if err == nil && r.now().After(cert.NotAfter) {
		err = fmt.Errorf("certificate %s expired at %s", serialText(cert), cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return gateway, err
}

// identify is Authorize without regard to the time.
func (r *Registrar) identify(cert *x509.Certificate) (gateway string, err error) {
	serial := serialText(cert)
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, ok := r.certs[serial]
	switch {
	case !ok:
		return "", fmt.Errorf("certificate %s is not on record", serial)
	case c.Gateway != cert.Subject.CommonName:
		return "", fmt.Errorf("certificate %s is on record for gateway %q", serial, c.Gateway)
	case c.Revoked != 0:
		return "", fmt.Errorf("certificate %s of gateway %q was revoked: %s", serial, c.Gateway, c.RevokedFor)
	}
	return c.Gateway, r.admitted(c.Gateway)
}

// Admitted fails for a gateway that was never enrolled or is revoked.
func (r *Registrar) Admitted(gateway string) error {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.admitted(gateway)
}

func (r *Registrar) admitted(gateway string) error {
	g, ok := r.gateways[gateway]
	switch {
	case !ok:
		return fmt.Errorf("gateway %q is not enrolled", gateway)
	case g.Revoked != 0:
		return fmt.Errorf("gateway %q was revoked: %s", gateway, g.RevokedFor)
	}
	return nil
}

// SealKey gives the public key that keyID (chain.KeyID) names among all that
// the gateway ever had. It fails for a gateway that is not admitted.
func (r *Registrar) SealKey(gateway string, keyID []byte) (ed25519.PublicKey, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if err := r.admitted(gateway); err != nil {
		return nil, err
	}
	key := r.keys[gateway][hex.EncodeToString(keyID)]
	if key == nil {
		return nil, fmt.Errorf("gateway %q has no seal key %x", gateway, keyID)
	}
	return key, nil
}

// Record is what the hub knows of a gateway's identity.
type Record struct {
	Gateway
	Expires  int64     // of its newest good certificate; 0 where it has none
	SealKeys []SealKey // all it ever had, oldest first
}

// Gateways lists all that were ever enrolled, by id.
func (r *Registrar) Gateways() []Record {
	r.mu.RLock()
	defer r.mu.RUnlock()
	records := map[string]Record{}
	for id, g := range r.gateways {
		records[id] = Record{Gateway: g, SealKeys: slices.Clone(r.history[id])}
	}
	for _, c := range r.certs {
		if rec, ok := records[c.Gateway]; ok && c.Revoked == 0 && c.NotAfter > rec.Expires {
			rec.Expires = c.NotAfter
			records[c.Gateway] = rec
		}
	}
	return slices.SortedFunc(maps.Values(records), func(a, b Record) int { return strings.Compare(a.ID, b.ID) })
}
