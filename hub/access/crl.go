package access

import (
	"context"
	"crypto/x509"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"
	"unicode"

	"frostline/hub/durable"
)

// CRL is the list of revoked certificates that have not yet expired, signed,
// in PEM.
func (r *Registrar) CRL() ([]byte, error) {
	now := r.now().UnixMilli()
	r.mu.RLock()
	var entries []x509.RevocationListEntry
	for _, c := range r.certs {
		if c.Revoked == 0 || c.NotAfter < now {
			continue
		}
		serial, ok := new(big.Int).SetString(c.Serial, 16)
		if !ok {
			r.mu.RUnlock()
			return nil, fmt.Errorf("revocation list: certificate %q on record is not a hexadecimal number", c.Serial)
		}
		reason := 0 // unspecified
		if c.RevokedFor == superseded {
			reason = 4
		}
		entries = append(entries, x509.RevocationListEntry{SerialNumber: serial, RevocationTime: time.UnixMilli(c.Revoked), ReasonCode: reason})
	}
	r.mu.RUnlock()
	slices.SortFunc(entries, func(a, b x509.RevocationListEntry) int { return a.SerialNumber.Cmp(b.SerialNumber) })
	return r.config.CA.revocationList(entries)
}

// writeCRL puts the list where brokers read it, whole or not at all.
func (r *Registrar) writeCRL() error {
	if r.config.CRL == "" {
		return nil
	}
	r.crl.Lock()
	defer r.crl.Unlock()
	list, err := r.CRL()
	if err == nil {
		err = durable.WriteFile(r.config.CRL, list, 0o644)
	}
	if err != nil {
		return fmt.Errorf("write revocation list: %w", err)
	}
	return nil
}

// codesKept is how long codes are remembered after they expired.
const codesKept = 30 * 24 * time.Hour

// Run keeps house until ctx ends: every hour it forgets codes and certificates
// that are long past use and writes the revocation list. Nothing fails for
// want of it.
func (r *Registrar) Run(ctx context.Context) error {
	for tick := time.NewTicker(time.Hour); ; {
		if err := r.keepHouse(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("keeping house for access failed; trying again in an hour", "error", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tick.Stop()
			return nil
		}
	}
}

func (r *Registrar) keepHouse(ctx context.Context) error {
	now := r.now()
	r.mu.Lock()
	for serial, c := range r.certs {
		if c.NotAfter < now.Add(-r.config.RenewalGrace).UnixMilli() {
			delete(r.certs, serial)
		}
	}
	r.mu.Unlock()
	err := r.config.Repository.Update(ctx, func(ctx context.Context, tx Tx) error {
		return tx.DropCodes(ctx, now.Add(-codesKept).UnixMilli())
	})
	if err != nil {
		return fmt.Errorf("forget old codes: %w", err)
	}
	return r.writeCRL()
}

func utc(ms int64) string { return time.UnixMilli(ms).UTC().Format(time.RFC3339) }

// printable keeps what strangers send from upsetting a database or a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == unicode.ReplacementChar {
			return '?'
		}
		return r
	}, s)
}
