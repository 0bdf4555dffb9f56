package rest

import (
	"context"
	"net/http"
	"net/url"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/dispatch"
	"frostline/hub/fact"
)

// Jobs is the part of Dispatch about jobs.
type Jobs interface {
	Plan(ctx context.Context, actor, reason string, j fact.JobPlanned, expected int64) (dispatch.Job, error)
	CancelJob(ctx context.Context, actor, reason, id string, expected int64) (dispatch.Job, error)
	Job(ctx context.Context, id string) (dispatch.Job, error)
	Jobs(ctx context.Context, shipment string, waiting bool, after string, limit int) ([]dispatch.Job, error)
}

// JobPath names a job.
type JobPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the job."`
}

// JobBody is the delivery of a shipment.
type JobBody struct {
	Shipment string       `json:"shipment" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the shipment."`
	From     WhereBody    `json:"from" doc:"Where it is picked up."`
	To       WhereBody    `json:"to" doc:"Where it is delivered."`
	Ready    int64        `json:"ready,omitempty" nullable:"true" minimum:"946684800000" maximum:"7258118400000" doc:"It can be picked up from then on, Unix ms."`
	Windows  []WindowBody `json:"windows,omitempty" nullable:"true" maxItems:"20" doc:"In which it may be delivered, in order; left out, at any time."`
	Service  int64        `json:"service,omitempty" nullable:"true" minimum:"0" maximum:"14400" doc:"How long the hand-over takes, s; left out, as usual."`
	Load     int64        `json:"load,omitempty" nullable:"true" minimum:"0" maximum:"5000000" doc:"g."`
	Two      bool         `json:"two,omitempty" nullable:"true" doc:"The hand-over needs two persons."`
	Identity bool         `json:"identity,omitempty" nullable:"true" doc:"The hand-over needs an identity check."`
	Replaces string       `json:"replaces,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the job that this one makes good."`
}

// WindowBody is a stretch of time.
type WindowBody struct {
	From  int64 `json:"from" minimum:"946684800000" maximum:"7258118400000" doc:"Unix ms."`
	Until int64 `json:"until" minimum:"946684800000" maximum:"7258118400000" doc:"Unix ms, included."`
}

func (b JobBody) fact(id string) fact.JobPlanned {
	j := fact.JobPlanned{ID: id, Shipment: b.Shipment, From: b.From.ref(), To: b.To.ref(), Ready: b.Ready, Service: b.Service, Load: b.Load, Two: b.Two, Identity: b.Identity, Replaces: b.Replaces}
	for _, w := range b.Windows {
		j.Windows = append(j.Windows, fact.Window(w))
	}
	return j
}

// JobFilter chooses jobs.
type JobFilter struct {
	Paging
	Shipment string `query:"shipment" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of this shipment."`
	Waiting  bool   `query:"waiting" doc:"Only those that no route has yet."`
}

func registerJobs(api huma.API, d Jobs) {
	op := inTag("dispatch")
	huma.Register(api, op(http.MethodGet, "/jobs", "list-jobs", Read, "List jobs"),
		func(ctx context.Context, in *JobFilter) (*listReply[dispatch.Job], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := d.Jobs(ctx, in.Shipment, in.Waiting, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			return paged(ctx, list, in.Limit, func(j dispatch.Job) string { return j.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/jobs/{id}", "get-job", Read, "Give a job"),
		func(ctx context.Context, in *JobPath) (*found[dispatch.Job], error) {
			v, err := d.Job(ctx, in.ID)
			return foundOf(v, v.Revision, err)
		})
	huma.Register(api, op(http.MethodPut, "/jobs/{id}", "put-job", Write, "Plan a job, or change one that no courier has begun"),
		func(ctx context.Context, in *struct {
			JobPath
			Precondition
			Because
			Body JobBody
		}) (*put[dispatch.Job], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			return putting("/jobs/"+url.PathEscape(in.ID), func() error { _, err := d.Job(ctx, in.ID); return err }, func() (dispatch.Job, int64, error) {
				v, err := d.Plan(ctx, Actor(ctx), in.Reason, in.Body.fact(in.ID), expect)
				return v, v.Revision, err
			})
		})
	orCreated(api.OpenAPI().Paths["/jobs/{id}"].Put)
	huma.Register(api, op(http.MethodDelete, "/jobs/{id}", "cancel-job", Write, "Cancel a job that no courier has begun; it stays readable"),
		func(ctx context.Context, in *struct {
			JobPath
			Precondition
			BecauseOf
		}) (*found[dispatch.Job], error) {
			expect, err := in.expect()
			if err != nil {
				return nil, err
			}
			v, err := d.CancelJob(ctx, Actor(ctx), in.Reason, in.ID, expect)
			return foundOf(v, v.Revision, err)
		})
}
