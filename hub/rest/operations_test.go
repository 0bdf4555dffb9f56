package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/gate"
	"frostline/hub/store/storetest"
)

// attack is one good request, and all that is made of it.
type attack struct {
	*world
	t    *testing.T
	op   *huma.Operation
	g    shapes
	says answers
	step
}

// TestOperations goes through the script. Before each request is made it sends
// everything that can be wrong with it: each has to be refused by the right
// problem, and nothing may have changed. Then the request itself is made, and
// has to work; made again, it has no further effect. Every reply is held
// against the document, and every operation of the document has to be in the
// script.
func TestOperations(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { testOperations(t, "sqlite:"+filepath.Join(t.TempDir(), "hub.db")) })
	t.Run("postgres", func(t *testing.T) { testOperations(t, storetest.Postgres(t)) })
}

func testOperations(t *testing.T, url string) {
	w := newWorld(t, url)
	says := newAnswers(t, w)
	left := map[string]*huma.Operation{}
	for _, op := range w.operations() {
		left[op.OperationID] = op
	}
	all := left
	left = map[string]*huma.Operation{}
	for id, op := range all {
		left[id] = op
	}
	for _, s := range script() {
		op := all[s.op]
		if op == nil {
			t.Fatalf("operation %s is not in the document", s.op)
		}
		_, first := left[s.op]
		delete(left, s.op)
		worked := false
		t.Run(s.op, func(t *testing.T) {
			w.t = t
			if s.before != nil {
				s.before(w)
			}
			a := &attack{world: w, t: t, op: op, g: shapes{w.api.OpenAPI().Components.Schemas}, says: answers{t, says.c}, step: s.expand(w)}
			if first {
				a.refusals()
			}
			worked = a.done()
		})
		if !worked {
			t.Fatal("the script goes no further")
		}
	}
	for id := range left {
		if undone[id] == "" {
			t.Errorf("operation %s is in the document and not in the script: add a good request", id)
		}
	}
	// Texts that may be allowed, whatever state things are in.
	for _, op := range w.operations() {
		t.Run("hostile/"+op.OperationID, func(t *testing.T) {
			w.t = t
			a := &attack{world: w, t: t, op: op, g: shapes{w.api.OpenAPI().Components.Schemas}, says: answers{t, says.c}}
			a.target = a.address(func(p *huma.Param) string { return fmt.Sprint(a.g.valid(p.Schema, 0)) })
			a.hostile()
		})
	}
}

// refusals sends everything that is to be refused.
func (a *attack) refusals() {
	before := a.state()
	a.callers()
	a.parameters()
	a.preconditions()
	a.bodies()
	if after := a.state(); after != before {
		a.t.Errorf("what was refused has changed the store: %s, then %s", before, after)
	}
}

func (a *attack) json() *huma.Schema {
	if a.op.RequestBody == nil || a.op.RequestBody.Content["application/json"] == nil || len(a.op.RequestBody.Content) > 1 {
		return nil
	}
	return a.op.RequestBody.Content["application/json"].Schema
}

