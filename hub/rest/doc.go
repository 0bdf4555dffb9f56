// Package rest is the hub's interface for programs: JSON over HTTP, described
// by the OpenAPI 3.1 document at /openapi.json, with every error an
// application/problem+json (RFC 9457).
//
// One chain stands before every operation, so that no operation has to think
// of it: security headers, bounds of time, size and concurrency, the bearer
// token and its scope, the rate of a caller, a strict reading of the body
// (UTF-8, no duplicate names, no control characters, at most 64 levels), the
// schema, and the idempotency key. What an operation sees is of the shape that
// its Go type says.
//
// # How a context is mounted
//
// A context has one file here, with the interface that it needs, its types on
// the wire where they differ from the context's, and one function that
// registers its operations. Config has a field for it; nil means not mounted.
// people.go is the shortest example; in full:
//
//	// Orders is what the operations on orders need.
//	type Orders interface {
//		Order(ctx context.Context, id string) (orders.Order, int64, error)
//		Place(ctx context.Context, actor string, o fact.OrderRecord, expect int64) (orders.Order, int64, error)
//		Orders(ctx context.Context, after string, limit int) ([]orders.Order, error)
//	}
//
//	func init() {
//		means(record.ErrNotFound, notFound) // what its errors are on the wire
//		means(record.ErrRefused, refused)
//	}
//
//	// What is embedded in an input has to be exported.
//	type OrderPath struct {
//		ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9._-]+$" doc:"Order number."`
//	}
//
//	type orderReply struct {
//		ETag string `header:"ETag"`
//		Body orders.Order
//	}
//
//	func registerOrders(api huma.API, o Orders) {
//		huma.Register(api, operation(http.MethodPut, "/orders/{id}", "put-order", Write, "Enter or change an order"),
//			func(ctx context.Context, in *struct {
//				OrderPath
//				Precondition // If-Match
//				Body OrderBody
//			}) (*orderReply, error) {
//				expect, err := in.expect()
//				if err != nil {
//					return nil, err
//				}
//				order, version, err := o.Place(ctx, Actor(ctx), in.Body.record(in.ID), expect)
//				if err != nil {
//					return nil, err // see means; what is not known there is a 500
//				}
//				return &orderReply{etag(version), order}, nil
//			})
//		huma.Register(api, operation(http.MethodGet, "/orders", "list-orders", Read, "List orders"),
//			func(ctx context.Context, in *Paging) (*listReply[orders.Order], error) {
//				after, err := in.after(ctx)
//				if err != nil {
//					return nil, err
//				}
//				list, err := o.Orders(ctx, after, in.Limit+1) // one more tells whether there is a next page
//				if err != nil {
//					return nil, err
//				}
//				return paged(ctx, list, in.Limit, func(o orders.Order) string { return o.ID }), nil
//			})
//	}
//
// Rules that the test over the document holds everybody to: each string has a
// maxLength, and a pattern or enum where it is an id; each number a minimum and
// maximum; each array a maxItems; each object refuses unknown names, which is
// the default. Fields without omitempty are required. Times are Unix
// milliseconds (BIGINT) with minimum and maximum, see fact.Earliest. A text
// that is free is at most 500 characters.
//
// # Writing
//
// POST, PUT, PATCH and DELETE take an Idempotency-Key. The key is dealt with
// before the operation is called; an operation needs to know of it only when
// it makes an id: freshID gives one that is the same for a repeated request,
// so that a repetition appends the same event, which is done once even where
// the hub died between the commit and the answer.
//
// A context's own check of what came in is wrapped by invalid(err): a 422 whose
// first word names the field. Operations that take large imports say so with
// limits(op, 16<<20, time).
package rest
