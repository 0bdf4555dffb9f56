package rest

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Scope is a right that a token carries. An operation needs exactly one; none
// implies another.
type Scope string

// The scopes.
const (
	Read  Scope = "read"  // look at anything but people and tokens
	Write Scope = "write" // enter records, orders, scans and statements
	QA    Scope = "qa"    // decide on excursions, sign, place and lift holds
	Fleet Scope = "fleet" // settings, commands and releases of gateways
	Admin Scope = "admin" // people, tokens, rules
)

// Scopes are all there are, with what each allows.
var Scopes = map[Scope]string{
	Read:  "look at anything but people and tokens",
	Write: "enter records, orders, scans and statements",
	QA:    "decide on excursions, sign, place and lift holds",
	Fleet: "say what gateways are to be and do",
	Admin: "keep people, tokens and rules",
}

const (
	maxBody      = 1 << 20  // bytes, unless limits says otherwise
	maxImport    = 16 << 20 // bytes, the most that limits may say
	bodyWithin   = 10 * time.Second
	answerWithin = 30 * time.Second
)

// bearer is the name of the security scheme.
const bearer = "token"

// operation describes an operation that needs a scope. id is unique, in kebab
// case, and stays the same: clients are generated from it, and idempotency keys
// are kept by it.
func operation(method, path, id string, scope Scope, summary string) huma.Operation {
	return huma.Operation{
		Method: method, Path: path, OperationID: id, Summary: summary,
		Security:                     []map[string][]string{{bearer: {string(scope)}}},
		RejectUnknownQueryParameters: true,
		MaxBodyBytes:                 maxBody,
		BodyReadTimeout:              bodyWithin,
		Errors: []int{
			http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound,
			http.StatusRequestTimeout, http.StatusConflict, http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong, http.StatusUnsupportedMediaType,
			http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable,
		},
	}
}

// limits gives an operation that imports much more room: bytes of its body,
// at most 16 MiB, and time to send and to work through it.
func limits(op huma.Operation, bytes int64, within time.Duration) huma.Operation {
	op.MaxBodyBytes, op.BodyReadTimeout = min(bytes, maxImport), within
	return op
}

// tagged puts an operation under a heading of the document.
func tagged(op huma.Operation, tag string) huma.Operation {
	op.Tags = []string{tag}
	return op
}

// orCreated declares that an operation that has been registered answers 201
// where there was nothing before, and else 200, with the same.
func orCreated(op *huma.Operation) {
	created := *op.Responses["200"]
	created.Description = "Created"
	op.Responses["200"].Description = "OK: it was there"
	op.Responses["201"] = &created
}

// status sets what a success is answered with, where it is not 200 with a body
// or 204 without.
func status(op huma.Operation, code int) huma.Operation {
	op.DefaultStatus = code
	return op
}
