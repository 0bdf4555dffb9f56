package binding

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"frostline/hub/trace/form"
	"frostline/hub/trace/repository"
	"frostline/hub/trace/subscription"
)

// Root is where the binding is mounted.
const Root = "/epcis"

// Scopes of tokens.
const (
	CaptureScope = "epcis:capture"
	QueryScope   = "epcis:query"
)

// Tokens tells who a bearer token speaks for.
type Tokens interface {
	// Authenticate gives the actor and scopes of a token. ok is false where the
	// token is unknown, expired or revoked; an error means that it could not be
	// found out.
	Authenticate(ctx context.Context, token string) (actor string, scopes []string, ok bool, err error)
}

// Repository keeps events; *repository.Repository does.
type Repository interface {
	Capture(ctx context.Context, c repository.Capture) (repository.Job, error)
	Job(ctx context.Context, id string) (repository.Job, error)
	Jobs(ctx context.Context, before int64, limit int) ([]repository.Job, error)
	Fetch(ctx context.Context, q repository.Query, from *repository.Position, limit int) ([]repository.Row, *repository.Position, error)
	Event(ctx context.Context, id string) ([]repository.Row, error)
	Values(ctx context.Context, kind repository.Kind, after string, limit int) ([]string, error)
	Has(ctx context.Context, kind repository.Kind, value string) (bool, error)
}

// Subscriptions keep named queries and who subscribes to them;
// *subscription.Desk does.
type Subscriptions interface {
	Create(ctx context.Context, actor string, d subscription.Definition) error
	Query(ctx context.Context, name string) (subscription.Definition, error)
	Queries(ctx context.Context, after string, limit int) ([]subscription.Definition, error)
	Delete(ctx context.Context, name string) error
	Subscribe(ctx context.Context, actor, query string, o subscription.Order) (subscription.Subscription, error)
	Subscription(ctx context.Context, query, id string) (subscription.Subscription, error)
	Subscriptions(ctx context.Context, query, after string, limit int) ([]subscription.Subscription, error)
	Unsubscribe(ctx context.Context, query, id string) error
}

// Config is what a binding needs. URN, Now and Version may be missing.
type Config struct {
	Repository    Repository
	Subscriptions Subscriptions
	Tokens        Tokens
	Log           *slog.Logger
	URN           form.Translator  // nil: what came as Digital Link stays one
	Version       string           // of the hub
	Now           func() time.Time // nil means time.Now
}

// Binding answers requests under Root. It is safe for concurrent use.
type Binding struct {
	Config
	mux     *http.ServeMux
	allowed map[string]string // methods of each pattern
	limiter
	captures chan struct{} // holds one for each capture being read
}

// New makes a binding. It starts nothing.
func New(c Config) (*Binding, error) {
	if c.Repository == nil || c.Subscriptions == nil || c.Tokens == nil || c.Log == nil {
		return nil, errors.New("epcis binding: Repository, Subscriptions, Tokens and Log are required")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	b := &Binding{Config: c, mux: http.NewServeMux(), limiter: newLimiter(), captures: make(chan struct{}, captureAtOnce)}
	b.routes()
	return b, nil
}

// Handler answers callers who show a token.
func (b *Binding) Handler() http.Handler { return b.guard(nil) }

// Trusted answers callers whom the transport vouches for: actor gives who asks,
// or "" to refuse. Such a caller has every scope.
func (b *Binding) Trusted(actor func(*http.Request) string) http.Handler { return b.guard(actor) }
