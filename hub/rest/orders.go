package rest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/orders"
	"frostline/hub/record"
	"frostline/proto/thermal"
)

// Orders is what the operations on orders, shipments, packages, units and stock
// need; *orders.Orders has it.
type Orders interface {
	Place(ctx context.Context, actor, reason string, o fact.OrderPlaced, expected int64) (orders.Order, error)
	Cancel(ctx context.Context, actor, reason, id string, expected int64) (orders.Order, error)
	Order(ctx context.Context, id string) (orders.Order, error)
	Orders(ctx context.Context, after string, limit int) ([]orders.Order, error)
	Status(ctx context.Context, id string) (orders.Status, error)
	Shipments
	Packages
	Units
}

func init() {
	means(record.ErrNotFound, notFound)
	means(record.ErrExists, conflict)
	means(record.ErrInvalid, unacceptable)
	means(record.ErrRefused, refused)
}

// OrderPath names an order.
type OrderPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Number of the order, as the pharmacy system has it."`
}

// OrderBody is an order as it is sent.
type OrderBody struct {
	ID      string     `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Number of the order, as the pharmacy system has it; with PUT it may be left out."`
	Patient string     `json:"patient,omitempty" nullable:"true" maxLength:"64" doc:"An opaque token, such as a UUID. What looks like a name, an address, a date or a number is refused."`
	Lines   []LineBody `json:"lines" minItems:"1" maxItems:"500" doc:"What is ordered, each product once."`
	Due     int64      `json:"due,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When it is due, Unix ms."`
}

// LineBody is so much of a product.
type LineBody struct {
	Product  string `json:"product" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the product."`
	Quantity int    `json:"quantity" minimum:"1" maximum:"1000000" doc:"Units."`
}

func (b OrderBody) fact(id string) fact.OrderPlaced {
	o := fact.OrderPlaced{ID: id, Patient: b.Patient, Due: b.Due}
	for _, l := range b.Lines {
		o.Lines = append(o.Lines, fact.OrderLine(l))
	}
	return o
}

// sameID gives the id of the path, which the body may repeat.
func sameID(path, body string) (string, error) {
	if body != "" && body != path {
		return "", failAt(unacceptable, "body", "/id", body, "id %q: the path names %q; give the same or leave it out", short(body), short(path))
	}
	return path, nil
}

// givenID is the id of a body that has to have one.
func givenID(id string) error {
	if id == "" {
		return failAt(unacceptable, "body", "/id", "", "id: is missing; give one")
	}
	return nil
}

// Because is why something is done; embed it in the input.
type Because struct {
	Reason string `query:"reason" maxLength:"500" doc:"Why, for the trail. Nothing that tells of a patient."`
}

// BecauseOf is Because where a reason must be given.
type BecauseOf struct {
	Reason string `query:"reason" required:"true" minLength:"1" maxLength:"500" doc:"Why, for the trail. Nothing that tells of a patient."`
}

// found answers with a thing and its ETag.
type found[T any] struct {
	ETag string `header:"ETag"`
	Body T
}

// made answers with a thing that was entered.
type made[T any] struct {
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     T
}

func foundOf[T any](v T, revision int64, err error) (*found[T], error) {
	if err != nil {
		return nil, err
	}
	return &found[T]{etag(revision), v}, nil
}

func madeOf[T any](path, id string, v T, revision int64, err error) (*made[T], error) {
	if err != nil {
		return nil, err
	}
	return &made[T]{etag(revision), path + "/" + url.PathEscape(id), v}, nil
}

// put answers with a thing that was entered or changed by its id: 201 where it
// was not there before.
type put[T any] struct {
	Status   int
	ETag     string `header:"ETag"`
	Location string `header:"Location"`
	Body     T
}

// putting enters or changes a thing. is tells whether it is there.
func putting[T any](at string, is func() error, do func() (T, int64, error)) (*put[T], error) {
	before := is()
	if before != nil && !errors.Is(before, record.ErrNotFound) {
		return nil, before
	}
	v, revision, err := do()
	if err != nil {
		return nil, err
	}
	out := &put[T]{Status: http.StatusOK, ETag: etag(revision), Body: v}
	if before != nil {
		out.Status, out.Location = http.StatusCreated, at
	}
	return out, nil
}

