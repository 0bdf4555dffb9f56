package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/fact"
	"frostline/hub/orders"
)

// Shipments is the part of Orders about shipments.
type Shipments interface {
	Plan(ctx context.Context, actor, reason string, p fact.ShipmentPlanned, expected int64) (orders.Shipment, error)
	CancelShipment(ctx context.Context, actor, reason, id string, expected int64) (orders.Shipment, error)
	Report(ctx context.Context, actor, reason string, r fact.ShipmentReported) (orders.Shipment, error)
	Shipment(ctx context.Context, id string) (orders.Shipment, error)
	Shipments(ctx context.Context, order, after string, limit int) ([]orders.Shipment, error)
	Assign(ctx context.Context, actor, reason string, a fact.PackageAssigned, packages []string) ([]orders.Package, error)
}

// ShipmentPath names a shipment.
type ShipmentPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the shipment."`
}

// ShipmentBody is a shipment as it is planned.
type ShipmentBody struct {
	ID      string `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"With PUT it may be left out."`
	Order   string `json:"order,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the order that it delivers."`
	From    string `json:"from,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the site that it leaves."`
	To      string `json:"to,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the site that it goes to; left out for a patient's home."`
	Carrier string `json:"carrier,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the party that carries it."`
	ETA     int64  `json:"eta,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When it is to arrive, Unix ms."`
}

func (b ShipmentBody) fact(id string) fact.ShipmentPlanned {
	return fact.ShipmentPlanned{ID: id, Order: b.Order, From: b.From, To: b.To, Carrier: b.Carrier, ETA: b.ETA}
}

// PositionBody is a fix on the WGS 84 ellipsoid.
type PositionBody struct {
	Latitude  int64 `json:"latitude" minimum:"-900000000" maximum:"900000000" doc:"1e-7 degrees, north positive."`
	Longitude int64 `json:"longitude" minimum:"-1800000000" maximum:"1800000000" doc:"1e-7 degrees, east positive."`
	Accuracy  int64 `json:"accuracy" minimum:"0" maximum:"20000000000" doc:"Horizontal, mm."`
}

// TransformSchema lets null stand for no position.
func (PositionBody) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Nullable = true
	return s
}

// ReportBody is what a carrier or custodian says of a shipment.
type ReportBody struct {
	ID       string        `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the report: told twice it is one. Left out, each request is a report of its own, unless it has an idempotency key."`
	Status   string        `json:"status" enum:"packed,dispatched,in_transit,arrived,delivered,returned,failed" doc:"What the shipment has come to."`
	At       int64         `json:"at" minimum:"946684800000" maximum:"7258118400000" doc:"When, Unix ms; it may be long ago."`
	Made     int64         `json:"made,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When it was stated, Unix ms; left out, the hub's clock."`
	ETA      int64         `json:"eta,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When it is to arrive, Unix ms."`
	Position *PositionBody `json:"position,omitempty" doc:"Where it was."`
	Note     string        `json:"note,omitempty" nullable:"true" maxLength:"500" doc:"Nothing that tells of a patient."`
}

// AssignBody puts packages into a shipment.
type AssignBody struct {
	ID       string        `json:"id,omitempty" nullable:"true" maxLength:"56" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the statement: told twice it is one."`
	Packages []PackageName `json:"packages" minItems:"1" maxItems:"500" doc:"Ids of the packages, out of whatever shipment they were in."`
	At       int64         `json:"at" minimum:"946684800000" maximum:"7258118400000" doc:"From when on, Unix ms."`
}

// Shipment is one with what its reports come to.
type Shipment struct {
	orders.Shipment
	Progress orders.Progress `json:"progress" doc:"What its reports come to."`
}

func shipmentOf(s orders.Shipment) Shipment { return Shipment{s, s.Progress()} }

func idOr(ctx context.Context, id string) string {
	if id == "" {
		return freshID(ctx)
	}
	return id
}

// ShipmentFilter chooses shipments.
type ShipmentFilter struct {
	Paging
	Order string `query:"order" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of this order."`
}

