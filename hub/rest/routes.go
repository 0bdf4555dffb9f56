package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
)

// Routes is the part of Dispatch about routes.
type Routes interface {
	Route(ctx context.Context, actor, reason string, p fact.RoutePlanned, expected int64) (dispatch.Route, error)
	Reorder(ctx context.Context, actor, reason, id string, order []string, expected int64) (dispatch.Route, error)
	Report(ctx context.Context, actor, reason string, r fact.RouteReported) (dispatch.Route, error)
	ReportStop(ctx context.Context, actor, reason string, r fact.StopReported) (dispatch.Route, error)
	Hold(ctx context.Context, actor, reason string, h fact.StopHeld) (dispatch.Route, error)
	Recall(ctx context.Context, actor, reason string, c dispatch.Recalling) (dispatch.Route, error)
	Message(ctx context.Context, actor, reason string, m fact.CourierMessaged) (dispatch.Route, error)
	Leg(ctx context.Context, id string) (dispatch.Route, error)
	Routes(ctx context.Context, courier, after string, limit int) ([]dispatch.Route, error)
}

// RoutePath names a route.
type RoutePath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the route."`
}

// StopPath names a stop of a route.
type StopPath struct {
	RoutePath
	Stop string `path:"stop" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the stop in the route."`
}

// RouteBody is one run of a courier.
type RouteBody struct {
	Courier string     `json:"courier" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the courier."`
	Start   WhereBody  `json:"start" doc:"Where it sets out."`
	End     *WhereBody `json:"end,omitempty" doc:"Where it comes back to; left out, it ends at its last stop."`
	Depart  int64      `json:"depart" minimum:"946684800000" maximum:"7258118400000" doc:"When it is to set out, Unix ms."`
	Stops   []StopBody `json:"stops" minItems:"1" maxItems:"500" doc:"In the order in which they are to be made."`
}

// StopBody is a planned stop.
type StopBody struct {
	ID     string    `json:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Unique in the route."`
	Job    string    `json:"job" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the job."`
	Kind   string    `json:"kind" enum:"pickup,delivery,return" doc:"What is done there."`
	Place  WhereBody `json:"place" doc:"Where."`
	ETA    int64     `json:"eta,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"As planned, Unix ms."`
	Pinned bool      `json:"pinned,omitempty" nullable:"true" doc:"It is not moved by re-sequencing."`
}

// TransformSchema lets null stand for no place.
func (WhereBody) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Nullable = true
	return s
}

func (b RouteBody) fact(id string) fact.RoutePlanned {
	p := fact.RoutePlanned{ID: id, Courier: b.Courier, Start: b.Start.ref(), Depart: b.Depart}
	if b.End != nil {
		p.End = b.End.ref()
	}
	for _, s := range b.Stops {
		p.Stops = append(p.Stops, fact.Stop{ID: s.ID, Job: s.Job, Kind: s.Kind, Place: s.Place.ref(), ETA: s.ETA, Pinned: s.Pinned})
	}
	return p
}

// Said is what all statements about a route have.
type Said struct {
	ID   string `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the statement: told twice it is one. Left out, each request is one of its own, unless it has an idempotency key."`
	At   int64  `json:"at" minimum:"946684800000" maximum:"7258118400000" doc:"When, Unix ms; it may be long ago."`
	Made int64  `json:"made,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When it was stated, Unix ms; left out, the hub's clock."`
	Note string `json:"note,omitempty" nullable:"true" maxLength:"500" doc:"Nothing that tells of a patient."`
}

// RouteStatusBody is what a courier came to with its route.
type RouteStatusBody struct {
	Said
	Status string `json:"status" enum:"started,recalled,ended,cancelled" doc:"What the route has come to."`
}

// StopStatusBody is what happened at a stop.
type StopStatusBody struct {
	Said
	Status      string        `json:"status" enum:"arrived,departed,completed,failed" doc:"What happened."`
	Uncertainty int64         `json:"uncertainty,omitempty" nullable:"true" minimum:"0" maximum:"86400000" doc:"Of at, ms."`
	Position    *PositionBody `json:"position,omitempty" doc:"Where it was."`
	HandOver    string        `json:"handOver,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the hand-over of custody that completed it."`
}

// HoldBody keeps a stop from being delivered, or lets it go again.
type HoldBody struct {
	ID    string `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the statement."`
	Held  bool   `json:"held" doc:"false lets it go again."`
	Cause string `json:"cause,omitempty" nullable:"true" maxLength:"500" doc:"An excursion, or a person's word. Nothing that tells of a patient."`
	// Recalled is only for letting go.
	Recalled bool `json:"recalled,omitempty" nullable:"true" doc:"With held false: what was called back is delivered after all. Other holds of the stop stay."`
}

// RecallBody calls back what is on its way.
type RecallBody struct {
	ID    string `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the statement."`
	Stop  string `json:"stop,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"The delivery; left out, the route with all deliveries that have not ended."`
	Cause string `json:"cause" minLength:"1" maxLength:"500" doc:"Why. Nothing that tells of a patient."`
	Text  string `json:"text,omitempty" nullable:"true" maxLength:"280" doc:"What whoever drives is told; left out, the usual words."`
}

// MessageBody is told to whoever drives.
type MessageBody struct {
	ID   string `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the message."`
	Text string `json:"text" minLength:"1" maxLength:"280" doc:"Nothing that tells of a patient."`
}

// OrderBodyOfStops is another order of a route's stops.
type OrderBodyOfStops struct {
	Order []StopName `json:"order" minItems:"1" maxItems:"500" doc:"Ids of all stops that have not ended, in the order in which they are to be made."`
}

