package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
)

// Dispatch is what the operations on couriers, jobs and routes need;
// *dispatch.Dispatch has it.
type Dispatch interface {
	Define(ctx context.Context, actor, reason string, c fact.CourierDefined, expected int64) (dispatch.Courier, error)
	Courier(ctx context.Context, id string) (dispatch.Courier, error)
	Couriers(ctx context.Context, after string, limit int) ([]dispatch.Courier, error)
	SetPlace(ctx context.Context, actor, reason string, p dispatch.Place) error
	Jobs
	Routes
	Import
}

// CourierPath names a courier.
type CourierPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the courier."`
}

// CourierBody is a means of delivery.
type CourierBody struct {
	Kind         string `json:"kind" enum:"van,bike,carrier,drone,robot" doc:"What it is; carrier is a partner."`
	Vehicle      string `json:"vehicle,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the vehicle whose gateway tells where it is."`
	Party        string `json:"party" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the party that has custody of what it carries."`
	Speed        int64  `json:"speed,omitempty" nullable:"true" minimum:"0" maximum:"150000" doc:"mm/s while it moves; left out, usual for the kind."`
	Range        int64  `json:"range,omitempty" nullable:"true" minimum:"0" maximum:"10000000" doc:"m without a stop for energy; left out, no limit."`
	Payload      int64  `json:"payload,omitempty" nullable:"true" minimum:"0" maximum:"50000000" doc:"g; left out, no limit."`
	TimeConstant int64  `json:"timeConstant,omitempty" nullable:"true" minimum:"0" maximum:"2592000" doc:"Of its compartment against the air outside, s; left out, not known."`
	Retired      bool   `json:"retired,omitempty" nullable:"true" doc:"It is not to be given new routes."`
}

// FenceBody is where a delivery goes that goes to no site.
type FenceBody struct {
	Latitude  int64 `json:"latitude" minimum:"-900000000" maximum:"900000000" doc:"1e-7 degrees, north positive."`
	Longitude int64 `json:"longitude" minimum:"-1800000000" maximum:"1800000000" doc:"1e-7 degrees, east positive."`
	Radius    int64 `json:"radius,omitempty" nullable:"true" minimum:"10" maximum:"5000" doc:"Of the fence around it, m; left out, 75."`
}

// WhereBody is a site, or a place that is known by a token only.
type WhereBody struct {
	Kind string `json:"kind" enum:"site,place" doc:"What it is."`
	ID   string `json:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Its id."`
}

func (b WhereBody) ref() fact.Ref { return fact.Ref{Kind: fact.Kind(b.Kind), ID: b.ID} }

func registerDispatch(api huma.API, d Dispatch) {
	op := inTag("dispatch")
	huma.Register(api, op(http.MethodGet, "/couriers", "list-couriers", Read, "List couriers"),
		func(ctx context.Context, in *Paging) (*listReply[dispatch.Courier], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := d.Couriers(ctx, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(c dispatch.Courier) string { return c.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/couriers/{id}", "get-courier", Read, "Give a courier"),
		func(ctx context.Context, in *CourierPath) (*found[dispatch.Courier], error) {
			v, err := d.Courier(ctx, in.ID)
			return foundOf(v, v.Revision, err)
		})
	huma.Register(api, op(http.MethodPut, "/couriers/{id}", "put-courier", Write, "Enter or change a courier"),
		func(ctx context.Context, in *struct {
			CourierPath
			Precondition
			Because
			Body CourierBody
		}) (*put[dispatch.Courier], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			b := in.Body
			c := fact.CourierDefined{ID: in.ID, Kind: b.Kind, Vehicle: b.Vehicle, Party: b.Party, Speed: b.Speed, Range: b.Range, Payload: b.Payload, TimeConstant: b.TimeConstant, Retired: b.Retired}
			return putting("/couriers/"+url.PathEscape(in.ID), func() error { _, err := d.Courier(ctx, in.ID); return err }, func() (dispatch.Courier, int64, error) {
				v, err := d.Define(ctx, Actor(ctx), in.Reason, c, expect)
				return v, v.Revision, err
			})
		})
	orCreated(api.OpenAPI().Paths["/couriers/{id}"].Put)
	huma.Register(api, op(http.MethodPut, "/places/{id}", "put-place", Write, "Say where a place is; it is kept outside of all events and forgotten some time after its last delivery"),
		func(ctx context.Context, in *struct {
			ID string `path:"id" minLength:"8" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9_-]*$" doc:"An opaque token, such as a UUID. What looks like a name, an address, a date or a number is refused."`
			Because
			Body FenceBody
		}) (*struct{}, error) {
			b := in.Body
			return nil, d.SetPlace(ctx, Actor(ctx), in.Reason, dispatch.Place{ID: in.ID, Latitude: b.Latitude, Longitude: b.Longitude, Radius: b.Radius})
		})
	registerDispatchImport(api, d)
	registerJobs(api, d)
	registerRoutes(api, d)
}
