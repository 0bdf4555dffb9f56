package rest

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// unwanted refuses a null where the schema wants a value. huma passes over one
// in a field that is not required, though the document does not allow it; a
// scanner that sends null for what it failed to read is to be told.
func (a *API) unwanted(body []byte, op *huma.Operation) *Problem {
	content := op.RequestBody.Content["application/json"]
	if content == nil || content.Schema == nil || !bytes.Contains(body, []byte("null")) {
		return nil
	}
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		return nil // huma says what is wrong
	}
	at, found := nullIn(a.huma.OpenAPI().Components.Schemas, content.Schema, v, "")
	if !found {
		return nil
	}
	return failAt(unacceptable, "body", short(at), "null", "null at %q: want a value; leave the name out where there is none", short(at))
}

// nullIn gives the first null that the schema does not allow.
func nullIn(registry huma.Registry, s *huma.Schema, v any, at string) (string, bool) {
	for s != nil && s.Ref != "" {
		s = registry.SchemaFromRef(s.Ref)
	}
	if s == nil || s.Type == "" {
		return "", false
	}
	switch v := v.(type) {
	case nil:
		return at, !s.Nullable
	case []any:
		for i, one := range v {
			if at, found := nullIn(registry, s.Items, one, at+"/"+strconv.Itoa(i)); found {
				return at, true
			}
		}
	case map[string]any:
		more, _ := s.AdditionalProperties.(*huma.Schema)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			p := s.Properties[name]
			if p == nil {
				p = more
			}
			if at, found := nullIn(registry, p, v[name], at+"/"+escape(name)); found {
				return at, true
			}
		}
	}
	return "", false
}

// escape writes a name as a part of a JSON pointer.
func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }
