package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"frostline/hub/policy"
)

// routes are the pages and their parts. Each needs an entry in hub/policy.
type routes struct {
	mux      *http.ServeMux
	patterns []string
}

func newRoutes() *routes { return &routes{mux: http.NewServeMux()} }

// HandleFunc mounts what answers to a pattern, which names its method.
func (rs *routes) HandleFunc(pattern string, h http.HandlerFunc) { rs.Handle(pattern, h) }

// Handle mounts what answers to a pattern, which names its method.
func (rs *routes) Handle(pattern string, h http.Handler) {
	rs.patterns = append(rs.patterns, pattern)
	rs.mux.Handle(pattern, h)
}

// check refuses routes that hub/policy does not know.
func (rs *routes) check() error {
	var missing []string
	for _, p := range rs.patterns {
		if _, ok := policy.Page(p); !ok {
			missing = append(missing, fmt.Sprintf("%q", p))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("web: routes %s have no entry in hub/policy/pages.go: say there who may", strings.Join(missing, ", "))
	}
	return nil
}

// heads are the first segments of the paths of pages and their parts. All other
// paths are of the interface for programs, where there is one.
func (rs *routes) heads() map[string]bool {
	out := map[string]bool{"favicon.ico": true}
	for _, p := range rs.patterns {
		_, path, _ := strings.Cut(p, " ")
		head, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if head == "{$}" {
			head = ""
		}
		out[head] = true
	}
	return out
}

// rule gives who may ask for what a request asks for. The pattern is "" where no
// route matches.
func (rs *routes) rule(r *http.Request) (pattern string, rule policy.Rule) {
	_, pattern = rs.mux.Handler(r)
	if !slices.Contains(rs.patterns, pattern) { // a redirection of the multiplexer, or nothing
		return "", policy.Rule{}
	}
	rule, _ = policy.Page(pattern)
	return pattern, rule
}
