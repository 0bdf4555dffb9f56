package web

import (
	"net/http/httptest"
	"strings"
	"testing"

	"frostline/hub/policy"
)

// elsewhereExamined are pages that other tests bring before axe-core: those by
// which people come in, the workbench, and the patient's.
var elsewhereExamined = []string{
	"GET /signin", "GET /enter/{secret}", "GET /me", "GET /view/people", "GET /", // TestSigningInIsForEverybody
	"GET /view/excursion/{id}", "GET /view/trail/{kind}/{id}", // TestWorkbenchIsForEverybody
	"GET /p/{secret}",         // of hub/web/patient
	"GET /trace/request/{id}", // TestDecidingIsForEverybody, and answered below
}

// noPages answer with no page of their own: files, streams, and what leads on.
var noPages = []string{
	"GET /assets/", "GET /signin/provider", "GET /signin/callback", "GET /p/{secret}/live", "GET /live", "GET /health", "GET /metrics",
	"GET /data/{gateway}/{sensor}/{quantity}", "GET /export/{gateway}/{sensor}/{quantity}", "GET /view/excursions/{id}", "GET /view/excursion/{id}/document/{sha}",
	"GET /view/excursion/{id}/report.pdf", "GET /view/shipment/{id}/report.pdf", "GET /view/shipment/{id}/evidence.zip", "GET /trace/request/{id}/package.zip",
	"GET /trace/exception/{id}/{message}", "GET /view/audit/people.csv", "GET /view/audit/records.csv", "GET /view/audit/gateways.csv",
}

// TestEveryPageIsExamined: each page in the table of hub/policy is among those
// that axe-core looks at, in light and dark. A new one has to be added to shots.
func TestEveryPageIsExamined(t *testing.T) {
	g := openGuarded(t)
	seen := map[string]bool{}
	for _, list := range [][]string{elsewhereExamined, noPages} {
		for _, pattern := range list {
			seen[pattern] = true
			if _, ok := policy.Page(pattern); !ok {
				t.Errorf("%q is no route", pattern)
			}
		}
	}
	for _, s := range shots {
		path, _, _ := strings.Cut(s.path, "#")
		pattern, _ := g.routes.rule(httptest.NewRequest("GET", "/"+path, nil))
		if pattern == "" || pattern == "GET /" {
			t.Errorf("%s: no page is at /%s", s.name, path)
		}
		seen[pattern] = true
	}
	for _, pattern := range policy.Pages() {
		if strings.HasPrefix(pattern, "GET ") && !seen[pattern] {
			t.Errorf("axe-core never looks at %s: add it to shots", pattern)
		}
	}
}
