package rest

import (
	"context"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/correlate"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// Verdicts tells what happened to packages; *correlate.Engine does.
type Verdicts interface {
	Judgements(ctx context.Context, id string) (correlate.Judged, error)
	Revisions(ctx context.Context, id string) ([]correlate.Revision, error)
	State(ctx context.Context, id string) (correlate.State, error)
	States(state correlate.Condition, after string, limit int) []correlate.State
	Chart(ctx context.Context, id, profile string, from, to int64, buckets int) (correlate.Chart, error)
	Budget(ctx context.Context, unit string) (fact.UnitBudget, error)
}

func init() {
	means(correlate.ErrUnknown, notFound)
	means(correlate.ErrNotJudged, notFound)
}

// ChartQuery chooses what is drawn.
type ChartQuery struct {
	Profile string `query:"profile" maxLength:"64" pattern:"^[A-Za-z0-9._-]*$" doc:"As this profile counts time as monitored; left out, the first that judges the package."`
	From    int64  `query:"from" minimum:"0" maximum:"7258118400000" doc:"Unix ms; left out, when the watch began."`
	To      int64  `query:"to" minimum:"0" maximum:"7258118400000" doc:"Unix ms, not included; left out, how far the watch has come."`
	Buckets int    `query:"buckets" minimum:"1" maximum:"2000" default:"360" doc:"Columns at most; a phone shows some 360."`
}

// StateFilter chooses open packages.
type StateFilter struct {
	Paging
	State string `query:"state" enum:"in_range,out_of_range,unknown" doc:"Only packages in this state; left out, all."`
}

func registerVerdicts(api huma.API, v Verdicts) {
	api.OpenAPI().Components.Schemas.RegisterTypeAlias(reflect.TypeFor[thermal.Temp](), reflect.TypeFor[float64]())
	op := func(path, id, summary string) huma.Operation {
		return tagged(operation(http.MethodGet, path, id, Read, summary), "verdicts")
	}
	huma.Register(api, op("/packages/{id}/verdict", "get-package-verdict", "Judge a package by all that is known now"),
		func(ctx context.Context, in *PackagePath) (*struct{ Body correlate.Judged }, error) {
			out, err := v.Judgements(ctx, in.ID)
			return &struct{ Body correlate.Judged }{out}, err
		})
	huma.Register(api, op("/packages/{id}/verdicts", "list-package-verdicts", "List the verdicts that were told of a package, with what made each differ"),
		func(ctx context.Context, in *struct {
			PackagePath
			Paging
		}) (*listReply[correlate.Revision], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			all, err := v.Revisions(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			if len(all) == 0 { // of a package that is there, or of none
				if _, err := v.State(ctx, in.ID); err != nil {
					return nil, err
				}
			}
			position, _ := strconv.ParseInt(after, 10, 64) // "" is before the first
			for len(all) > 0 && all[0].Position <= position {
				all = all[1:]
			}
			return paged(ctx, all[:min(len(all), in.Limit+1)], in.Limit, func(r correlate.Revision) string { return strconv.FormatInt(r.Position, 10) }), nil
		})
	huma.Register(api, op("/packages/{id}/state", "get-package-state", "Tell how a package fares at this moment, and when a limit may be reached"),
		func(ctx context.Context, in *PackagePath) (*struct{ Body correlate.State }, error) {
			out, err := v.State(ctx, in.ID)
			return &struct{ Body correlate.State }{out}, err
		})
	huma.Register(api, op("/packages/{id}/chart", "get-package-chart", "Draw the temperature of a package in columns"),
		func(ctx context.Context, in *struct {
			PackagePath
			ChartQuery
		}) (*struct{ Body correlate.Chart }, error) {
			if in.From != 0 && in.To != 0 && in.To <= in.From {
				return nil, failAt(unacceptable, "query", "/to", strconv.FormatInt(in.To, 10), "to %d: want a time after from", in.To)
			}
			out, err := v.Chart(ctx, in.ID, in.Profile, in.From, in.To, in.Buckets)
			return &struct{ Body correlate.Chart }{out}, err
		})
	huma.Register(api, op("/watch", "list-watched-packages", "List the packages that are watched, with the state of each"),
		func(ctx context.Context, in *StateFilter) (*listReply[correlate.State], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			return paged(ctx, v.States(correlate.Condition(in.State), after, in.Limit+1), in.Limit, func(s correlate.State) string { return s.Package }), nil
		})
	huma.Register(api, op("/units/{id}/budget", "get-unit-budget", "Tell what a unit has spent of its stability budgets over its life"),
		func(ctx context.Context, in *UnitPath) (*struct{ Body fact.UnitBudget }, error) {
			out, err := v.Budget(ctx, in.ID)
			return &struct{ Body fact.UnitBudget }{out}, err
		})
}
