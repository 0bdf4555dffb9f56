package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/asset"
	"frostline/hub/dispatch/footprint"
	"frostline/hub/fact"
)

// Assets is what the operations on reusable boxes and loggers need; *asset.Desk
// has it.
type Assets interface {
	Asset(ctx context.Context, r fact.Ref) (asset.Asset, error)
	Assets(ctx context.Context, k fact.Kind, overdue bool, after string, limit int) ([]asset.Asset, error)
	Cleaned(ctx context.Context, actor, reason string, c fact.AssetCleaned) (asset.Asset, error)
	Expect(ctx context.Context, actor, reason string, e fact.AssetExpected) (asset.Asset, error)
}

// Footprints tells what routes emit; *footprint.Meter does.
type Footprints interface {
	Of(ctx context.Context, route string) (footprint.Footprint, error)
}

// AssetPath names a reusable box or logger.
type AssetPath struct {
	Kind string `path:"kind" enum:"tote,logger" doc:"What it is."`
	ID   string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Its id."`
}

func (p AssetPath) ref() fact.Ref { return fact.Ref{Kind: fact.Kind(p.Kind), ID: p.ID} }

// CleanedBody says that something was cleaned.
type CleanedBody struct {
	ID     string `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the statement: told twice it is one."`
	At     int64  `json:"at" minimum:"946684800000" maximum:"7258118400000" doc:"When, Unix ms."`
	Method string `json:"method,omitempty" nullable:"true" maxLength:"500" doc:"How, such as the number of a procedure."`
}

// ExpectedBody says by when something is to be back.
type ExpectedBody struct {
	ID string `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the statement: told twice it is one."`
	By int64  `json:"by,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"Unix ms; left out, it is not waited for."`
}

type assetReply struct{ Body asset.Asset }

func registerAssets(api huma.API, a Assets) {
	op := inTag("assets")
	huma.Register(api, op(http.MethodGet, "/assets", "list-assets", Read, "List reusable boxes or loggers: where they are, how often they went out, what is due"),
		func(ctx context.Context, in *struct {
			Paging
			Kind    string `query:"kind" enum:"tote,logger" default:"tote" doc:"Which."`
			Overdue bool   `query:"overdue" doc:"Only those that were to be back and are not."`
		}) (*listReply[asset.Asset], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := a.Assets(ctx, fact.Kind(in.Kind), in.Overdue, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(one asset.Asset) string { return one.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/assets/{kind}/{id}", "get-asset", Read, "Tell of a reusable box or logger"),
		func(ctx context.Context, in *AssetPath) (*assetReply, error) {
			v, err := a.Asset(ctx, in.ref())
			return &assetReply{v}, err
		})
	huma.Register(api, op(http.MethodPost, "/assets/{kind}/{id}/cleaned", "clean-asset", Write, "Say that a reusable box or logger was cleaned"),
		func(ctx context.Context, in *struct {
			AssetPath
			Because
			Body CleanedBody
		}) (*assetReply, error) {
			v, err := a.Cleaned(ctx, Actor(ctx), in.Reason, fact.AssetCleaned{ID: idOr(ctx, in.Body.ID), Asset: in.ref(), At: in.Body.At, Method: in.Body.Method})
			return &assetReply{v}, err
		})
	huma.Register(api, op(http.MethodPost, "/assets/{kind}/{id}/expected", "expect-asset", Write, "Say by when a reusable box or logger is to be back"),
		func(ctx context.Context, in *struct {
			AssetPath
			Because
			Body ExpectedBody
		}) (*assetReply, error) {
			v, err := a.Expect(ctx, Actor(ctx), in.Reason, fact.AssetExpected{ID: idOr(ctx, in.Body.ID), Asset: in.ref(), By: in.Body.By})
			return &assetReply{v}, err
		})
}

func registerFootprints(api huma.API, f Footprints) {
	huma.Register(api, inTag("dispatch")(http.MethodGet, "/routes/{id}/footprint", "get-route-footprint", Read, "Tell how far a route leads and what it emits, with the sources of both"),
		func(ctx context.Context, in *RoutePath) (*struct{ Body footprint.Footprint }, error) {
			v, err := f.Of(ctx, in.ID)
			return &struct{ Body footprint.Footprint }{v}, err
		})
}
