package gs1

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// vectors can be another part of the same tables.
var vectors = flag.String("vectors", filepath.Join("testdata", "vectors"), "folder of the tables to test with")

type vector struct {
	OK      bool
	In      string
	Out     string
	Sym     string
	Fn      string
	Linter  string
	Err     string
	Markup  string
	Stem    *string
	Path    string `json:"out_path"`
	Query   string `json:"out_query"`
	File    string
	Op      string
	GCP     *int `json:"gcpLength"`
	Key     string
	Line    int
	Options map[string]bool
}

func (v vector) options() Options {
	return Options{
		UnknownAIs:        v.Options["PermitUnknownAIs"],
		UnknownAttributes: v.has("ValidationEnabled:gs1_encoder_vUNKNOWN_AI_NOT_DL_ATTR", false),
		ShortGTINs:        v.Options["PermitZeroSuppressedGTINinDLuris"],
	}
}

func (v vector) has(option string, value bool) bool {
	got, ok := v.Options[option]
	return ok && got == value
}

// table reads one table, or skips the test if the folder does not have it.
func table(t testing.TB, name string) []vector {
	t.Helper()
	body, err := os.ReadFile(filepath.Join(*vectors, name+".json"))
	if os.IsNotExist(err) {
		t.Skip(err)
	}
	var all []vector
	if err == nil {
		err = json.Unmarshal(body, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func newReader(o Options, s string) *reader {
	r := &reader{Options: o, dict: standard(), src: s}
	r.items = r.buffer[:0]
	return r
}

// unbracketed writes what was read as the engine does.
func (r *reader) unbracketed(err *Error) (string, bool) {
	if err != nil {
		return "", false
	}
	return r.elements().Unbracketed('^'), true
}

func TestElementStrings(t *testing.T) {
	for _, v := range table(t, "ai_process_unbracketed") {
		r := newReader(v.options(), v.In)
		var err *Error
		if err = fault(0, "", NoFNC1); strings.HasPrefix(v.In, "^") {
			err = r.elementString(1, '^')
		}
		if got := err == nil; got != v.OK {
			t.Errorf("line %d: %q: ok %v, want %v: %v", v.Line, v.In, got, v.OK, err)
		}
	}
}

func TestBracketed(t *testing.T) {
	for _, v := range table(t, "ai_bracketed_to_unbracketed") {
		r := newReader(v.options(), v.In)
		err := r.bracketed()
		if out, ok := r.unbracketed(err); ok != v.OK || out != v.Out {
			t.Errorf("line %d: %q: %q, %v, want %q, %v: %v", v.Line, v.In, out, ok, v.Out, v.OK, err)
		}
	}
}

// faultOf gives the fault that a name of the engine stands for.
func faultOf(name string) Fault {
	return Fault(strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, "GS1_LINTER_"), "_", " ")))
}

func TestValues(t *testing.T) {
	for _, v := range table(t, "ai_linters") {
		err := newReader(Options{}, v.In).bracketed()
		want := faultOf(v.Linter)
		switch {
		case want == "ok" && err != nil:
			t.Errorf("%q: %v", v.In, err)
		case want != "ok" && (err == nil || err.Fault != want):
			t.Errorf("%q: %v, want %q", v.In, err, want)
		}
	}
}

func TestAssociations(t *testing.T) {
	for _, v := range table(t, "ai_validate_associations") {
		r := newReader(v.options(), v.In)
		if err := r.bracketed(); err != nil {
			t.Errorf("line %d: %q: %v", v.Line, v.In, err)
			continue
		}
		order := r.order(nil)
		check := map[string]func([]*item) *Error{
			"validateAImutex": forbidden, "validateAIrequisites": r.missing,
			"validateAIrepeats": contradictory, "validateDigSigRequiresSerialisedKey": unserialised,
		}[v.Fn]
		if err := check(order); (err == nil) != v.OK {
			t.Errorf("line %d: %s of %q: %v, want ok %v", v.Line, v.Fn, v.In, err, v.OK)
		}
	}
}

func TestEscapes(t *testing.T) {
	for _, v := range table(t, "dl_escape") {
		path, query := string(appendEscaped(nil, v.In, false)), string(appendEscaped(nil, v.In, true))
		if path != v.Path || query != v.Query {
			t.Errorf("line %d: %q: %q, %q, want %q, %q", v.Line, v.In, path, query, v.Path, v.Query)
		}
	}
}

