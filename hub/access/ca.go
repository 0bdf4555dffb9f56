package access

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"os"
	"path/filepath"
	"time"

	"frostline/hub/durable"
)

const (
	caLifetime = 20 * 365 * 24 * time.Hour
	// backdate lets a certificate be good for those whose clocks are a little
	// behind the hub's.
	backdate = time.Hour
	caKey    = "ca.key"
	caCert   = "ca.pem"
)

// CA is the hub's certificate authority, ca.key and ca.pem in a directory, and
// the key beside it, mandate.key, by which it instructs gateways.
// It is safe for concurrent use.
type CA struct {
	dir  string
	now  func() time.Time
	log  *slog.Logger
	key  *ecdsa.PrivateKey
	cert *x509.Certificate

	mandate ed25519.PrivateKey
}

// OpenCA reads the authority from dir, or makes one when neither file is there;
// dir is created. Where one of the two is missing or does not fit the other it
// fails: a new authority would make every gateway a stranger.
func OpenCA(dir string, now func() time.Time, log *slog.Logger) (*CA, error) {
	ca := &CA{dir: dir, now: now, log: log}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("certificate authority: create directory: %w", err)
	}
	if err := ca.openRoot(); err != nil {
		return nil, err
	}
	if err := ca.openMandate(); err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	return ca, nil
}

// openRoot reads the root, or makes one.
func (ca *CA) openRoot() error {
	dir := ca.dir
	keyPath, certPath := filepath.Join(dir, caKey), filepath.Join(dir, caCert)
	keyPEM, keyErr := os.ReadFile(keyPath)
	certPEM, certErr := os.ReadFile(certPath)
	switch {
	case keyErr == nil && certErr == nil:
		return ca.load(keyPath, keyPEM, certPath, certPEM)
	case errors.Is(keyErr, os.ErrNotExist) && errors.Is(certErr, os.ErrNotExist):
		return ca.create(nil)
	case keyErr == nil && errors.Is(certErr, os.ErrNotExist):
		// The first start was cut short between the two files: nothing was
		// issued yet, or ca.pem would be there.
		key, err := parseKey(keyPEM)
		if err != nil {
			return fmt.Errorf("certificate authority: %s: %w", keyPath, err)
		}
		return ca.create(key)
	case errors.Is(keyErr, os.ErrNotExist):
		return fmt.Errorf("certificate authority: %s is there and %s is missing: restore it from backup; with a new authority every gateway would have to be enrolled again", certPath, keyPath)
	}
	return fmt.Errorf("certificate authority: %w", errors.Join(keyErr, certErr))
}

func (ca *CA) load(keyPath string, keyPEM []byte, certPath string, certPEM []byte) error {
	var err error
	if ca.key, err = parseKey(keyPEM); err != nil {
		return fmt.Errorf("certificate authority: %s: %w", keyPath, err)
	}
	if ca.cert, err = parseCertificate(certPEM); err != nil {
		return fmt.Errorf("certificate authority: %s: %w", certPath, err)
	}
	if !ca.key.PublicKey.Equal(ca.cert.PublicKey) || !ca.cert.IsCA {
		return fmt.Errorf("certificate authority: %s does not belong to %s: restore both from one backup", keyPath, certPath)
	}
	if info, err := os.Stat(keyPath); err == nil && info.Mode().Perm()&0o077 != 0 {
		ca.log.Warn("the key of the certificate authority can be read by others", "file", keyPath, "mode", info.Mode().Perm(), "remedy", "chmod 600 "+keyPath)
	}
	if left := ca.cert.NotAfter.Sub(ca.now()); left < 365*24*time.Hour {
		ca.log.Warn("the certificate authority expires", "at", ca.cert.NotAfter, "days_left", int(left.Hours()/24))
	}
	return nil
}

// create makes the authority. The key is on disk before the certificate: see
// OpenCA for what a crash in between leaves.
func (ca *CA) create(key *ecdsa.PrivateKey) (err error) {
	if key == nil {
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			return fmt.Errorf("certificate authority: make key: %w", err)
		}
		b, err := keyToPEM(key)
		if err != nil {
			return fmt.Errorf("certificate authority: %w", err)
		}
		if err := durable.WriteFile(filepath.Join(ca.dir, caKey), b, 0o600); err != nil {
			return fmt.Errorf("certificate authority: %w", err)
		}
	}
	now := ca.now()
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: "Frostline hub CA"},
		NotBefore:    now.Add(-backdate), NotAfter: now.Add(caLifetime),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return fmt.Errorf("certificate authority: %w", err)
	}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		return fmt.Errorf("certificate authority: %w", err)
	}
	ca.key = key
	if err := durable.WriteFile(filepath.Join(ca.dir, caCert), ca.PEM(), 0o644); err != nil {
		return fmt.Errorf("certificate authority: %w", err)
	}
	ca.log.Info("made a certificate authority; back up its key", "key", filepath.Join(ca.dir, caKey), "fingerprint", ca.Fingerprint())
	return nil
}

// Certificate is the root's. It must not be changed.
func (ca *CA) Certificate() *x509.Certificate { return ca.cert }

// PEM is the root's certificate in PEM.
func (ca *CA) PEM() []byte { return certToPEM(ca.cert.Raw) }

// Fingerprint is the SHA-256 of the root's certificate, in hex.
func (ca *CA) Fingerprint() string {
	sum := sha256.Sum256(ca.cert.Raw)
	return hex.EncodeToString(sum[:])
}

// Pool trusts this authority alone.
func (ca *CA) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	return pool
}

// issue signs a certificate of a lifetime from now on, no longer than the
// authority's own. The template gives name and use.
func (ca *CA) issue(template *x509.Certificate, key crypto.PublicKey, lifetime time.Duration) (*x509.Certificate, error) {
	now := ca.now()
	template.SerialNumber = serial()
	template.NotBefore, template.NotAfter = now.Add(-backdate), now.Add(lifetime)
	if template.NotAfter.After(ca.cert.NotAfter) {
		template.NotAfter = ca.cert.NotAfter
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key, ca.key)
	if err != nil {
		return nil, fmt.Errorf("issue certificate for %q: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

// revocationList signs a list. It does not expire before the authority: a
// broker that is not told of a newer one must not turn away every gateway.
func (ca *CA) revocationList(entries []x509.RevocationListEntry) ([]byte, error) {
	now := ca.now()
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(now.UnixMilli()), ThisUpdate: now.Add(-backdate), NextUpdate: ca.cert.NotAfter,
		RevokedCertificateEntries: entries,
	}, ca.cert, ca.key)
	if err != nil {
		return nil, fmt.Errorf("sign revocation list: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}), nil
}

// serial is 127 random bits.
func serial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	b[0] = b[0]&0x7f | 0x40 // always of one length, and positive
	return new(big.Int).SetBytes(b[:])
}

// serialText is how serial numbers are stored and shown.
func serialText(c *x509.Certificate) string { return hex.EncodeToString(c.SerialNumber.Bytes()) }
