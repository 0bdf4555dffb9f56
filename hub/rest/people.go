package rest

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/people"
)

// People is what the operations on people need.
type People interface {
	Person(ctx context.Context, id string) (people.Person, error)
	People(ctx context.Context, after string, limit int) ([]people.Person, error)
}

func init() {
	means(people.ErrNotFound, notFound)
	means(people.ErrInvalid, unacceptable)
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
			for s := range Scopes {
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
	huma.Register(api, tagged(operation(http.MethodGet, "/people", "list-people", Admin, "List people"), "people"),
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
}
