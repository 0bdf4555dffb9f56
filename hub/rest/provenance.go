package rest

import (
	"context"
	"errors"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/trace/provenance"
	"frostline/proto/thermal"
)

// Provenances tell what is known of units; *provenance.Teller does. They fail
// with provenance.ErrNotFound.
type Provenances interface {
	Tell(ctx context.Context, unit string) (*provenance.Provenance, error)
}

func registerProvenance(api huma.API, p Provenances) {
	api.OpenAPI().Components.Schemas.RegisterTypeAlias(reflect.TypeFor[thermal.Temp](), reflect.TypeFor[float64]())
	op := inTag("units")(http.MethodGet, "/units/{id}/provenance", "get-unit-provenance", Read, "Tell a unit's way from its commissioning to the patient, and what is missing of it")
	op.Description = "All captured EPCIS events that speak of the unit, by its serial or by a container that it was in, whoever sent them; for each who captured it, and the entry of the evidence log that binds it. " +
		"What was declared to be wrong is told as such and counts for nothing. Time that nobody monitored, a custodian or container that nobody told of, are told as gaps."
	huma.Register(api, op, func(ctx context.Context, in *UnitPath) (*struct{ Body *provenance.Provenance }, error) {
		found, err := p.Tell(ctx, in.ID)
		if errors.Is(err, provenance.ErrNotFound) {
			return nil, failAt(notFound, "path", "/id", short(in.ID), "%v", err)
		}
		return &struct{ Body *provenance.Provenance }{found}, err
	})
}
