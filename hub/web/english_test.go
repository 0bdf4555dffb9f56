package web

import (
	"go/ast"
	"go/parser"
	source "go/token"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"frostline/hub/web/tongue"
)

// function are words that no English sentence does without and no Spanish one has.
var function = regexp.MustCompile(`(?i)\b(the|of|is|are|was|were|has|have|had|and|not|this|that|which|with|from|by|for|at|to|it|its|been|be|on|since|or|who|what|when|than|there|does|did|may|must|will|after|before|until|under|over|nobody|nothing)\b`)

// alien are names and others' words within sentences of ours: of a sensor, and why
// somebody held a stop.
var alien = regexp.MustCompile(`^position( · .*)?$|\bexcursion of PKG-106$`)

// unsaid are the texts of a page that are still English: function words, or an
// entry's English. What is marked as in a language of its own is left out, and so
// are programs' words in code.
func unsaid(body string, es *tongue.Tongue) (out []string) {
	own := []string{"code", "pre", "script", "style", "textarea"}
	z, open, skip := html.NewTokenizer(strings.NewReader(body)), []string{}, 0
	void := []string{"input", "meta", "link", "br", "img", "hr", "wbr", "col", "source"}
	look := func(text string) {
		text = strings.Join(strings.Fields(html.UnescapeString(text)), " ")
		to, known := es.Keys()[text]
		text = alien.ReplaceAllString(text, "")
		if text != "" && (function.MatchString(text) || known && to != text) && !slices.Contains(out, text) {
			out = append(out, text)
		}
	}
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			tok := z.Token()
			mine := slices.ContainsFunc(tok.Attr, func(a html.Attribute) bool { return a.Key == "lang" }) && tok.Data != "html"
			for _, a := range tok.Attr {
				if skip == 0 && !mine && slices.Contains([]string{"aria-label", "title", "placeholder", "alt", "data-label", "data-expired"}, a.Key) {
					look(a.Val)
				}
			}
			if kind == html.SelfClosingTagToken || slices.Contains(void, tok.Data) {
				continue
			}
			open = append(open, tok.Data)
			if skip > 0 || mine || slices.Contains(own, tok.Data) {
				skip++
			}
		case html.EndTagToken:
			name := z.Token().Data
			for i := len(open) - 1; i >= 0; i-- {
				if open[i] == name {
					skip = max(0, skip-(len(open)-i))
					open = open[:i]
					break
				}
			}
		case html.TextToken:
			if skip == 0 {
				look(string(z.Text()))
			}
		}
	}
}

// TestNoEnglishIsLeft renders each page that pictures are taken of in Spanish: what
// is said in English on it was written by somebody, and says so with lang.
func TestNoEnglishIsLeft(t *testing.T) {
	tongues, err := tongue.Load()
	if err != nil {
		t.Fatal(err)
	}
	c, _ := withDispatch(t)
	c.operated(t, "site-1", "van-14", "van-15")
	s, _ := c.serve(t, "127.0.0.1:0")
	client := http.Client{}
	for _, page := range shots {
		path, _, _ := strings.Cut(page.path, "#")
		r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Language", "es-US")
		got, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		_ = got.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range unsaid(string(body), tongues["es"]) {
			t.Errorf("%s says %q", page.name, text)
		}
	}
}

// answers are fields of pages that say what came of something.
var answers = []string{"Problem", "Done", "Told", "Why", "Waits", "Standing", "Says", "Word", "Note"}

// TestWhatIsRefusedIsSaidInSpanish goes through the source for what pages answer
// that cannot be shown or done: each text has its Spanish.
func TestWhatIsRefusedIsSaidInSpanish(t *testing.T) {
	tongues, err := tongue.Load()
	if err != nil {
		t.Fatal(err)
	}
	es, files, seen := tongues["es"], source.NewFileSet(), 0
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range sources {
		file, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		check := func(arg ast.Expr, frame string) {
			text, ok := example(arg)
			if !ok || text == "" {
				return
			}
			seen++
			if told := es.Tell(strings.ReplaceAll(frame, "{}", text)); function.MatchString(told) {
				t.Errorf("%s: %q is said %q", files.Position(arg.Pos()), text, told)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if to, ok := n.(*ast.AssignStmt); ok && len(to.Lhs) == len(to.Rhs) {
				for i, field := range to.Lhs {
					if field, ok := field.(*ast.SelectorExpr); ok && slices.Contains(answers, field.Sel.Name) {
						check(to.Rhs[i], "{}")
					}
				}
			}
			if pair, ok := n.(*ast.KeyValueExpr); ok {
				if field, ok := pair.Key.(*ast.Ident); ok && slices.Contains(answers, field.Name) {
					check(pair.Value, "{}")
				}
			}
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) < 4 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			from := map[string]int{"fail": 3, "broken": 2}[method.Sel.Name]
			if from == 0 {
				return true
			}
			if method.Sel.Name == "broken" {
				check(call.Args[from], "It failed to {}. Its log says why. Readings go on being taken and kept by the gateways.")
				return true
			}
			for _, arg := range call.Args[from:] {
				check(arg, "{}")
			}
			return true
		})
	}
	if seen < 80 {
		t.Errorf("%d texts were found: are they answered in another way now?", seen)
	}
}

// example is a text as it may be put together; false where it is none of the page's
// own words.
func example(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil
	case *ast.BinaryExpr:
		a, known := example(e.X)
		b, also := example(e.Y)
		if !known {
			a = "X1"
		}
		if !also {
			b = "X1"
		}
		return a + b, known || also
	}
	return "", false
}
