package rest

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/people"
)

// People is what the operations on people need.
type People interface {
	Person(ctx context.Context, id string) (people.Person, error)
	People(ctx context.Context, after string, limit int) ([]people.Person, error)
	Tokens(ctx context.Context, after string, limit int) ([]people.Token, error)
	Revoke(ctx context.Context, actor, id, reason string) (people.Token, error)
	Disable(ctx context.Context, actor, id, reason string) (people.Person, error)
}

func init() {
	means(people.ErrNotFound, notFound)
	means(people.ErrInvalid, unacceptable)
	means(people.ErrRefused, forbidden)
}

// personReason says why something is done to a person or token.
type personReason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why; kept in the trail."`
}

// PersonPath names a person in a path.
type PersonPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[a-z0-9][a-z0-9._-]*$" doc:"Id of the person."`
}

type personReply struct {
	ETag string `header:"ETag"`
	Body people.Person
}

// Caller is who a request is made by.
type Caller struct {
	Actor  string         `json:"actor" doc:"As events name the caller."`
	Scopes []string       `json:"scopes" doc:"What the token allows."`
	Person *people.Person `json:"person,omitempty" doc:"Present where the caller is a person."`
}

func registerPeople(api huma.API, p People) {
	huma.Register(api, tagged(operation(http.MethodGet, "/people/me", "get-caller", Read, "Say who the caller is"), "people"),
		func(ctx context.Context, _ *struct{}) (*struct{ Body Caller }, error) {
			out := &struct{ Body Caller }{Caller{Actor: Actor(ctx), Scopes: []string{}}}
			for _, s := range slices.Sorted(maps.Keys(Scopes)) {
				if Allowed(ctx, s) {
					out.Body.Scopes = append(out.Body.Scopes, string(s))
				}
			}
			if id, ok := strings.CutPrefix(Actor(ctx), "person/"); ok {
				person, err := p.Person(ctx, id)
				if err != nil {
					return nil, err
				}
				out.Body.Person = &person
			}
			return out, nil
		})
	huma.Register(api, tagged(operation(http.MethodGet, "/people", "list-people", Read, "List people"), "people"),
		func(ctx context.Context, in *Paging) (*listReply[people.Person], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := p.People(ctx, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(p people.Person) string { return p.ID }), nil
		})
	huma.Register(api, tagged(operation(http.MethodGet, "/people/{id}", "get-person", Read, "Show a person"), "people"),
		func(ctx context.Context, in *PersonPath) (*personReply, error) {
			person, err := p.Person(ctx, in.ID)
			return &personReply{etag(person.Version), person}, err
		})
	huma.Register(api, tagged(operation(http.MethodPost, "/people/{id}/disable", "disable-person", Admin, "Take signing and tokens from a person"), "people"),
		func(ctx context.Context, in *struct {
			PersonPath
			Body personReason
		}) (*personReply, error) {
			person, err := p.Disable(ctx, Actor(ctx), in.ID, in.Body.Reason)
			return &personReply{etag(person.Version), person}, err
		})
	huma.Register(api, tagged(operation(http.MethodGet, "/tokens", "list-tokens", Read, "List tokens, without their secrets"), "people"),
		func(ctx context.Context, in *Paging) (*listReply[people.Token], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := p.Tokens(ctx, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(t people.Token) string { return t.ID }), nil
		})
	huma.Register(api, tagged(operation(http.MethodPost, "/tokens/{id}/revoke", "revoke-token", Admin, "End a token at once"), "people"),
		func(ctx context.Context, in *struct {
			ID   string `path:"id" minLength:"8" maxLength:"8" pattern:"^[a-z2-7]+$" doc:"Id of the token."`
			Body personReason
		}) (*struct{ Body people.Token }, error) {
			t, err := p.Revoke(ctx, Actor(ctx), in.ID, in.Body.Reason)
			return &struct{ Body people.Token }{t}, err
		})
}
