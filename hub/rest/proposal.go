package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/dispatch/propose"
)

// Proposals suggest other orders of the stops of routes; *propose.Desk does.
type Proposals interface {
	// Proposal suggests one. It changes nothing. Its error wraps
	// record.ErrNotFound for a route that there is not.
	Proposal(ctx context.Context, route string) (propose.Proposal, error)
}

func registerProposals(api huma.API, d Proposals) {
	op := inTag("dispatch")(http.MethodGet, "/routes/{id}/proposal", "get-route-proposal", Read, "Suggest another order of the stops of a route")
	op.Description = "Compares the planned order of the stops that have not ended with the best one found, by time windows, payload, range and the earliest instants at which packages may get too warm. Nothing is changed: to apply it, send order to POST /routes/{id}/order with the ETag of this answer as If-Match, which is that of the route it was made for. All times are estimates; what is not known is told in notes."
	huma.Register(api, op, func(ctx context.Context, in *RoutePath) (*found[propose.Proposal], error) {
		p, err := d.Proposal(ctx, in.ID)
		return foundOf(p, p.Revision, err)
	})
}
