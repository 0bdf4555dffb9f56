package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/fact"
	"frostline/hub/trace/dscsa"
)

// Suspects keeps cases of suspect and illegitimate product; *dscsa.Desk does.
type Suspects interface {
	Suspicion(ctx context.Context, id string) (dscsa.Suspicion, error)
	Suspicions(ctx context.Context, state, after string, limit int) ([]dscsa.Suspicion, error)
	Open(ctx context.Context, by, reason string, o fact.SuspectOpened) (dscsa.Suspicion, error)
	Raise(ctx context.Context, by, reason string, o fact.SuspectOpened) (dscsa.Suspicion, error)
	Dismiss(ctx context.Context, by, reason, id string) (dscsa.Suspicion, error)
	Clear(ctx context.Context, by, reason, id string) (dscsa.Suspicion, error)
	Determine(ctx context.Context, by, reason, id, classification string, at int64) (dscsa.Suspicion, error)
	Describe(ctx context.Context, by, reason, id string, items map[string]string) (dscsa.Suspicion, error)
	Notified(ctx context.Context, by, reason string, n fact.SuspectNotified) (dscsa.Suspicion, error)
	Terminate(ctx context.Context, by, reason, id string) (dscsa.Suspicion, error)
	Form(ctx context.Context, id string) (dscsa.Form3911, error)
}

// RaiseBody opens a case that nothing proposed.
type RaiseBody struct {
	ID      string     `json:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of the case."`
	Units   []UnitName `json:"units,omitempty" nullable:"true" maxItems:"700" doc:"GTIN.SERIAL of each."`
	Package string     `json:"package,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Its whole content is suspect."`
	Cause   string     `json:"cause" minLength:"1" maxLength:"2000" doc:"What makes it suspect. Nothing that tells of a patient."`
}

// SuspectBody decides on what was proposed.
type SuspectBody struct {
	Units   []UnitName `json:"units,omitempty" nullable:"true" maxItems:"700" doc:"GTIN.SERIAL of each; left out, all that were proposed."`
	Package string     `json:"package,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Its whole content is suspect."`
	Cause   string     `json:"cause,omitempty" nullable:"true" maxLength:"2000" doc:"What makes it suspect; left out, as proposed."`
}

// DeterminationBody says that product is illegitimate.
type DeterminationBody struct {
	Classification string `json:"classification" enum:"Counterfeit,Diversion,Stolen,Intentional Adulteration,Unfit for Distribution,Fraudulent Transaction" doc:"Item 5 of Form FDA 3911."`
	At             int64  `json:"at,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When it was determined, Unix ms; left out, the hub's clock. The 24 hours run from then."`
}

// DescriptionBody sets items of the form.
type DescriptionBody struct {
	Items []DescriptionItem `json:"items" minItems:"1" maxItems:"23" doc:"Items to be set."`
}

// DescriptionItem is an item of the form.
type DescriptionItem struct {
	Number string `json:"number" minLength:"1" maxLength:"2" pattern:"^[0-9]{1,2}$" doc:"As on Form FDA 3911."`
	Value  string `json:"value" maxLength:"4000" doc:"Empty takes back what was set. Nothing that tells of a patient."`
}

// NotificationGivenBody says who was told.
type NotificationGivenBody struct {
	To       string `json:"to" minLength:"3" maxLength:"13" pattern:"^(fda|[0-9]{13})$" doc:"fda, or a trading partner's GLN."`
	At       int64  `json:"at,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"When, Unix ms; left out, the hub's clock."`
	How      string `json:"how" minLength:"1" maxLength:"200" doc:"By which way: portal, e-mail."`
	Incident string `json:"incident,omitempty" nullable:"true" maxLength:"64" doc:"Number that FDA gave it."`
}

type suspectReply struct{ Body dscsa.Suspicion }

func suspectOf(v dscsa.Suspicion, err error) (*suspectReply, error) { return &suspectReply{v}, err }