func registerShipments(api huma.API, o Shipments) {
	op := inTag("shipments")
	huma.Register(api, op(http.MethodGet, "/shipments", "list-shipments", Read, "List shipments"),
		func(ctx context.Context, in *ShipmentFilter) (*listReply[Shipment], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := o.Shipments(ctx, in.Order, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			var out []Shipment
			for _, s := range list {
				out = append(out, shipmentOf(s))
			}
			return paged(ctx, out, in.Limit, func(s Shipment) string { return s.ID }), nil
		})
	huma.Register(api, status(op(http.MethodPost, "/shipments", "plan-shipment", Write, "Plan a shipment"), http.StatusCreated),
		func(ctx context.Context, in *struct {
			Because
			Body ShipmentBody
		}) (*made[Shipment], error) {
			if err := givenID(in.Body.ID); err != nil {
				return nil, err
			}
			v, err := o.Plan(ctx, Actor(ctx), in.Reason, in.Body.fact(in.Body.ID), 0)
			return madeOf("/shipments", v.ID, shipmentOf(v), v.Revision, err)
		})
	huma.Register(api, op(http.MethodPut, "/shipments/{id}", "put-shipment", Write, "Plan a shipment, or change one that has not ended"),
		func(ctx context.Context, in *struct {
			ShipmentPath
			Precondition
			Because
			Body ShipmentBody
		}) (*put[Shipment], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			id, err := sameID(in.ID, in.Body.ID)
			if err != nil {
				return nil, err
			}
			return putting("/shipments/"+url.PathEscape(id), func() error { _, err := o.Shipment(ctx, id); return err }, func() (Shipment, int64, error) {
				v, err := o.Plan(ctx, Actor(ctx), in.Reason, in.Body.fact(id), expect)
				return shipmentOf(v), v.Revision, err
			})
		})
	orCreated(api.OpenAPI().Paths["/shipments/{id}"].Put)
	huma.Register(api, op(http.MethodGet, "/shipments/{id}", "get-shipment", Read, "Give a shipment with its reports"),
		func(ctx context.Context, in *ShipmentPath) (*found[Shipment], error) {
			v, err := o.Shipment(ctx, in.ID)
			return foundOf(shipmentOf(v), v.Revision, err)
		})
	huma.Register(api, op(http.MethodDelete, "/shipments/{id}", "cancel-shipment", Write, "Cancel a shipment that is empty and not under way; it stays readable"),
		func(ctx context.Context, in *struct {
			ShipmentPath
			Precondition
			BecauseOf
		}) (*found[Shipment], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			v, err := o.CancelShipment(ctx, Actor(ctx), in.Reason, in.ID, expect)
			return foundOf(shipmentOf(v), v.Revision, err)
		})
	huma.Register(api, op(http.MethodPost, "/deliveries/{shipmentId}/status", "report-delivery", Write, "Report what a shipment has come to, as its carrier"),
		func(ctx context.Context, in *struct {
			ShipmentID string `path:"shipmentId" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the shipment."`
			Because
			Body ReportBody
		}) (*found[Shipment], error) {
			b := in.Body
			r := fact.ShipmentReported{ID: idOr(ctx, b.ID), Shipment: in.ShipmentID, Status: b.Status, At: b.At, Made: b.Made, ETA: b.ETA, Position: (*fact.Position)(b.Position), Source: Actor(ctx), Note: b.Note}
			v, err := o.Report(ctx, Actor(ctx), in.Reason, r)
			return foundOf(shipmentOf(v), v.Revision, err)
		})
	huma.Register(api, op(http.MethodPost, "/shipments/{id}/packages", "assign-packages", Write, "Put packages into a shipment, out of the one they were in"),
		func(ctx context.Context, in *struct {
			ShipmentPath
			Because
			Body AssignBody
		}) (*struct{ Body []orders.Package }, error) {
			if _, err := o.Shipment(ctx, in.ID); err != nil {
				return nil, err
			}
			a := fact.PackageAssigned{ID: idOr(ctx, in.Body.ID), Shipment: in.ID, At: in.Body.At}
			var packages []string
			for _, p := range in.Body.Packages {
				packages = append(packages, string(p))
			}
			v, err := o.Assign(ctx, Actor(ctx), in.Reason, a, packages)
			return &struct{ Body []orders.Package }{v}, err
		})
	huma.Register(api, op(http.MethodDelete, "/packages/{id}/shipment", "unassign-package", Write, "Take a package out of its shipment"),
		func(ctx context.Context, in *struct {
			PackagePath
			Because
			At int64 `query:"at" required:"true" minimum:"946684800000" maximum:"7258118400000" doc:"From when on, Unix ms."`
		}) (*found[orders.Package], error) {
			v, err := o.Assign(ctx, Actor(ctx), in.Reason, fact.PackageAssigned{ID: freshID(ctx), At: in.At}, []string{in.ID})
			if err != nil {
				return nil, err
			}
			return foundOf(v[0], v[0].Revision, nil)
		})
}
