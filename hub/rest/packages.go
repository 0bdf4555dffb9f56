package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/fact"
	"frostline/hub/orders"
)

// Packages is the part of Orders about packages.
type Packages interface {
	Pack(ctx context.Context, actor, reason string, p orders.Packing, expected int64) (orders.Package, error)
	Fill(ctx context.Context, actor, reason string, f orders.Filling) error
	Empty(ctx context.Context, actor, reason string, f orders.Filling) error
	Close(ctx context.Context, actor, reason, id, how string, at, expected int64) (orders.Package, error)
	Reopen(ctx context.Context, actor, reason, id string, expected int64) (orders.Package, error)
	Package(ctx context.Context, id string) (orders.Package, error)
	Unit(ctx context.Context, id string) (orders.Unit, error)
	Packages(ctx context.Context, shipment, state, after string, limit int) ([]orders.Package, error)
	Units(ctx context.Context, pkg string, at int64) ([]orders.Unit, error)
}

// PackagePath names a package.
type PackagePath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"SSCC of 18 digits, or label."`
}

// PackageBody is a package that is packed.
type PackageBody struct {
	ID       string     `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"SSCC of 18 digits, or of 20 with its application identifier 00, or a label; with PUT it may be left out."`
	Shipment string     `json:"shipment,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the shipment that it belongs to from then on."`
	Profile  string     `json:"profile,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Storage profile that it is judged by where no unit's product says more."`
	Version  int        `json:"version,omitempty" nullable:"true" minimum:"0" maximum:"1000000" doc:"Of the profile; left out, the one in force."`
	At       int64      `json:"at" minimum:"946684800000" maximum:"7258118400000" doc:"When it was packed, Unix ms: the watch begins."`
	Units    []UnitName `json:"units,omitempty" nullable:"true" maxItems:"500" doc:"Ids of the units in it, GTIN.SERIAL."`
	Move     bool       `json:"move,omitempty" nullable:"true" doc:"Also units that are in another open package."`
	In       *PlaceBody `json:"in,omitempty" doc:"Where it is from then on: a tote, compartment or zone."`
}

// RefBody names what a statement is about.
type RefBody struct {
	Kind string `json:"kind" enum:"sensor,logger,tote,shipment,package,unit" doc:"What it is."`
	ID   string `json:"id" minLength:"1" maxLength:"129" pattern:"^[!-~]+$" doc:"Its id."`
}

func (r RefBody) ref() fact.Ref { return fact.Ref{Kind: fact.Kind(r.Kind), ID: r.ID} }

// PlaceBody names a thing that others can be in.
type PlaceBody struct {
	Kind string `json:"kind" enum:"logger,tote,package,compartment,zone" doc:"What it is."`
	ID   string `json:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Its id."`
}

// TransformSchema lets null stand for no place.
func (PlaceBody) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Nullable = true
	return s
}

func (r *PlaceBody) ref() *fact.Ref {
	if r == nil {
		return nil
	}
	return &fact.Ref{Kind: fact.Kind(r.Kind), ID: r.ID}
}

// UnitName is the id of a unit in a list.
type UnitName string

// Schema bounds it.
func (UnitName) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MinLength: intPtr(16), MaxLength: intPtr(79), Pattern: "^[0-9]{14}[.][!-~]+$", Description: "GTIN.SERIAL"}
}

func unitNames(names []UnitName) []string {
	var out []string
	for _, n := range names {
		out = append(out, string(n))
	}
	return out
}

// PackageName is the id of a package in a list.
type PackageName string

// Schema bounds it.
func (PackageName) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MinLength: intPtr(1), MaxLength: intPtr(64), Pattern: "^[A-Za-z0-9][A-Za-z0-9._:+-]*$", Description: "SSCC or label"}
}

func intPtr(n int) *int { return &n }

func (b PackageBody) packing(id string) orders.Packing {
	return orders.Packing{
		PackagePacked: fact.PackagePacked{ID: id, Shipment: b.Shipment, Profile: b.Profile, Version: b.Version, At: b.At},
		Units:         unitNames(b.Units), Move: b.Move, In: b.In.ref(),
	}
}

// CloseBody ends the watch over a package.
type CloseBody struct {
	How string `json:"how" enum:"delivered,returned,destroyed,lost" doc:"What became of it."`
	At  int64  `json:"at" minimum:"946684800000" maximum:"7258118400000" doc:"When, Unix ms."`
}

// FillBody puts units into a package.
type FillBody struct {
	ID    string     `json:"id,omitempty" nullable:"true" maxLength:"56" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the statement: told twice it is one."`
	Units []UnitName `json:"units" minItems:"1" maxItems:"500" doc:"Ids of the units, GTIN.SERIAL."`
	At    int64      `json:"at" minimum:"946684800000" maximum:"7258118400000" doc:"When, Unix ms."`
	Made  int64      `json:"made,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When it was stated, Unix ms; left out, the hub's clock."`
	Move  bool       `json:"move,omitempty" nullable:"true" doc:"Also units that are in another open package."`
}

// PackageFilter chooses packages.
type PackageFilter struct {
	Paging
	Shipment string `query:"shipment" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"That ever belonged to this shipment."`
	State    string `query:"state" enum:"open,delivered,returned,destroyed,lost,voided" doc:"In this state; not together with shipment."`
}

