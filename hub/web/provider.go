package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"frostline/hub/gate"
	"frostline/hub/people"
	"frostline/hub/people/oidc"
)

// Provider signs people in elsewhere; *oidc.Provider is one.
type Provider interface {
	Name() string
	Begin(ctx context.Context, redirect, next string) (to string, s oidc.State, err error)
	Finish(ctx context.Context, redirect string, s oidc.State, answer url.Values) (people.Person, error)
}

const (
	providerCookie = "frostline_provider"
	providerLife   = 10 * time.Minute
)

func (s *Server) providerRoutes(mux *routes) {
	mux.HandleFunc("GET /signin/provider", s.toProvider)
	mux.HandleFunc("GET /signin/callback", s.fromProvider)
}

func (s *Server) redirect() string { return s.Origin() + "/signin/callback" }

// toProvider is GET /signin/provider.
func (s *Server) toProvider(w http.ResponseWriter, r *http.Request) {
	if !s.paced(w, r) {
		return
	}
	to, state, err := s.cfg.Provider.Begin(r.Context(), s.redirect(), safeNext(r.FormValue("next")))
	if err != nil {
		s.log.Error("the OpenID provider could not be asked", "error", err)
		s.fail(w, r, http.StatusBadGateway, s.cfg.Provider.Name()+" does not answer", "The hub's log says why. Other ways to sign in work meanwhile.")
		return
	}
	held, err := s.seals.seal(r.Context(), "provider", state, providerLife)
	if err != nil {
		s.broken(w, r, "go on signing in", err)
		return
	}
	http.SetCookie(w, s.cookie(providerCookie, held, providerLife))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// fromProvider is GET /signin/callback, to which the provider leads back.
func (s *Server) fromProvider(w http.ResponseWriter, r *http.Request) {
	if !s.paced(w, r) {
		return
	}
	var state oidc.State
	if c, err := r.Cookie(providerCookie); err == nil {
		if err := s.seals.open(r.Context(), "provider", c.Value, &state); err != nil {
			state = oidc.State{}
		}
	}
	http.SetCookie(w, s.cookie(providerCookie, "", -time.Second)) // good once
	p, err := s.cfg.Provider.Finish(r.Context(), s.redirect(), state, r.URL.Query())
	switch {
	case errors.Is(err, people.ErrRefused):
		s.log.Warn("sign-in by the provider refused", "from", gate.Origin(r), "error", err)
		s.fail(w, r, http.StatusForbidden, "You are not signed in", "Either it took too long, or "+s.cfg.Provider.Name()+" gives you no role here. Try again, or ask an administrator.")
	case err != nil:
		s.log.Error("the OpenID provider could not be asked", "error", err)
		s.fail(w, r, http.StatusBadGateway, s.cfg.Provider.Name()+" does not answer", "The hub's log says why. Other ways to sign in work meanwhile.")
	default:
		s.enterAs(w, r, p.ID, p.Version, people.ByProvider, safeNext(state.Next))
	}
}
