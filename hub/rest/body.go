package rest

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// read takes in the whole body, bounded in size and time, and refuses one that
// is not of the type that the operation takes or not strictly JSON. It also
// refuses a parameter that is given twice.
func (a *API) read(ctx huma.Context, next func(huma.Context)) {
	c, op := callOf(ctx.Context()), ctx.Operation()
	r, w := humago.Unwrap(ctx)
	q := r.URL.Query()
	for name, values := range q {
		if len(values) > 1 && !repeats(op, name) {
			a.answer(ctx, failAt(unacceptable, "query", "/"+short(name), values[1], "query parameter %q: given %d times; give it once", short(name), len(values)))
			return
		}
	}
	q.Del("page")
	q.Del("limit")
	c.filter = r.URL.Path + "?" + q.Encode()
	body, p := a.take(r, w, op)
	if p != nil {
		if p.kind == tooLarge || p.kind == timeout {
			ctx.SetHeader("Connection", "close")
		}
		a.answer(ctx, p)
		return
	}
	if writes(op.Method) && r.Header.Get(keyHeader) != "" {
		said := body
		if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media == "application/json" {
			said = hidden(body)
		}
		c.body = sha256.Sum256(fmt.Appendf(nil, "%s %q %q %q\n%s", r.Method, c.filter, r.Header.Get("Content-Type"), r.Header.Get("If-Match"), said))
	}
	sent := r.Clone(ctx.Context())
	sent.Body = io.NopCloser(bytes.NewReader(body))
	next(humago.NewContext(op, sent, w))
}

// repeats says whether a parameter is a list.
func repeats(op *huma.Operation, name string) bool {
	return slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool {
		return p.In == "query" && p.Name == name && p.Schema != nil && p.Schema.Type == huma.TypeArray
	})
}

// take reads and checks the body.
func (a *API) take(r *http.Request, w http.ResponseWriter, op *huma.Operation) ([]byte, *Problem) {
	most := op.MaxBodyBytes
	if most <= 0 {
		most = maxBody
	}
	if r.ContentLength > most {
		return nil, fail(tooLarge, "body of %d bytes: want at most %d", r.ContentLength, most)
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
		return nil, fail(mediaType, "header Content-Encoding %q: want the body as it is", short(e))
	}
	rc, within := http.NewResponseController(w), op.BodyReadTimeout
	if within <= 0 {
		within = bodyWithin
	}
	_ = rc.SetReadDeadline(time.Now().Add(within))
	_ = rc.SetWriteDeadline(time.Now().Add(within + answerWithin + writeWithin))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	var over *http.MaxBytesError
	var slow net.Error
	switch {
	case errors.As(err, &over):
		return nil, fail(tooLarge, "body: want at most %d bytes", most)
	case errors.As(err, &slow) && slow.Timeout():
		return nil, fail(timeout, "body: it did not arrive within %v", within)
	case err != nil:
		return nil, fail(malformed, "body: it ended early")
	}
	if op.RequestBody == nil {
		if len(body) > 0 {
			return nil, fail(malformed, "body of %d bytes: this operation takes none", len(body))
		}
		return nil, nil
	}
	if len(body) == 0 {
		if op.RequestBody.Required {
			return nil, failAt(malformed, "body", "", "", "body: missing")
		}
		return nil, nil
	}
	if p := typed(r.Header.Get("Content-Type"), body, op); p != nil {
		return nil, p
	}
	return body, a.unwanted(body, op)
}

// typed checks that a body is of a type that the operation takes.
func typed(header string, body []byte, op *huma.Operation) *Problem {
	want := strings.Join(slices.Sorted(maps.Keys(op.RequestBody.Content)), " or ")
	media, params, err := mime.ParseMediaType(header)
	if err != nil {
		return fail(mediaType, "header Content-Type %q: want %s", short(header), want)
	}
	if _, ok := op.RequestBody.Content[media]; !ok {
		return fail(mediaType, "header Content-Type %q: want %s", short(header), want)
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return fail(mediaType, "header Content-Type %q: want charset utf-8", short(header))
	}
	if media == "application/json" {
		return strict(body)
	}
	return nil
}
