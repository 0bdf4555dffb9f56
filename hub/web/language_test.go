package web

import (
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"frostline/dashboards"
	"frostline/hub/policy"
	"frostline/hub/view"
	"frostline/hub/web/tongue"
)

var (
	keyOf = regexp.MustCompile(`\bt "((?:[^"\\]|\\.)*)"`)
	part  = regexp.MustCompile(`\{[a-z#]*\}`)
)

// apart are templates that speak otherwise: the patient's page has words of its
// own.
var apart = []string{"templates/patient.html"}

// english are templates that are in English alone. There is none.
var english = []string{}

// TestEveryWordHasItsSpanish: every key in a template has an entry with the same
// parts, no text of a template is outside a key, and the modules' words are all
// there.
func TestEveryWordHasItsSpanish(t *testing.T) {
	tongues, err := tongue.Load()
	if err != nil {
		t.Fatal(err)
	}
	es := tongues["es"].Keys()
	files, err := fs.Glob(dashboards.Templates, "templates/*.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if slices.Contains(apart, file) || slices.Contains(english, file) {
			continue
		}
		b, err := fs.ReadFile(dashboards.Templates, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range keyOf.FindAllStringSubmatch(string(b), -1) {
			key := strings.ReplaceAll(m[1], `\"`, `"`)
			if _, ok := es[key]; !ok {
				t.Errorf("%s: %q has no Spanish", file, key)
			}
		}
		for _, text := range outside(string(b)) {
			t.Errorf("%s: %q is not said by a key", file, text)
		}
	}
	for key, to := range es {
		got, want := part.FindAllString(to, -1), part.FindAllString(key, -1)
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%q has the parts %v, and in Spanish %v", key, want, got)
		}
	}
	modules, err := fs.Glob(dashboards.Assets, "modules/*.js")
	if err != nil {
		t.Fatal(err)
	}
	words, err := fs.ReadFile(dashboards.Assets, "modules/spanish.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range modules {
		b, err := fs.ReadFile(dashboards.Assets, file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\bt\('([^']*)'`).FindAllStringSubmatch(string(b), -1) {
			if !strings.Contains(string(words), "'"+m[1]+"': '") {
				t.Errorf("%s: %q has no Spanish in spanish.js", file, m[1])
			}
		}
	}
}

// outside gives the texts of a template that no key says: words of two letters or
// more between tags, and in attributes that are read out.
func outside(source string) (out []string) {
	source = regexp.MustCompile(`(?s)\{\{.*?\}\}`).ReplaceAllString(source, "\x00")
	z, code := html.NewTokenizer(strings.NewReader(source)), 0
	letters := regexp.MustCompile(`\pL{2}`)
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken, html.SelfClosingTagToken:
			tok := z.Token()
			if slices.Contains([]string{"code", "pre", "script", "symbol"}, tok.Data) && tok.Type == html.StartTagToken {
				code++
			}
			for _, a := range tok.Attr {
				if slices.Contains([]string{"aria-label", "title", "placeholder", "data-label", "data-expired"}, a.Key) && letters.MatchString(a.Val) {
					out = append(out, a.Val)
				}
			}
		case html.EndTagToken:
			if slices.Contains([]string{"code", "pre", "script", "symbol"}, z.Token().Data) {
				code--
			}
		case html.TextToken:
			text := strings.TrimSpace(string(z.Text()))
			if rest := names.ReplaceAllString(text, ""); code == 0 && letters.MatchString(rest) {
				out = append(out, text)
			}
		}
	}
}

// names are the same in every language.
var names = regexp.MustCompile(`Frostline|EPC\b|SHA-256|GTIN|SSCC|NDC|UTC|FDA 3911|°C`)

// alike are texts that pages say in both languages alike: names, numbers and what
// persons, gateways and parts of the hub wrote.
var alike = regexp.MustCompile(`^[\d\s.,:;/%±−–+()→°*'-]*(min|ms|s|h|d|UTC|°C|km/h)?[\d\s.,:;/%±−–+()→°*'-]*$|^[a-z0-9_-]+(/[a-z0-9_-]+)?$|^(UTC\. )?Frostline( unknown)?(, Printed ana)?$|^v?\d|^/dev/|^(certificate [0-9a-f]+ )?until |^name "|^Go-http-client|^identify `)