// address is the operation's address with values for its parameters; optional
// ones are left out.
func (a *attack) address(value func(*huma.Param) string) string {
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

// instead is the step's address with another value of a path parameter.
func (a *attack) instead(name, value string) string {
	path, query, _ := strings.Cut(a.target, "?")
	pattern, parts := strings.Split(a.op.Path, "/"), strings.Split(path, "/")
	parts[slices.Index(pattern, "{"+name+"}")] = url.PathEscape(value)
	return strings.TrimSuffix(strings.Join(parts, "/")+"?"+query, "?")
}

// with is the step's address with other values of a query parameter.
func (a *attack) with(name string, values ...string) string {
	path, query, _ := strings.Cut(a.target, "?")
	q, err := url.ParseQuery(query)
	if err != nil {
		a.t.Fatal(err)
	}
	if q[name] = values; len(values) == 0 {
		delete(q, name)
	}
	return strings.TrimSuffix(path+"?"+q.Encode(), "?")
}

func (a *attack) token() string {
	if a.as != "" {
		return a.tokens[a.as]
	}
	return a.all()
}

func (a *attack) headers(more ...string) []string {
	if a.kind != "" {
		return append([]string{"Content-Type", a.kind}, more...)
	}
	return more
}

// send asks, and checks the reply against the document.
func (a *attack) send(what, target, body string, headers ...string) *httptest.ResponseRecorder {
	a.t.Helper()
	reply := ask(a.t, a.h, a.token(), a.op.Method, target, body, a.headers(headers...)...)
	a.says.check(what, a.op, strconv.Itoa(reply.Code), reply.Header().Get("Content-Type"), reply.Body.Bytes())
	if reply.Code >= 500 {
		a.t.Errorf("%s: got %d %.300s", what, reply.Code, reply.Body)
	}
	return reply
}

// refused sends what must be answered with a kind of problem. at is where the
// fault is, as the problem has to say; "" for nowhere in particular.
func (a *attack) refused(what, at, target, body string, k kind, headers ...string) {
	a.t.Helper()
	last := a.log.Last()
	reply := a.send(what, target, body, headers...)
	if reply.Code != k.status {
		a.t.Errorf("%s: %s %.200s with %.300s: got %d %.300s, want %d %s", what, a.op.Method, target, body, reply.Code, reply.Body, k.status, k.name)
		return
	}
	p := wantProblem(a.t, reply, k)
	if now := a.log.Last(); now != last {
		a.t.Errorf("%s: it was refused, and %d events were appended", what, now-last)
	}
	if at == "" {
		return
	}
	if !slices.ContainsFunc(p.Errors, func(f Fault) bool { return strings.HasPrefix(f.Pointer, at) || strings.HasPrefix(at, f.Pointer) }) {
		a.t.Errorf("%s: %.300s does not point to %s", what, reply.Body, at)
	}
}

// nobody sends the request as nobody who may make it.
func (a *attack) nobody(k kind, token string, headers ...string) {
	a.t.Helper()
	reply := ask(a.t, a.h, token, a.op.Method, a.target, a.body, a.headers(headers...)...)
	wantProblem(a.t, reply, k)
	a.says.check("caller", a.op, strconv.Itoa(reply.Code), reply.Header().Get("Content-Type"), reply.Body.Bytes())
	if reply.Header().Get("WWW-Authenticate") == "" {
		a.t.Errorf("caller: %d without WWW-Authenticate", reply.Code)
	}
}

func (a *attack) callers() {
	scope := a.op.Security[0][bearer][0]
	for _, token := range []string{"", a.expired, a.revoked, "frl_none", "' OR 1=1 --", strings.Repeat("x", 3000), a.all()[:len(a.all())-1] + "1"} {
		a.nobody(unauthorized, token)
	}
	a.nobody(unauthorized, "", "Authorization", "Basic YTpi")
	for _, other := range []string{"read", "write", "qa", "fleet", "admin"} {
		if other != scope {
			a.nobody(forbidden, a.tokens[other])
		}
	}
	path, _, _ := strings.Cut(a.target, "?")
	var methods []string // of all operations that the path could be meant for
	for _, op := range a.operations() {
		if strings.Count(op.Path, "/") != strings.Count(path, "/") {
			continue
		}
		same := true
		parts := strings.Split(path, "/")
		for i, p := range strings.Split(op.Path, "/") {
			same = same && (strings.HasPrefix(p, "{") || p == parts[i])
		}
		if same {
			methods = append(methods, op.Method)
		}
	}
	for _, m := range []string{"GET", "PUT", "POST", "PATCH", "DELETE", "TRACE", "BREW"} {
		if slices.Contains(methods, m) {
			continue
		}
		reply := ask(a.t, a.h, a.all(), m, path, "")
		if allow := reply.Header().Get("Allow"); !strings.Contains(allow, a.op.Method) {
			a.t.Errorf("%s: allowed %q", m, allow)
		}
		wantProblem(a.t, reply, method)
	}
	if writes(a.op.Method) {
		for _, key := range []string{"with space", strings.Repeat("k", 129), "schl\u00fcssel"} {
			a.refused("idempotency key", "/Idempotency-Key", a.target, a.body, malformed, keyHeader, key)
		}
	}
}

func (a *attack) parameters() {
	a.refused("unknown query parameter", "/nobodyKnowsThis", a.with("nobodyKnowsThis", "1"), a.body, unacceptable)
	amp := "?"
	if strings.Contains(a.target, "?") {
		amp = "&"
	}
	for what, query := range map[string]string{"query that is none": "a=%zz", "control character": "a=%00", "not UTF-8": "a=%ff"} {
		a.refused(what, "", a.target+amp+query, a.body, malformed)
	}
	a.refused("too long an address", "", a.with("a", strings.Repeat("a", maxURI)), a.body, uriTooLong)
	for _, p := range a.op.Parameters {
		switch p.In {
		case "path":
			a.segment(p)
		case "query":
			a.query(p)
		}
	}
}

// segment attacks a parameter of the path.
func (a *attack) segment(p *huma.Param) {
	for _, v := range []string{strings.Repeat("a", 1500), "\u2603", "'; DROP TABLE event; --", "../../etc/passwd", "%2e%2e"} {
		k := unacceptable
		if p.Schema.Pattern == "" && p.Schema.Type == huma.TypeString && len(p.Schema.Enum) == 0 && len(v) < 65 {
			k = notFound
		}
		at := "/" + p.Name
		if k == notFound {
			at = ""
		}
		if p.Schema.Pattern == recordForm && v == "../../etc/passwd" { // the form of a sensor's id, and of no record's
			a.missing(p, v)
			continue
		}
		a.refused("path "+p.Name, at, a.instead(p.Name, v), a.body, k)
	}
	a.refused("path ..", "", a.instead(p.Name, ".."), a.body, notFound)
	for _, v := range []string{"a\x00b", "\xff", "a\nb"} {
		a.refused("path "+p.Name, "", a.instead(p.Name, v), a.body, malformed)
	}
	for _, v := range []string{"nobody", unitOne[:14] + ".NOBODY", "msg_" + strings.Repeat("0", 32), "99"} {
		if fits(p.Schema, v) {
			a.missing(p, v)
			break
		}
	}
}

const recordForm = "^[A-Za-z0-9._:+/-]+$"

// recordPath says whether an operation is on a record of the catalog, whose
// path takes what may be the id of a sensor.
func recordPath(op *huma.Operation) bool {
	return slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "path" && p.Schema.Pattern == recordForm })
}

