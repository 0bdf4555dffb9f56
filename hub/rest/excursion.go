package rest

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/event"
	"frostline/hub/excursion"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

// Excursions is what the operations on excursions need; *excursion.Cases has it.
type Excursions interface {
	Get(ctx context.Context, id string) (excursion.View, error)
	List(ctx context.Context, f excursion.Filter, after string, limit int) ([]excursion.View, error)
	Trail(ctx context.Context, id string, after int64, limit int) ([]event.Event, error)
	Acknowledge(ctx context.Context, by excursion.By) (excursion.View, error)
	Investigate(ctx context.Context, by excursion.By) (excursion.View, error)
	Assess(ctx context.Context, by excursion.By, from, to int64) (excursion.View, error)
	Propose(ctx context.Context, by excursion.By, decisions []excursion.Decision) (excursion.View, error)
	Sign(ctx context.Context, by excursion.By, p excursion.Proof) (excursion.View, error)
	Approve(ctx context.Context, by excursion.By, p excursion.Proof) (excursion.View, error)
	Close(ctx context.Context, by excursion.By) (excursion.View, error)
	Comment(ctx context.Context, by excursion.By, text string, refs []fact.Attachment) (excursion.View, error)
	Attach(ctx context.Context, by excursion.By, text string, all []excursion.Upload) (excursion.View, error)
	Document(ctx context.Context, id, sha string) (excursion.Document, []byte, error)
}

func init() {
	means(excursion.ErrNotFound, notFound)
	means(excursion.ErrOrder, conflict)
	means(excursion.ErrStale, stale)
	means(excursion.ErrForbidden, forbidden)
	means(excursion.ErrPassword, forbidden)
	means(excursion.ErrInvalid, unacceptable)
}

// ExcursionPath names an excursion.
type ExcursionPath struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Id of the excursion."`
}

// Excursion is one with what data say, what people have done, the steps that
// may follow, and what its signatures are worth now.
type Excursion struct{ excursion.View }

type excursionReply struct {
	ETag string `header:"ETag"`
	Body Excursion
}

func excursionOf(v excursion.View, err error) (*excursionReply, error) {
	if err != nil {
		return nil, err
	}
	return &excursionReply{etag(v.Version), Excursion{v}}, nil
}

// ExcursionStep is what every step takes.
type ExcursionStep struct {
	ExcursionPath
	Precondition
}

func (s *ExcursionStep) by(ctx context.Context, why string) (excursion.By, error) {
	expect, err := s.expect()
	return excursion.By{Actor: Actor(ctx), Case: s.ID, Why: why, Expect: expect, ID: "excursion-step-" + freshID(ctx)}, err
}

// StepReason is why a step is taken.
type StepReason struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why, for the trail."`
}

// StepReasonIfAny is why an excursion is acknowledged.
type StepReasonIfAny struct {
	Reason string `json:"reason,omitempty" nullable:"true" maxLength:"500" doc:"Why, for the trail."`
}

// AssessBody says which span was looked at.
type AssessBody struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Why this span, for the trail."`
	From   int64  `json:"from" minimum:"946684800000" maximum:"7258118400000" doc:"Unix milliseconds UTC, within the watch of the package."`
	To     int64  `json:"to" minimum:"946684800000" maximum:"7258118400000" doc:"Unix milliseconds UTC, after from."`
}

// DecisionBody names exactly one of unit, lot and package.
type DecisionBody struct {
	Unit     string `json:"unit,omitempty" nullable:"true" maxLength:"79" pattern:"^[0-9]{14}[.][!-~]{1,64}$" doc:"GTIN.SERIAL; goes before that of its lot."`
	Lot      string `json:"lot,omitempty" nullable:"true" maxLength:"64" doc:"All affected units of the lot."`
	Package  string `json:"package,omitempty" nullable:"true" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"All affected units without another decision, and those that are not listed."`
	Decision string `json:"decision" enum:"release,quarantine,reject,return" doc:"What is decided."`
}

// ProposalBody proposes a disposition.
type ProposalBody struct {
	Reason       string         `json:"reason" minLength:"1" maxLength:"500" doc:"Why, for the trail."`
	Dispositions []DecisionBody `json:"dispositions" minItems:"1" maxItems:"1000" doc:"Together they decide on every affected unit."`
}

// ProofBody is what an electronic signature takes: the password, or a passkey.
type ProofBody struct {
	Password string       `json:"password,omitempty" nullable:"true" maxLength:"1024" doc:"Of the person who signs, given anew; or else a passkey."`
	Passkey  *PasskeyBody `json:"passkey,omitempty" doc:"The answer of a passkey of the person who signs."`
	Content  string       `json:"content" minLength:"64" maxLength:"64" pattern:"^[0-9a-f]{64}$" doc:"The content digest of the excursion as it was shown: nobody signs what they have not seen."`
	Comment  string       `json:"comment,omitempty" nullable:"true" maxLength:"500" doc:"Becomes part of the signature."`
}