// TestPagesAreInSpanish: pages whose words are by keys say nothing in English to
// who reads Spanish but what others wrote, by a cookie or by what the browser
// prefers.
func TestPagesAreInSpanish(t *testing.T) {
	g := openGuarded(t)
	v := g.as("ana", policy.Roles...)
	for _, path := range []string{"/", "/account", "/sensor/site-1/zone-a-air", "/sensor/van-14/position", "/view/fleet", "/view/fleet/site-1", "/view/rollouts", "/view/health", "/view/log", "/view/audit", "/me", "/view/people", "/no/such/page"} {
		en, es := v.do("GET", path, "", "Accept-Language", "en"), v.do("GET", path, "", "Accept-Language", "es-MX, en;q=0.5")
		if !strings.Contains(es.body, `<html lang="es">`) || !strings.Contains(en.body, `<html lang="en">`) {
			t.Errorf("%s: languages are not as asked", path)
		}
		if strings.Contains(es.body, "{with}") || strings.Contains(es.body, "{}") {
			t.Errorf("%s: a part is not filled in", path)
		}
		english := textsOf(en.body)
		for text := range textsOf(es.body) {
			if english[text] && !alike.MatchString(text) && !strings.Contains(written, text) {
				t.Errorf("%s says %q in both languages", path, text)
			}
		}
	}
	who := g.visitor()
	if p := who.do("GET", "/signin?lang=es", "", "Accept-Language", "en"); p.code != http.StatusOK || !strings.Contains(p.body, "Contraseña") {
		t.Errorf("sign-in is not in Spanish: %d", p.code)
	}
	if p := who.do("GET", "/signin", "", "Accept-Language", "en"); !strings.Contains(p.body, "Contraseña") || !strings.Contains(p.body, `href="?lang=en"`) {
		t.Error("a choice is forgotten")
	}
	if p := who.do("GET", "/signin?lang=xx", "", "Accept-Language", "fr"); !strings.Contains(p.body, "Contraseña") {
		t.Error("a language that there is none of changes the choice")
	}
}

// written are words of persons, gateways and the tests' company.
const written = "Printed ana ana June =June june zone-a-air the clock fix fewer readings which one is it person/june person/ana address 192.0.2.7 uplink: no network for 8 h 2 min; readings were kept " +
	"zone-a-product zone-b-air dock-door freezer position box-1 frostline/test sht4x Español English linux/arm64 QA EPC CSV started 1 person 100% auditor Sagas"

// textsOf are the texts of a page, without those that say in which language they are.
func textsOf(body string) map[string]bool {
	out := map[string]bool{}
	z, skip := html.NewTokenizer(strings.NewReader(body)), 0
	for {
		switch z.Next() {
		case html.ErrorToken:
			return out
		case html.StartTagToken:
			tok := z.Token()
			own := slices.ContainsFunc(tok.Attr, func(a html.Attribute) bool { return a.Key == "lang" }) && tok.Data != "html"
			if skip > 0 && !slices.Contains([]string{"input", "meta", "link", "br"}, tok.Data) || own || slices.Contains([]string{"code", "pre", "script", "textarea", "title"}, tok.Data) {
				skip++
			}
		case html.EndTagToken:
			if skip > 0 {
				skip--
			}
		case html.TextToken:
			if text := strings.TrimSpace(string(z.Text())); skip == 0 && text != "" {
				out[html.UnescapeString(text)] = true
			}
		}
	}
}

// TestValuesAreToldInSpanish: what follows the hub is told in the language of the
// page that follows.
func TestValuesAreToldInSpanish(t *testing.T) {
	tongues, err := tongue.Load()
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC).UnixMilli()
	r := view.Reading{Dated: true, UTC: now, Quality: 3}
	for lang, want := range map[string]string{"en": "not ok: " + view.QualityWord(3), "es": "no válido: " + tongues["es"].Tell(view.QualityWord(3))} {
		if got := tell(zoneA, r, time.Second, now, tongues[lang]); got.Word != want {
			t.Errorf("%s: %q, want %q", lang, got.Word, want)
		}
	}
	es := tongues["es"]
	for in, want := range map[string]string{
		"±12 ms by hub": "±12 ms según hub", "±1.2 s by ntp; gnss contradicts the others and is not used": "±1.2 s según ntp; gnss contradice a las demás y no se usa",
		"no words of ours": "no words of ours", "not ok: no answer": "no válido: sin respuesta", "not known while it is away; at least 200 readings": "no se sabe mientras no está; al menos 200 lecturas",
		"Not done: {} x": "No se hizo: {} x",
	} {
		if got := es.Tell(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	if got := es.Date("5 Jan 2026 00:00:00"); got != "5 ene 2026 00:00:00" {
		t.Errorf("date %q", got)
	}
}