func fits(s *huma.Schema, v string) bool {
	if s.Type != huma.TypeString {
		_, err := strconv.ParseUint(v, 10, 32)
		return err == nil
	}
	if len(s.Enum) > 0 || s.MaxLength != nil && len(v) > *s.MaxLength || s.MinLength != nil && len(v) < *s.MinLength {
		return false
	}
	return s.Pattern == "" || compiled(s.Pattern).MatchString(v)
}

// enters are operations that enter what is not there.
var enters = map[string]bool{
	"put-order": true, "put-shipment": true, "put-package": true, "put-unit": true,
	"put-courier": true, "put-job": true, "put-route": true,
}

// missing names what is not there. A record is entered by PUT where it is not
// yet, so that is asked for with a condition.
func (a *attack) missing(p *huma.Param, v string) {
	switch {
	case recordPath(a.op) && a.op.Method == http.MethodPut:
		k := stale
		if v != "nobody" {
			k = unacceptable
		}
		if strings.Contains(a.op.Path, "/sensors/") || strings.Contains(a.op.Path, "/profiles/") || strings.Contains(a.body, `"id"`) {
			k = unacceptable // its id says more, and the body's another
		}
		a.refused("path "+p.Name, "", a.instead(p.Name, v), a.body, k, "If-Match", `"v7"`)
	case enters[a.op.OperationID]:
		k := notFound
		if a.op.OperationID == "put-unit" {
			k = unacceptable // gtin and serial in the body say another id
		}
		a.refused("path "+p.Name, "", a.instead(p.Name, v), a.body, k, "If-Match", `"v7"`)
	case a.op.OperationID == "put-place": // entered whatever was there; nothing can be missing
	default:
		a.refused("path "+p.Name+" of nothing", "", a.instead(p.Name, v), a.body, notFound)
	}
}

