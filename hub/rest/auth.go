package rest

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"frostline/hub/people"
)

// answer sends a problem from a link of the chain.
func (a *API) answer(ctx huma.Context, p *Problem) {
	p.attend(ctx.Context())
	_, w := humago.Unwrap(ctx)
	p.write(w)
}

// identify finds out who asks, and whether the operation is theirs to use: by
// its scope, and by the table of hub/policy. Who shows a valid token is let through however many others at the same address
// show none.
func (a *API) identify(ctx huma.Context, next func(huma.Context)) {
	c, op := callOf(ctx.Context()), ctx.Operation()
	c.operation = op.OperationID
	if c.trusted {
		next(ctx)
		return
	}
	challenge := func(more, detail string) {
		if wait := a.strangers.Wait(c.origin, a.now()); wait > 0 {
			retry(ctx, wait)
			a.answer(ctx, fail(tooMany, "too many requests from %s without a valid token; ask again in %d s", c.origin, seconds(wait)))
			return
		}
		if a.strangers.Spend(c.origin, a.now()) {
			a.log.Warn("requests without a valid token; told once until they slow down", "origin", c.origin, "operation", c.operation)
		}
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="frostline"`+more)
		a.answer(ctx, fail(unauthorized, "%s; tokens are made by: frostline token create", detail))
	}
	who, ok := people.Caller{}, false
	var err error
	scheme, token, _ := strings.Cut(ctx.Header("Authorization"), " ")
	switch {
	case scheme == "" && a.cfg.Sessions != nil && ctx.Header("Cookie") != "":
		r, _ := humago.Unwrap(ctx)
		if a.cross.Check(r) != nil {
			a.answer(ctx, fail(forbidden, "a page elsewhere may not call this hub for who is signed in"))
			return
		}
		if who, ok, err = a.cfg.Sessions.Signed(r); err == nil && !ok {
			challenge("", "nobody is signed in; sign in at /signin, or show a token")
			return
		}
	case scheme == "":
		challenge("", "header Authorization: missing; want Bearer and a token")
		return
	case !strings.EqualFold(scheme, "Bearer") || token == "" || strings.ContainsAny(token, " ,"):
		challenge(`, error="invalid_request"`, "header Authorization: want Bearer, a space and a token")
		return
	default:
		who, ok, err = a.cfg.Tokens.Caller(ctx.Context(), token)
	}
	if err != nil {
		p := fail(busy, "who calls could not be looked up; ask again in a moment")
		p.cause = fmt.Errorf("authenticate: %w", err)
		retry(ctx, time.Second)
		a.answer(ctx, p)
		return
	}
	if !ok {
		challenge(`, error="invalid_token"`, "token: unknown, expired or revoked")
		return
	}
	c.actor, c.scopes = who.Actor, who.Scopes
	for _, need := range op.Security {
		for _, scope := range need[bearer] {
			if !slices.Contains(c.scopes, scope) {
				ctx.SetHeader("WWW-Authenticate", fmt.Sprintf(`Bearer realm="frostline", error="insufficient_scope", scope=%q`, scope))
				a.answer(ctx, fail(forbidden, "token of %s: it has no scope %q, which is to %s", c.actor, scope, Scopes[Scope(scope)]))
				return
			}
		}
	}
	if rule, ok := a.cfg.rule(op.OperationID); !ok || !rule.Actor(who.Actor, who.Roles) {
		want := "the roles of persons that may are: " + strings.Join(rule.Roles, ", ")
		a.answer(ctx, fail(forbidden, "%s may not: %s", c.actor, want))
		return
	}
	next(ctx)
}

// admit bounds the rate of a caller.
func (a *API) admit(ctx huma.Context, next func(huma.Context)) {
	c := callOf(ctx.Context())
	if !c.trusted {
		if wait := a.callers.Take(c.actor, a.now()); wait > 0 {
			retry(ctx, wait)
			a.answer(ctx, fail(tooMany, "%s asks more than %d times a second; ask again in %d s", c.actor, perSecond, seconds(wait)))
			return
		}
	}
	within, cancel := context.WithTimeout(people.WithOrigin(ctx.Context(), c.actor+" at "+c.origin), answerWithin+max(ctx.Operation().BodyReadTimeout, 0))
	defer cancel()
	next(huma.WithContext(ctx, within))
}

func seconds(d time.Duration) int { return max(int(math.Ceil(d.Seconds())), 1) }

func retry(ctx huma.Context, after time.Duration) {
	ctx.SetHeader("Retry-After", strconv.Itoa(seconds(after)))
}

// writes says whether a method can change something.
func writes(method string) bool {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return false
	}
	return true
}