// PasskeyBody is what a page got for POST /me/sign/begin, and what the passkey
// answered.
type PasskeyBody struct {
	Held   string `json:"held" minLength:"1" maxLength:"8192" pattern:"^[A-Za-z0-9_-]+$" doc:"As it was given."`
	Answer string `json:"answer" minLength:"2" maxLength:"16384" doc:"The credential as JSON, as PublicKeyCredential.toJSON gives it; good once."`
}

func (b ProofBody) proof() (excursion.Proof, error) {
	p := excursion.Proof{Password: b.Password, Content: b.Content, Comment: b.Comment}
	if b.Passkey != nil {
		var err error
		p.Passkey, err = json.Marshal(b.Passkey)
		return p, err
	}
	return p, nil
}

// CommentBody adds words and references.
type CommentBody struct {
	Text        string           `json:"text" minLength:"1" maxLength:"500" doc:"The comment."`
	Attachments []AttachmentBody `json:"attachments,omitempty" nullable:"true" maxItems:"20" doc:"Documents kept elsewhere."`
}

// AttachmentBody refers to a document.
type AttachmentBody struct {
	Name   string `json:"name" minLength:"1" maxLength:"200" doc:"Of the document."`
	Where  string `json:"where" minLength:"1" maxLength:"500" doc:"Where it is kept."`
	SHA256 string `json:"sha256" minLength:"64" maxLength:"64" pattern:"^[0-9a-f]{64}$" doc:"Of its bytes, hex."`
}

// ExcursionFilter chooses excursions.
type ExcursionFilter struct {
	Paging
	State    string `query:"state" enum:"opened,acknowledged,under_investigation,proposed,signed,approved,closed,reopened,retracted" doc:"In this state."`
	Package  string `query:"package" maxLength:"64" pattern:"^[A-Za-z0-9][A-Za-z0-9._:+-]*$" doc:"Of this package."`
	Lot      string `query:"lot" maxLength:"64" doc:"With an affected unit of this lot."`
	Severity string `query:"severity" enum:"warning,alarm,critical" doc:"Of this severity."`
	Since    int64  `query:"since" minimum:"0" maximum:"7258118400000" doc:"With something that happened since, Unix milliseconds."`
}

// TrailEntry is one thing that happened to an excursion. It is never changed.
type TrailEntry struct {
	Version int64           `json:"version" doc:"Counts from 1."`
	ID      string          `json:"id"`
	Type    string          `json:"type" doc:"What happened."`
	At      int64           `json:"at" doc:"When it was recorded, Unix milliseconds UTC."`
	Actor   string          `json:"actor" doc:"Who."`
	Reason  string          `json:"reason,omitempty" doc:"Why."`
	Data    json.RawMessage `json:"data" doc:"With old and new values."`
}

func registerExcursions(api huma.API, x Excursions) {
	schemas := api.OpenAPI().Components.Schemas
	schemas.RegisterTypeAlias(reflect.TypeFor[thermal.Temp](), reflect.TypeFor[float64]())
	schemas.RegisterTypeAlias(reflect.TypeFor[json.RawMessage](), reflect.TypeFor[map[string]any]())
	op := func(method, path, id string, scope Scope, summary string) huma.Operation {
		return tagged(operation(method, "/excursions"+path, id, scope, summary), "excursions")
	}
	huma.Register(api, op(http.MethodGet, "", "list-excursions", Read, "List excursions, by when they began"),
		func(ctx context.Context, in *ExcursionFilter) (*listReply[Excursion], error) {
			after, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			f := excursion.Filter{State: in.State, Package: in.Package, Lot: in.Lot, Severity: in.Severity, Since: in.Since}
			list, err := x.List(ctx, f, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			all := make([]Excursion, 0, len(list))
			for _, v := range list {
				all = append(all, Excursion{v})
			}
			return paged(ctx, all, in.Limit, func(v Excursion) string { return v.ID }), nil
		})
	huma.Register(api, op(http.MethodGet, "/{id}", "get-excursion", Read, "Give one excursion, its signatures verified"),
		func(ctx context.Context, in *ExcursionPath) (*excursionReply, error) {
			return excursionOf(x.Get(ctx, in.ID))
		})
	huma.Register(api, op(http.MethodGet, "/{id}/trail", "list-excursion-trail", Read, "Say who did what to an excursion, when and why"),
		func(ctx context.Context, in *struct {
			ExcursionPath
			Paging
		}) (*listReply[TrailEntry], error) {
			token, err := in.after(ctx)
			if err != nil {
				return nil, err
			}
			after, _ := strconv.ParseInt(token, 10, 64) // ours; "" is 0
			events, err := x.Trail(ctx, in.ID, after, in.Limit+1)
			if err != nil {
				return nil, err
			}
			list := make([]TrailEntry, 0, len(events))
			for _, e := range events {
				list = append(list, TrailEntry{e.Version, e.ID, e.Type, e.At, e.Actor, e.Reason, e.Data})
			}
			return paged(ctx, list, in.Limit, func(e TrailEntry) string { return strconv.FormatInt(e.Version, 10) }), nil
		})
	registerSteps(api, x, op)
	registerDocuments(api, x, op)
}
