package rest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/store/storetest"
)

// attack is one operation under test.
type attack struct {
	*world
	t    *testing.T
	op   *huma.Operation
	g    shapes
	says answers
	path string // with valid parameters
	body string // valid, or ""
}

// TestOperations takes every operation of the document and sends it what it
// must refuse: it has to say so by the right problem, and nothing may have
// changed. An operation that is added is tested without a word.
func TestOperations(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testOperations(t, "sqlite:"+filepath.Join(t.TempDir(), "hub.db")) })
	t.Run("postgres", func(t *testing.T) { testOperations(t, storetest.Postgres(t)) })
}

func testOperations(t *testing.T, url string) {
	w := newWorld(t, url)
	says := newAnswers(t, w)
	for _, op := range w.operations() {
		t.Run(op.OperationID, func(t *testing.T) {
			w.t = t
			a := &attack{world: w, t: t, op: op, g: shapes{w.api.OpenAPI().Components.Schemas}, says: answers{t, says.c}}
			a.path = a.target(func(p *huma.Param) string { return fmt.Sprint(a.g.valid(p.Schema, 0)) })
			if a.json() != nil {
				a.body = encoded(a.g.valid(a.json(), 0))
			}
			before := w.state()
			a.callers()
			a.parameters()
			a.bodies()
			if after := w.state(); after != before {
				t.Errorf("what was refused has changed the store: %s, then %s", before, after)
			}
			a.hostile()
			a.repeated()
		})
	}
}

func (a *attack) json() *huma.Schema {
	if a.op.RequestBody == nil || a.op.RequestBody.Content["application/json"] == nil {
		return nil
	}
	return a.op.RequestBody.Content["application/json"].Schema
}

// target is the operation's address with values for its parameters; optional
// ones are left out.
func (a *attack) target(value func(*huma.Param) string) string {
	path, q := a.op.Path, url.Values{}
	for _, p := range a.op.Parameters {
		switch {
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value(p)))
		case p.In == "query" && p.Required:
			q.Set(p.Name, value(p))
		}
	}
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return path
}

func (a *attack) plus(query string) string {
	if strings.Contains(a.path, "?") {
		return a.path + "&" + query
	}
	return a.path + "?" + query
}

// send asks, and checks the reply against the document.
func (a *attack) send(what, target, body string, headers ...string) *httptest.ResponseRecorder {
	a.t.Helper()
	reply := ask(a.t, a.h, a.all(), a.op.Method, target, body, headers...)
	a.says.check(what, a.op, strconv.Itoa(reply.Code), reply.Header().Get("Content-Type"), reply.Body.Bytes())
	if reply.Code >= 500 {
		a.t.Errorf("%s: got %d %.300s", what, reply.Code, reply.Body)
	}
	return reply
}

// refused sends what must be answered with one of some kinds of problems.
func (a *attack) refused(what, target, body string, kinds []kind, headers ...string) {
	a.t.Helper()
	reply := a.send(what, target, body, headers...)
	for _, k := range kinds {
		if reply.Code == k.status {
			wantProblem(a.t, reply, k)
			return
		}
	}
	a.t.Errorf("%s: %s %.200s with %.300s: got %d %.300s, want %v", what, a.op.Method, target, body, reply.Code, reply.Body, kinds)
}

func (a *attack) callers() {
	scope := a.op.Security[0][bearer][0]
	wantProblem(a.t, ask(a.t, a.h, "", a.op.Method, a.path, a.body), unauthorized)
	for _, token := range []string{"frl_none", strings.Repeat("x", 3000), a.all()[:len(a.all())-1] + "1"} {
		wantProblem(a.t, ask(a.t, a.h, token, a.op.Method, a.path, a.body), unauthorized)
	}
	wantProblem(a.t, ask(a.t, a.h, "", a.op.Method, a.path, a.body, "Authorization", "Basic YTpi"), unauthorized)
	for _, other := range []string{"read", "write", "qa", "admin"} {
		if other != scope {
			wantProblem(a.t, ask(a.t, a.h, a.tokens[other], a.op.Method, a.path, a.body), forbidden)
		}
	}
	if reply := ask(a.t, a.h, a.all(), "BREW", a.path, ""); reply.Code != http.StatusMethodNotAllowed || !strings.Contains(reply.Header().Get("Allow"), a.op.Method) {
		a.t.Errorf("an unknown method: got %d, allowed %q", reply.Code, reply.Header().Get("Allow"))
	}
	if writes(a.op.Method) {
		for _, key := range []string{"with space", strings.Repeat("k", 129), "schl\u00fcssel"} {
			a.refused("idempotency key", a.path, a.body, []kind{malformed, mediaType}, keyHeader, key)
		}
	}
}

