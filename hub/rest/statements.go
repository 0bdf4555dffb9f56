package rest

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/fact"
	"frostline/hub/trace/dscsa"
)

// Statements exchange transaction information and statements; *dscsa.Desk does.
type Statements interface {
	Receive(ctx context.Context, actor, reason string, body []byte, media string) (dscsa.TradeStatement, error)
	Send(ctx context.Context, actor, reason string, x dscsa.Export) (dscsa.TradeStatement, error)
	Statement(ctx context.Context, id string) (dscsa.TradeStatement, error)
	Statements(ctx context.Context, state, after string, limit int) ([]dscsa.TradeStatement, error)
	Content(ctx context.Context, id string) (dscsa.Content, error)
	DocumentsOf(ctx context.Context, about fact.TraceAbout) ([]dscsa.UnitDocument, error)
	Retention(ctx context.Context) ([]dscsa.KeptRecords, error)
}

// DSCSA keeps the duties of a trading partner; *dscsa.Desk does.
type DSCSA interface {
	Statements
	TraceRequests
	Suspects
	Discrepancies
}

// StatementDocumentPath names a document of transaction information.
type StatementDocumentPath struct {
	ID string `path:"id" minLength:"35" maxLength:"35" pattern:"^t[io]-[0-9a-f]{32}$" doc:"Id of the document."`
}

// SendBody says for whom the document of a shipment is made.
type SendBody struct {
	Buyer  string `json:"buyer,omitempty" nullable:"true" maxLength:"13" pattern:"^[0-9]{13}$" doc:"GLN of who owns the product then; left out, of the site it goes to."`
	Order  string `json:"purchaseOrder,omitempty" nullable:"true" maxLength:"64" pattern:"^[!-~]+$" doc:"The buyer's purchase order; left out, the id of the shipment's order."`
	Advice string `json:"despatchAdvice,omitempty" nullable:"true" maxLength:"64" pattern:"^[!-~]+$" doc:"The seller's despatch advice; left out, the id of the shipment."`
	Drop   bool   `json:"dropShipment,omitempty" nullable:"true" doc:"It goes from the maker to the buyer's customer."`
}

// AboutQuery chooses product.
type AboutQuery struct {
	GTIN   string `query:"gtin" required:"true" minLength:"14" maxLength:"14" pattern:"^[0-9]{14}$" doc:"Of the product."`
	Lot    string `query:"lot" maxLength:"20" pattern:"^[!-~]+$" doc:"Only this lot."`
	Serial string `query:"serial" maxLength:"20" pattern:"^[!-~]+$" doc:"Only this serial."`
}

// file answers with bytes of a type.
type file struct {
	Type        string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Body        []byte
}

// binary declares that an operation answers with a file.
func binary(op huma.Operation, types ...string) huma.Operation {
	content := map[string]*huma.MediaType{}
	for _, t := range types {
		content[t] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}
	}
	op.Responses = map[string]*huma.Response{"200": {Description: "The file", Content: content}}
	return op
}

func fileOf(c dscsa.Content, name string, err error) (*file, error) {
	if err != nil {
		return nil, err
	}
	return &file{c.Media, `attachment; filename="` + name + `"`, c.Body}, nil
}

func registerStatements(api huma.API, s Statements) {
	op := inTag("dscsa")
	in := limits(status(op(http.MethodPost, "/statements", "receive-statement", Write, "Take a trading partner's transaction information and statement"), http.StatusCreated), dscsa.MaxDocument, time.Minute)
	in.Description = "EPCIS 1.2 or 2.0, as GS1 US' guideline for the DSCSA has it. The document is kept byte for byte, its events are captured, and its units become known where the catalog has their product. " +
		"What the law wants and it does not say is in problems; units that were not taken in aside. The same document again changes nothing."
	in.SkipValidateBody = true // it is read by package statement
	text := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	in.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/xml": {Schema: text}, "text/xml": {Schema: text}, "application/ld+json": {Schema: text}}}
	huma.Register(api, in, func(ctx context.Context, in *struct {
		Because
		ContentType string `header:"Content-Type" maxLength:"100" doc:"application/xml or application/ld+json."`
		RawBody     []byte `contentType:"application/xml" required:"true"`
	}) (*struct{ Body dscsa.TradeStatement }, error) {
		v, err := s.Receive(ctx, Actor(ctx), in.Reason, in.RawBody, in.ContentType)
		return &struct{ Body dscsa.TradeStatement }{v}, err
	})
	huma.Register(api, op(http.MethodGet, "/statements", "list-statements", Read, "List documents of transaction information, in and out"),
		func(ctx context.Context, in *struct {
			Paging
			State string `query:"state" enum:"complete,incomplete" doc:"Incomplete ones lack something, or units of them were set aside."`
		}) (*listReply[dscsa.TradeStatement], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := s.Statements(ctx, in.State, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(s dscsa.TradeStatement) string { return s.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/statements/{id}", "get-statement", Read, "Describe a document: what it says, and what it lacks"),
		func(ctx context.Context, in *StatementDocumentPath) (*struct{ Body dscsa.TradeStatement }, error) {
			v, err := s.Statement(ctx, in.ID)
			return &struct{ Body dscsa.TradeStatement }{v}, err
		})
	huma.Register(api, binary(op(http.MethodGet, "/statements/{id}/document", "get-statement-document", Read, "Give a document as it came or was sent"), "application/xml", "text/xml", "application/ld+json"),
		func(ctx context.Context, in *StatementDocumentPath) (*file, error) {
			c, err := s.Content(ctx, in.ID)
			return fileOf(c, in.ID+".xml", err)
		})
	huma.Register(api, op(http.MethodPost, "/shipments/{id}/statement", "send-statement", Write, "Make the transaction information and statement of a shipment to a trading partner"),
		func(ctx context.Context, in *struct {
			ThingPath
			Because
			Body SendBody
		}) (*struct{ Body dscsa.TradeStatement }, error) {
			b := in.Body
			v, err := s.Send(ctx, Actor(ctx), in.Reason, dscsa.Export{Shipment: in.ID, Buyer: b.Buyer, Order: b.Order, Advice: b.Advice, Drop: b.Drop})
			if i, ok := errors.AsType[dscsa.Incomplete](err); ok {
				p := fail(refused, "%v", err)
				for _, one := range i.Problems {
					p.Errors = append(p.Errors, Fault{In: "path", Pointer: "/id", Detail: one.Field + " " + one.About + ": " + one.Message})
				}
				return nil, p
			}
			return &struct{ Body dscsa.TradeStatement }{v}, err
		})
	huma.Register(api, op(http.MethodGet, "/statements/units", "find-statements", Read, "Tell which documents product is in, also after it was dispensed"),
		func(ctx context.Context, in *AboutQuery) (*listReply[dscsa.UnitDocument], error) {
			list, err := s.DocumentsOf(ctx, fact.TraceAbout{GTIN: in.GTIN, Lot: in.Lot, Serial: in.Serial})
			if list == nil {
				list = []dscsa.UnitDocument{}
			}
			return &listReply[dscsa.UnitDocument]{List[dscsa.UnitDocument]{Items: list}}, err
		})
	huma.Register(api, op(http.MethodGet, "/statements/retention", "get-retention", Read, "Tell what is kept for the law's six years, and of which times"),
		func(ctx context.Context, _ *struct{}) (*listReply[dscsa.KeptRecords], error) {
			list, err := s.Retention(ctx)
			return &listReply[dscsa.KeptRecords]{List[dscsa.KeptRecords]{Items: list}}, err
		})
}
