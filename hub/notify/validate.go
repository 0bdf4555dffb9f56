package notify

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"frostline/hub/fact"
)

var (
	nameShape  = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)
	severities = []string{"warning", "alarm", "critical"}
	kinds      = []string{fact.BrokenLimit, fact.BrokenMKT, fact.BrokenBudget, fact.Unmonitored}
)

// None reports whether nobody is configured to be told of anything.
func (c *Config) None() bool {
	return len(c.Contacts) == 0 && len(c.Webhooks) == 0 && len(c.Policies) == 0
}

// Validate fills in defaults and fails for what cannot be, naming field and
// value. It reads no files; New does. A configuration by which nobody is told
// of anything may be empty.
func (c *Config) Validate() error {
	if c.None() && c.Link == "" {
		return errors.Join(c.Retry.validate(), c.Gather.validate())
	}
	u, err := url.Parse(c.Link)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.RawQuery != "" || u.User != nil {
		return fmt.Errorf("link %q: want the address of the hub's pages, such as https://hub.example.com", c.Link)
	}
	c.Link = strings.TrimSuffix(c.Link, "/")
	c.Source = cmp.Or(c.Source, c.Link)
	if _, err := url.Parse(c.Source); err != nil {
		return fmt.Errorf("source %q: want a URI: %w", c.Source, err)
	}
	if n := c.Repeats(); n < 0 || n > 100 {
		return fmt.Errorf("repeat-last %d: want 0 to 100", n)
	}
	if err := errors.Join(c.Retry.validate(), c.Gather.validate()); err != nil {
		return err
	}
	if c.SMTP != nil {
		if err := c.SMTP.validate(); err != nil {
			return fmt.Errorf("smtp: %w", err)
		}
	}
	names := map[string]bool{} // "contact:anna"
	claim := func(kind, name string) error {
		if !nameShape.MatchString(name) {
			return fmt.Errorf("%s %q: name: want %s", kind, name, nameShape)
		}
		if names[kind+":"+name] {
			return fmt.Errorf("%s %q: the name is used twice", kind, name)
		}
		names[kind+":"+name] = true
		return nil
	}
	for _, k := range c.Contacts {
		if err := claim("contact", k.Name); err != nil {
			return err
		}
		if err := checkAddress(k.Email); err != nil {
			return fmt.Errorf("contact %q: email: %w", k.Name, err)
		}
		if c.SMTP == nil {
			return fmt.Errorf("contact %q: smtp is not set, and e-mail needs it", k.Name)
		}
	}
	for i := range c.Schedules {
		s := &c.Schedules[i]
		if err := claim("schedule", s.Name); err != nil {
			return err
		}
		if err := s.validate(names); err != nil {
			return fmt.Errorf("schedule %q: %w", s.Name, err)
		}
	}
	for i := range c.Webhooks {
		w := &c.Webhooks[i]
		if err := claim("webhook", w.Name); err != nil {
			return err
		}
		if err := w.validate(); err != nil {
			return fmt.Errorf("webhook %q: %w", w.Name, err)
		}
	}
	for i, p := range c.Policies {
		if err := p.validate(names); err != nil {
			return fmt.Errorf("policies: %q (number %d): %w", p.Name, i+1, err)
		}
	}
	for i, t := range c.Sagas {
		if err := t.validate(names); err != nil {
			return fmt.Errorf("sagas: number %d: %w", i+1, err)
		}
	}
	return nil
}

func (p Policy) validate(names map[string]bool) error {
	for _, s := range p.Severities {
		if !slices.Contains(severities, s) {
			return fmt.Errorf("severities: %q: want some of %v", s, severities)
		}
	}
	for _, k := range p.Kinds {
		if !slices.Contains(kinds, k) {
			return fmt.Errorf("kinds: %q: want some of %v", k, kinds)
		}
	}
	if len(p.Levels) < 1 || len(p.Levels) > 10 {
		return fmt.Errorf("levels: %d: want 1 to 10", len(p.Levels))
	}
	for i, l := range p.Levels {
		if len(l.Notify) == 0 {
			return fmt.Errorf("levels: number %d: notify: want at least one of contact:NAME, schedule:NAME and webhook:NAME", i+1)
		}
		if err := checkTargets(l.Notify, names); err != nil {
			return fmt.Errorf("levels: number %d: notify: %w", i+1, err)
		}
		if (l.Within != 0 || len(p.Levels) > 1) && (l.Within < time.Minute || l.Within > 168*time.Hour) {
			return fmt.Errorf("levels: number %d: within %s: want 1m to 168h", i+1, l.Within)
		}
	}
	if err := checkTargets(p.Inform, names); err != nil {
		return fmt.Errorf("inform: %w", err)
	}
	return nil
}

