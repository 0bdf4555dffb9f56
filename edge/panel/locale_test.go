package panel

import (
	"io/fs"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"frostline/edge/scan"
	"frostline/proto/reading"
)

var verbs = regexp.MustCompile(`%(\[\d\])?[a-z%]`)

// TestCataloguesHaveTheSameKeys, each with as much to fill in.
func TestCataloguesHaveTheSameKeys(t *testing.T) {
	es := locales["es"]
	for key, text := range english.text {
		other, ok := es.text[key]
		if !ok {
			t.Errorf("es lacks %q", key)
			continue
		}
		if text == "" || other == "" {
			t.Errorf("%q is empty", key)
		}
		a, b := verbs.FindAllString(text, -1), verbs.FindAllString(other, -1)
		slices.Sort(a)
		slices.Sort(b)
		if strings.Contains(text+other, "%[") { // in an order of their own, or some of them alone
			a, b = slices.Compact(a), slices.Compact(b)
		}
		if !slices.Equal(a, b) {
			t.Errorf("%q: en has %q to fill in, es %q", key, a, b)
		}
	}
	for key := range es.text {
		if !english.has(key) {
			t.Errorf("es has %q, which en lacks", key)
		}
	}
}

var (
	saidInGo       = regexp.MustCompile(`\bl\.(?:say|row|mark)\("([a-z0-9.-]+)"`)
	saidInTemplate = regexp.MustCompile(`\{\{t "([a-z0-9.-]+)"`)
)

// TestEveryKeyIsThere: what Go and the templates say is in the catalogues, and so
// is each key that is put together.
func TestEveryKeyIsThere(t *testing.T) {
	keys := map[string]string{}
	for _, dir := range []string{".", "assets"} {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			name := dir + "/" + f.Name()
			if f.IsDir() || strings.HasSuffix(name, "_test.go") || !strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, ".html") {
				continue
			}
			b, err := fs.ReadFile(os.DirFS("."), strings.TrimPrefix(name, "./"))
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range saidInGo.FindAllSubmatch(b, -1) {
				key := string(m[1])
				if strings.Contains(string(m[0]), "row(") || strings.Contains(string(m[0]), "mark(") {
					key = "row." + key
				}
				if !strings.HasSuffix(key, ".") && !strings.HasSuffix(key, "-") {
					keys[key] = name
				}
			}
			for _, m := range saidInTemplate.FindAllSubmatch(b, -1) {
				keys[string(m[1])] = name
			}
		}
	}
	for _, s := range append(slices.Clone(order), "") {
		if s != "" {
			keys["state."+string(s)], keys["face."+string(s)], keys["count."+string(s)] = "states", "states", "states"
		}
	}
	for _, link := range []LinkState{LinkConnected, LinkDisconnected, LinkCut, LinkOff} {
		keys["link."+string(link)] = "links"
	}
	for q := reading.Quantity(1); q.String() != ""; q++ {
		if strings.HasPrefix(q.String(), "quantity-") {
			break
		}
		keys["quantity."+q.String()] = "quantities"
	}
	for _, side := range []string{"warm", "cold", "out"} {
		keys["head."+side], keys["head.was-"+side], keys["head.was-"+side+"-silent"] = "heads", "heads", "heads"
	}
	for _, key := range remedies {
		keys[key] = "remedies"
	}
	for _, r := range reasons {
		keys[r.key] = "reasons"
	}
	for _, step := range []string{"close-door", "close-doors", "unit-set", "unit", "sensor", "power", "ask", "tell"} {
		keys["step."+step] = "steps"
	}
	for _, r := range append(scan.Roles, "none") {
		keys["role."+r] = "roles"
	}
	for _, s := range scan.Seals {
		keys["seal."+s] = "seals"
	}
	for _, a := range actions {
		keys["scan.action."+a.String()], keys["scan.did."+a.String()] = "actions", "actions"
	}
	for _, code := range []string{scan.CodeEmpty, scan.CodeTooLong, scan.CodeText, scan.CodeCheckDigit, scan.CodeStandard, scan.CodeUnit, scan.CodeProduct,
		scan.BadAction, scan.BadTarget, scan.BadParty, scan.BadPatient, scan.BadRole, scan.BadSeal, scan.BadToken, scan.BadID, scan.BadCorrection, scan.ReusedID, scan.NotKept} {
		keys["scan.problem."+code] = "problems"
	}
	for _, thing := range []string{"reading", "block", "segment", "parcel", "day", "hour", "minute", "time", "message"} {
		keys["n."+thing+".one"], keys["n."+thing+".many"] = "counts", "counts"
	}
	for _, tag := range languages {
		keys["language."+tag] = "languages"
	}
	for key, where := range keys {
		if !english.has(key) {
			t.Errorf("%s says %q, which no catalogue has", where, key)
		}
	}
	// What is in the catalogue is used: as a key, or as the part of one.
	var all strings.Builder
	for _, dir := range []string{".", "assets"} {
		files, _ := os.ReadDir(dir)
		for _, f := range files {
			if !f.IsDir() && !strings.HasSuffix(f.Name(), "_test.go") {
				b, _ := os.ReadFile(dir + "/" + f.Name())
				all.Write(b)
			}
		}
	}
	source := all.String()
	for key := range english.text {
		if _, known := keys[key]; !known && !strings.Contains(source, `"`+key+`"`) && !strings.HasPrefix(key, "facts.") && !strings.HasPrefix(key, "value.") {
			t.Errorf("%q is in the catalogues, and nobody says it", key)
		}
	}
}

