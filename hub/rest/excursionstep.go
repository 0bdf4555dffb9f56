package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/excursion"
	"frostline/hub/fact"
)

// registerSteps registers what people do to excursions. A step that the state
// does not allow is a conflict that names the state and the steps allowed.
func registerSteps(api huma.API, x Excursions, op func(method, path, id string, scope Scope, summary string) huma.Operation) {
	post := func(step, summary string, scope Scope) huma.Operation {
		return op(http.MethodPost, "/{id}/"+step, step+"-excursion", scope, summary)
	}
	huma.Register(api, post("acknowledge", "Say that somebody knows of it, which stops its escalation", Write),
		func(ctx context.Context, in *struct {
			ExcursionStep
			Body StepReasonIfAny
		}) (*excursionReply, error) {
			by, err := in.by(ctx, in.Body.Reason)
			if err != nil {
				return nil, err
			}
			return excursionOf(x.Acknowledge(ctx, by))
		})
	reasoned := func(o huma.Operation, do func(context.Context, excursion.By) (excursion.View, error)) {
		huma.Register(api, o, func(ctx context.Context, in *struct {
			ExcursionStep
			Body StepReason
		}) (*excursionReply, error) {
			by, err := in.by(ctx, in.Body.Reason)
			if err != nil {
				return nil, err
			}
			return excursionOf(do(ctx, by))
		})
	}
	reasoned(post("investigate", "Take it under investigation, also back from a later state", QA), x.Investigate)
	reasoned(post("close", "Close it, once two persons have signed", QA), x.Close)
	huma.Register(api, post("assess", "Say which span of the watch is assessed, and keep what the engine says of it", QA),
		func(ctx context.Context, in *struct {
			ExcursionStep
			Body AssessBody
		}) (*excursionReply, error) {
			by, err := in.by(ctx, in.Body.Reason)
			if err != nil {
				return nil, err
			}
			return excursionOf(x.Assess(ctx, by, in.Body.From, in.Body.To))
		})
	huma.Register(api, post("propose", "Propose a disposition for each affected unit", QA),
		func(ctx context.Context, in *struct {
			ExcursionStep
			Body ProposalBody
		}) (*excursionReply, error) {
			by, err := in.by(ctx, in.Body.Reason)
			if err != nil {
				return nil, err
			}
			all := make([]excursion.Decision, 0, len(in.Body.Dispositions))
			for _, d := range in.Body.Dispositions {
				all = append(all, excursion.Decision(d))
			}
			return excursionOf(x.Propose(ctx, by, all))
		})
	signed := func(o huma.Operation, do func(context.Context, excursion.By, excursion.Proof) (excursion.View, error)) {
		huma.Register(api, o, func(ctx context.Context, in *struct {
			ExcursionStep
			Body ProofBody
		}) (*excursionReply, error) {
			by, err := in.by(ctx, "")
			if err != nil {
				return nil, err
			}
			proof, err := in.Body.proof()
			if err != nil {
				return nil, err
			}
			return excursionOf(do(ctx, by, proof))
		})
	}
	signed(post("sign", "Sign the disposition as reviewed, with the password or a passkey given anew", QA), x.Sign)
	signed(post("approve", "Sign the disposition as approved; another person, with the role qa_approver", QA), x.Approve)
	huma.Register(api, op(http.MethodPost, "/{id}/comments", "comment-on-excursion", Write, "Add a comment and references to documents"),
		func(ctx context.Context, in *struct {
			ExcursionStep
			Body CommentBody
		}) (*excursionReply, error) {
			by, err := in.by(ctx, "")
			if err != nil {
				return nil, err
			}
			refs := make([]fact.Attachment, 0, len(in.Body.Attachments))
			for _, a := range in.Body.Attachments {
				refs = append(refs, fact.Attachment{Name: a.Name, Where: a.Where, SHA256: a.SHA256})
			}
			return excursionOf(x.Comment(ctx, by, in.Body.Text, refs))
		})
}