func registerSuspects(api huma.API, s Suspects) {
	op := inTag("dscsa")
	huma.Register(api, op(http.MethodGet, "/suspects", "list-suspects", Read, "List cases of product that is proposed to be suspect, is suspect, or illegitimate"),
		func(ctx context.Context, in *struct {
			Paging
			State string `query:"state" enum:"proposed,dismissed,suspect,cleared,illegitimate,terminated" doc:"Only these."`
		}) (*listReply[dscsa.Suspicion], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := s.Suspicions(ctx, in.State, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(s dscsa.Suspicion) string { return s.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/suspects/{id}", "get-suspect", Read, "Give a case"),
		func(ctx context.Context, in *ThingPath) (*suspectReply, error) {
			return suspectOf(s.Suspicion(ctx, in.ID))
		})
	huma.Register(api, op(http.MethodGet, "/suspects/{id}/form-3911", "get-form-3911", Read, "Give the data for Form FDA 3911, numbered as on the form"),
		func(ctx context.Context, in *ThingPath) (*struct{ Body dscsa.Form3911 }, error) {
			v, err := s.Form(ctx, in.ID)
			return &struct{ Body dscsa.Form3911 }{v}, err
		})
	huma.Register(api, status(op(http.MethodPost, "/suspects", "raise-suspect", QA, "Decide that product is suspect that nothing proposed"), http.StatusCreated),
		func(ctx context.Context, in *struct {
			BecauseOf
			Body RaiseBody
		}) (*suspectReply, error) {
			return suspectOf(s.Raise(ctx, Actor(ctx), in.Reason, fact.SuspectOpened{ID: in.Body.ID, Units: names(in.Body.Units), Package: in.Body.Package, Cause: in.Body.Cause}))
		})
	huma.Register(api, op(http.MethodPost, "/suspects/{id}/open", "open-suspect", QA, "Decide that product is suspect, as was proposed"),
		func(ctx context.Context, in *struct {
			Reasoned
			Body SuspectBody
		}) (*suspectReply, error) {
			return suspectOf(s.Open(ctx, Actor(ctx), in.Reason, fact.SuspectOpened{ID: in.ID, Units: names(in.Body.Units), Package: in.Body.Package, Cause: in.Body.Cause}))
		})
	for _, step := range []struct {
		name, summary string
		do            func(ctx context.Context, by, reason, id string) (dscsa.Suspicion, error)
	}{
		{"dismiss", "Decide that what was proposed is not suspect", s.Dismiss},
		{"clear", "Decide that suspect product is not illegitimate", s.Clear},
		{"terminate", "End a case of illegitimate product, after FDA was consulted", s.Terminate},
	} {
		huma.Register(api, op(http.MethodPost, "/suspects/{id}/"+step.name, step.name+"-suspect", QA, step.summary),
			func(ctx context.Context, in *Reasoned) (*suspectReply, error) {
				return suspectOf(step.do(ctx, Actor(ctx), in.Reason, in.ID))
			})
	}
	huma.Register(api, op(http.MethodPost, "/suspects/{id}/determine", "determine-suspect", QA, "Determine that suspect product is illegitimate: FDA and partners have to be told within 24 hours"),
		func(ctx context.Context, in *struct {
			Reasoned
			Body DeterminationBody
		}) (*suspectReply, error) {
			return suspectOf(s.Determine(ctx, Actor(ctx), in.Reason, in.ID, in.Body.Classification, in.Body.At))
		})
	huma.Register(api, op(http.MethodPost, "/suspects/{id}/describe", "describe-suspect", QA, "Set items of Form FDA 3911 that the hub cannot know"),
		func(ctx context.Context, in *struct {
			Reasoned
			Body DescriptionBody
		}) (*suspectReply, error) {
			items := map[string]string{}
			for _, it := range in.Body.Items {
				items[it.Number] = it.Value
			}
			return suspectOf(s.Describe(ctx, Actor(ctx), in.Reason, in.ID, items))
		})
	huma.Register(api, op(http.MethodPost, "/suspects/{id}/notified", "notified-suspect", QA, "Note that FDA or a trading partner was told of illegitimate product"),
		func(ctx context.Context, in *struct {
			Reasoned
			Body NotificationGivenBody
		}) (*suspectReply, error) {
			b := in.Body
			return suspectOf(s.Notified(ctx, Actor(ctx), in.Reason, fact.SuspectNotified{ID: in.ID, To: b.To, At: b.At, How: b.How, Incident: b.Incident}))
		})
}