func (a *attack) parameters() {
	a.refused("unknown query parameter", a.plus("nobodyKnowsThis=1"), a.body, []kind{unacceptable, mediaType})
	a.refused("query that is none", a.plus("a=%zz"), a.body, []kind{malformed})
	a.refused("control character", a.plus("a=%00"), a.body, []kind{malformed})
	a.refused("not UTF-8", a.plus("a=%ff"), a.body, []kind{malformed})
	for _, p := range a.op.Parameters {
		hostile := []string{strings.Repeat("a", 1500), "\u2603", "'; DROP TABLE event; --"}
		switch p.In {
		case "path":
			for _, v := range append(hostile, "..", "../../etc/passwd", "a\x00b", "\xff") {
				target := strings.ReplaceAll(a.target(func(q *huma.Param) string {
					if q == p {
						return "REPLACED"
					}
					return fmt.Sprint(a.g.valid(q.Schema, 0))
				}), "REPLACED", url.PathEscape(v))
				a.refused("path "+p.Name, target, a.body, []kind{unacceptable, malformed, notFound, mediaType})
			}
		case "query":
			a.g.wrong(p.Schema, nil, "query "+p.Name, func(what string, v any) {
				s, ok := v.(string)
				if n, is := v.(raw); is {
					s, ok = string(n), true
				}
				if ok && s != "" && !(p.Schema.Type == huma.TypeBoolean && s == "true") {
					a.refused(what, a.plus(url.QueryEscape(p.Name)+"="+url.QueryEscape(s)), a.body, []kind{unacceptable, malformed, mediaType})
				}
			})
			if p.Schema.Type != huma.TypeArray {
				a.refused("query "+p.Name+" twice", a.plus(p.Name+"=1&"+p.Name+"=2"), a.body, []kind{unacceptable})
			}
		}
	}
}

func (a *attack) bodies() {
	if a.op.RequestBody == nil {
		a.refused("a body where none is taken", a.path, `{}`, []kind{malformed})
		return
	}
	most := int(a.op.MaxBodyBytes)
	a.refused("too large", a.path, `"`+strings.Repeat("a", most)+`"`, []kind{tooLarge})
	a.refused("no type", a.path, "x", []kind{mediaType}, "Content-Type", "")
	a.refused("strange type", a.path, "x", []kind{mediaType}, "Content-Type", "application/x-www-form-urlencoded")
	a.refused("compressed", a.path, "x", []kind{mediaType}, "Content-Encoding", "gzip")
	if a.json() == nil {
		return
	}
	a.refused("strange characters", a.path, a.body, []kind{mediaType}, "Content-Type", "application/json; charset=utf-16")
	a.refused("no body", a.path, "", []kind{malformed}, "Content-Type", "application/json")
	for what, body := range map[string]string{
		"half":       a.body[:len(a.body)-1],
		"more after": a.body + "{}",
		"nothing":    " ",
		"comment":    "/* */" + a.body,
		"not UTF-8":  strings.Replace(a.body, `"`, "\"\xff", 1),
		"deep":       strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000),
		"deep name":  strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat(`}`, 10_000),
		"NaN":        `{"a":NaN}`,
	} {
		a.refused(what, a.path, body, []kind{malformed})
	}
	if name, ok := firstName(a.body); ok {
		a.refused("name twice", a.path, `{"`+name+`":1,`+a.body[1:], []kind{malformed})
		a.refused("name in other case", a.path, strings.Replace(a.body, `"`+name+`"`, `"`+strings.ToUpper(name)+`"`, 1), []kind{unacceptable})
	}
	a.g.wrong(a.json(), a.g.valid(a.json(), 0), "", func(what string, v any) {
		a.refused(what, a.path, encoded(v), []kind{unacceptable})
	})
}

func firstName(body string) (string, bool) {
	rest, ok := strings.CutPrefix(body, `{"`)
	name, _, found := strings.Cut(rest, `"`)
	return name, ok && found
}

// hostile sends texts that are hostile and may yet be allowed as texts: they
// must not break anything, and come back, if at all, as JSON.
func (a *attack) hostile() {
	if a.json() == nil {
		return
	}
	for _, text := range []string{`'; DROP TABLE event; --`, `<script>alert(1)</script>`, `../../../etc/passwd`, `${jndi:ldap://x}`, "\u202e\ufeff\u0000"} {
		a.g.strings(a.json(), a.g.valid(a.json(), 0), text, func(v any) {
			reply := a.send("hostile text", a.path, encoded(v))
			if !strings.HasSuffix(reply.Header().Get("Content-Type"), "json") && reply.Code != http.StatusNoContent {
				a.t.Errorf("hostile text %q: reply of type %q", text, reply.Header().Get("Content-Type"))
			}
		})
	}
}

// repeated sends the same request twice: the second has no effect and the same
// answer, and another one by the same key is refused.
func (a *attack) repeated() {
	if !writes(a.op.Method) || (a.op.RequestBody != nil && a.json() == nil) {
		return
	}
	key := "key-" + a.op.OperationID
	first := a.send("first", a.path, a.body, keyHeader, key)
	before := a.state()
	second := a.send("second", a.path, a.body, keyHeader, key)
	if second.Code != first.Code || !bytes.Equal(second.Body.Bytes(), first.Body.Bytes()) || second.Header().Get("ETag") != first.Header().Get("ETag") {
		a.t.Errorf("the same again: got %d %s, first %d %s", second.Code, second.Body, first.Code, first.Body)
	}
	if keeps(first.Code) && second.Header().Get("Idempotency-Replayed") != "true" {
		a.t.Errorf("the same again was done again: %d %.200s", first.Code, first.Body)
	}
	if after := a.state(); after != before {
		a.t.Errorf("the same again has changed the store: %s, then %s", before, after)
	}
	if a.json() != nil && keeps(first.Code) {
		wantProblem(a.t, a.send("another by the same key", a.path, a.body+" ", keyHeader, key), keyReused)
	}
}
