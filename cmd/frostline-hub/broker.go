package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"frostline/hub/broker"
)

// openBroker makes the transport that the configuration chooses.
func (h *hub) openBroker() (broker.Broker, error) {
	c, log := h.config.Broker, h.log.With("part", "broker")
	if c.URL == "" {
		return broker.NewEmbedded(broker.EmbeddedConfig{
			Listen: h.config.MQTT, Dir: filepath.Join(h.config.Data, "broker"),
			TLS: h.ca.BrokerTLS(h.server), Authorizer: h.access, Log: log,
		})
	}
	admit := func(gateway string) bool { return h.access.Admitted(gateway) == nil }
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, fmt.Errorf("broker.url: %w", err)
	}
	var client *tls.Config
	if u.Scheme == "tls" || u.Scheme == "mqtts" {
		if client, err = h.clientTLS(); err != nil {
			return nil, err
		}
	}
	if u.Scheme == "nats" || u.Scheme == "tls" {
		return broker.NewNATS(broker.NATSSettings{URL: c.URL, TLS: client, Credentials: c.Credentials, Admit: admit, Log: log})
	}
	password, _ := u.User.Password()
	scheme := map[string]string{"mqtt": "tcp", "mqtts": "ssl"}[u.Scheme]
	return broker.NewMQTT(broker.MQTTSettings{
		URL: scheme + "://" + u.Host, TLS: client, Username: u.User.Username(), Password: password,
		// On the hub's own listener that `frostline broker-config` prints, the
		// hub may choose its client id.
		TakeOver: strings.HasPrefix(u.Scheme, "mqtts"), Admit: admit, Log: log,
	})
}

// clientTLS is how the hub shows itself to an external broker: by a certificate
// of its own authority, unless the configuration names another.
func (h *hub) clientTLS() (*tls.Config, error) {
	c := h.config.Broker
	own, err := h.ca.Client()
	if err != nil {
		return nil, err
	}
	t := h.ca.ClientTLS(own)
	if c.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
		if err != nil {
			return nil, fmt.Errorf("broker.certificate %q: %w", c.Certificate, err)
		}
		t.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	if c.CA != "" {
		pem, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("broker.ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("broker.ca %q: no certificate in it: want PEM", c.CA)
		}
		t.RootCAs = pool
	}
	return t, nil
}
