package rest

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/dossier"
	"frostline/hub/evidence"
)

// Reports print what happened, as PDF. They fail with dossier.ErrNotFound, and
// with evidence.ErrBusy where the evidence log has not caught up yet.
type Reports interface {
	Shipment(ctx context.Context, id string) ([]byte, error)
	Case(ctx context.Context, id string) ([]byte, error)
}

func registerReports(api huma.API, r Reports) {
	const same = "It names the SHA-256 of the evidence bundle it can be checked by. Made again while nothing new has happened it is the same, byte for byte."
	op := func(path, id, summary string) huma.Operation {
		op := tagged(operation(http.MethodGet, path, id, Read, summary), "evidence")
		op.Description = same
		op.Responses = map[string]*huma.Response{"200": {Description: "The report", Content: map[string]*huma.MediaType{
			"application/pdf": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		}}}
		return op
	}
	huma.Register(api, op("/shipments/{id}/report", "report-shipment", "Print what happened to a shipment, as PDF"), func(ctx context.Context, in *struct {
		ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"The shipment."`
	}) (*printed, error) {
		return print(ctx, in.ID, r.Shipment)
	})
	huma.Register(api, op("/excursions/{id}/report", "report-excursion", "Print what happened in an excursion, as PDF"), func(ctx context.Context, in *struct {
		ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"The excursion."`
	}) (*printed, error) {
		return print(ctx, in.ID, r.Case)
	})
}

type printed struct {
	Type string `header:"Content-Type"`
	File string `header:"Content-Disposition"`
	Body []byte
}

func print(ctx context.Context, id string, report func(context.Context, string) ([]byte, error)) (*printed, error) {
	b, err := report(ctx, id)
	switch {
	case errors.Is(err, dossier.ErrNotFound):
		return nil, failAt(notFound, "path", "/id", id, "%v", err)
	case errors.Is(err, evidence.ErrBusy):
		return nil, fail(busy, "%v; ask again in a few seconds", err)
	case err != nil:
		return nil, err
	}
	return &printed{"application/pdf", `attachment; filename="report-` + id + `.pdf"`, b}, nil
}
