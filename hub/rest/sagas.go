package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/workflow"
)

// Sagas is what the operations on sagas need; *workflow.Engine has it.
type Sagas interface {
	List(ctx context.Context, f workflow.Filter, after string, limit int) ([]workflow.Saga, error)
	Saga(ctx context.Context, id string) (workflow.Saga, error)
	Decide(ctx context.Context, actor, reason, id, step, decision string) (workflow.Saga, error)
}

// SagaPath names a saga.
type SagaPath struct {
	ID string `path:"id" minLength:"1" maxLength:"96" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the saga."`
}

// SagaFilter chooses sagas.
type SagaFilter struct {
	Paging
	Excursion string `query:"excursion" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of this excursion."`
	Package   string `query:"package" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of this package."`
	State     string `query:"state" enum:"running,waiting,parked,ended" doc:"In this state."`
	Open      bool   `query:"open" doc:"Only those that have not ended."`
}

// SagaDecisionBody is what a person decides about a saga that cannot go on.
type SagaDecisionBody struct {
	Decision string `json:"decision" enum:"retry,skip,compensate" doc:"Try the step again, go on without it, or undo what was done and end. What quality has not released stays held."`
	Step     string `json:"step,omitempty" nullable:"true" maxLength:"64" pattern:"^[a-z][a-z ]*$" doc:"The step that it is parked or waits at, so that nobody decides about one that they have not seen."`
}

// Saga is a saga with where it stands in words.
type Saga struct {
	workflow.Saga
	Says string `json:"says" doc:"Where it stands, in words."`
}

func sagaOf(s workflow.Saga) Saga { return Saga{s, s.Says()} }

func registerSagas(api huma.API, e Sagas) {
	op := inTag("sagas")
	huma.Register(api, op(http.MethodGet, "/sagas", "list-sagas", Read, "List what follows from excursions by itself"),
		func(ctx context.Context, in *SagaFilter) (*listReply[Saga], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			list, err := e.List(ctx, workflow.Filter{Excursion: in.Excursion, Package: in.Package, State: workflow.State(in.State), Open: in.Open}, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			out := make([]Saga, len(list))
			for i, s := range list {
				out[i] = sagaOf(s)
			}
			return paged(ctx, out, in.Limit, func(s Saga) string { return s.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/sagas/{id}", "get-saga", Read, "Give a saga with its steps"),
		func(ctx context.Context, in *SagaPath) (*found[Saga], error) {
			s, err := e.Saga(ctx, in.ID)
			return foundOf(sagaOf(s), s.Revision, err)
		})
	huma.Register(api, op(http.MethodPost, "/sagas/{id}/decision", "decide-saga", QA, "Decide about a saga that cannot go on by itself: retry, skip, or compensate"),
		func(ctx context.Context, in *struct {
			SagaPath
			BecauseOf
			Body SagaDecisionBody
		}) (*found[Saga], error) {
			s, err := e.Decide(ctx, Actor(ctx), in.Reason, in.ID, in.Body.Step, in.Body.Decision)
			return foundOf(sagaOf(s), s.Revision, err)
		})
}
