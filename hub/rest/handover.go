package rest

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/dispatch/proof"
	"frostline/hub/dossier"
	"frostline/hub/evidence"
	"frostline/hub/fact"
	"frostline/hub/report"
	"frostline/proto/thermal"
)

// Proofs is what the operations on proofs of delivery need; *proof.Desk has it.
type Proofs interface {
	Give(ctx context.Context, actor string, r proof.Request) (proof.Outcome, error)
	Proofs(ctx context.Context, shipment string) ([]fact.ProofGiven, error)
}

// Receipts gives what patients are given; *report.Desk has it.
type Receipts interface {
	Receipt(ctx context.Context, shipment string) (report.Receipt, error)
}

// HandoverProofBody is what somebody at the door tells.
type HandoverProofBody struct {
	ID            string        `json:"id,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the proof: told twice it is one. Left out, each request is one of its own, unless it has an idempotency key."`
	Codes         []ProofCode   `json:"codes,omitempty" maxItems:"500" doc:"What was scanned: each package of the shipment, by its SSCC or label, or by a unit in it."`
	At            int64         `json:"at" minimum:"946684800000" maximum:"7258118400000" doc:"When, Unix ms; it may be long ago."`
	Uncertainty   int64         `json:"uncertainty,omitempty" nullable:"true" minimum:"0" maximum:"86400000" doc:"Of at, ms."`
	To            string        `json:"to,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the party that took it, or a patient's token."`
	Role          string        `json:"role,omitempty" enum:"pharmacy,manufacturer,wholesaler,3pl,courier,patient,clinic" doc:"Of the one who took it."`
	Seal          string        `json:"seal,omitempty" enum:"intact,broken,absent" doc:"As it was found."`
	Temperature   *float64      `json:"temperature,omitempty" nullable:"true" minimum:"-273.15" maximum:"1000" doc:"What was read at the door, °C; or say in noTemperature why not."`
	NoTemperature string        `json:"noTemperature,omitempty" nullable:"true" maxLength:"500" doc:"Why no temperature was read."`
	Position      *PositionBody `json:"position,omitempty" doc:"Where; or say in noPosition why not. Of a place only the distance from it is kept."`
	NoPosition    string        `json:"noPosition,omitempty" nullable:"true" maxLength:"500" doc:"Why there is no position."`
	Marks         []MarkBody    `json:"marks,omitempty" maxItems:"10" doc:"Signatures and photos, by reference."`
	Second        string        `json:"second,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9_-]*$" doc:"Token of the second person, where the job needs two."`
	Identity      *IdentityBody `json:"identity,omitempty" doc:"Result of a check of who took it, where the job needs one."`
}

// ProofCode is what a scanner sent, or a label that was typed.
type ProofCode string

// Schema bounds it.
func (ProofCode) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(512), Description: "As it was scanned; ^ stands for FNC1."}
}

// MarkBody refers to a signature or photo, which is kept elsewhere.
type MarkBody struct {
	Kind   string `json:"kind" enum:"signature,photo" doc:"What it is."`
	Where  string `json:"where,omitempty" nullable:"true" maxLength:"300" doc:"An opaque address, https, without user and query; or its digest alone."`
	SHA256 string `json:"sha256,omitempty" nullable:"true" maxLength:"64" pattern:"^[0-9a-f]{64}$" doc:"Of the file."`
}

// IdentityBody is the result of a check, never what a document says.
type IdentityBody struct {
	Kind   string `json:"kind" enum:"passport,id_card,driving_licence,wristband,pin,known_person,other" doc:"By what."`
	Result string `json:"result" enum:"matched,not_matched" doc:"Where it did not match nothing may be handed over."`
}

// TransformSchema lets null stand for no check.
func (IdentityBody) TransformSchema(_ huma.Registry, s *huma.Schema) *huma.Schema {
	s.Nullable = true
	return s
}

// ProofReply is what a proof came to.
type ProofReply struct {
	proof.Outcome
	Status string `json:"status" doc:"Of the stop."`
}

