package demo

import (
	"context"
	"fmt"
	"strings"

	"frostline/hub/api"
	"frostline/hub/people"
)

// doors makes a link for each person of the company, by which they sign in once,
// and one for whoever wants to be an administrator. The passkeys that they add
// are bound to the name localhost.
func (d *demo) doors(ctx context.Context) ([]door, error) {
	hub := api.NewClient(d.path("hub", "frostline.sock"))
	all, err := hub.People(ctx)
	if err != nil {
		return nil, fmt.Errorf("ask who is entered: %w", err)
	}
	var out []door
	for _, p := range all {
		if p.Disabled != 0 {
			continue
		}
		l, err := hub.NewLink(ctx, api.NewLink{Kind: people.SignInLink, Person: p.ID})
		if err != nil {
			return nil, fmt.Errorf("make a link for %s: %w", p.ID, err)
		}
		out = append(out, door{p.Name + ", " + strings.Join(p.Roles, ", "), l.URL})
	}
	admin := api.NewLink{Kind: people.InviteLink, Roles: []string{"admin"}}
	if len(all) == 0 {
		admin = api.NewLink{Kind: people.FirstLink}
	}
	l, err := hub.NewLink(ctx, admin)
	if err != nil {
		return nil, fmt.Errorf("make a link for an administrator: %w", err)
	}
	return append(out, door{"a new administrator", l.URL}), nil
}

// door is a link by which somebody signs in.
type door struct{ who, url string }