// query attacks a parameter of the query.
func (a *attack) query(p *huma.Param) {
	a.g.wrong(p.Schema, nil, "/"+p.Name, func(at, what string, v any) {
		s, ok := v.(string)
		if n, is := v.(raw); is {
			s, ok = string(n), true
		}
		if !ok || s == "" || p.Schema.Type == huma.TypeBoolean && s == "true" {
			return
		}
		k := unacceptable
		if !gate.Clean(s) {
			k, at = malformed, ""
		}
		a.refused(what, at, a.with(p.Name, s), a.body, k)
	})
	if p.Schema.Type == huma.TypeInteger {
		for _, s := range []string{"NaN", "1e3", "0x10", "99999999999999999999", "1,5"} {
			a.refused("query "+p.Name, "/"+p.Name, a.with(p.Name, s), a.body, unacceptable)
		}
	}
	if p.Schema.Type != huma.TypeArray {
		a.refused("query "+p.Name+" twice", "/"+p.Name, a.with(p.Name, "1", "2"), a.body, unacceptable)
	}
	if p.Required {
		a.refused("query "+p.Name+" missing", "/"+p.Name, a.with(p.Name), a.body, unacceptable)
	}
	if p.Name == "page" {
		for _, s := range []string{"AAAA", "bm9ib2R5LWtub3dzLXRoaXM", strings.Repeat("A", 1024)} {
			a.refused("forged page", "/page", a.with(p.Name, s), a.body, unacceptable)
		}
	}
}

// preconditions asks for versions that are not there.
func (a *attack) preconditions() {
	for _, p := range a.op.Parameters {
		if p.In != "header" {
			continue
		}
		switch p.Name {
		case "If-Match":
			k := stale
			if enters[a.op.OperationID] && a.status == http.StatusCreated {
				k = notFound
			}
			a.refused("stale version", "", a.target, a.body, k, "If-Match", `"v987654"`)
			for _, tag := range []string{"v1", `W/"v1"`, `"v-1"`, `"v1", "v2"`, `"v99999999999999999999"`, strings.Repeat(`"`, 33)} {
				a.refused("version "+tag, "/If-Match", a.target, a.body, unacceptable, "If-Match", tag)
			}
		case "If-None-Match":
			a.refused("version none", "", a.target, a.body, stale, "If-None-Match", "*")
			a.refused("version some", "/If-None-Match", a.target, a.body, unacceptable, "If-None-Match", `"v1"`)
			a.refused("both conditions", "/If-None-Match", a.target, a.body, unacceptable, "If-None-Match", "*", "If-Match", "*")
		}
	}
}