// TrailEvent is one thing that has happened. It is never changed.
type TrailEvent struct {
	Version int64           `json:"version" doc:"Counts from 1."`
	ID      string          `json:"id"`
	Type    string          `json:"type" doc:"What happened."`
	At      int64           `json:"at" doc:"When it was recorded, Unix ms."`
	Actor   string          `json:"actor" doc:"Who."`
	Reason  string          `json:"reason,omitempty" doc:"Why."`
	Data    json.RawMessage `json:"data" doc:"What it says."`
}

func trailEvents(events []event.Event) []TrailEvent {
	out := make([]TrailEvent, len(events))
	for i, e := range events {
		out[i] = TrailEvent{e.Version, e.ID, e.Type, e.At, e.Actor, e.Reason, e.Data}
	}
	return out
}

func trailKey(e TrailEvent) string { return strconv.FormatInt(e.Version, 10) }

// inTag makes operations under a heading of the document.
func inTag(tag string) func(method, path, id string, scope Scope, summary string) huma.Operation {
	return func(method, path, id string, scope Scope, summary string) huma.Operation {
		op := tagged(operation(method, path, id, scope, summary), tag)
		if method == http.MethodDelete {
			op = status(op, http.StatusOK)
		}
		return op
	}
}

// wireTypes says how types of the contexts look in the document.
func wireTypes(api huma.API) {
	schemas := api.OpenAPI().Components.Schemas
	schemas.RegisterTypeAlias(reflect.TypeFor[thermal.Temp](), reflect.TypeFor[float64]())
	schemas.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[map[string]any]())
}

func registerOrders(api huma.API, o Orders) {
	wireTypes(api)
	op := inTag("orders")
	huma.Register(api, op(http.MethodGet, "/orders", "list-orders", Read, "List orders"),
		func(ctx context.Context, in *Paging) (*listReply[orders.Order], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := o.Orders(ctx, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(o orders.Order) string { return o.ID }), nil
		})
	huma.Register(api, status(op(http.MethodPost, "/orders", "place-order", Write, "Place an order"), http.StatusCreated),
		func(ctx context.Context, in *struct {
			Because
			Body OrderBody
		}) (*made[orders.Order], error) {
			if err := givenID(in.Body.ID); err != nil {
				return nil, err
			}
			v, err := o.Place(ctx, Actor(ctx), in.Reason, in.Body.fact(in.Body.ID), 0)
			return madeOf("/orders", v.ID, v, v.Revision, err)
		})
	huma.Register(api, op(http.MethodPut, "/orders/{id}", "put-order", Write, "Place an order, or change one of which nothing is under way"),
		func(ctx context.Context, in *struct {
			OrderPath
			Precondition
			Because
			Body OrderBody
		}) (*put[orders.Order], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			id, err := sameID(in.ID, in.Body.ID)
			if err != nil {
				return nil, err
			}
			return putting("/orders/"+url.PathEscape(id), func() error { _, err := o.Order(ctx, id); return err }, func() (orders.Order, int64, error) {
				v, err := o.Place(ctx, Actor(ctx), in.Reason, in.Body.fact(id), expect)
				return v, v.Revision, err
			})
		})
	orCreated(api.OpenAPI().Paths["/orders/{id}"].Put)
	huma.Register(api, op(http.MethodGet, "/orders/{id}", "get-order", Read, "Give an order"),
		func(ctx context.Context, in *OrderPath) (*found[orders.Order], error) {
			v, err := o.Order(ctx, in.ID)
			return foundOf(v, v.Revision, err)
		})
	huma.Register(api, op(http.MethodGet, "/orders/{id}/status", "get-order-status", Read, "Tell how an order stands: shipments, packages, arrival, temperature"),
		func(ctx context.Context, in *OrderPath) (*struct{ Body orders.Status }, error) {
			v, err := o.Status(ctx, in.ID)
			return &struct{ Body orders.Status }{v}, err
		})
	huma.Register(api, op(http.MethodDelete, "/orders/{id}", "cancel-order", Write, "Cancel an order of which nothing is under way; it stays readable"),
		func(ctx context.Context, in *struct {
			OrderPath
			Precondition
			BecauseOf
		}) (*found[orders.Order], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			v, err := o.Cancel(ctx, Actor(ctx), in.Reason, in.ID, expect)
			return foundOf(v, v.Revision, err)
		})
	registerShipments(api, o)
	registerPackages(api, o)
	registerUnits(api, o)
}
