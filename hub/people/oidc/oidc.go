// Package oidc lets people sign in by an OpenID Connect provider: the code flow
// with PKCE, state and nonce (OpenID Connect Core 1.0; RFC 7636; RFC 9700).
//
// The provider says who somebody is; the hub's configuration says which values
// of a claim are which roles. Who has none of them does not come in. The
// provider is asked for its keys when it is first needed, so that a hub starts
// without it, and a provider that is down keeps nobody out who has another way.
package oidc

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"frostline/hub/people"
)

// Config names a provider.
type Config struct {
	// Issuer is the provider's address, as its tokens name it, by https; by http
	// on loopback alone. Empty: none.
	Issuer string `yaml:"issuer"`
	// Client is the id under which the provider knows this hub. Its redirect
	// address is that of the pages and /signin/callback.
	Client string `yaml:"client"`
	// SecretFile holds the client's secret; nobody else may read it. Empty: a
	// public client, which PKCE alone protects.
	SecretFile string `yaml:"secret_file"`
	// Name is what the button says. Default the host of Issuer.
	Name string `yaml:"name"`
	// Scopes are asked for besides openid and profile.
	Scopes []string `yaml:"scopes"`
	// Claim is the claim that roles follow from: a text, or a list of texts. A dot
	// leads into an object, as in realm_access.roles. Default groups.
	Claim string `yaml:"claim"`
	// Roles are the hub's roles for each value of the claim.
	Roles map[string][]string `yaml:"roles"`
}

// On says whether there is a provider.
func (c Config) On() bool { return c.Issuer != "" }

// Validate says what cannot be.
func (c Config) Validate() error {
	if !c.On() {
		return nil
	}
	var errs []error
	bad := func(field, value, remedy string) {
		errs = append(errs, fmt.Errorf("oidc.%s: %q: %s", field, value, remedy))
	}
	u, err := url.Parse(c.Issuer)
	if err != nil || u.Host == "" || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		bad("issuer", c.Issuer, "want https://HOST and the path that the provider's tokens name")
	}
	if c.Client == "" {
		bad("client", c.Client, "want the id under which the provider knows this hub")
	}
	if len(c.Roles) == 0 {
		bad("roles", "", "want the hub's roles for values of the claim, such as {\"pharmacy-qa\": [qa]}; without it nobody comes in")
	}
	for value, roles := range c.Roles {
		for _, r := range roles {
			if _, ok := people.Roles[r]; !ok {
				bad("roles."+value, r, "want a role of the hub")
			}
		}
	}
	if c.SecretFile != "" {
		if _, err := secret(c.SecretFile); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

const maxSecret = 4 << 10 // bytes

// secret reads a file that nobody else may read.
func secret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("oidc.secret_file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || info.Size() > maxSecret {
		return "", fmt.Errorf("oidc.secret_file: %q: mode %v: want a file that its owner alone may read: chmod 600 %s", path, info.Mode().Perm()&fs.ModePerm, path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("oidc.secret_file: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// Keeper keeps people; *people.Keeper is one.
type Keeper interface {
	Federated(ctx context.Context, issuer, subject, id, name string, roles []string) (people.Person, error)
}

const (
	askWithin = 10 * time.Second // of each question to the provider
	maxAnswer = 1 << 20          // bytes
)

// Provider signs people in. Its methods may be called from any goroutine.
type Provider struct {
	cfg    Config
	keeper Keeper
	now    func() time.Time
	secret string
	http   *http.Client

	mu    sync.Mutex
	known *oidc.Provider // nil before it was asked
}

// New makes a Provider. It asks nobody yet. now is nil for time.Now.
func New(cfg Config, keeper Keeper, now func() time.Time) (*Provider, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	p := &Provider{cfg: cfg, keeper: keeper, now: now, http: &http.Client{Timeout: askWithin, Transport: bounded{http.DefaultTransport}}}
	if p.now == nil {
		p.now = time.Now
	}
	if cfg.SecretFile != "" {
		var err error
		if p.secret, err = secret(cfg.SecretFile); err != nil {
			return nil, err
		}
	}
	if p.cfg.Claim == "" {
		p.cfg.Claim = "groups"
	}
	return p, nil
}

// bounded cuts answers that are too long.
type bounded struct{ next http.RoundTripper }

// RoundTrip asks.
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := b.next.RoundTrip(r)
	if err == nil {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, maxAnswer), resp.Body}
	}
	return resp, err
}

// Name is what people know the provider by.
func (p *Provider) Name() string {
	if p.cfg.Name != "" {
		return p.cfg.Name
	}
	u, err := url.Parse(p.cfg.Issuer)
	if err != nil {
		return p.cfg.Issuer
	}
	return u.Host
}

// provider finds out the provider's addresses and keys, once.
func (p *Provider) provider(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		// The provider keeps the context for its keys, which outlives a request.
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), askWithin)
		defer cancel()
		known, err := oidc.NewProvider(oidc.ClientContext(within, p.http), p.cfg.Issuer)
		if err != nil {
			return nil, fmt.Errorf("ask %s for its configuration: %w", p.cfg.Issuer, err)
		}
		p.known = known
	}
	return p.known, nil
}

