package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"sync"
	"time"

	"frostline/hub/people/oidc"
	"frostline/hub/web"
)

// tlsConfig is how the pages and the interface for programs are reached from
// other machines.
type tlsConfig struct {
	// Certificate and Key are PEM files, read again when they change.
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	// Own takes a certificate of the hub's own authority instead, whose root
	// browsers have to be given.
	Own bool `yaml:"own"`
	// Name is the host name in links, which passkeys are bound to. Default public.
	Name string `yaml:"name"`
}

func (c tlsConfig) on() bool { return c.Own || c.Certificate != "" || c.Key != "" }

// problem says what cannot be, and the remedy.
func (c tlsConfig) problem(public string) (field, value, remedy string) {
	switch {
	case !c.on() && c.Name != "":
		return "tls.name", c.Name, "set certificate and key, or own"
	case (c.Certificate == "") != (c.Key == ""):
		return "tls.key", c.Key, "set certificate and key together"
	case c.Own && c.Certificate != "":
		return "tls.own", "true", "set either own, or certificate and key"
	case c.on() && c.Name == "" && public == "":
		return "tls.name", c.Name, "want the host name by which people reach the pages"
	}
	return "", "", ""
}

// names are those under which the pages answer by TLS; the first is that of
// links.
func (c *config) names() (all []string) {
	for _, n := range []string{c.TLS.Name, c.Public} {
		if n != "" {
			all = append(all, n)
		}
	}
	return all
}

// pagesTLS gives the pages' certificate; nil for none.
func (h *hub) pagesTLS() (*tls.Config, error) {
	c := h.config.TLS
	if !c.on() {
		return nil, nil
	}
	get := func() (*tls.Certificate, error) { return h.pages.Get() }
	if c.Own {
		own, err := h.ca.Server(append([]string{"localhost", "127.0.0.1"}, h.config.names()...))
		if err != nil {
			return nil, err
		}
		h.pages = own
	} else {
		pair := &pairFile{certificate: c.Certificate, key: c.Key}
		if _, err := pair.get(time.Now()); err != nil {
			return nil, err
		}
		get = func() (*tls.Certificate, error) { return pair.get(time.Now()) }
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return get() }}, nil
}

// pairFile is a certificate in files, looked at once a minute, so that whatever
// renews it need not stop the hub.
type pairFile struct {
	certificate, key string

	mu     sync.Mutex
	pair   *tls.Certificate
	of     time.Time // when the files were changed
	looked time.Time
}

func (p *pairFile) get(now time.Time) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pair != nil && now.Sub(p.looked) < time.Minute {
		return p.pair, nil
	}
	p.looked = now
	info, err := os.Stat(p.certificate)
	if err == nil && p.pair != nil && info.ModTime().Equal(p.of) {
		return p.pair, nil
	}
	pair, err2 := tls.LoadX509KeyPair(p.certificate, p.key)
	if err != nil || err2 != nil {
		if p.pair != nil {
			return p.pair, nil // the one before, until both files are whole again
		}
		return nil, fmt.Errorf("tls: certificate %s and key %s: %w", p.certificate, p.key, err2)
	}
	p.pair, p.of = &pair, info.ModTime()
	return p.pair, nil
}

// pagesLink is how links in messages begin.
func (c *config) pagesLink() string {
	names := c.names()
	if !c.TLS.on() || len(names) == 0 {
		return "http://" + c.Web
	}
	_, port, err := net.SplitHostPort(c.Web)
	name := names[0]
	if err == nil && port != "443" {
		name = net.JoinHostPort(name, port)
	}
	return "https://" + name
}

// openProvider makes the OpenID provider; nil for none.
func (h *hub) openProvider() (web.Provider, error) {
	if !h.config.OIDC.On() {
		return nil, nil
	}
	return oidc.New(h.config.OIDC, h.contexts.people, nil)
}

// operations is what operators look after gateways with.
func (h *hub) operations() *web.Operations {
	return &web.Operations{Admission: h.access, Desired: h.contexts.desired, Rollouts: h.contexts.rollout, Enrol: h.enrolAddress(),
		Ledger: h.contexts.ledger, Trail: h.contexts.people, Records: h.contexts.events, Objectives: h.health.Objectives}
}
