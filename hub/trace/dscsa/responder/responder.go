// Package responder answers trading partners who verify product identifiers, by
// GS1's Lightweight Messaging Standard:
//
//	GET /verify/gtin/{gtin}/lot/{lot}/ser/{serial}?exp=YYMMDD&linkType=verificationService&context=dscsaSaleableReturn&reqGLN=…&corrUUID=…
//	GET /checkConnectivity?gtin=…&reqGLN=…&context=dscsaSaleableReturn
//
// A caller shows a bearer token with the scope verify. Whatever is no answer is a
// status without JSON, as the standard has it, with the reason as text. Requests
// are bounded in size, number and time; what a requester says of persons to be
// called back is neither read nor kept.
package responder

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"frostline/hub/fact"
	"frostline/hub/gate"
	"frostline/hub/record"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/dscsa/vrs"
	"frostline/proto/gs1"
)

// Scope is what a token needs.
const Scope = "verify"

// Tokens tells who a bearer token speaks for.
type Tokens interface {
	Authenticate(ctx context.Context, token string) (actor string, scopes []string, ok bool, err error)
}

// Desk answers; *dscsa.Desk does.
type Desk interface {
	Verify(ctx context.Context, by string, q dscsa.Inquiry) (vrs.Answer, error)
	Deals(ctx context.Context, gtin string) (responder string, err error)
}

const (
	within    = 10 * time.Second
	perSecond = 50 // of a caller
	unknowns  = 1  // a second of an address, without a valid token
	atOnce    = 64 // requests being answered
	maxQuery  = 2048
)

// Handler answers. It is safe for concurrent use.
type Handler struct {
	desk    Desk
	tokens  Tokens
	log     *slog.Logger
	running chan struct{}
	mux     *http.ServeMux

	callers   *gate.Pace // by actor
	strangers *gate.Pace // by origin: requests without a valid token
}

// New makes a Handler. It starts nothing.
func New(d Desk, t Tokens, log *slog.Logger) (*Handler, error) {
	if d == nil || t == nil || log == nil {
		return nil, errors.New("responder: desk, tokens and log are required")
	}
	h := &Handler{desk: d, tokens: t, log: log, running: make(chan struct{}, atOnce), mux: http.NewServeMux(),
		callers: gate.NewPace(perSecond, 2*perSecond), strangers: gate.NewPace(unknowns, 10)}
	h.mux.HandleFunc("GET /verify/gtin/{gtin}/lot/{lot}/ser/{serial}", h.verify)
	h.mux.HandleFunc("GET /checkConnectivity", h.connect)
	return h, nil
}

// Paths are what the handler is mounted under.
var Paths = []string{"/verify/", "/checkConnectivity"}

type actorKey struct{}

// ServeHTTP is for http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	default:
		head.Set("Retry-After", "1")
		http.Error(w, "too many requests are being answered", http.StatusServiceUnavailable)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), within)
	defer cancel()
	if len(r.URL.RawQuery) > maxQuery || r.ContentLength > 0 {
		http.Error(w, "query: want at most 2048 bytes, and no body", http.StatusBadRequest)
		return
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		token = ""
	}
	actor, scopes, ok, err := h.tokens.Authenticate(ctx, token)
	switch {
	case err != nil:
		h.broken(w, r, err)
	case !ok:
		if h.strangers.Take(gate.Origin(r), time.Now()) > 0 {
			h.slowDown(w)
			return
		}
		head.Set("WWW-Authenticate", `Bearer realm="frostline"`)
		http.Error(w, "header Authorization: want Bearer, a space and a valid token", http.StatusUnauthorized)
	case !has(scopes):
		http.Error(w, "token: has no scope verify", http.StatusForbidden)
	case h.callers.Take(actor, time.Now()) > 0:
		h.slowDown(w)
	default:
		h.mux.ServeHTTP(w, r.WithContext(context.WithValue(ctx, actorKey{}, actor)))
	}
}

func (h *Handler) slowDown(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, "too many requests; ask again in a second", http.StatusTooManyRequests)
}

func has(scopes []string) bool {
	for _, s := range scopes {
		if s == Scope {
			return true
		}
	}
	return false
}

// verify answers GET /verify/…
func (h *Handler) verify(w http.ResponseWriter, r *http.Request) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		http.Error(w, "query: want name=value pairs, percent-encoded", http.StatusBadRequest)
		return
	}
	if v := q.Get("linkType"); v != "" && v != vrs.LinkType {
		http.Error(w, "linkType: want "+vrs.LinkType, http.StatusBadRequest)
		return
	}
	if v := q.Get("reqGLN"); v != "" && !gs1.ValidGLN(v) {
		http.Error(w, "reqGLN: want 13 digits with the right check digit", http.StatusBadRequest)
		return
	}
	actor, _ := r.Context().Value(actorKey{}).(string)
	a, err := h.desk.Verify(r.Context(), actor, dscsa.Inquiry{
		Product:   fact.ProductIdentifier{GTIN: r.PathValue("gtin"), Lot: r.PathValue("lot"), Serial: r.PathValue("serial"), Expiry: q.Get("exp")},
		Requester: q.Get("reqGLN"), Context: q.Get("context"), UUID: q.Get("corrUUID"),
	})
	h.answer(w, r, a, err)
}

// connect answers GET /checkConnectivity.
func (h *Handler) connect(w http.ResponseWriter, r *http.Request) {
	gtin := r.URL.Query().Get("gtin")
	if len(gtin) != 14 || !gs1.ValidGTIN(gtin) {
		http.Error(w, "gtin: want 14 digits with the right check digit", http.StatusBadRequest)
		return
	}
	responder, err := h.desk.Deals(r.Context(), gtin)
	h.answer(w, r, map[string]string{"responderGLN": responder}, err)
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, v any, err error) {
	switch {
	case errors.Is(err, record.ErrNotFound):
		http.Error(w, err.Error(), http.StatusNotFound)
	case errors.Is(err, record.ErrInvalid):
		http.Error(w, err.Error(), http.StatusBadRequest)
	case errors.Is(err, context.DeadlineExceeded):
		http.Error(w, "the answer took too long", http.StatusServiceUnavailable)
	case err != nil:
		h.broken(w, r, err)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
}

// broken answers what is not the caller's fault, and logs it.
func (h *Handler) broken(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() == nil {
		h.log.Error("verification could not be answered", "error", err)
	}
	http.Error(w, "the hub could not do it; its log says why", http.StatusInternalServerError)
}
