package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/fact"
	"frostline/hub/trace/dscsa"
)

// TraceRequests answers trace requests and asks others to verify; *dscsa.Desk
// does.
type TraceRequests interface {
	Ask(ctx context.Context, actor, reason string, r fact.TraceRequested) (dscsa.TraceRequest, error)
	Answer(ctx context.Context, actor, reason, id string) (dscsa.TraceRequest, error)
	Request(ctx context.Context, id string) (dscsa.TraceRequest, error)
	Requests(ctx context.Context, state, after string, limit int) ([]dscsa.TraceRequest, error)
	Package(ctx context.Context, id string) (dscsa.Content, error)
	AskResolver(ctx context.Context, by, reason, resolver string, p fact.ProductIdentifier) (fact.VerificationAsked, error)
	Verifications(ctx context.Context, after string, limit int) ([]dscsa.VerificationRecord, []string, error)
}

// TraceRequestBody is a request to trace product.
type TraceRequestBody struct {
	ID        string           `json:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the request: told twice it is one."`
	Requester string           `json:"requester" minLength:"1" maxLength:"200" doc:"The authority or trading partner that asks."`
	Contact   string           `json:"contact,omitempty" nullable:"true" maxLength:"200" doc:"Where the answer goes."`
	Number    string           `json:"number,omitempty" nullable:"true" maxLength:"200" doc:"That the requester gave it."`
	Why       string           `json:"why" enum:"recall,suspect,illegitimate,audit" doc:"For what it is asked."`
	About     []TraceAboutBody `json:"about" minItems:"1" maxItems:"100" doc:"The product."`
	Received  int64            `json:"received,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When it came, Unix ms; left out, the hub's clock."`
	Rule      string           `json:"rule,omitempty" nullable:"true" enum:"24_hours,48_hours,1_business_day_48_hours,2_business_days" doc:"By which rule it is to be answered; left out, that of the hub's configuration."`
}

// TraceAboutBody is product that a request is about.
type TraceAboutBody struct {
	GTIN   string `json:"gtin" minLength:"14" maxLength:"14" pattern:"^[0-9]{14}$" doc:"Of the product."`
	Lot    string `json:"lot,omitempty" nullable:"true" maxLength:"20" pattern:"^[!-~]+$" doc:"Only this lot."`
	Serial string `json:"serial,omitempty" nullable:"true" maxLength:"20" pattern:"^[!-~]+$" doc:"Only this serial."`
}

// VerificationBody is a product identifier that another is asked about.
type VerificationBody struct {
	Resolver string `json:"resolver" minLength:"1" maxLength:"64" doc:"Name of the service in the hub's configuration."`
	GTIN     string `json:"gtin" minLength:"14" maxLength:"14" pattern:"^[0-9]{14}$" doc:"As it is on the unit (AI 01)."`
	Serial   string `json:"serial" minLength:"1" maxLength:"20" pattern:"^[!-~]+$" doc:"Serial number (AI 21)."`
	Lot      string `json:"lot" minLength:"1" maxLength:"20" pattern:"^[!-~]+$" doc:"Batch or lot (AI 10)."`
	Expiry   string `json:"expiry" minLength:"6" maxLength:"6" pattern:"^[0-9]{6}$" doc:"Expiry (AI 17), YYMMDD."`
}

// Reasoned names a thing that something is done to, and why.
type Reasoned struct {
	ThingPath
	BecauseOf
}

func registerTraceRequests(api huma.API, t TraceRequests) {
	type reply struct{ Body dscsa.TraceRequest }
	op := inTag("dscsa")
	huma.Register(api, status(op(http.MethodPost, "/trace-requests", "create-trace-request", Write, "Enter a trace request, whose deadline then runs"), http.StatusCreated),
		func(ctx context.Context, in *struct {
			Because
			Body TraceRequestBody
		}) (*reply, error) {
			b := in.Body
			r := fact.TraceRequested{ID: b.ID, Requester: b.Requester, Contact: b.Contact, Number: b.Number, Why: b.Why, Received: b.Received, Rule: fact.DeadlineRule(b.Rule)}
			for _, a := range b.About {
				r.About = append(r.About, fact.TraceAbout(a))
			}
			v, err := t.Ask(ctx, Actor(ctx), in.Reason, r)
			return &reply{v}, err
		})
	huma.Register(api, op(http.MethodGet, "/trace-requests", "list-trace-requests", Read, "List trace requests with their deadlines"),
		func(ctx context.Context, in *struct {
			Paging
			State string `query:"state" enum:"open,answered" doc:"Open ones may be overdue: their state says so."`
		}) (*listReply[dscsa.TraceRequest], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := t.Requests(ctx, in.State, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(r dscsa.TraceRequest) string { return r.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/trace-requests/{id}", "get-trace-request", Read, "Give a trace request with its clock"),
		func(ctx context.Context, in *ThingPath) (*reply, error) {
			v, err := t.Request(ctx, in.ID)
			return &reply{v}, err
		})
	huma.Register(api, op(http.MethodPost, "/trace-requests/{id}/answer", "answer-trace-request", QA, "Make the package that answers a trace request, and close the request"),
		func(ctx context.Context, in *Reasoned) (*reply, error) {
			v, err := t.Answer(ctx, Actor(ctx), in.Reason, in.ID)
			return &reply{v}, err
		})
	huma.Register(api, binary(op(http.MethodGet, "/trace-requests/{id}/package", "get-trace-package", Read, "Give the package that answered a trace request"), "application/zip"),
		func(ctx context.Context, in *ThingPath) (*file, error) {
			c, err := t.Package(ctx, in.ID)
			return fileOf(c, "trace-"+in.ID+".zip", err)
		})
	huma.Register(api, op(http.MethodPost, "/verifications", "ask-verification", Write, "Ask another's verification service whether a product identifier is genuine"),
		func(ctx context.Context, in *struct {
			Because
			Body VerificationBody
		}) (*struct{ Body fact.VerificationAsked }, error) {
			b := in.Body
			v, err := t.AskResolver(ctx, Actor(ctx), in.Reason, b.Resolver, fact.ProductIdentifier{GTIN: b.GTIN, Serial: b.Serial, Lot: b.Lot, Expiry: b.Expiry})
			return &struct{ Body fact.VerificationAsked }{v}, err
		})
	huma.Register(api, op(http.MethodGet, "/verifications", "list-verifications", Read, "List verifications, asked and answered, newest first"),
		func(ctx context.Context, in *Paging) (*listReply[dscsa.VerificationRecord], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, keys, err := t.Verifications(ctx, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(dscsa.VerificationRecord) string { return keys[in.Limit-1] }), nil
		})
}
