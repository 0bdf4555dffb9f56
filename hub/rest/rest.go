package rest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"frostline/hub/gate"
)

// API answers requests. Its methods may be called from any goroutine.
type API struct {
	cfg     Config
	log     *slog.Logger
	now     func() time.Time
	mux     *http.ServeMux
	huma    huma.API
	heads   map[string]bool // first segments of the paths there are
	pageKey []byte
	cross   *http.CrossOriginProtection // of calls by cookie

	running   chan struct{} // holds one for each request being answered
	callers   *gate.Pace    // by actor
	strangers *gate.Pace    // by origin: tokens that were refused
	replies   *replies
	metrics   metrics
	json      []byte // the document
	yaml      []byte
}

// New mounts what the configuration names. It reads the key of page tokens
// from the store, or makes it. It starts nothing.
func New(ctx context.Context, cfg Config) (*API, error) {
	if cfg.Store == nil || cfg.Tokens == nil || cfg.Log == nil {
		return nil, errors.New("rest: Store, Tokens and Log are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	a := &API{cfg: cfg, log: cfg.Log, now: cfg.Now, mux: http.NewServeMux(), heads: map[string]bool{}, cross: http.NewCrossOriginProtection()}
	a.bounds()
	a.metrics.init(cfg.Metrics)
	var err error
	if a.pageKey, err = secretKey(ctx, cfg.Store, "page", a.now()); err != nil {
		return nil, fmt.Errorf("rest: key of page tokens: %w", err)
	}
	a.replies = &replies{db: cfg.Store, now: a.now, busy: map[string]bool{}}
	a.huma = humago.New(a.mux, document(cfg.Version))
	a.huma.UseMiddleware(a.identify, a.admit, a.read, a.once)
	cfg.register(a.huma)
	if err := a.publish(); err != nil {
		return nil, fmt.Errorf("rest: %w", err)
	}
	return a, nil
}

// document is the frame of the OpenAPI document.
func document(version string) huma.Config {
	if version == "" {
		version = "0"
	}
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title: "Frostline hub", Version: version,
				Description: "Records, orders, scans, custody, verdicts and excursions of a cold chain. Times are Unix milliseconds UTC, temperatures degrees Celsius to a thousandth, durations milliseconds, unless a field says otherwise. Every error is application/problem+json with a stable type, urn:frostline:problem:NAME.",
			},
			Servers: []*huma.Server{{URL: "/", Description: "This hub"}},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
				SecuritySchemes: map[string]*huma.SecurityScheme{bearer: {
					Type: "http", Scheme: "bearer", BearerFormat: "frl_…",
					Description: "An API token, made by: frostline token create. The names beside it on an operation are the scopes that the token must have.",
				}},
			},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{finish},
	}
}

// publish makes the document, which does not change from here on.
func (a *API) publish() (err error) {
	doc := a.huma.OpenAPI()
	var missing []string
	for path, item := range doc.Paths {
		head, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		a.heads[head] = true
		for _, op := range operationsOf(item) {
			if err := sound(op); err != nil {
				return fmt.Errorf("%s %s: %w", op.Method, op.Path, err)
			}
			if _, ok := a.cfg.rule(op.OperationID); !ok {
				missing = append(missing, op.OperationID)
			}
			keepFields(op, doc.Components.Schemas)
			describe(op)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return fmt.Errorf("operations %s have no entry in hub/policy/calls.go: say there who may", strings.Join(missing, ", "))
	}
	if a.json, err = doc.MarshalJSON(); err != nil {
		return fmt.Errorf("make the OpenAPI document: %w", err)
	}
	if a.yaml, err = doc.YAML(); err != nil {
		return fmt.Errorf("make the OpenAPI document: %w", err)
	}
	for path, body := range map[string]struct {
		kind string
		text []byte
	}{"/openapi.json": {"application/openapi+json", a.json}, "/openapi.yaml": {"application/openapi+yaml", a.yaml}} {
		a.heads[path[1:]] = true
		a.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", body.kind)
			_, _ = w.Write(body.text)
		})
	}
	return nil
}

var inBraces = regexp.MustCompile(`\{(\w+)(\.\.\.)?\}`)

// sound refuses an operation that was not made by operation(), or whose input
// lacks a parameter of its path, as one does where it is in an embedded struct
// that is not exported.
func sound(op *huma.Operation) error {
	if len(op.Security) != 1 || len(op.Security[0][bearer]) != 1 {
		return errors.New("no scope; make it by operation()")
	}
	for _, m := range inBraces.FindAllStringSubmatch(op.Path, -1) {
		if !slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "path" && p.Name == m[1] }) {
			return fmt.Errorf("path parameter %s: the input has none; a struct that is embedded has to be exported", m[1])
		}
	}
	return nil
}

// operationsOf gives the operations of a path.
func operationsOf(item *huma.PathItem) (ops []*huma.Operation) {
	for _, op := range []*huma.Operation{item.Get, item.Put, item.Post, item.Patch, item.Delete, item.Head, item.Options, item.Trace} {
		if op != nil {
			ops = append(ops, op)
		}
	}
	return ops
}

// Serves says whether a path is one of this interface, so that a server that
// has pages too knows whom to ask.
func (a *API) Serves(path string) bool {
	head, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return a.heads[head]
}

// OpenAPI is the document. It must not be changed.
func (a *API) OpenAPI() *huma.OpenAPI { return a.huma.OpenAPI() }

// Handler answers callers who show a token, or who are signed in at the pages.
func (a *API) Handler() http.Handler { return a.guard(nil) }

// Trusted answers callers whom the transport vouches for: actor gives who asks,
// such as "os/1000" by the peer of a Unix socket, or "" to refuse. Such a
// caller has every scope, and no bound of rate.
func (a *API) Trusted(actor func(*http.Request) string) http.Handler { return a.guard(actor) }
