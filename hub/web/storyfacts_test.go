package web

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"frostline/hub/excursion"
)

var (
	factLines = regexp.MustCompile(`(?s)<p data-fact>(.*?)</p>`)
	hrefs     = regexp.MustCompile(`href="([^"]*)"`)
)

// TestEachFactIsLinkedToItsEvidence: no sentence of a story stands for itself, and
// whoever follows a link may see what it shows.
func TestEachFactIsLinkedToItsEvidence(t *testing.T) {
	b := openBench(t)
	all, err := b.world.Cases.List(t.Context(), excursion.Filter{Package: "P1"}, "", 10)
	if err != nil || len(all) < 2 {
		t.Fatalf("%d cases %v, want several kinds", len(all), err)
	}
	for who, v := range map[string]*visitor{"qa": b.as("ann", "qa"), "warehouse": b.as("mara", "warehouse")} {
		followed := map[string]bool{}
		for _, c := range all {
			p := v.get("/view/excursion/" + c.ID)
			facts := factLines.FindAllStringSubmatch(p.body, -1)
			if p.code != http.StatusOK || len(facts) < 2 {
				t.Fatalf("%s, %s: %d, %d facts", who, c.ID, p.code, len(facts))
			}
			for _, fact := range facts {
				links := hrefs.FindAllStringSubmatch(fact[1], -1)
				if len(links) == 0 && who == "qa" {
					t.Errorf("%s %s: a fact without evidence: %s", c.ID, c.Facts.Kind, fact[1])
				}
				for _, l := range links {
					followed[html.UnescapeString(l[1])] = true
				}
			}
		}
		if len(followed) == 0 {
			t.Errorf("%s: no fact has evidence", who)
		}
		for path := range followed {
			if p := v.get(path); p.code != http.StatusOK && !strings.HasPrefix(path, "/sensor/") { // the readings' own page is of another world in this test
				t.Errorf("%s: evidence at %s: %d", who, path, p.code)
			}
		}
	}
}