func (a *attack) bodies() {
	if a.op.RequestBody == nil {
		a.refused("a body where none is taken", "", a.target, `{}`, malformed)
		return
	}
	most := int(a.op.MaxBodyBytes)
	a.refused("too large", "", a.target, `"`+strings.Repeat("a", most)+`"`, tooLarge)
	a.refused("no type", "", a.target, a.body, mediaType, "Content-Type", "")
	for _, kind := range []string{"application/x-www-form-urlencoded", "text/html", "json", "application/json; charset=utf-16", ";;"} {
		a.refused("type "+kind, "", a.target, a.body, mediaType, "Content-Type", kind)
	}
	a.refused("compressed", "", a.target, a.body, mediaType, "Content-Encoding", "gzip")
	if a.json() == nil {
		a.refused("no body", "", a.target, "", malformed)
		return
	}
	a.refused("no body", "", a.target, "", malformed, "Content-Type", "application/json")
	for what, body := range map[string]string{
		"half":       a.body[:len(a.body)-1],
		"more after": a.body + "{}",
		"nothing":    " ",
		"comment":    "/* */" + a.body,
		"not UTF-8":  strings.Replace(a.body, `"`, "\"\xff", 1),
		"mark":       "\ufeff" + a.body,
		"deep":       strings.Repeat(`[`, 10_000) + strings.Repeat(`]`, 10_000),
		"deep name":  strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat(`}`, 10_000),
		"NaN":        `{"a":NaN}`,
		"infinity":   `{"a":Infinity}`,
		"NUL":        a.body + "\x00",
		"surrogate":  `{"a":"\ud800"}`,
	} {
		a.refused(what, "", a.target, body, malformed)
	}
	if name, ok := firstName(a.body); ok {
		a.refused("name twice", "/"+name, a.target, `{"`+name+`":1,`+a.body[1:], malformed)
		a.refused("name in other case", "", a.target, strings.Replace(a.body, `"`+name+`"`, `"`+strings.ToUpper(name)+`"`, 1), unacceptable)
	}
	d := json.NewDecoder(strings.NewReader(a.body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		a.t.Fatalf("body %s: %v", a.body, err)
	}
	a.g.wrong(a.json(), v, "", func(at, what string, v any) { a.refused(what, at, a.target, encoded(v), unacceptable) })
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
			reply := a.send("hostile text", a.target, encoded(v))
			if !strings.HasSuffix(reply.Header().Get("Content-Type"), "json") && reply.Code != http.StatusNoContent {
				a.t.Errorf("hostile text %q: reply of type %q", text, reply.Header().Get("Content-Type"))
			}
		})
	}
}

// done makes the request, twice: the second has no effect and the same answer,
// and another one by the same key is refused.
func (a *attack) done() bool {
	want := a.status
	for status := range a.op.Responses {
		if n, _ := strconv.Atoi(status); n/100 == 2 && a.status == 0 && (want == 0 || n < want) {
			want = n
		}
	}
	if !writes(a.op.Method) {
		before := a.state()
		reply := a.send("good", a.target, a.body)
		if reply.Code != want {
			a.t.Errorf("%s %s: got %d %s, want %d", a.op.Method, a.target, reply.Code, reply.Body, want)
			return false
		}
		if after := a.state(); after != before {
			a.t.Errorf("reading has changed the store: %s, then %s", before, after)
		}
		if a.after != nil {
			a.after(a.world, reply.Body.Bytes())
		}
		return true
	}
	key := "key-" + a.op.OperationID + "-" + strconv.FormatInt(a.log.Last(), 10)
	empty := a.state()
	first := a.send("good", a.target, a.body, keyHeader, key)
	before := a.state()
	if first.Code != want {
		a.t.Errorf("%s %s with %s: got %d %s, want %d", a.op.Method, a.target, a.body, first.Code, first.Body, want)
		return false
	}
	if (before == empty) != a.still {
		a.t.Errorf("%s %s: it has changed the store: %t", a.op.Method, a.target, before != empty)
	}
	second := a.send("again", a.target, a.body, keyHeader, key)
	if second.Code != first.Code || !bytes.Equal(second.Body.Bytes(), first.Body.Bytes()) || second.Header().Get("ETag") != first.Header().Get("ETag") || second.Header().Get("Location") != first.Header().Get("Location") {
		a.t.Errorf("the same again: got %d %s, first %d %s", second.Code, second.Body, first.Code, first.Body)
	}
	if second.Header().Get("Idempotency-Replayed") != "true" {
		a.t.Errorf("the same again was done again: %d %.200s", first.Code, first.Body)
	}
	if a.op.RequestBody != nil {
		a.refused("another by the same key", "/Idempotency-Key", a.target, a.body+" ", keyReused, keyHeader, key)
	} else {
		a.refused("another by the same key", "/Idempotency-Key", a.with("reason", "another"), a.body, keyReused, keyHeader, key)
	}
	if after := a.state(); after != before {
		a.t.Errorf("the same again has changed the store: %s, then %s", before, after)
	}
	if a.after != nil {
		a.after(a.world, first.Body.Bytes())
	}
	return true
}