func checkTargets(targets []string, names map[string]bool) error {
	for _, t := range targets {
		if !names[t] {
			return fmt.Errorf("%q: no such contact:NAME, schedule:NAME or webhook:NAME", t)
		}
	}
	return nil
}

func checkAddress(s string) error {
	a, err := mail.ParseAddress(s)
	if err != nil || a.Address != s || len(s) > 254 {
		return fmt.Errorf("%q: want an address such as anna@example.com", s)
	}
	return nil
}

func (s *SMTP) validate() error {
	s.Security = cmp.Or(s.Security, "starttls")
	port := 587
	switch s.Security {
	case "tls":
		port = 465
	case "starttls":
	case "none":
		if a, err := netip.ParseAddr(s.Host); s.Host != "localhost" && (err != nil || !a.IsLoopback()) {
			return fmt.Errorf("security none: host %q is not this machine: use starttls or tls", s.Host)
		}
		if s.User != "" {
			return fmt.Errorf("security none: user %q: a password is not sent in the clear", s.User)
		}
	default:
		return fmt.Errorf("security %q: want starttls, tls or none", s.Security)
	}
	s.Port = cmp.Or(s.Port, port)
	s.Timeout = cmp.Or(s.Timeout, 30*time.Second)
	switch {
	case s.Host == "":
		return fmt.Errorf("host: want the name of the server")
	case s.Port < 1 || s.Port > 65535:
		return fmt.Errorf("port %d: want 1 to 65535", s.Port)
	case (s.User == "") != (s.PasswordFile == ""):
		return fmt.Errorf("user %q, password-file %q: set both or neither", s.User, s.PasswordFile)
	case s.Timeout < time.Second || s.Timeout > 10*time.Minute:
		return fmt.Errorf("timeout %s: want 1s to 10m", s.Timeout)
	}
	if err := checkAddress(s.From); err != nil {
		return fmt.Errorf("from: %w", err)
	}
	return nil
}

func (w *Webhook) validate() error {
	u, err := url.Parse(w.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("url %q: want https://HOST/PATH", w.URL)
	case u.User != nil:
		return fmt.Errorf("url: leave user and password out: it is signed")
	case u.Scheme == "http" && !w.Private:
		return fmt.Errorf("url %q: want https: http is for private webhooks", w.URL)
	case len(w.SecretFiles) < 1 || len(w.SecretFiles) > 4:
		return fmt.Errorf("secret-files: %d: want 1 to 4", len(w.SecretFiles))
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil {
		if err := checkIP(a, w.Private); err != nil {
			return fmt.Errorf("url %q: %w", w.URL, err)
		}
	} else if net.ParseIP(u.Hostname()) != nil {
		return fmt.Errorf("url %q: address cannot be read", w.URL)
	}
	for _, e := range w.Events {
		if !strings.HasPrefix(e, "excursion.") || !slices.Contains(fact.Types(), e) {
			return fmt.Errorf("events: %q: no such type of event of an excursion", e)
		}
	}
	w.Timeout = cmp.Or(w.Timeout, 10*time.Second)
	if w.Timeout < 100*time.Millisecond || w.Timeout > time.Minute {
		return fmt.Errorf("timeout %s: want 100ms to 1m", w.Timeout)
	}
	if w.Rate = cmp.Or(w.Rate, 10); !(w.Rate >= 0.1 && w.Rate <= 1000) {
		return fmt.Errorf("rate %v: want 0.1 to 1000 attempts a second", w.Rate)
	}
	return nil
}

func (r *Retry) validate() error {
	r.First, r.Longest, r.For = cmp.Or(r.First, 10*time.Second), cmp.Or(r.Longest, 15*time.Minute), cmp.Or(r.For, 24*time.Hour)
	if r.First < 10*time.Millisecond || r.Longest < r.First || r.For < r.Longest || r.For > 30*24*time.Hour {
		return fmt.Errorf("retry: first %s, longest %s, for %s: want 10ms <= first <= longest <= for <= 720h", r.First, r.Longest, r.For)
	}
	return nil
}

func (g *Gather) validate() error {
	g.First, g.Update, g.Window = cmp.Or(g.First, 20*time.Second), cmp.Or(g.Update, 15*time.Minute), cmp.Or(g.Window, time.Hour)
	if g.First < 10*time.Millisecond || g.First > 5*time.Minute || g.Update < g.First || g.Update > 24*time.Hour || g.Window < 0 || g.Window > 24*time.Hour {
		return fmt.Errorf("gather: first %s, update %s, window %s: want 10ms <= first <= 5m, first <= update <= 24h, window <= 24h", g.First, g.Update, g.Window)
	}
	return nil
}
