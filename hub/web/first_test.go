package web

import (
	"context"
	"html"
	"net/http"
	"strings"
	"testing"

	"frostline/hub/policy"
	"frostline/hub/view"
)

// bare is a hub that no gateway was let into.
type bare struct{}

func (bare) Gateways(context.Context) ([]view.Gateway, error) { return nil, nil }
func (bare) Accounts(context.Context) ([]view.Account, error) { return nil, nil }

// TestFirstVisitTellsEachWhatTheyCanDo: an empty hub tells whoever may let the
// first gateway in how, whoever may not that others do, and nobody what they may
// not do themselves.
func TestFirstVisitTellsEachWhatTheyCanDo(t *testing.T) {
	g := openGuarded(t, func(c *Config) { c.Fleet = bare{} })
	for _, role := range policy.Roles {
		v := g.as("p-"+strings.ReplaceAll(role, "_", "-"), role)
		p := v.get("/")
		if role == policy.Driver {
			if p.to != "/me" {
				t.Errorf("%s is led to %q", role, p.to)
			}
			p = v.get(p.to)
		}
		text := html.UnescapeString(p.body)
		enrol, _ := policy.Page("POST /view/fleet/enrol")
		for want, there := range map[string]bool{
			"No gateway is enrolled yet":                role != policy.Driver,
			`href="/view/fleet#h-enrol"`:                enrol.Person([]string{role}),
			"frostline enrol site-1":                    enrol.Person([]string{role}),
			"An operator lets the first one in.":        role != policy.Driver && !enrol.Person([]string{role}),
			"is on the panel in the vehicle":            role == policy.Driver,
			"You have nothing to sign in with yet.":     false, // they have a password
			"This is not among what you do here":        false,
			"Something is wrong with the hub itself.":   false,
			"No sensor has been declared yet. They app": false,
		} {
			if p.code != http.StatusOK || strings.Contains(text, want) != there {
				t.Errorf("%s: %d, says %q: %t, want %t", role, p.code, want, !there, there)
			}
		}
	}
}
