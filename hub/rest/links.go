package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/privacy"
)

// Links are what the operations on patients' links need; *privacy.Links has all
// but URL.
type Links interface {
	Make(ctx context.Context, by, shipment string, factor privacy.Factor, answer string, life time.Duration) (secret string, k privacy.Link, err error)
	Revoke(ctx context.Context, by, id, reason string) (privacy.Link, error)
	Of(ctx context.Context, shipment, after string, limit int) ([]privacy.Link, error)
	// URL is the address of a link, whole, as patients open it.
	URL(secret string) string
}

// LinkBody asks for a link.
type LinkBody struct {
	Factor string `json:"factor" enum:"zip,birth_year" doc:"What the link asks for besides."`
	// The name keeps it out of problems and digests.
	SecretAnswer string `json:"secretAnswer" minLength:"4" maxLength:"10" pattern:"^[0-9][0-9 -]*$" doc:"The answer: a ZIP code of five digits, or a year of birth. It is kept as a keyed hash alone."`
	Hours        int64  `json:"hours,omitempty" nullable:"true" minimum:"1" maximum:"744" doc:"How long the link is good for; left out, a week."`
}

// NewLink is a link with its secret.
type NewLink struct {
	Link privacy.Link `json:"link"`
	URL  string       `json:"url" doc:"The address to send to the patient. It is given once and not kept."`
}

func registerLinks(api huma.API, l Links) {
	op := inTag("patients")
	create := status(op(http.MethodPost, "/shipments/{id}/links", "create-patient-link", Write, "Make a link by which a patient follows a shipment"), http.StatusCreated)
	create.Description = "The address is given once. Whoever opens it is asked for the ZIP code or year of birth. A repeated request with the same Idempotency-Key is answered with the same address for a day; until then the answer is kept encrypted under that key, which is not kept: take one that nobody guesses, such as a UUID."
	huma.Register(api, create, func(ctx context.Context, in *struct {
		ShipmentPath
		Body LinkBody
	}) (*struct{ Body NewLink }, error) {
		secret, k, err := l.Make(ctx, Actor(ctx), in.ID, privacy.Factor(in.Body.Factor), in.Body.SecretAnswer, time.Duration(in.Body.Hours)*time.Hour)
		if err != nil {
			return nil, err
		}
		return &struct{ Body NewLink }{NewLink{k, l.URL(secret)}}, nil
	})
	huma.Register(api, op(http.MethodGet, "/shipments/{id}/links", "list-patient-links", Read, "List the links of a shipment, without their secrets"),
		func(ctx context.Context, in *struct {
			ShipmentPath
			Paging
		}) (*listReply[privacy.Link], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := l.Of(ctx, in.ID, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(k privacy.Link) string { return k.ID }), nil
		})
	huma.Register(api, op(http.MethodPost, "/links/{id}/revoke", "revoke-patient-link", Write, "End a link at once, also for those who look just now"),
		func(ctx context.Context, in *struct {
			ID   string `path:"id" minLength:"8" maxLength:"8" pattern:"^[a-z2-7]+$" doc:"Id of the link."`
			Body personReason
		}) (*struct{ Body privacy.Link }, error) {
			k, err := l.Revoke(ctx, Actor(ctx), in.ID, in.Body.Reason)
			return &struct{ Body privacy.Link }{k}, err
		})
}
