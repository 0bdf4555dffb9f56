package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"frostline/hub/people"
)

// People keeps who may work with the hub. actor is kept in its trail.
type People interface {
	People(ctx context.Context, after string, limit int) ([]people.Person, error)
	Add(ctx context.Context, actor, id, name string, roles []string, password string) (people.Person, error)
	SetRoles(ctx context.Context, actor, id string, roles []string) (people.Person, error)
	SetPassword(ctx context.Context, actor, id, password string) (people.Person, error)
	Disable(ctx context.Context, actor, id, reason string) (people.Person, error)
	Enable(ctx context.Context, actor, id, reason string) (people.Person, error)
	Trail(ctx context.Context, after int64, limit int) ([]people.Change, error)

	Tokens(ctx context.Context, after string, limit int) ([]people.Token, error)
	NewToken(ctx context.Context, actor, name, bearer string, scopes []string, life time.Duration) (secret string, t people.Token, err error)
	Revoke(ctx context.Context, actor, id, reason string) (people.Token, error)

	Invite(ctx context.Context, actor, id, name string, roles []string) (secret string, l people.Link, err error)
	SignInLink(ctx context.Context, actor, id string) (secret string, l people.Link, err error)
	First(ctx context.Context) (secret string, l people.Link, ok bool, err error)
}

// NewPerson is a person to be entered.
type NewPerson struct {
	ID       string   `json:"id"`
	Name     string   `json:"name"`
	Roles    []string `json:"roles"`
	Password string   `json:"password"`
}

// PersonChange is what is changed of a person; what is empty stays.
type PersonChange struct {
	Roles    []string `json:"roles,omitempty"`
	Password string   `json:"password,omitempty"`
	Reason   string   `json:"reason,omitempty"`
}

// NewToken is a token to be made.
type NewToken struct {
	Name   string   `json:"name"`
	Actor  string   `json:"actor"` // person/ID or partner/ID
	Scopes []string `json:"scopes"`
	LifeMs int64    `json:"life_ms"`
}

// Token is a token, with its secret where it was just made.
type Token struct {
	people.Token
	Secret string `json:"secret,omitempty"`
}

// NewLink is a link to be made, good once: of kind first, invite or sign-in.
type NewLink struct {
	Kind   string   `json:"kind"`
	Person string   `json:"person,omitempty"` // of sign-in: who; of invite: their id, or they choose
	Name   string   `json:"name,omitempty"`   // of invite: as printed, or they choose
	Roles  []string `json:"roles,omitempty"`  // of invite
}

// Link is a link that was just made.
type Link struct {
	people.Link
	URL string `json:"url"`
}

// newLink makes a link.
func (s *Server) newLink(ctx context.Context, actor string, in *NewLink) (out Link, err error) {
	var secret string
	switch in.Kind {
	case people.InviteLink:
		secret, out.Link, err = s.cfg.People.Invite(ctx, actor, in.Person, in.Name, in.Roles)
	case people.SignInLink:
		secret, out.Link, err = s.cfg.People.SignInLink(ctx, actor, in.Person)
	case people.FirstLink:
		ok := false
		if secret, out.Link, ok, err = s.cfg.People.First(ctx); err == nil && !ok {
			err = fmt.Errorf("kind first: %w: somebody is entered already; frostline user invite --role admin", people.ErrExists)
		}
	default:
		err = fmt.Errorf("kind %q: %w: want first, invite or sign-in", in.Kind, people.ErrInvalid)
	}
	if err != nil {
		return Link{}, err
	}
	out.URL = "/enter/" + secret
	if s.cfg.Origin != nil {
		out.URL = s.cfg.Origin() + out.URL
	}
	return out, nil
}

// everybody is how many people or tokens are listed at once.
const everybody = 10_000

// who is the actor of what is done over the socket: "os/UID" by the kernel's
// word.
func who(r *http.Request) (string, error) {
	p, ok := r.Context().Value(peerKey{}).(peer)
	if !ok {
		return "", errors.New("the request did not come over the hub's socket")
	}
	if p.err != nil {
		return "", fmt.Errorf("the system does not tell who asks: %w", p.err)
	}
	return "os/" + strconv.FormatUint(uint64(p.uid), 10), nil
}

