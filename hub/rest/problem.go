package rest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/event"
	"frostline/hub/store"
)

// Problem is an error on the wire (RFC 9457). An operation may add members of
// its own, such as the report of an import.
type Problem struct {
	_ struct{} `additionalProperties:"true"`

	Type     string  `json:"type" format:"uri" doc:"Kind of the problem. Stable: programs may compare it."`
	Title    string  `json:"title" doc:"The kind in words."`
	Status   int     `json:"status" doc:"HTTP status."`
	Detail   string  `json:"detail" doc:"What was wrong here, and what to do."`
	Instance string  `json:"instance" format:"uri" doc:"This request, as the hub's log names it."`
	Errors   []Fault `json:"errors,omitempty" doc:"Each thing that was wrong with the request."`

	kind  kind
	cause error // for the log, never told
}

// Fault is one thing that was wrong with a request.
type Fault struct {
	In      string `json:"in" enum:"body,path,query,header" doc:"Part of the request."`
	Pointer string `json:"pointer" doc:"JSON pointer (RFC 6901) into the body, or / and the name of the parameter."`
	Detail  string `json:"detail" doc:"What is wanted instead."`
	Value   string `json:"value,omitempty" doc:"What was sent, shortened; never of a secret."`
}

// kind is a kind of problem: its name in the type URI, its status and title.
type kind struct {
	name   string
	status int
	title  string
}

// urn is the namespace of the type URIs.
const urn = "urn:frostline:problem:"

// The kinds of problems. Their names are part of the interface.
var (
	malformed    = kind{"malformed", http.StatusBadRequest, "the request cannot be read"}
	unauthorized = kind{"unauthorized", http.StatusUnauthorized, "a valid token is needed"}
	forbidden    = kind{"forbidden", http.StatusForbidden, "the caller may not do this"}
	notFound     = kind{"not-found", http.StatusNotFound, "there is no such thing"}
	method       = kind{"method-not-allowed", http.StatusMethodNotAllowed, "the path does not know this method"}
	timeout      = kind{"timeout", http.StatusRequestTimeout, "the request did not arrive in time"}
	conflict     = kind{"conflict", http.StatusConflict, "it contradicts what is there"}
	inProgress   = kind{"in-progress", http.StatusConflict, "the same request is still being worked on"}
	stale        = kind{"stale", http.StatusPreconditionFailed, "it has been changed meanwhile"}
	tooLarge     = kind{"too-large", http.StatusRequestEntityTooLarge, "the request is too large"}
	uriTooLong   = kind{"uri-too-long", http.StatusRequestURITooLong, "the address is too long"}
	mediaType    = kind{"media-type", http.StatusUnsupportedMediaType, "the body is of an unknown type"}
	unacceptable = kind{"invalid", http.StatusUnprocessableEntity, "the request does not say something that can be"}
	keyReused    = kind{"idempotency-key-reused", http.StatusUnprocessableEntity, "the idempotency key belongs to another request"}
	refused      = kind{"refused", http.StatusUnprocessableEntity, "a rule forbids it"}
	tooMany      = kind{"too-many-requests", http.StatusTooManyRequests, "too many requests"}
	broken       = kind{"internal", http.StatusInternalServerError, "the hub could not answer"}
	unknown      = kind{"outcome-unknown", http.StatusServiceUnavailable, "whether it was done is not known"}
	slow         = kind{"slow", http.StatusServiceUnavailable, "it took too long"}
	stopping     = kind{"stopping", http.StatusServiceUnavailable, "the hub is stopping"}
	unavailable  = kind{"unavailable", http.StatusServiceUnavailable, "the hub's store takes nothing now, and nothing was done"}
	busy         = kind{"busy", http.StatusServiceUnavailable, "the hub is busy"}
)

var kinds = []kind{malformed, unauthorized, forbidden, notFound, method, timeout, conflict, stale, tooLarge, uriTooLong, mediaType, unacceptable, tooMany, broken, busy}

// Error gives the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus is for huma.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is for huma.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// Unwrap gives the error behind it.
func (p *Problem) Unwrap() error { return p.cause }

// fail makes a problem of a kind. The detail says what was sent and what to do.
func fail(k kind, format string, args ...any) *Problem {
	return &Problem{Type: urn + k.name, Title: k.title, Status: k.status, Detail: fmt.Sprintf(format, args...), kind: k}
}

// failAt is fail with one fault: a place in the request.
func failAt(k kind, in, pointer, value, format string, args ...any) *Problem {
	p := fail(k, format, args...)
	p.Errors = []Fault{{In: in, Pointer: pointer, Detail: p.Detail, Value: shown(pointer, value)}}
	return p
}

// invalid says that a body has the right shape but makes no sense, by a check
// whose text begins with the name of the field.
func invalid(err error) error {
	if err == nil {
		return nil
	}
	return &Problem{Type: urn + unacceptable.name, Title: unacceptable.title, Status: unacceptable.status, Detail: err.Error(), kind: unacceptable, cause: err}
}

// meaning is what an error of a context is on the wire.
type meaning struct {
	err  error
	kind kind
}

var meanings = []meaning{
	{event.ErrStale, stale},
	{event.ErrReused, conflict},
	{store.ErrUnknown, unknown},
	{store.ErrClosed, stopping},
	{event.ErrNotDone, unavailable},
	{context.DeadlineExceeded, slow},
}

// means says what an error of a context is on the wire; its text is the
// detail. To be called from init.
func means(err error, k kind) { meanings = append(meanings, meaning{err, k}) }

// waiting is an error that passes by itself, such as people.WaitError.
type waiting interface {
	error
	RetryAfter() time.Duration
}

// problemOf makes a problem of any error that an operation returned.
func problemOf(op *huma.Operation, err error) *Problem {
	if p := (*Problem)(nil); errors.As(err, &p) {
		return p.named(op)
	}
	if wait, ok := errors.AsType[waiting](err); ok {
		p := fail(tooMany, "%v", wait)
		p.cause = err
		return p
	}
	for _, m := range meanings {
		if errors.Is(err, m.err) {
			p := fail(m.kind, "%v", err)
			if m.kind.status >= http.StatusInternalServerError {
				p.turn(m.kind)
			}
			p.cause = err
			return p.named(op)
		}
	}
	p := fail(broken, "the hub could not do it; its log says why")
	if store.Unwell(err) { // a full disk, say
		p.turn(unavailable)
	}
	p.cause = err
	return p
}

// turn makes it a problem that asking again may solve.
func (p *Problem) turn(k kind) {
	cause := p.cause
	*p = *fail(k, "%s; send it again, with the same %s where it changes something", k.title, keyHeader)
	p.cause = cause
}

// write sends a problem outside of huma.
func (p *Problem) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}