func registerPackages(api huma.API, o Packages) {
	op := inTag("packages")
	huma.Register(api, op(http.MethodGet, "/packages", "list-packages", Read, "List packages"),
		func(ctx context.Context, in *PackageFilter) (*listReply[orders.Package], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			if in.Shipment != "" && in.State != "" {
				return nil, failAt(unacceptable, "query", "/state", in.State, "state: give shipment or state, not both")
			}
			list, err := o.Packages(ctx, in.Shipment, in.State, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(p orders.Package) string { return p.ID }), nil
		})
	huma.Register(api, status(op(http.MethodPost, "/packages", "pack-package", Write, "Pack a package: its watch begins"), http.StatusCreated),
		func(ctx context.Context, in *struct {
			Because
			Body PackageBody
		}) (*made[orders.Package], error) {
			if err := givenID(in.Body.ID); err != nil {
				return nil, err
			}
			v, err := o.Pack(ctx, Actor(ctx), in.Reason, in.Body.packing(in.Body.ID), 0)
			return madeOf("/packages", v.ID, v, v.Revision, err)
		})
	huma.Register(api, op(http.MethodPut, "/packages/{id}", "put-package", Write, "Pack a package, or correct when and how it was packed"),
		func(ctx context.Context, in *struct {
			PackagePath
			Precondition
			Because
			Body PackageBody
		}) (*put[orders.Package], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			id, err := sameID(in.ID, in.Body.ID)
			if err != nil {
				return nil, err
			}
			return putting("/packages/"+url.PathEscape(id), func() error { _, err := o.Package(ctx, id); return err }, func() (orders.Package, int64, error) {
				v, err := o.Pack(ctx, Actor(ctx), in.Reason, in.Body.packing(id), expect)
				return v, v.Revision, err
			})
		})
	orCreated(api.OpenAPI().Paths["/packages/{id}"].Put)
	huma.Register(api, op(http.MethodGet, "/packages/{id}", "get-package", Read, "Give a package"),
		func(ctx context.Context, in *PackagePath) (*found[orders.Package], error) {
			v, err := o.Package(ctx, in.ID)
			return foundOf(v, v.Revision, err)
		})
	huma.Register(api, op(http.MethodDelete, "/packages/{id}", "void-package", Write, "Void a package that was entered by mistake and is empty; it stays readable"),
		func(ctx context.Context, in *struct {
			PackagePath
			Precondition
			BecauseOf
		}) (*found[orders.Package], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			p, err := o.Package(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			v, err := o.Close(ctx, Actor(ctx), in.Reason, in.ID, "voided", p.At, expect)
			return foundOf(v, v.Revision, err)
		})
	huma.Register(api, op(http.MethodPost, "/packages/{id}/close", "close-package", Write, "End the watch over a package"),
		func(ctx context.Context, in *struct {
			PackagePath
			Precondition
			Because
			Body CloseBody
		}) (*found[orders.Package], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			v, err := o.Close(ctx, Actor(ctx), in.Reason, in.ID, in.Body.How, in.Body.At, expect)
			return foundOf(v, v.Revision, err)
		})
	huma.Register(api, status(op(http.MethodPost, "/packages/{id}/reopen", "reopen-package", Write, "Withdraw the close of a package"), http.StatusOK),
		func(ctx context.Context, in *struct {
			PackagePath
			Precondition
			BecauseOf
		}) (*found[orders.Package], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			v, err := o.Reopen(ctx, Actor(ctx), in.Reason, in.ID, expect)
			return foundOf(v, v.Revision, err)
		})
	huma.Register(api, op(http.MethodGet, "/packages/{id}/units", "list-package-units", Read, "Tell which units are in a package at an instant"),
		func(ctx context.Context, in *struct {
			PackagePath
			At int64 `query:"at" required:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When, Unix ms."`
		}) (*struct{ Body []orders.Unit }, error) {
			v, err := o.Units(ctx, in.ID, in.At)
			return &struct{ Body []orders.Unit }{v}, err
		})
	huma.Register(api, status(op(http.MethodPost, "/packages/{id}/units", "fill-package", Write, "Put units into a package"), http.StatusNoContent),
		func(ctx context.Context, in *struct {
			PackagePath
			Because
			Body FillBody
		}) (*struct{}, error) {
			b := in.Body
			return nil, o.Fill(ctx, Actor(ctx), in.Reason, orders.Filling{ID: idOr(ctx, b.ID), Package: in.ID, Units: unitNames(b.Units), At: b.At, Made: b.Made, Move: b.Move})
		})
	huma.Register(api, status(op(http.MethodDelete, "/packages/{id}/units/{unit}", "empty-package", Write, "Take a unit out of a package"), http.StatusNoContent),
		func(ctx context.Context, in *struct {
			PackagePath
			Unit string `path:"unit" minLength:"16" maxLength:"79" pattern:"^[0-9]{14}[.][!-~]+$" doc:"Id of the unit, GTIN.SERIAL."`
			Because
			At int64 `query:"at" required:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When, Unix ms."`
		}) (*struct{}, error) {
			if _, err := o.Unit(ctx, in.Unit); err != nil {
				return nil, err
			}
			return nil, o.Empty(ctx, Actor(ctx), in.Reason, orders.Filling{ID: freshID(ctx), Package: in.ID, Units: []string{in.Unit}, At: in.At})
		})
}