// Actor is who asks over a Server's socket, as events name them: "os/UID"; ""
// where that is not known, or r did not come over the socket.
func Actor(r *http.Request) string {
	actor, _ := who(r)
	return actor
}

// people adds the calls about people and tokens.
func (s *Server) people(mux *http.ServeMux) {
	p := s.cfg.People
	mux.HandleFunc("GET /v1/people", reply(s, func(ctx context.Context, _ string, _ *http.Request, _ *struct{}) (any, error) {
		list, err := p.People(ctx, "", everybody)
		return nonNil(list), err
	}))
	mux.HandleFunc("POST /v1/people", reply(s, func(ctx context.Context, actor string, _ *http.Request, in *NewPerson) (any, error) {
		return p.Add(ctx, actor, in.ID, in.Name, in.Roles, in.Password)
	}))
	mux.HandleFunc("POST /v1/people/{id}/{what}", reply(s, func(ctx context.Context, actor string, r *http.Request, in *PersonChange) (any, error) {
		id := r.PathValue("id")
		switch r.PathValue("what") {
		case "roles":
			return p.SetRoles(ctx, actor, id, in.Roles)
		case "password":
			return p.SetPassword(ctx, actor, id, in.Password)
		case "disable":
			return p.Disable(ctx, actor, id, in.Reason)
		case "enable":
			return p.Enable(ctx, actor, id, in.Reason)
		}
		return nil, fmt.Errorf("%q: %w: want roles, password, disable or enable", r.PathValue("what"), people.ErrInvalid)
	}))
	mux.HandleFunc("GET /v1/people-trail", reply(s, func(ctx context.Context, _ string, r *http.Request, _ *struct{}) (any, error) {
		after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("after %q: %w: want the number of an entry, or 0", r.URL.Query().Get("after"), people.ErrInvalid)
		}
		list, err := p.Trail(ctx, after, everybody)
		return nonNil(list), err
	}))
	mux.HandleFunc("POST /v1/links", reply(s, func(ctx context.Context, actor string, _ *http.Request, in *NewLink) (any, error) {
		return s.newLink(ctx, actor, in)
	}))
	mux.HandleFunc("GET /v1/tokens", reply(s, func(ctx context.Context, _ string, _ *http.Request, _ *struct{}) (any, error) {
		list, err := p.Tokens(ctx, "", everybody)
		return nonNil(list), err
	}))
	mux.HandleFunc("POST /v1/tokens", reply(s, func(ctx context.Context, actor string, _ *http.Request, in *NewToken) (any, error) {
		secret, t, err := p.NewToken(ctx, actor, in.Name, in.Actor, in.Scopes, time.Duration(in.LifeMs)*time.Millisecond)
		return Token{t, secret}, err
	}))
	mux.HandleFunc("POST /v1/tokens/{id}/revoke", reply(s, func(ctx context.Context, actor string, r *http.Request, in *PersonChange) (any, error) {
		return p.Revoke(ctx, actor, r.PathValue("id"), in.Reason)
	}))
}

func nonNil[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// reply makes a handler of what decides on a request whose body is an I.
func reply[I any](s *Server, do func(context.Context, string, *http.Request, *I) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		actor, err := who(r)
		if err != nil {
			problem(w, http.StatusForbidden, "caller not known", err.Error())
			return
		}
		var in I
		if r.Method == http.MethodPost {
			d := json.NewDecoder(r.Body)
			d.DisallowUnknownFields()
			if err := d.Decode(&in); err != nil {
				problem(w, http.StatusBadRequest, "no request", fmt.Sprintf("body: %v", err))
				return
			}
		}
		out, err := do(r.Context(), actor, r, &in)
		switch {
		case errors.Is(err, people.ErrInvalid):
			problem(w, http.StatusBadRequest, "it cannot be done", err.Error())
		case errors.Is(err, people.ErrNotFound):
			problem(w, http.StatusNotFound, "not known", err.Error())
		case errors.Is(err, people.ErrExists):
			problem(w, http.StatusConflict, "exists already", err.Error())
		case err != nil:
			s.broken(w, r, err)
		default:
			if r.Method == http.MethodPost {
				s.log.Info("people or tokens changed by command", "call", r.URL.Path, "by", actor)
			}
			s.write(w, out)
		}
	}
}
