package rest

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/record"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/dscsa/exception"
)

// Discrepancies keeps exceptions between product and data; *dscsa.Desk does.
type Discrepancies interface {
	Compare(ctx context.Context, by, reason string, c dscsa.Comparison) (d dscsa.Discrepancy, found bool, err error)
	Report(ctx context.Context, by, reason string, text []byte) (dscsa.Discrepancy, error)
	Respond(ctx context.Context, by, reason string, text []byte) (dscsa.Discrepancy, error)
	Resolve(ctx context.Context, by, reason, id string) (dscsa.Discrepancy, error)
	Discrepancy(ctx context.Context, id string) (dscsa.Discrepancy, error)
	Discrepancies(ctx context.Context, state, after string, limit int) ([]dscsa.Discrepancy, error)
}

// ComparisonBody is what was found where a document's product was scanned.
type ComparisonBody struct {
	Scans   []Scanned       `json:"scans" maxItems:"5000" doc:"Barcodes of the units as they were scanned, in any form of GS1's."`
	Ordered []OrderedAmount `json:"ordered,omitempty" nullable:"true" maxItems:"500" doc:"What was ordered, where more or fewer are to be told."`
	Order   string          `json:"purchaseOrder,omitempty" nullable:"true" maxLength:"200" doc:"Left out, that of the document."`
	Others  []Remark        `json:"otherErrors,omitempty" nullable:"true" maxItems:"50" doc:"In words. Nothing that tells of a patient."`
}

// OrderedAmount is how many units of a product were ordered.
type OrderedAmount struct {
	GTIN     string `json:"gtin" minLength:"14" maxLength:"14" pattern:"^[0-9]{14}$" doc:"Of the product."`
	Quantity int    `json:"quantity" minimum:"0" maximum:"1000000" doc:"Units."`
}

// ComparedBody is what came of a comparison.
type ComparedBody struct {
	Agree bool               `json:"agree" doc:"All agrees, and there is no case."`
	Case  *dscsa.Discrepancy `json:"case,omitempty" doc:"With the report to be sent."`
}

// ExceptionPath names a case of an exception.
type ExceptionPath struct {
	ID string `path:"id" minLength:"36" maxLength:"36" pattern:"^[0-9a-f-]{36}$" doc:"Its exception_case_uuid."`
}

type discrepancyReply struct{ Body dscsa.Discrepancy }

func discrepancyOf(v dscsa.Discrepancy, err error) (*discrepancyReply, error) {
	return &discrepancyReply{v}, err
}

// messageInput is a message in the PDG's JSON.
type messageInput struct {
	Because
	RawBody []byte `contentType:"application/json" required:"true"`
}

func registerDiscrepancies(api huma.API, d Discrepancies) {
	op := inTag("dscsa")
	huma.Register(api, op(http.MethodPost, "/statements/{id}/compare", "compare-statement", Write, "Compare a document with the units that were scanned, and report what does not agree"),
		func(ctx context.Context, in *struct {
			StatementDocumentPath
			Because
			Body ComparisonBody
		}) (*struct{ Body ComparedBody }, error) {
			c := dscsa.Comparison{Document: in.ID, Scans: names(in.Body.Scans), Order: in.Body.Order, Others: names(in.Body.Others)}
			for _, o := range in.Body.Ordered {
				if c.Ordered == nil {
					c.Ordered = map[string]int{}
				}
				c.Ordered[o.GTIN] = o.Quantity
			}
			v, found, err := d.Compare(ctx, Actor(ctx), in.Reason, c)
			out := &struct{ Body ComparedBody }{ComparedBody{Agree: !found}}
			if found {
				out.Body.Case = &v
			}
			return out, err
		})
	message := func(path, id, summary string, take func(ctx context.Context, by, reason string, text []byte) (dscsa.Discrepancy, error)) {
		o := op(http.MethodPost, path, id, Write, summary)
		o.SkipValidateBody, o.MaxBodyBytes = true, exception.MaxBytes // it is held against the PDG's schema
		o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
		huma.Register(api, o, func(ctx context.Context, in *messageInput) (*discrepancyReply, error) {
			return discrepancyOf(take(ctx, Actor(ctx), in.Reason, in.RawBody))
		})
	}
	message("/exceptions/reports", "report-exception", "Take a trading partner's exception report, in the PDG's schema", d.Report)
	message("/exceptions/responses", "respond-exception", "Take a response to an exception report, in the PDG's schema", d.Respond)
	huma.Register(api, op(http.MethodGet, "/exceptions", "list-exceptions", Read, "List cases of product and data that do not agree"),
		func(ctx context.Context, in *struct {
			Paging
			State string `query:"state" enum:"open,resolved" doc:"Only these."`
		}) (*listReply[dscsa.Discrepancy], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := d.Discrepancies(ctx, in.State, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(c dscsa.Discrepancy) string { return c.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/exceptions/{id}", "get-exception", Read, "Give a case with its messages"),
		func(ctx context.Context, in *ExceptionPath) (*discrepancyReply, error) {
			return discrepancyOf(d.Discrepancy(ctx, in.ID))
		})
	huma.Register(api, op(http.MethodPost, "/exceptions/{id}/resolve", "resolve-exception", Write, "Report that a case is resolved"),
		func(ctx context.Context, in *struct {
			ExceptionPath
			BecauseOf
		}) (*discrepancyReply, error) {
			return discrepancyOf(d.Resolve(ctx, Actor(ctx), in.Reason, in.ID))
		})
	one := op(http.MethodGet, "/exceptions/{id}/messages/{message}", "get-exception-message", Read, "Give a message of a case as it was sent")
	one.Responses = map[string]*huma.Response{"200": {Description: "The message, in the PDG's schema", Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}}}}
	huma.Register(api, one,
		func(ctx context.Context, in *struct {
			ExceptionPath
			Message string `path:"message" minLength:"36" maxLength:"36" pattern:"^[0-9a-f-]{36}$" doc:"Its message_uuid."`
		}) (*file, error) {
			c, err := d.Discrepancy(ctx, in.ID)
			if err != nil {
				return nil, err
			}
			for _, m := range c.Messages {
				if m.ID == in.Message {
					return &file{"application/json", `attachment; filename="` + m.ID + `.json"`, m.Text}, nil
				}
			}
			return nil, fmt.Errorf("message %q: %w", in.Message, record.ErrNotFound)
		})
}

// Scanned is a barcode as it was scanned.
type Scanned string

// Schema bounds it.
func (Scanned) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(500), Description: "As it was scanned."}
}

// Remark is a word about what is wrong.
type Remark string

// Schema bounds it.
func (Remark) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(500)}
}

// names gives bounded texts as they are.
func names[T ~string](all []T) (out []string) {
	for _, s := range all {
		out = append(out, string(s))
	}
	return out
}