// StopName is the id of a stop.
type StopName string

// Schema bounds it.
func (StopName) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(64), Pattern: `^[A-Za-z0-9][A-Za-z0-9._:+-]*$`}
}

// Route is one with what it has come to.
type Route struct {
	dispatch.Route
	Status string           `json:"status" doc:"planned, started, recalled, ended or cancelled."`
	Visits []dispatch.Visit `json:"visits" doc:"What each stop has come to."`
}

func routeOf(r dispatch.Route) Route { return Route{r, r.Status(), r.Visits()} }

// RouteFilter chooses routes.
type RouteFilter struct {
	Paging
	Courier string `query:"courier" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of this courier."`
}

func registerRoutes(api huma.API, d Routes) {
	op := inTag("dispatch")
	give := func(v dispatch.Route, err error) (*found[Route], error) { return foundOf(routeOf(v), v.Revision, err) }
	huma.Register(api, op(http.MethodGet, "/routes", "list-routes", Read, "List routes"),
		func(ctx context.Context, in *RouteFilter) (*listReply[Route], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := d.Routes(ctx, in.Courier, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			var out []Route
			for _, r := range list {
				out = append(out, routeOf(r))
			}
			return paged(ctx, out, in.Limit, func(r Route) string { return r.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/routes/{id}", "get-route", Read, "Give a route with what happened at its stops"),
		func(ctx context.Context, in *RoutePath) (*found[Route], error) { return give(d.Leg(ctx, in.ID)) })
	huma.Register(api, op(http.MethodPut, "/routes/{id}", "put-route", Write, "Plan a route, or plan one anew that has not ended"),
		func(ctx context.Context, in *struct {
			RoutePath
			Precondition
			Because
			Body RouteBody
		}) (*put[Route], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			return putting("/routes/"+url.PathEscape(in.ID), func() error { _, err := d.Leg(ctx, in.ID); return err }, func() (Route, int64, error) {
				v, err := d.Route(ctx, Actor(ctx), in.Reason, in.Body.fact(in.ID), expect)
				return routeOf(v), v.Revision, err
			})
		})
	orCreated(api.OpenAPI().Paths["/routes/{id}"].Put)
	huma.Register(api, op(http.MethodPost, "/routes/{id}/order", "reorder-route", Write, "Make the stops of a route in another order"),
		func(ctx context.Context, in *struct {
			RoutePath
			Precondition
			Because
			Body OrderBodyOfStops
		}) (*found[Route], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			var order []string
			for _, s := range in.Body.Order {
				order = append(order, string(s))
			}
			return give(d.Reorder(ctx, Actor(ctx), in.Reason, in.ID, order, expect))
		})
	huma.Register(api, op(http.MethodPost, "/routes/{id}/status", "report-route", Write, "Report what a courier has come to with its route"),
		func(ctx context.Context, in *struct {
			RoutePath
			Because
			Body RouteStatusBody
		}) (*found[Route], error) {
			b := in.Body
			return give(d.Report(ctx, Actor(ctx), in.Reason, fact.RouteReported{ID: idOr(ctx, b.ID), Route: in.ID, Status: b.Status, At: b.At, Made: b.Made, Note: b.Note, Source: Actor(ctx)}))
		})
	huma.Register(api, op(http.MethodPost, "/routes/{id}/stops/{stop}/status", "report-stop", Write, "Report what happened at a stop"),
		func(ctx context.Context, in *struct {
			StopPath
			Because
			Body StopStatusBody
		}) (*found[Route], error) {
			b := in.Body
			return give(d.ReportStop(ctx, Actor(ctx), in.Reason, fact.StopReported{
				ID: idOr(ctx, b.ID), Route: in.ID, Stop: in.Stop, Status: b.Status, At: b.At, Made: b.Made, Note: b.Note,
				Uncertainty: b.Uncertainty, Position: (*fact.Position)(b.Position), HandOver: b.HandOver, Source: Actor(ctx),
			}))
		})
	huma.Register(api, op(http.MethodPost, "/routes/{id}/stops/{stop}/hold", "hold-stop", Write, "Keep a stop from being delivered, or let it go again"),
		func(ctx context.Context, in *struct {
			StopPath
			Because
			Body HoldBody
		}) (*found[Route], error) {
			b := in.Body
			return give(d.Hold(ctx, Actor(ctx), in.Reason, fact.StopHeld{ID: idOr(ctx, b.ID), Route: in.ID, Stop: in.Stop, Held: b.Held, Recalled: b.Recalled, Cause: b.Cause}))
		})
	huma.Register(api, op(http.MethodPost, "/routes/{id}/recall", "recall-route", Write, "Call back a delivery, or all that is left of a route"),
		func(ctx context.Context, in *struct {
			RoutePath
			Because
			Body RecallBody
		}) (*found[Route], error) {
			b := in.Body
			return give(d.Recall(ctx, Actor(ctx), in.Reason, dispatch.Recalling{ID: idOr(ctx, b.ID), Route: in.ID, Stop: b.Stop, Cause: b.Cause, Text: b.Text}))
		})
	huma.Register(api, op(http.MethodPost, "/routes/{id}/messages", "message-courier", Write, "Tell whoever drives something, on the panel of the gateway"),
		func(ctx context.Context, in *struct {
			RoutePath
			Because
			Body MessageBody
		}) (*found[Route], error) {
			return give(d.Message(ctx, Actor(ctx), in.Reason, fact.CourierMessaged{ID: idOr(ctx, in.Body.ID), Route: in.ID, Text: in.Body.Text}))
		})
}