func (p *Provider) client(known *oidc.Provider, redirect string) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.cfg.Client, ClientSecret: p.secret, Endpoint: known.Endpoint(), RedirectURL: redirect,
		Scopes: slices.Concat([]string{oidc.ScopeOpenID, "profile"}, p.cfg.Scopes),
	}
}

// State is what a sign-in has begun with. It is for the browser that began it,
// which must not be able to read or change it.
type State struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"`
	Next     string `json:"next"`
}

// Begin gives the provider's address to which a browser goes, to come back at
// redirect.
func (p *Provider) Begin(ctx context.Context, redirect, next string) (to string, s State, err error) {
	known, err := p.provider(ctx)
	if err != nil {
		return "", s, err
	}
	s = State{State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Next: next}
	return p.client(known, redirect).AuthCodeURL(s.State, oidc.Nonce(s.Nonce), oauth2.S256ChallengeOption(s.Verifier)), s, nil
}

// Finish gives who came back with an answer of the provider. The error wraps
// people.ErrRefused where the answer is not to what this browser began, proves
// nothing, or gives no role.
func (p *Provider) Finish(ctx context.Context, redirect string, s State, answer url.Values) (people.Person, error) {
	refused := func(format string, args ...any) (people.Person, error) {
		return people.Person{}, fmt.Errorf("%s: %w: %s", p.cfg.Issuer, people.ErrRefused, fmt.Sprintf(format, args...))
	}
	if s.State == "" || subtle.ConstantTimeCompare([]byte(answer.Get("state")), []byte(s.State)) != 1 {
		return refused("the answer is not to what this browser asked")
	}
	if iss := answer.Get("iss"); iss != "" && iss != p.cfg.Issuer { // RFC 9207
		return refused("the answer is of another issuer")
	}
	if e := answer.Get("error"); e != "" {
		return refused("it says %.100q", e)
	}
	known, err := p.provider(ctx)
	if err != nil {
		return people.Person{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.http), 2*askWithin)
	defer cancel()
	token, err := p.client(known, redirect).Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(s.Verifier))
	if _, no := errors.AsType[*oauth2.RetrieveError](err); no {
		return refused("it does not take the code: %v", err)
	}
	if err != nil {
		return people.Person{}, fmt.Errorf("ask %s for a token: %w", p.cfg.Issuer, err)
	}
	raw, _ := token.Extra("id_token").(string)
	id, err := known.VerifierContext(oidc.ClientContext(context.WithoutCancel(ctx), p.http), &oidc.Config{ClientID: p.cfg.Client, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return refused("its token does not hold: %v", err)
	}
	if subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(s.Nonce)) != 1 {
		return refused("its token is of another sign-in")
	}
	var claims map[string]any
	if err := id.Claims(&claims); err != nil {
		return refused("its claims cannot be read: %v", err)
	}
	return p.keeper.Federated(ctx, id.Issuer, id.Subject, text(claims, "preferred_username", "email", "sub"), text(claims, "name", "preferred_username", "sub"), p.roles(claims))
}

// text gives the first of some claims that is one.
func text(claims map[string]any, names ...string) string {
	for _, n := range names {
		if s, ok := claims[n].(string); ok && s != "" {
			return s
		}
	}
	return ""
}

// roles gives the hub's roles for what the claim holds.
func (p *Provider) roles(claims map[string]any) (out []string) {
	var v any = claims
	for part := range strings.SplitSeq(p.cfg.Claim, ".") {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[part]
	}
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	for _, one := range list {
		if s, ok := one.(string); ok {
			out = append(out, p.cfg.Roles[s]...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