func (b HandoverProofBody) request(ctx context.Context, route, stop string) (proof.Request, error) {
	r := proof.Request{
		ID: idOr(ctx, b.ID), Route: route, Stop: stop, At: b.At, Uncertainty: b.Uncertainty, To: b.To, Role: b.Role, Seal: b.Seal, NoTemperature: b.NoTemperature,
		Position: (*fact.Position)(b.Position), NoPosition: b.NoPosition, Second: b.Second, Identity: (*fact.Identity)(b.Identity),
	}
	for _, c := range b.Codes {
		r.Codes = append(r.Codes, string(c))
	}
	for _, m := range b.Marks {
		r.Marks = append(r.Marks, fact.Mark(m))
	}
	if b.Temperature != nil {
		r.Temperature = new(thermal.Temp)
		text := strconv.FormatFloat(*b.Temperature, 'f', -1, 64)
		if err := r.Temperature.UnmarshalJSON([]byte(text)); err != nil {
			return r, failAt(unacceptable, "body", "/temperature", text, "temperature: %v", err)
		}
	}
	return r, nil
}

func registerProofs(api huma.API, p Proofs) {
	op := inTag("dispatch")
	huma.Register(api, op(http.MethodPost, "/routes/{id}/stops/{stop}/handover", "prove-delivery", Write, "Hand over what a stop is for, with its proof: custody changes and the stop is completed, or nothing is done"),
		func(ctx context.Context, in *struct {
			StopPath
			Body HandoverProofBody
		}) (*struct{ Body ProofReply }, error) {
			r, err := in.Body.request(ctx, in.ID, in.Stop)
			if err != nil {
				return nil, err
			}
			out, err := p.Give(ctx, Actor(ctx), r)
			if err != nil {
				return nil, err
			}
			reply := ProofReply{Outcome: out}
			for _, v := range out.Route.Visits() {
				if v.ID == in.Stop {
					reply.Status = v.Status
				}
			}
			return &struct{ Body ProofReply }{reply}, nil
		})
	huma.Register(api, op(http.MethodGet, "/deliveries/{shipmentId}/proofs", "list-delivery-proofs", Read, "Give the proofs of delivery of a shipment"),
		func(ctx context.Context, in *DeliveryPath) (*listReply[fact.ProofGiven], error) {
			all, err := p.Proofs(ctx, in.ShipmentID)
			if err != nil {
				return nil, err
			}
			return paged(ctx, all, len(all), func(g fact.ProofGiven) string { return g.ID }), nil
		})
}

// DeliveryPath names a shipment as its carrier knows it.
type DeliveryPath struct {
	ShipmentID string `path:"shipmentId" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the shipment."`
}

func registerReceipts(api huma.API, r Receipts) {
	op := inTag("dispatch")
	give := func(ctx context.Context, id string) (report.Receipt, error) {
		v, err := r.Receipt(ctx, id)
		switch {
		case errors.Is(err, dossier.ErrNotFound), errors.Is(err, report.ErrNotDelivered):
			return v, failAt(notFound, "path", "/shipmentId", id, "%v", err)
		case errors.Is(err, evidence.ErrBusy):
			return v, fail(busy, "%v; ask again in a few seconds", err)
		}
		return v, err
	}
	huma.Register(api, op(http.MethodGet, "/deliveries/{shipmentId}/receipt", "get-receipt", Read, "Give the patient's receipt: what came when and how it was kept, with neither a name nor a drug"),
		func(ctx context.Context, in *DeliveryPath) (*struct{ Body report.Receipt }, error) {
			v, err := give(ctx, in.ShipmentID)
			return &struct{ Body report.Receipt }{v}, err
		})
	pdf := op(http.MethodGet, "/deliveries/{shipmentId}/receipt.pdf", "print-receipt", Read, "Print the patient's receipt, as PDF")
	pdf.Responses = map[string]*huma.Response{"200": {Description: "The receipt", Content: map[string]*huma.MediaType{
		"application/pdf": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
	}}}
	huma.Register(api, pdf, func(ctx context.Context, in *DeliveryPath) (*printed, error) {
		v, err := give(ctx, in.ShipmentID)
		if err != nil {
			return nil, err
		}
		b, err := report.ReceiptPDF(v)
		return &printed{"application/pdf", `attachment; filename="receipt-` + in.ShipmentID + `.pdf"`, b}, err
	})
}
