package rest

import (
	"context"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/dispatch/risk"
	"frostline/proto/thermal"
)

// Risks tells which deliveries get too warm before they arrive; *risk.Board
// does.
type Risks interface {
	List() (all []risk.Delivery, made int64)
}

// RiskBody is the list of deliveries at an instant.
type RiskBody struct {
	Made       int64    `json:"made" doc:"When the list was made, Unix ms; 0 before it was."`
	Deliveries []AtRisk `json:"deliveries" maxItems:"5000" doc:"Most urgent first. All times of arrival and of limits are estimates."`
	More       int      `json:"more,omitempty" doc:"How many less urgent ones are not told."`
}

// AtRisk is a delivery with how it stands in words.
type AtRisk struct {
	risk.Delivery
	Says string `json:"says" doc:"How it stood when the list was made, in words: what comes, when it arrives, and the margin, each with its interval; or what is not known."`
}

func registerRisks(api huma.API, b Risks) {
	api.OpenAPI().Components.Schemas.RegisterTypeAlias(reflect.TypeFor[thermal.Temp](), reflect.TypeFor[float64]())
	huma.Register(api, inTag("dispatch")(http.MethodGet, "/deliveries/at-risk", "list-deliveries-at-risk", Read, "List deliveries under way and planned by the time that is left until a limit"),
		func(_ context.Context, in *struct {
			Courier string `query:"courier" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of this courier; left out, of all."`
			Class   string `query:"class" enum:"out,at_risk,watch,unknown,in_time,holds" doc:"Only deliveries of this class; left out, all."`
			Limit   int    `query:"limit" minimum:"1" maximum:"5000" default:"500" doc:"The most urgent ones, at most so many."`
		}) (*struct{ Body RiskBody }, error) {
			all, made := b.List()
			out := RiskBody{Made: made, Deliveries: []AtRisk{}}
			for _, d := range all {
				switch {
				case in.Courier != "" && d.Courier != in.Courier, in.Class != "" && string(d.Class) != in.Class:
				case len(out.Deliveries) == in.Limit:
					out.More++
				default:
					out.Deliveries = append(out.Deliveries, AtRisk{d, d.Says(made)})
				}
			}
			return &struct{ Body RiskBody }{out}, nil
		})
}
