package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/custody"
	"frostline/hub/custody/timeline"
	"frostline/hub/fact"
)

// Interval is a span in which a thing is in another.
type Interval struct {
	From        int64     `json:"from" doc:"Unix ms."`
	To          int64     `json:"to,omitempty" doc:"Unix ms, not included; left out where nothing has ended it."`
	In          *fact.Ref `json:"in,omitempty" doc:"Left out where it is nowhere known, as somebody stated."`
	Rank        int       `json:"rank,omitempty"`
	Statement   string    `json:"statement" doc:"Id of the statement that began it."`
	Uncertainty int64     `json:"uncertainty,omitempty" doc:"Of from, ms."`
}

func intervalOf(v timeline.Interval) Interval {
	out := Interval{v.From, v.To, v.In, v.Rank, v.Statement, v.Uncertainty}
	if v.To == timeline.Open {
		out.To = 0
	}
	return out
}

// Whereabouts are all statements of where a thing is, and what they come to.
type Whereabouts struct {
	Subject    fact.Ref        `json:"subject"`
	Intervals  []Interval      `json:"intervals" doc:"In order of time; before the first nothing is known."`
	Statements []timeline.Told `json:"statements" doc:"All there are, corrected and withdrawn ones included. States: holds, replaced, withdraws, waits."`
}

func whereaboutsOf(w custody.Whereabouts, err error) (*struct{ Body Whereabouts }, error) {
	if err != nil {
		return nil, err
	}
	out := Whereabouts{Subject: w.Subject, Intervals: []Interval{}, Statements: w.Statements}
	for _, v := range w.Intervals {
		out.Intervals = append(out.Intervals, intervalOf(v))
	}
	return &struct{ Body Whereabouts }{out}, nil
}

// Stay is a thing's being in another.
type Stay struct {
	Subject fact.Ref `json:"subject"`
	Interval
}

// Span is a time to look at.
type Span struct {
	From int64 `query:"from" minimum:"0" maximum:"7258118400000" doc:"Unix ms; left out, from the beginning."`
	To   int64 `query:"to" minimum:"0" maximum:"7258118400000" doc:"Unix ms, not included; left out, without end."`
}

// Window is a time to look at that has an end.
type Window struct {
	From int64 `query:"from" required:"true" minimum:"946684800000" maximum:"7258118400000" doc:"Unix ms."`
	To   int64 `query:"to" required:"true" minimum:"946684800000" maximum:"7258118400000" doc:"Unix ms, not included; at most 366 days after from."`
}

// ThingPath names a tote, logger, zone or compartment.
type ThingPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Its id."`
}

func registerWhereabouts(api huma.API, c Custody) {
	op := inTag("attachments")
	const where = "Tell where it was: what was stated, and the intervals that this comes to"
	for kind, plural := range map[fact.Kind]string{fact.Package: "packages", fact.Tote: "totes", fact.Logger: "loggers"} {
		huma.Register(api, op(http.MethodGet, "/"+plural+"/{id}/attachments", "get-"+string(kind)+"-attachments", Read, where),
			func(ctx context.Context, in *struct {
				ThingPath
				Span
			}) (*struct{ Body Whereabouts }, error) {
				return whereaboutsOf(c.Whereabouts(ctx, fact.Ref{Kind: kind, ID: in.ID}, in.From, in.To))
			})
	}
	huma.Register(api, op(http.MethodGet, "/units/{id}/attachments", "get-unit-attachments", Read, where),
		func(ctx context.Context, in *struct {
			UnitPath
			Span
		}) (*struct{ Body Whereabouts }, error) {
			return whereaboutsOf(c.Whereabouts(ctx, fact.Ref{Kind: fact.Unit, ID: in.ID}, in.From, in.To))
		})
	huma.Register(api, op(http.MethodGet, "/sensors/{gateway}/{sensor}/attachments", "get-sensor-attachments", Read, where),
		func(ctx context.Context, in *struct {
			Gateway string `path:"gateway" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the gateway."`
			Sensor  string `path:"sensor" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Name of the sensor there."`
			Span
		}) (*struct{ Body Whereabouts }, error) {
			return whereaboutsOf(c.Whereabouts(ctx, fact.Ref{Kind: fact.Sensor, ID: in.Gateway + "/" + in.Sensor}, in.From, in.To))
		})
	for kind, plural := range map[fact.Kind]string{fact.Package: "packages", fact.Tote: "totes", fact.Logger: "loggers", fact.Compartment: "compartments", fact.Zone: "zones"} {
		huma.Register(api, op(http.MethodGet, "/"+plural+"/{id}/contents", "get-"+string(kind)+"-contents", Read, "Tell what was in it by itself during a time"),
			func(ctx context.Context, in *struct {
				ThingPath
				Window
			}) (*struct{ Body []Stay }, error) {
				stays, err := c.Stays(ctx, fact.Ref{Kind: kind, ID: in.ID}, in.From, in.To)
				out := make([]Stay, len(stays))
				for i, s := range stays {
					out[i] = Stay{s.Subject, intervalOf(s.Interval)}
				}
				return &struct{ Body []Stay }{out}, err
			})
	}
}
