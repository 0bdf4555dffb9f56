package rest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"

	"github.com/danielgtaylor/huma/v2"
)

// call is what is known of one request.
type call struct {
	id        string // for the log, in Problem.Instance
	actor     string
	trusted   bool // over the hub's own socket
	origin    string
	scopes    []string
	operation string
	filter    string // parameters other than page, canonical
	pageKey   []byte
	key       string            // idempotency key, or ""
	body      [sha256.Size]byte // of everything that the request says
	made      int               // ids made from the key
	log       *slog.Logger
	failed    func()
}

type callKey struct{}

func callOf(ctx context.Context) *call {
	if c, ok := ctx.Value(callKey{}).(*call); ok {
		return c
	}
	return &call{}
}

// Actor is who asks: "person/ID", "partner/ID", or "os/UID" for one who came
// over the hub's socket; "" outside of a request.
func Actor(ctx context.Context) string { return callOf(ctx).actor }

// Allowed says whether the caller has a scope beyond the one that the operation
// asks for.
func Allowed(ctx context.Context, s Scope) bool {
	c := callOf(ctx)
	for _, has := range c.scopes {
		if has == string(s) {
			return true
		}
	}
	return c.trusted
}

// freshID makes an id: random, or, where the request has an idempotency key,
// the same one each time that the request is repeated. Several of one request
// differ, so they must be asked for in an order that stays. It is 26
// characters of [0-9a-f].
func freshID(ctx context.Context) string {
	c := callOf(ctx)
	if c.key == "" {
		var b [13]byte
		rand.Read(b[:])
		return hex.EncodeToString(b[:])
	}
	c.made++
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %d", c.actor, c.operation, c.key, c.made))
	return hex.EncodeToString(sum[:13])
}

// finish is what every answer goes through: a problem that an operation
// returned is completed. It is a huma.Transformer.
func finish(ctx huma.Context, _ string, v any) (any, error) {
	p, ok := v.(*Problem)
	if !ok {
		return v, nil
	}
	one := *p // it may be shared
	if wait, ok := errors.AsType[waiting](one.cause); ok {
		retry(ctx, wait.RetryAfter())
	}
	one.named(ctx.Operation())
	one.attend(ctx.Context())
	return &one, nil
}

// attend names the request in a problem, and logs what is not the caller's
// fault.
func (p *Problem) attend(ctx context.Context) {
	c := callOf(ctx)
	if p.Status == broken.status && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		// What was interrupted says so in its own words.
		p.turn(slow)
	}
	p.Instance = "urn:frostline:request:" + c.id
	if p.Status < 500 || c.log == nil || errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	c.log.Error("request could not be answered", "request", c.id, "operation", c.operation, "by", c.actor, "status", p.Status, "error", p.cause)
	if c.failed != nil {
		c.failed()
	}
}
