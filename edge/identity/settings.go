package identity

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net"

	"frostline/proto/enrol"
	"frostline/proto/topic"
)

// settings is identity.json.
type settings struct {
	Version     int      `json:"version"` // 1
	Gateway     string   `json:"gateway"`
	Hub         string   `json:"hub"`  // https://host:port of the enrolment listener
	MQTT        []string `json:"mqtt"` // host:port
	CA          string   `json:"ca"`   // PEM
	MQTTCA      string   `json:"mqtt_ca,omitempty"`
	Certificate string   `json:"certificate"` // PEM
	Key         string   `json:"key"`         // PKCS #8 in PEM, ECDSA P-256
	SealKey     string   `json:"seal_key"`    // PKCS #8 in PEM, Ed25519
	EnrolledMs  int64    `json:"enrolled_ms"` // by the hub's clock
	RenewedMs   int64    `json:"renewed_ms"`  // by the hub's clock
	// MandateKey is the hub's, by which desired state and commands are checked.
	// It stays the one that came first: only another enrolment replaces it.
	MandateKey []byte `json:"mandate_key,omitempty"`
}

const settingsVersion = 1

func (s settings) encode() ([]byte, error) { return json.MarshalIndent(s, "", "  ") }

// parse reads and checks identity.json.
func parse(b []byte) (*current, error) {
	c := &current{text: b}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&c.settings); err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	s := &c.settings
	if s.Version != settingsVersion {
		return nil, fmt.Errorf("version is %d, this program knows %d", s.Version, settingsVersion)
	}
	if err := topic.CheckGateway(s.Gateway); err != nil {
		return nil, err
	}
	key, err := parseKey(s.Key)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	tlsKey, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("key: is a %T, want ECDSA", key)
	}
	if key, err = parseKey(s.SealKey); err != nil {
		return nil, fmt.Errorf("seal_key: %w", err)
	}
	if c.seal, ok = key.(ed25519.PrivateKey); !ok {
		return nil, fmt.Errorf("seal_key: is a %T, want Ed25519", key)
	}
	if c.cert, err = parseCertificate(s.Certificate); err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if !tlsKey.PublicKey.Equal(c.cert.PublicKey) || c.cert.Subject.CommonName != s.Gateway {
		return nil, errors.New("certificate: it is not for this key and gateway")
	}
	if c.hubCA, err = pool(s.CA); err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	c.mqttCA = c.hubCA
	if s.MQTTCA != "" {
		if c.mqttCA, err = pool(s.MQTTCA); err != nil {
			return nil, fmt.Errorf("mqtt_ca: %w", err)
		}
	}
	if _, err := hubAddress(s.Hub); err != nil {
		return nil, err
	}
	if err := checkAddresses(s.MQTT); err != nil {
		return nil, err
	}
	if n := len(s.MandateKey); n != 0 && n != ed25519.PublicKeySize {
		return nil, fmt.Errorf("mandate_key: %d bytes: want an Ed25519 key", n)
	}
	c.pair = tls.Certificate{Certificate: [][]byte{c.cert.Raw}, PrivateKey: tlsKey, Leaf: c.cert}
	c.sessions = tls.NewLRUClientSessionCache(8)
	return c, nil
}

// checkAddresses refuses what the hub should not have told.
func checkAddresses(mqtt []string) error {
	if len(mqtt) == 0 || len(mqtt) > 16 {
		return fmt.Errorf("mqtt: %d addresses: want 1 to 16", len(mqtt))
	}
	for _, a := range mqtt {
		if host, port, err := net.SplitHostPort(a); err != nil || host == "" || port == "" {
			return fmt.Errorf("mqtt address %q: want host:port", a)
		}
	}
	return nil
}

// adopt fills in what the hub answered, after checking it against the key it
// was asked for.
func (s *settings) adopt(r enrol.Response) error {
	s.Version = settingsVersion
	s.Certificate, s.CA, s.MQTT, s.MQTTCA, s.RenewedMs = r.Certificate, r.CA, r.MQTT, r.MQTTCA, r.HubMs
	if len(s.MandateKey) == 0 {
		s.MandateKey = r.MandateKey
	}
	if r.Gateway != s.Gateway {
		return fmt.Errorf("the hub answered for gateway %q, asked was %q", r.Gateway, s.Gateway)
	}
	b, err := s.encode()
	if err != nil {
		return err
	}
	c, err := parse(b)
	if err != nil {
		return fmt.Errorf("the hub's answer cannot be used: %w", err)
	}
	opts := x509.VerifyOptions{Roots: c.hubCA, CurrentTime: c.cert.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := c.cert.Verify(opts); err != nil {
		return fmt.Errorf("the hub's answer cannot be used: certificate: %w", err)
	}
	return nil
}

// newTLSKey makes a key and its PEM form.
func newTLSKey() (*ecdsa.PrivateKey, string, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("make key: %w", err)
	}
	text, err := keyText(key)
	return key, text, err
}

func newSealKey() (ed25519.PrivateKey, string, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, "", fmt.Errorf("make seal key: %w", err)
	}
	text, err := keyText(key)
	return key, text, err
}

func keyText(key any) (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", fmt.Errorf("encode key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

func parseKey(text string) (any, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, errors.New("want one PEM block PRIVATE KEY")
	}
	return x509.ParsePKCS8PrivateKey(block.Bytes)
}

func parseCertificate(text string) (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, errors.New("want one PEM block CERTIFICATE")
	}
	return x509.ParseCertificate(block.Bytes)
}

func pool(text string) (*x509.CertPool, error) {
	c, err := parseCertificate(text)
	if err != nil {
		return nil, err
	}
	p := x509.NewCertPool()
	p.AddCert(c)
	return p, nil
}
