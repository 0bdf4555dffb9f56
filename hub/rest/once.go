package rest

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// keyHeader names what makes a request one, however often it is sent.
const keyHeader = "Idempotency-Key"

var keyForm = regexp.MustCompile(`^[!-~]{1,128}$`)

// once answers a repeated request with the reply of the first: the same key,
// actor and operation. Replies are kept in the store for a day, whether they
// tell of a success or of a fault of the caller; those that tell of a fault of
// the hub, or of the moment (401, 403, 408, 429), are not, so that asking again
// tries again.
//
// A hub that dies after the operation has committed and before the reply is
// kept does the operation again when it is repeated: freshID and the ids that
// callers give make that the same events, which are done once.
func (a *API) once(ctx huma.Context, next func(huma.Context)) {
	c, op := callOf(ctx.Context()), ctx.Operation()
	r, w := humago.Unwrap(ctx)
	if !writes(op.Method) || r.Header.Get(keyHeader) == "" {
		next(ctx)
		return
	}
	key := r.Header.Get(keyHeader)
	if len(r.Header.Values(keyHeader)) > 1 || !keyForm.MatchString(key) {
		a.answer(ctx, failAt(malformed, "header", "/"+keyHeader, key, "header %s %q: want one, of 1 to 128 visible ASCII characters, such as a UUID", keyHeader, short(key)))
		return
	}
	c.key = key
	digest := replyKey(c.actor, c.operation, key)
	request := hex.EncodeToString(c.body[:])
	if !a.replies.claim(digest) {
		retry(ctx, time.Second)
		a.answer(ctx, fail(inProgress, "header %s %q: the request that carries it is still being worked on; ask again in a second", keyHeader, short(key)))
		return
	}
	defer a.replies.release(digest)
	seals := sealer(c.actor, c.operation, key)
	kept, found, err := a.replies.load(ctx.Context(), digest)
	if err == nil && found {
		kept.body, err = unseal(seals, kept.body)
	}
	switch {
	case err != nil:
		p := fail(broken, "the hub could not do it; its log says why")
		p.cause = fmt.Errorf("read reply: %w", err)
		a.answer(ctx, p)
		return
	case found && kept.request != request:
		a.answer(ctx, failAt(keyReused, "header", "/"+keyHeader, key, "header %s %q: it was sent with another request; take a new one", keyHeader, short(key)))
		return
	case found:
		a.metrics.replayed.Inc()
		kept.send(w)
		return
	}
	rec := &recorder{header: w.Header().Clone()}
	next(humago.NewContext(op, r, rec))
	got := reply{request: request, status: rec.status, header: pick(rec.header), body: rec.body.Bytes()}
	if got.status == 0 {
		got.status = http.StatusOK
	}
	if keeps(got.status) {
		// The operation is done: what follows must not depend on whether the
		// caller still waits.
		save, cancel := context.WithTimeout(context.WithoutCancel(ctx.Context()), answerWithin)
		defer cancel()
		sealed := got
		sealed.body = seal(seals, got.body)
		if err := a.replies.save(save, digest, sealed); err != nil {
			a.metrics.failed.Inc()
			a.log.Error("reply could not be kept; a repetition will be done anew", "request", c.id, "operation", c.operation, "error", err)
		}
	}
	for name, values := range rec.header {
		w.Header()[name] = values
	}
	w.WriteHeader(got.status)
	_, _ = w.Write(got.body)
}

// keeps says whether a reply of a status is kept.
func keeps(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return false
	}
	return status < 500
}

// recorder holds a reply back until it is kept.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.body.Write(b)
}

// replayed are the headers that belong to a reply, and not to the connection
// or to the one request.
var replayed = []string{"Content-Type", "Etag", "Location"}

func pick(h http.Header) map[string]string {
	out := map[string]string{}
	for _, name := range replayed {
		if v := h.Get(name); v != "" {
			out[name] = v
		}
	}
	return out
}

// send answers from the record.
func (r reply) send(w http.ResponseWriter) {
	for name, v := range r.header {
		w.Header().Set(name, v)
	}
	w.Header().Set("Idempotency-Replayed", "true")
	w.WriteHeader(r.status)
	_, _ = w.Write(r.body)
}
