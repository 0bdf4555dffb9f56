// Package layout keeps the rule of which folder may import which, and that
// each package says what it is for.
package layout

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "frostline/"

// rules: what a folder may import of ours, and why not more.
var rules = map[string]struct {
	may []string
	why string
}{
	"proto":        {nil, "it is what edge and hub agree on, and must not depend on either"},
	"edge":         {[]string{"proto"}, "a gateway knows the hub only by what is on the wire"},
	"hub":          {[]string{"proto", "dashboards"}, "the hub knows a gateway only by what is on the wire"},
	"firmware-sim": {[]string{"proto"}, "it is reached through a bus or socket, as hardware is"},
	"dashboards":   {nil, "it reads what the hub publishes"},
	"cmd":          {[]string{"proto", "edge", "hub", "firmware-sim", "dashboards"}, "only commands join both sides"},
	"test":         {[]string{"proto", "edge", "hub", "firmware-sim", "dashboards", "test"}, "a test of the whole may see the whole"},
}

func TestImportsFollowTheLayout(t *testing.T) {
	checked := 0
	walk(t, func(path string, dir string) {
		top, _, _ := strings.Cut(filepath.ToSlash(dir), "/")
		rule, ok := rules[top]
		if !ok {
			t.Errorf("%s: folder %q is not in the layout of docs/ARCHITECTURE.md", path, top)
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", path), nil, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		for _, imp := range f.Imports {
			name, ours := strings.CutPrefix(strings.Trim(imp.Path.Value, `"`), module)
			if !ours {
				continue
			}
			checked++
			other, _, _ := strings.Cut(name, "/")
			if other == top {
				continue
			}
			// A tool that knows nothing of ours serves the tests of every folder.
			allowed := name == "test/axe" && strings.HasSuffix(path, "_test.go")
			for _, m := range rule.may {
				allowed = allowed || m == other
			}
			if !allowed {
				t.Errorf("%s imports %s: %s may import %v of ours, because %s", path, name, top, rule.may, rule.why)
			}
		}
	})
	if checked == 0 {
		t.Fatal("no import was checked")
	}
}

// TestOneVocabularyOfFlags: only commands and tests read flags and environment.
func TestOnlyCommandsReadFlagsAndEnvironment(t *testing.T) {
	walk(t, func(path, dir string) {
		if strings.HasPrefix(path, "cmd/") || strings.HasPrefix(path, "test/") || strings.HasSuffix(path, "_test.go") || strings.Contains(dir, "test") {
			return
		}
		b, err := os.ReadFile(filepath.Join("../..", path))
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range []string{"os.Getenv(", "os.LookupEnv(", "flag.Parse(", "cobra.Command"} {
			if strings.Contains(string(b), word) {
				t.Errorf("%s uses %s…: only cmd knows flags and environment", path, word)
			}
		}
	})
}

func TestEachPackageSaysWhatItIsFor(t *testing.T) {
	docs := map[string]int{}
	walk(t, func(path, dir string) {
		if strings.HasSuffix(path, "_test.go") && dir != "test/layout" {
			if _, ok := docs[dir]; !ok {
				docs[dir] = -1 // tests alone
			}
			return
		}
		f, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", path), nil, parser.PackageClauseOnly|parser.ParseComments)
		if err != nil {
			t.Error(err)
			return
		}
		docs[dir] = max(docs[dir], 0)
		if f.Doc != nil && !strings.Contains(f.Doc.Text(), "Code generated") {
			docs[dir]++
		}
	})
	for dir, n := range docs {
		if n == 0 {
			t.Errorf("%s has no package comment", dir)
		} else if n > 1 {
			t.Errorf("%s has %d package comments, want one", dir, n)
		}
	}
}

func walk(t *testing.T, visit func(path, dir string)) {
	t.Helper()
	root := os.DirFS("../..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			visit(path, filepath.ToSlash(filepath.Dir(path)))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