// TestLanguageIsTheBrowsersUnlessChosen on the device, or configured.
func TestLanguageIsTheBrowsersUnlessChosen(t *testing.T) {
	for header, want := range map[string]string{"": "en", "es": "es", "es-MX,es;q=0.9,en;q=0.8": "es", "de-DE": "en", "fr;q=0.9, es;q=0.5": "es", "en-US,es;q=0.3": "en", "\x00;;": "en"} {
		if got := accepted(header); got != want {
			t.Errorf("%q: got %s, want %s", header, got, want)
		}
	}
	s := inFace("out")
	for _, path := range []string{"/driver", "/wall", "/details", "/table", "/alarms/k3f9x2ab"} {
		text := faceText(t, pages(t, s, Settings{}), path, "es-US")
		if !strings.Contains(text, "uera de rango") && !strings.Contains(text, "Actúe ya") {
			t.Errorf("%s in Spanish says %q", path, text)
		}
		if !strings.Contains(faceText(t, pages(t, s, Settings{Language: "en"}), path, "es-US"), "ut of range") {
			t.Errorf("%s: the configured language does not count", path)
		}
	}
	p := pages(t, s, Settings{Language: "en"})
	r := post(t, p.Handler(), "/prefer", map[string][]string{"language": {"es"}, "look": {"night"}, "back": {"/driver"}}, nil)
	if len(r.Cookies()) != 2 || r.Header.Get("Location") != "/driver" {
		t.Fatalf("remembered %v, goes back to %s", r.Cookies(), r.Header.Get("Location"))
	}
	html := body(t, get(t, p.Handler(), "/driver", func(q *http.Request) {
		for _, c := range r.Cookies() {
			q.AddCookie(c)
		}
	}))
	if !strings.Contains(html, `<html lang="es" class="night">`) || !strings.Contains(html, "demasiado calor") {
		t.Error("what was chosen on the device does not count")
	}
	if r := post(t, p.Handler(), "/prefer", map[string][]string{"language": {"xx"}, "look": {"pink"}}, nil); len(r.Cookies()) != 0 {
		t.Errorf("remembers nonsense: %v", r.Cookies())
	}
}

// TestNoEnglishInSpanish: nothing that Judge says of any state is the same in both
// languages, but what others wrote.
func TestNoEnglishInSpanish(t *testing.T) {
	es := locales["es"]
	for _, name := range stateNames() {
		a, b := english.judge(inState(name)), es.judge(inState(name))
		if a.State != b.State || len(a.Findings) != len(b.Findings) {
			t.Errorf("%s: judged differently in another language", name)
			continue
		}
		if a.Says == b.Says && !strings.Contains(a.Says, "bus w1") {
			t.Errorf("%s: %q in both languages", name, a.Says)
		}
		for i := range a.Findings {
			if a.Findings[i].Do != "" && a.Findings[i].Do == b.Findings[i].Do {
				t.Errorf("%s: %q in both languages", name, a.Findings[i].Do)
			}
		}
	}
}
