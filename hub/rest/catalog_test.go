package rest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"frostline/hub/catalog"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
)

// withCatalog is an API with a catalog of its own on a store.
func withCatalog(t testing.TB, db *store.DB) (http.Handler, *API) {
	t.Helper()
	model := catalog.NewModel()
	log, err := event.Open(t.Context(), event.Options{Store: db, Models: []event.Model{model.Model()}, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.New(catalog.Options{Log: log, Store: db, Model: model, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	a := newAPI(t, Config{Store: db, Catalog: c})
	return a.Handler(), a
}

// expect sends a request and fails unless the reply has a status.
func expect(t testing.TB, h http.Handler, status int, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	w := ask(t, h, "all", method, target, body, headers...)
	if w.Code != status {
		t.Errorf("%s %s: got %d %s, want %d", method, target, w.Code, w.Body, status)
	}
	return w
}

const coldProfile = `{"id":"cold","name":"Cold","source":"label","low":2,"high":8,"limits":[{"name":"warm","op":">","at":8.5,"timer":"single","delay":0,"deadband":0.5,"severity":"alarm"}],"longestGap":600000}`

func TestRecordsOverREST(t *testing.T) {
	onBoth(t, func(t *testing.T, db *store.DB) {
		h, _ := withCatalog(t, db)
		w := expect(t, h, 201, "POST", "/sites?reason=new", `{"id":"depot","name":"Depot","position":{"latitude":423467001,"longitude":-710421000,"accuracy":5000}}`)
		if w.Header().Get("ETag") != `"v1"` || w.Header().Get("Location") != "/sites/depot" {
			t.Errorf("got %v", w.Header())
		}
		wantProblem(t, ask(t, h, "all", "POST", "/sites", `{"id":"depot","name":"Depot"}`), conflict)
		w = expect(t, h, 200, "GET", "/sites/depot", "")
		if w.Header().Get("ETag") != `"v1"` || !strings.Contains(w.Body.String(), `"latitude":423467001`) || !strings.Contains(w.Body.String(), `"by":"person/ann"`) {
			t.Errorf("got %v %s", w.Header(), w.Body)
		}
		// What was given can be sent back, and changes nothing.
		if w = expect(t, h, 200, "PUT", "/sites/depot", w.Body.String(), "If-Match", `"v1"`); w.Header().Get("ETag") != `"v1"` {
			t.Errorf("sent back: got %v", w.Header())
		}
		if w = expect(t, h, 200, "PUT", "/sites/depot", `{"name":"Depot Boston"}`, "If-Match", `"v1"`); w.Header().Get("ETag") != `"v2"` {
			t.Errorf("changed: got %v", w.Header())
		}
		wantProblem(t, ask(t, h, "all", "PUT", "/sites/depot", `{"name":"Other"}`, "If-Match", `"v1"`), stale)
		wantProblem(t, ask(t, h, "all", "PUT", "/sites/depot", `{"name":"Other"}`, "If-None-Match", "*"), stale)
		wantProblem(t, ask(t, h, "all", "PUT", "/sites/none", `{"name":"Other"}`, "If-Match", `"v1"`), stale)
		expect(t, h, 201, "PUT", "/sites/clinic", `{"name":"Clinic"}`, "If-None-Match", "*")
		if p := wantProblem(t, ask(t, h, "all", "PUT", "/sites/depot", `{"id":"other","name":"Other"}`), unacceptable); p.Errors[0].Pointer != "/id" {
			t.Errorf("got %+v", p)
		}
		p := wantProblem(t, ask(t, h, "all", "POST", "/zones", `{"id":"z","site":"nowhere","name":"Z","profile":"cold"}`), unacceptable)
		if len(p.Errors) != 2 || p.Errors[0].Pointer != "/site" || p.Errors[0].Value != "nowhere" || p.Errors[1].Pointer != "/profile" {
			t.Errorf("got %+v", p.Errors)
		}
		if p := wantProblem(t, ask(t, h, "all", "POST", "/sites", `{"id":"x","name":"X","colour":"red"}`), unacceptable); !strings.Contains(p.Detail, "colour") {
			t.Errorf("got %+v", p)
		}
		wantProblem(t, ask(t, h, "reader", "POST", "/sites", `{"id":"x","name":"X"}`), forbidden)

		expect(t, h, 201, "POST", "/profiles", coldProfile)
		expect(t, h, 201, "POST", "/zones", `{"id":"z","site":"depot","name":"Z","profile":"cold"}`)
		expect(t, h, 201, "POST", "/gateways", `{"id":"gw","site":"depot"}`)
		w = expect(t, h, 201, "PUT", "/sensors/gw%2Fs1", `{"accuracy":0.25}`)
		if w.Header().Get("Location") != "/sensors/gw%2Fs1" {
			t.Errorf("got %v", w.Header())
		}
		if w = expect(t, h, 200, "GET", "/sensors/gw%2Fs1", ""); !strings.Contains(w.Body.String(), `"accuracy":0.25`) {
			t.Errorf("got %s", w.Body)
		}
		var list List[map[string]any]
		for target, want := range map[string]int{"/zones?site=depot": 1, "/zones?site=clinic": 0, "/sensors?gateway=gw": 1, "/sites": 2, "/sites?limit=1": 1, "/products?gtin=00312345678906": 0} {
			w := expect(t, h, 200, "GET", target, "")
			if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list.Items) != want {
				t.Errorf("%s: got %s, want %d", target, w.Body, want)
			}
		}
		wantProblem(t, ask(t, h, "all", "GET", "/zones?site=depot&profile=cold", ""), unacceptable)

		wantProblem(t, ask(t, h, "all", "DELETE", "/sites/clinic", ""), unacceptable) // no reason
		expect(t, h, 200, "DELETE", "/sites/clinic?reason=closed", "", "If-Match", `"v1"`)
		expect(t, h, 200, "DELETE", "/sites/clinic?reason=closed", "")
		wantProblem(t, ask(t, h, "all", "PUT", "/sites/clinic", `{"name":"Clinic"}`), conflict)
		expect(t, h, 200, "PUT", "/sites/clinic", `{"name":"Clinic"}`, "If-Match", `"v2"`)
		wantProblem(t, ask(t, h, "all", "DELETE", "/sites/none?reason=x", ""), notFound)
		wantProblem(t, ask(t, h, "all", "GET", "/sites/none/trail", ""), notFound)
		var trail List[catalog.RecordChange]
		w = expect(t, h, 200, "GET", "/sites/clinic/trail", "")
		if err := json.Unmarshal(w.Body.Bytes(), &trail); err != nil || len(trail.Items) != 3 || trail.Items[1].Reason != "closed" || trail.Items[2].What != "reinstated" {
			t.Errorf("got %s", w.Body)
		}
	})
}

func TestProfilesOverREST(t *testing.T) {
	h, _ := withCatalog(t, opened(t))
	expect(t, h, 201, "POST", "/profiles", coldProfile)
	second := strings.Replace(coldProfile, `"high":8`, `"high":8.4`, 1)
	wantProblem(t, ask(t, h, "all", "POST", "/profiles", second), conflict)
	w := expect(t, h, 201, "POST", "/profiles/cold/versions", second)
	if w.Header().Get("Location") != "/profiles/cold/versions/2" || !strings.Contains(w.Body.String(), `"version":2`) {
		t.Errorf("got %v %s", w.Header(), w.Body)
	}
	expect(t, h, 200, "POST", "/profiles/cold/versions", second)
	wantProblem(t, ask(t, h, "all", "POST", "/profiles/none/versions", strings.Replace(coldProfile, "cold", "none", 1)), notFound)
	wantProblem(t, ask(t, h, "all", "GET", "/profiles/cold/versions/3", ""), notFound)
	if w := expect(t, h, 200, "GET", "/profiles/cold/versions/1", ""); !strings.Contains(w.Body.String(), `"high":8,`) || !strings.Contains(w.Body.String(), `"at":8.5`) {
		t.Errorf("got %s", w.Body)
	}
	var list List[map[string]any]
	if w := expect(t, h, 200, "GET", "/profiles/cold/versions?limit=1", ""); json.Unmarshal(w.Body.Bytes(), &list) != nil || len(list.Items) != 1 || list.NextPage == "" {
		t.Errorf("got %s", w.Body)
	}
	if w := expect(t, h, 200, "GET", "/profiles/cold/versions?limit=1&page="+list.NextPage, ""); !strings.Contains(w.Body.String(), `"version":2`) {
		t.Errorf("got %s", w.Body)
	}
	p := wantProblem(t, ask(t, h, "all", "POST", "/profiles", strings.Replace(coldProfile, `"at":8.5`, `"at":8.0005`, 1)), unacceptable)
	if !strings.Contains(p.Detail, "three decimals") {
		t.Errorf("got %+v", p)
	}
}

func TestImportsOverREST(t *testing.T) {
	h, _ := withCatalog(t, opened(t))
	csv := []string{"Content-Type", "text/csv; charset=utf-8"}
	w := expect(t, h, 422, "POST", "/imports/sites", "id,name,gln\ns1,One,0614141000012\ns2,,0614141000013\n", csv...)
	var p struct {
		Problem
		Report catalog.ImportReport `json:"report"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Header().Get("Content-Type") != "application/problem+json" || p.Type != urn+"invalid" || p.Report.Done || len(p.Report.Problems) != 1 {
		t.Errorf("got %v %s, %v", w.Header(), w.Body, err)
	}
	good := "id;name\ns1;One\ns2;=SUM(A1)\n"
	for target, want := range map[string]string{"dryRun=true": `"done":false,"rows":2,"created":2`} {
		if w := expect(t, h, 200, "POST", "/imports/sites?separator=semicolon&"+target, good, csv...); !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: got %s", target, w.Body)
		}
	}
	for _, want := range []string{`"done":true,"rows":2,"created":2,"changed":0,"unchanged":0`, `"done":true,"rows":2,"created":0,"changed":0,"unchanged":2`} {
		if w := expect(t, h, 200, "POST", "/imports/sites?separator=semicolon", good, csv...); !strings.Contains(w.Body.String(), want) {
			t.Errorf("got %s, want %s", w.Body, want)
		}
	}
	for media, body := range map[string]string{
		"application/json": `[{"kind":"zone","id":"z","site":"s1","name":"Z"}]`, "application/x-ndjson": `{"kind":"tote","id":"t"}` + "\n" + `{"kind":"tote","id":"u"}`,
	} {
		if w := expect(t, h, 200, "POST", "/imports/all", body, "Content-Type", media); !strings.Contains(w.Body.String(), `"done":true`) {
			t.Errorf("%s: got %s", media, w.Body)
		}
	}
	wantProblem(t, ask(t, h, "all", "POST", "/imports/sites", good, "Content-Type", "image/png"), mediaType)
	wantProblem(t, ask(t, h, "all", "POST", "/imports/boats", good, csv...), unacceptable)
	wantProblem(t, ask(t, h, "reader", "POST", "/imports/sites", good, csv...), forbidden)
	w = expect(t, h, 200, "GET", "/exports/sites", "")
	if got, want := w.Body.String(), "id,name,gln,address,latitude,longitude,accuracy_m\ns1,One,,,,,\ns2,'=SUM(A1),,,,,\n"; got != want || w.Header().Get("Content-Type") != "text/csv; charset=utf-8" {
		t.Errorf("got %v\n%s\nwant\n%s", w.Header(), got, want)
	}
	wantProblem(t, ask(t, h, "all", "GET", "/exports/profiles", ""), unacceptable)
	if w := expect(t, h, 200, "GET", "/imports", ""); strings.TrimSpace(w.Body.String()) != `{"items":[]}` {
		t.Errorf("got %s", w.Body)
	}
}

// TestRecordsAreDescribed: each string, number and list that can be sent has
// its bounds, and each kind its operations.
func TestRecordsAreDescribed(t *testing.T) {
	_, a := withCatalog(t, opened(t))
	doc := a.OpenAPI()
	for _, k := range fact.RecordKinds() {
		for _, path := range []string{"/" + k.Plural(), "/" + k.Plural() + "/{id}", "/" + k.Plural() + "/{id}/trail"} {
			if doc.Paths[path] == nil {
				t.Errorf("%s is not there", path)
			}
		}
		s := doc.Paths["/"+k.Plural()].Post.RequestBody.Content["application/json"].Schema
		checkBounds(t, doc.Components.Schemas, string(k), s, map[*huma.Schema]bool{})
	}
}

func checkBounds(t *testing.T, r huma.Registry, at string, s *huma.Schema, seen map[*huma.Schema]bool) {
	if s.Ref != "" {
		s = r.SchemaFromRef(s.Ref)
	}
	if seen[s] {
		return
	}
	seen[s] = true
	switch {
	case s.Type == huma.TypeString && s.MaxLength == nil && s.Enum == nil,
		(s.Type == huma.TypeInteger || s.Type == huma.TypeNumber) && (s.Minimum == nil || s.Maximum == nil),
		s.Type == huma.TypeArray && s.MaxItems == nil,
		s.Type == huma.TypeObject && s.AdditionalProperties != false:
		t.Errorf("%s: %s has no bounds", at, s.Type)
	}
	for name, p := range s.Properties {
		checkBounds(t, r, fmt.Sprint(at, ".", name), p, seen)
	}
	if s.Items != nil {
		checkBounds(t, r, at+"[]", s.Items, seen)
	}
}
