package access

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"frostline/hub/durable"
)

// ownLifetime is that of the hub's own certificates. They are replaced when a
// third of it is left, at the next connection.
const ownLifetime = 90 * 24 * time.Hour

// HubName is the common name of the hub's client certificate, which no gateway
// can have: gateway ids hold no underscore.
const HubName = "_hub"

// Own is a certificate that the hub holds itself, with its key in one file,
// and replaces by itself. It is safe for concurrent use.
type Own struct {
	ca       *CA
	path     string
	template x509.Certificate

	mu     sync.Mutex
	cert   *tls.Certificate
	failed time.Time // when replacing it last failed; zero when it did not
}

// Server is the certificate of the MQTT and enrolment listeners, kept in
// server.pem. It is for localhost and for hosts: names or IP addresses by which
// gateways reach this hub. A change of hosts makes a new one.
func (ca *CA) Server(hosts []string) (*Own, error) {
	t := x509.Certificate{
		Subject:     pkix.Name{CommonName: "Frostline hub"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if err := addHosts(&t, append([]string{"localhost", "127.0.0.1", "::1"}, hosts...)); err != nil {
		return nil, err
	}
	return ca.own("server.pem", t)
}

// Client is the certificate by which the hub is known to an external broker,
// kept in hub-client.pem. Its common name is HubName.
func (ca *CA) Client() (*Own, error) {
	return ca.own("hub-client.pem", x509.Certificate{
		Subject:     pkix.Name{CommonName: HubName},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
}

// IssueBroker makes a server certificate for an external broker reached by
// hosts, good for a lifetime. The hub keeps nothing of it.
func (ca *CA) IssueBroker(hosts []string, lifetime time.Duration) (certPEM, keyPEM []byte, err error) {
	t := x509.Certificate{
		Subject:     pkix.Name{CommonName: "Frostline broker"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if err := addHosts(&t, hosts); err != nil {
		return nil, nil, err
	}
	if len(hosts) == 0 || lifetime <= 0 {
		return nil, nil, errors.New("issue broker certificate: want at least one host and a lifetime")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	cert, err := ca.issue(&t, key.Public(), lifetime)
	if err != nil {
		return nil, nil, err
	}
	keyPEM, err = keyToPEM(key)
	return certToPEM(cert.Raw), keyPEM, err
}

// addHosts sorts names and addresses into a certificate.
func addHosts(t *x509.Certificate, hosts []string) error {
	for _, h := range hosts {
		if ip := net.ParseIP(h); ip != nil {
			if v4 := ip.To4(); v4 != nil {
				ip = v4
			}
			if !slices.ContainsFunc(t.IPAddresses, ip.Equal) {
				t.IPAddresses = append(t.IPAddresses, ip)
			}
			continue
		}
		h = strings.ToLower(strings.TrimSuffix(h, "."))
		if h == "" || len(h) > 253 || strings.ContainsFunc(h, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.' && r != '_'
		}) {
			return fmt.Errorf("host %q: want a host name or an IP address, without port", h)
		}
		if !slices.Contains(t.DNSNames, h) {
			t.DNSNames = append(t.DNSNames, h)
		}
	}
	return nil
}

// own reads the certificate, or makes it where there is none that fits.
func (ca *CA) own(name string, template x509.Certificate) (*Own, error) {
	o := &Own{ca: ca, path: filepath.Join(ca.dir, name), template: template}
	b, err := os.ReadFile(o.path)
	if err == nil {
		o.cert, err = o.read(b)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			ca.log.Info("own certificate is made anew", "file", o.path, "reason", err)
		}
		if err := o.renew(); err != nil {
			return nil, err
		}
	}
	return o, nil
}

func (o *Own) read(b []byte) (*tls.Certificate, error) {
	cert, err := parseCertificate(b)
	if err != nil {
		return nil, err
	}
	key, err := parseKey(b)
	if err != nil {
		return nil, err
	}
	switch {
	case !key.PublicKey.Equal(cert.PublicKey):
		return nil, errors.New("key and certificate do not belong together")
	case cert.CheckSignatureFrom(o.ca.cert) != nil:
		return nil, errors.New("it is of another authority")
	case cert.Subject.CommonName != o.template.Subject.CommonName,
		!slices.Equal(cert.DNSNames, o.template.DNSNames),
		!slices.EqualFunc(cert.IPAddresses, o.template.IPAddresses, net.IP.Equal):
		return nil, errors.New("it is for other hosts")
	}
	return o.pair(cert, key), nil
}

// pair sends the authority along, so that an enrolling gateway can see it.
func (o *Own) pair(cert *x509.Certificate, key *ecdsa.PrivateKey) *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{cert.Raw, o.ca.cert.Raw}, PrivateKey: key, Leaf: cert}
}

func (o *Own) renew() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := o.template
	cert, err := o.ca.issue(&template, key.Public(), ownLifetime)
	if err != nil {
		return err
	}
	b, err := keyToPEM(key)
	if err != nil {
		return err
	}
	if err := durable.WriteFile(o.path, append(certToPEM(cert.Raw), b...), 0o600); err != nil {
		return fmt.Errorf("keep own certificate: %w", err)
	}
	o.cert = o.pair(cert, key)
	o.ca.log.Info("made own certificate", "file", o.path, "hosts", cert.DNSNames, "until", cert.NotAfter)
	return nil
}

// Get gives the certificate, replaced first if its time has come. When that
// fails, it gives the former one for as long as it lasts, and tries again a
// minute later.
func (o *Own) Get() (*tls.Certificate, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.ca.now()
	if now.Before(renewAt(o.cert.Leaf)) || !o.failed.IsZero() && now.Sub(o.failed) < time.Minute && now.Before(o.cert.Leaf.NotAfter) {
		return o.cert, nil
	}
	err := o.renew()
	if err == nil {
		o.failed = time.Time{}
		return o.cert, nil
	}
	if o.failed.IsZero() {
		o.ca.log.Error("own certificate could not be replaced; trying again every minute", "file", o.path, "expires", o.cert.Leaf.NotAfter, "error", err)
	}
	o.failed = now
	if now.Before(o.cert.Leaf.NotAfter) {
		return o.cert, nil
	}
	return nil, fmt.Errorf("own certificate has expired and could not be replaced: %w", err)
}

// Files gives the certificate and its key in PEM, for programs that read files.
func (o *Own) Files() (certPEM, keyPEM []byte, err error) {
	c, err := o.Get()
	if err != nil {
		return nil, nil, err
	}
	keyPEM, err = keyToPEM(c.PrivateKey.(*ecdsa.PrivateKey))
	return certToPEM(c.Certificate[0]), keyPEM, err
}

// renewAt is when two thirds of a certificate's life have passed.
func renewAt(c *x509.Certificate) time.Time {
	return c.NotBefore.Add(c.NotAfter.Sub(c.NotBefore) * 2 / 3)
}
