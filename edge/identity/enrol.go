package identity

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"frostline/edge/disk"
	"frostline/proto/enrol"
	"frostline/proto/topic"
)

// DefaultPort is that of a hub's enrolment listener.
const DefaultPort = "8884"

// ErrAuthority means that the hub's certificate authority is not the one that
// the code names: the address is another hub's, or someone is in between.
var ErrAuthority = errors.New("the certificate authority shown is not the one that the code names")

// pending is pending.json: keys that were sent and not yet answered.
type pending struct {
	Code    string `json:"code"` // enrol.Code.Digest: the secret is kept nowhere
	Gateway string `json:"gateway"`
	Key     string `json:"key"`
	SealKey string `json:"seal_key"`
}

// Enrol makes this device the gateway of an id, known to the hub at an address
// ("https://hub:8884", "hub:8884" or "hub"), by a one-time code. Keys are made
// here. The hub is trusted because its authority is the one that the code
// names. What the device was before is replaced once all is well, and not
// before. Interrupted at any moment, even by a power cut, it may be called
// again with the same code.
//
// The error is an *enrol.Error where the hub refused, and wraps ErrAuthority or
// enrol.ErrCode where the request was not even sent.
func (i *Identity) Enrol(ctx context.Context, gateway, hub, code string) error {
	if err := topic.CheckGateway(gateway); err != nil {
		return err
	}
	c, err := enrol.ParseCode(code)
	if err != nil {
		return err
	}
	base, err := hubAddress(hub)
	if err != nil {
		return err
	}
	i.writing.Lock()
	defer i.writing.Unlock()
	keys, err := i.pendingKeys(gateway, c)
	if err != nil {
		return err
	}
	req, err := keys.request(c)
	if err != nil {
		return err
	}
	verify := verifier{host: base.Hostname(), now: i.now, find: func(shown []*x509.Certificate) (*x509.CertPool, error) {
		for _, cert := range shown {
			if cert.IsCA && c.Names(cert) {
				p := x509.NewCertPool()
				p.AddCert(cert)
				return p, nil
			}
		}
		return nil, ErrAuthority
	}}
	resp, err := i.send(ctx, base, enrol.CertificatePath, verify.config(nil), req)
	if err != nil {
		return fmt.Errorf("enrol gateway %q at %s: %w", gateway, base, err)
	}
	if ca, err := parseCertificate(resp.CA); err != nil || !c.Names(ca) {
		return fmt.Errorf("enrol gateway %q at %s: the answer names an authority that the code does not", gateway, base)
	}
	s := settings{Gateway: gateway, Hub: base.String(), Key: keys.Key, SealKey: keys.SealKey, EnrolledMs: resp.HubMs}
	if err := s.adopt(resp); err != nil {
		return fmt.Errorf("enrol gateway %q at %s: %w", gateway, base, err)
	}
	if err := i.keep(s); err != nil {
		return err
	}
	i.settled(nil)
	if err := i.disk.Remove(i.path(pendingFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		i.log.Warn("keys of the enrolment could not be removed; they do no harm", "file", i.path(pendingFile), "error", err)
	}
	i.log.Info("enrolled", "gateway", gateway, "hub", base.String(), "until", time.UnixMilli(resp.NotAfterMs).UTC())
	return nil
}

// pendingKeys gives the keys of an enrolment that was begun with this code, or
// new ones, which are on disk before they are sent.
func (i *Identity) pendingKeys(gateway string, c enrol.Code) (p pending, err error) {
	path := i.path(pendingFile)
	if b, err := i.disk.Read(path); err == nil {
		if json.Unmarshal(b, &p) == nil && p.Code == c.Digest() && p.Gateway == gateway {
			return p, nil
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return p, fmt.Errorf("read keys of an enrolment under way: %w", err)
	}
	p = pending{Code: c.Digest(), Gateway: gateway}
	if _, p.Key, err = newTLSKey(); err != nil {
		return p, err
	}
	if _, p.SealKey, err = newSealKey(); err != nil {
		return p, err
	}
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return p, err
	}
	if err := disk.Put(i.disk, path, b); err != nil {
		return p, fmt.Errorf("keep keys: %w", err)
	}
	return p, nil
}

// request builds the enrolment request.
func (p pending) request(c enrol.Code) (enrol.Request, error) {
	key, err := parseKey(p.Key)
	if err != nil {
		return enrol.Request{}, fmt.Errorf("key: %w", err)
	}
	tlsKey, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return enrol.Request{}, fmt.Errorf("key: is a %T, want ECDSA", key)
	}
	if key, err = parseKey(p.SealKey); err != nil {
		return enrol.Request{}, fmt.Errorf("seal key: %w", err)
	}
	seal, ok := key.(ed25519.PrivateKey)
	if !ok {
		return enrol.Request{}, fmt.Errorf("seal key: is a %T, want Ed25519", key)
	}
	der, text, err := signingRequest(p.Gateway, tlsKey)
	if err != nil {
		return enrol.Request{}, err
	}
	return enrol.Request{
		Gateway: p.Gateway, Code: c.String(), CSR: text,
		SealPublicKey: seal.Public().(ed25519.PublicKey), Proof: ed25519.Sign(seal, enrol.ProofText(p.Gateway, der)),
	}, nil
}

func signingRequest(gateway string, key *ecdsa.PrivateKey) (der []byte, text string, err error) {
	der, err = x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: gateway}}, key)
	if err != nil {
		return nil, "", fmt.Errorf("make signing request: %w", err)
	}
	return der, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})), nil
}

// hubAddress reads the address of an enrolment listener.
func hubAddress(hub string) (*url.URL, error) {
	text := hub
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("hub address %q: want for example https://hub.example.org:%s", hub, DefaultPort)
	}
	if u.Scheme != "https" {
		return nil, fmt.Errorf("hub address %q: want https, not %s", hub, u.Scheme)
	}
	port := u.Port()
	if port == "" {
		port = DefaultPort
	}
	return &url.URL{Scheme: "https", Host: net.JoinHostPort(u.Hostname(), port)}, nil
}

// requestTimeout bounds one request, connecting included.
const requestTimeout = 30 * time.Second

// post sends a request to the enrolment listener.
func post(ctx context.Context, base *url.URL, path string, config *tls.Config, body any) (r enrol.Response, err error) {
	b, err := json.Marshal(body)
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base.JoinPath(path).String(), bytes.NewReader(b))
	if err != nil {
		return r, err
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{
		Transport:     &http.Transport{TLSClientConfig: config, DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		var op *url.Error
		if errors.As(err, &op) {
			err = op.Err // without repeating the address
		}
		return r, err
	}
	defer resp.Body.Close()
	b, err = io.ReadAll(io.LimitReader(resp.Body, enrol.MaxBody+1))
	switch {
	case err != nil:
		return r, fmt.Errorf("read answer: %w", err)
	case len(b) > enrol.MaxBody:
		return r, fmt.Errorf("the answer is longer than %d bytes", enrol.MaxBody)
	case resp.StatusCode == http.StatusOK:
		if err := json.Unmarshal(b, &r); err != nil {
			return r, fmt.Errorf("read answer: %w", err)
		}
		return r, nil
	}
	bad := &enrol.Error{}
	if json.Unmarshal(b, bad) == nil && bad.Kind != "" {
		return r, bad
	}
	return r, fmt.Errorf("the server answers %s: is this a hub's enrolment listener?", resp.Status)
}