func TestUnescapes(t *testing.T) {
	for _, v := range table(t, "dl_unescape") {
		path, query := latin(unescapeURI(v.In, false)), latin(unescapeURI(v.In, true))
		if path != v.Path || query != v.Query {
			t.Errorf("line %d: %q: %q, %q, want %q, %q", v.Line, v.In, path, query, v.Path, v.Query)
		}
	}
}

// latin takes each byte for a character, as the table does.
func latin(s string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func TestLinksIn(t *testing.T) {
	for _, v := range table(t, "dl_uri_to_unbracketed") {
		o := v.options()
		// The table does not say for which of its lines short names were on.
		o.ShortNames = v.OK && hasShortName(v.In)
		r := newReader(o, v.In)
		err := r.link(0)
		if out, ok := r.unbracketed(err); ok != v.OK || out != v.Out {
			t.Errorf("line %d: %q: %q, %v, want %q, %v: %v", v.Line, v.In, out, ok, v.Out, v.OK, err)
		}
	}
}

func hasShortName(link string) bool {
	for name := range shortNames {
		if strings.Contains(link, "/"+name+"/") {
			return true
		}
	}
	return false
}

func TestLinksOut(t *testing.T) {
	for _, v := range table(t, "dl_generate_uri") {
		o := v.options()
		o.Incomplete = true
		stem := ""
		if v.Stem != nil {
			stem = *v.Stem
		}
		e, err := o.Parse(v.In)
		out := ""
		if err == nil {
			out, err = o.DigitalLink(e, stem)
		}
		if ok := err == nil; ok != v.OK || out != v.Out {
			t.Errorf("line %d: %q: %q, %v, want %q, %v: %v", v.Line, v.In, out, ok, v.Out, v.OK, err)
		}
	}
}

// symbologies are the engine's names.
var symbologies = map[string]string{
	"C1": "GS1_128_CCA", "E0": "EAN13", "E4": "EAN8", "e0": "DataBarExpanded",
	"d1": "DM", "d2": "DM", "Q1": "QR", "Q3": "QR", "J0": "DotCode", "J1": "DotCode",
}

func TestScans(t *testing.T) {
	for _, v := range table(t, "scandata_process") {
		scan, err := ReadScan(v.In)
		symbology := "NONE"
		if err == nil {
			symbology = symbologies[scan.Symbology]
		}
		if ok := err == nil; ok != v.OK || scan.Data != v.Out || symbology != v.Sym {
			t.Errorf("line %d: %q: %s %q, %v, want %s %q, %v: %v", v.Line, v.In, symbology, scan.Data, ok, v.Sym, v.Out, v.OK, err)
		}
	}
}

func TestRules(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(*vectors, "lint_*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		for _, v := range table(t, strings.TrimSuffix(filepath.Base(file), ".json")) {
			name := strings.TrimPrefix(v.Fn, "gs1_lint_")
			r := rules[name]
			if r == nil {
				t.Errorf("%s: no rule %q", file, name)
				continue
			}
			f, at, n := r(v.In)
			if v.OK && f != "" || !v.OK && f != faultOf(v.Err) {
				t.Errorf("%s of %q: %q, want ok %v %q", name, v.In, f, v.OK, faultOf(v.Err))
			}
			if f == "" {
				continue
			}
			if got := v.In[:at] + "*" + v.In[at:at+n] + "*" + v.In[at+n:]; got != v.Markup {
				t.Errorf("%s of %q: %q, want %q", name, v.In, got, v.Markup)
			}
			if err := new(Error); !errors.As(Check(name, v.In), &err) || err.At != at {
				t.Errorf("%s of %q: %v, want byte %d", name, v.In, err, at)
			}
		}
	}
}

func TestTranslations(t *testing.T) {
	for _, v := range table(t, "urn-digital-link-pairs") {
		var out string
		var err error
		if strings.HasPrefix(v.Op, "toURI") {
			out, err = FromURN(v.In)
		} else {
			out, err = ToURN(v.In, v.prefix())
		}
		if err != nil || out != v.Out {
			t.Errorf("%s of %q: %q, want %q: %v", v.Op, v.In, out, v.Out, err)
		}
	}
}

// prefix is the length of the company prefix: given, or else looked up in GS1's
// table by the origin of the vectors, which may not be passed on, and then that
// of the URN.
func (v vector) prefix() int {
	if v.GCP != nil {
		return *v.GCP
	}
	prefix, _, _ := strings.Cut(v.Out, ".")
	return len(prefix) - strings.LastIndexByte(prefix, ':') - 1
}
