package web

import (
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"frostline/hub/policy"
)

var linked = regexp.MustCompile(`<a [^>]*href="(/[^"#]*)|<form [^>]*action="(/[^"]*)"`)

// TestNobodyIsOfferedWhatTheyMayNot goes through the pages as each role, by their
// links: none leads, and no form, to where the table keeps them out.
func TestNobodyIsOfferedWhatTheyMayNot(t *testing.T) {
	g := openBench(t)
	const each = 3 // pages of one route that are looked at
	for _, role := range policy.Roles {
		v := g.as("p-"+strings.ReplaceAll(role, "_", "-"), role)
		todo, seen, of := []string{"/", "/me"}, map[string]bool{}, map[string]int{}
		for len(todo) > 0 {
			path := todo[0]
			todo = todo[1:]
			pattern, rule := g.routes.rule(httptest.NewRequest("GET", path, nil))
			if pattern == "" || seen[path] || of[pattern] >= each || pattern == "GET /live" {
				continue
			}
			seen[path] = true
			of[pattern]++
			if !rule.Open && !rule.Person([]string{role}) {
				continue // told below, where the link is
			}
			p := v.get(path)
			if p.code != http.StatusOK || !strings.HasPrefix(p.head.Get("Content-Type"), "text/html") {
				continue
			}
			for _, m := range linked.FindAllStringSubmatch(p.body, -1) {
				method, to := http.MethodGet, html.UnescapeString(m[1])
				if m[2] != "" {
					method, to = http.MethodPost, html.UnescapeString(m[2])
				}
				pattern, rule := g.routes.rule(httptest.NewRequest(method, to, nil))
				if pattern != "" && pattern != "GET /{$}" && !rule.Open && !rule.Person([]string{role}) {
					t.Errorf("%s is offered %s on %s, and may not", role, to, path)
				}
				if method == http.MethodGet {
					todo = append(todo, to)
				}
			}
		}
		if role != policy.Driver && len(seen) < 10 {
			t.Errorf("%s saw %d pages", role, len(seen))
		}
	}
}
