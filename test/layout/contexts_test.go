package layout

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ground is what every context of the hub may stand on: the log they meet in,
// its vocabulary, what keeps a record by events, what guards share, what gateways told, the store, files that are
// there whole, and what intake hands on.
var ground = []string{"event", "fact", "record", "gate", "inbox", "store", "durable", "intake/batch"}

// between: the pure functions of one context that another may call, and why.
// They read no table.
var between = map[string]string{
	"custody/timeline": "where a package was is one computation, in custody, in the join and in its naive model",
	"correlate/join":   "a verdict is one computation, in the engine, in an exporter and in a verifier",
}

// faces show what contexts know, or list what they have, and may therefore see
// them.
var faces = []string{"api", "dossier", "fleet", "health", "models", "report", "rest", "view", "web"}

// TestContextsAreStrangers: inside the hub, contexts meet through events and
// interfaces that the consumer declares, not through each other's tables.
func TestContextsAreStrangers(t *testing.T) {
	checked := 0
	walk(t, func(path, dir string) {
		own, ok := strings.CutPrefix(dir, "hub/")
		context, _, _ := strings.Cut(own, "/")
		if !ok || slices.Contains(faces, context) || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(dir, "test") {
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", path), nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, imp := range f.Imports {
			name, hub := strings.CutPrefix(strings.Trim(imp.Path.Value, `"`), module+"hub/")
			if !hub {
				continue
			}
			checked++
			other, _, _ := strings.Cut(name, "/")
			if other != context && !slices.Contains(ground, name) && between[name] == "" {
				t.Errorf("%s imports hub/%s: declare an interface of what %s needs and let cmd/frostline-hub fit it", path, name, context)
			}
		}
	})
	if checked == 0 {
		t.Fatal("no import was checked")
	}
}
