package identity

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"time"
)

// verifier checks a server's certificate as crypto/tls does, but judges time
// as the package comment says.
type verifier struct {
	host  string
	now   func() time.Time
	since time.Time // certainly past
	find  func(shown []*x509.Certificate) (*x509.CertPool, error)
}

// config is a client's TLS configuration with the verifier in it.
func (v verifier) config(certificate func() *tls.Certificate) *tls.Config {
	c := &tls.Config{
		MinVersion: tls.VersionTLS12, // external brokers may have no later one
		ServerName: v.host,
		// Not skipped: done by VerifyConnection, for resumed sessions too.
		InsecureSkipVerify: true,
		VerifyConnection:   v.verify,
	}
	if certificate != nil {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return certificate(), nil }
	}
	return c
}

func (v verifier) verify(cs tls.ConnectionState) error {
	if len(cs.PeerCertificates) == 0 {
		return errors.New("the server shows no certificate")
	}
	roots, err := v.find(cs.PeerCertificates)
	if err != nil {
		return err
	}
	leaf := cs.PeerCertificates[0]
	opts := x509.VerifyOptions{
		Roots: roots, Intermediates: x509.NewCertPool(), DNSName: v.host, CurrentTime: v.now(),
		KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	for _, c := range cs.PeerCertificates[1:] {
		opts.Intermediates.AddCert(c)
	}
	for _, past := range []time.Time{v.since, leaf.NotBefore} {
		if opts.CurrentTime.Before(past) {
			opts.CurrentTime = past
		}
	}
	if _, err = leaf.Verify(opts); err == nil {
		return nil
	}
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return fmt.Errorf("the hub's certificate is for %s and not for %q: set \"public\" in the hub's configuration to the name that gateways use: %w", names(leaf), v.host, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("the hub's certificate expired at %s and by this gateway's clock it is %s: check both clocks: %w",
			leaf.NotAfter.UTC().Format(time.RFC3339), opts.CurrentTime.UTC().Format(time.RFC3339), err)
	}
	return fmt.Errorf("the server is not the hub this gateway was enrolled with: %w", err)
}

func names(c *x509.Certificate) string {
	all := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		all = append(all, ip.String())
	}
	if len(all) > 8 {
		all = append(all[:8], "…")
	}
	return strings.Join(all, ", ")
}

// TLS is for a connection to the hub's MQTT listener on a host, as in the
// address that is dialled. The certificate shown is the one in use at the time
// of each handshake. Take a new configuration for each connection, so that a
// change of authority by another enrolment takes effect.
func (i *Identity) TLS(host string) (*tls.Config, error) {
	c := i.get()
	if c == nil {
		return nil, ErrNotEnrolled
	}
	config := i.tls(host, c, c.mqttCA)
	config.ClientSessionCache = c.sessions // saves a kilobyte or two on a mobile link
	return config, nil
}

func (i *Identity) tls(host string, c *current, roots *x509.CertPool) *tls.Config {
	v := verifier{host: host, now: i.now, since: c.cert.NotBefore,
		find: func([]*x509.Certificate) (*x509.CertPool, error) { return roots, nil }}
	return v.config(func() *tls.Certificate { return &i.get().pair })
}
