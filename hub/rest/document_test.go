package rest

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The document is valid by the schema of OpenAPI 3.1, and each schema in it by
// that of JSON Schema 2020-12.
func TestDocumentIsOpenAPI(t *testing.T) {
	w := newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "hub.db"))
	reply := ask(t, w.h, "", "GET", "/openapi.json", "")
	if reply.Code != 200 || reply.Header().Get("Content-Type") != "application/openapi+json" {
		t.Fatalf("got %d %s", reply.Code, reply.Header())
	}
	doc, err := jsonschema.UnmarshalJSON(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/openapi-3.1.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	official, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("https://spec.openapis.org/oas/3.1/schema/2022-10-07", official); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("https://spec.openapis.org/oas/3.1/schema/2022-10-07")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(doc); err != nil {
		t.Errorf("by the schema of OpenAPI 3.1: %v", err)
	}
	if err := c.AddResource("hub.json", doc); err != nil {
		t.Fatal(err)
	}
	for name := range w.api.OpenAPI().Components.Schemas.Map() {
		if _, err := c.Compile("hub.json#/components/schemas/" + name); err != nil {
			t.Errorf("schema %s: %v", name, err)
		}
	}
	if reply := ask(t, w.h, "", "GET", "/openapi.yaml", ""); reply.Code != 200 || !strings.Contains(reply.Body.String(), "openapi: ") {
		t.Errorf("yaml: got %d %.100s", reply.Code, reply.Body)
	}
}

// Every operation has a name, words and a scope, and bounds whatever comes in.
func TestDocumentBoundsEverything(t *testing.T) {
	w := newWorld(t, "sqlite:"+filepath.Join(t.TempDir(), "hub.db"))
	ids := map[string]bool{}
	g := shapes{w.api.OpenAPI().Components.Schemas}
	for _, op := range w.operations() {
		name := op.Method + " " + op.Path
		if !regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`).MatchString(op.OperationID) || ids[op.OperationID] {
			t.Errorf("%s: operation id %q: want one of its own, in kebab case", name, op.OperationID)
		}
		ids[op.OperationID] = true
		if op.Summary == "" {
			t.Errorf("%s: no summary", name)
		}
		if _, ok := Scopes[Scope(op.Security[0][bearer][0])]; !ok {
			t.Errorf("%s: scope %v: want one of Scopes", name, op.Security)
		}
		if writes(op.Method) && op.Security[0][bearer][0] == string(Read) {
			t.Errorf("%s: it changes something and asks for the scope read", name)
		}
		for _, p := range op.Parameters {
			g.bounded(t, name+" "+p.In+" "+p.Name, p.Schema, map[*huma.Schema]bool{})
		}
		if op.RequestBody != nil {
			for _, kind := range slices.Sorted(maps.Keys(op.RequestBody.Content)) {
				if kind == "application/json" {
					g.bounded(t, name+" body", op.RequestBody.Content[kind].Schema, map[*huma.Schema]bool{})
				}
			}
		}
	}
}

// bounded fails for what has no bounds.
func (g shapes) bounded(t *testing.T, at string, s *huma.Schema, seen map[*huma.Schema]bool) {
	t.Helper()
	s = g.resolve(s)
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	for _, one := range slices.Concat(s.OneOf, s.AnyOf, s.AllOf) {
		g.bounded(t, at, one, seen)
	}
	switch s.Type {
	case huma.TypeString:
		if s.MaxLength == nil && len(s.Enum) == 0 && s.Format == "" {
			t.Errorf("%s: text without maxLength or enum", at)
		}
	case huma.TypeInteger, huma.TypeNumber:
		low, high := bounds(s)
		if low < -1e19 || high > 1e19 {
			t.Errorf("%s: number without minimum and maximum", at)
		}
	case huma.TypeArray:
		if s.MaxItems == nil {
			t.Errorf("%s: list without maxItems", at)
		}
		g.bounded(t, at+"[]", s.Items, seen)
	case huma.TypeObject:
		if more, ok := s.AdditionalProperties.(*huma.Schema); ok {
			if s.MaxProperties == nil {
				t.Errorf("%s: map without maxProperties", at)
			}
			g.bounded(t, at+"{}", more, seen)
		} else if s.AdditionalProperties != false {
			t.Errorf("%s: object takes unknown names", at)
		}
		for name, p := range s.Properties {
			g.bounded(t, at+"."+name, p, seen)
		}
	}
}

// answers checks replies against the document.
type answers struct {
	t *testing.T
	c *jsonschema.Compiler
}

func newAnswers(t *testing.T, w *world) answers {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(w.api.json))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("hub.json", doc); err != nil {
		t.Fatal(err)
	}
	return answers{t, c}
}

var pointed = strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")

// check fails where a reply is not what the document says of its status.
func (a answers) check(what string, op *huma.Operation, status, kind string, body []byte) {
	a.t.Helper()
	declared := op.Responses[status]
	if declared == nil {
		a.t.Errorf("%s: status %s is not in the document", what, status)
		return
	}
	media, _, _ := strings.Cut(kind, ";")
	content := declared.Content[media]
	if content == nil {
		if len(declared.Content) > 0 || len(body) > 0 {
			a.t.Errorf("%s: %s of type %q is not in the document", what, status, kind)
		}
		return
	}
	if media != "application/json" && !strings.HasSuffix(media, "+json") || content.Schema == nil {
		return
	}
	s, err := a.c.Compile("hub.json#/paths/" + pointed.Replace(op.Path) + "/" + strings.ToLower(op.Method) + "/responses/" + status + "/content/" + pointed.Replace(media) + "/schema")
	if err != nil {
		a.t.Errorf("%s: schema of the reply: %v", what, err)
		return
	}
	var v any
	if v, err = jsonschema.UnmarshalJSON(bytes.NewReader(body)); err == nil {
		err = s.Validate(v)
	}
	if err != nil {
		a.t.Errorf("%s: reply %.300s: %v", what, body, err)
	}
}
