package binding

import (
	"net/http"
	"slices"
	"sort"
	"strings"
)

// operation answers a request or fails.
type operation func(w http.ResponseWriter, r *http.Request) error

// routes mounts every operation, and what discovers them.
func (b *Binding) routes() {
	b.allowed = map[string]string{}
	methods := map[string][]string{}
	on := func(method, pattern string, scope string, do operation) {
		methods[pattern] = append(methods[pattern], method)
		b.mux.HandleFunc(method+" "+Root+pattern, func(w http.ResponseWriter, r *http.Request) {
			b.answer(w, r, scope, do)
		})
	}
	ask := func(pattern string, do operation) { on(http.MethodGet, pattern, QueryScope, do) }
	ask("/{$}", b.top)
	on(http.MethodPost, "/capture", CaptureScope, b.capture)
	on(http.MethodGet, "/capture", CaptureScope, b.jobs)
	on(http.MethodGet, "/capture/{captureID}", CaptureScope, b.job)
	ask("/events", b.events)
	on(http.MethodPost, "/events", CaptureScope, b.captureOne)
	ask("/events/{eventID}", b.event)
	for _, res := range resources {
		ask("/"+res.name, b.members(res))
		ask("/"+res.name+"/{value}", b.member(res))
		ask("/"+res.name+"/{value}/events", b.eventsOf(res))
	}
	ask("/queries", b.queries)
	on(http.MethodPost, "/queries", QueryScope, b.createQuery)
	ask("/queries/{query}", b.query)
	on(http.MethodDelete, "/queries/{query}", QueryScope, b.deleteQuery)
	ask("/queries/{query}/events", b.queryEvents)
	ask("/queries/{query}/subscriptions", b.subscriptions)
	on(http.MethodPost, "/queries/{query}/subscriptions", QueryScope, b.subscribe)
	ask("/queries/{query}/subscriptions/{id}", b.subscription)
	on(http.MethodDelete, "/queries/{query}/subscriptions/{id}", QueryScope, b.unsubscribe)
	on(http.MethodDelete, "/nextPageToken/{token}", QueryScope, b.releaseToken)
	for pattern, all := range methods {
		all = append(all, http.MethodOptions)
		if slices.Contains(all, http.MethodGet) {
			all = append(all, http.MethodHead)
		}
		sort.Strings(all)
		allow := strings.Join(all, ", ")
		b.mux.HandleFunc(http.MethodOptions+" "+Root+pattern, func(w http.ResponseWriter, r *http.Request) {
			b.answer(w, r, "", func(w http.ResponseWriter, r *http.Request) error {
				b.discover(w.Header(), allow, pattern)
				w.WriteHeader(http.StatusNoContent)
				return nil
			})
		})
	}
	// Without the slash, which most clients cut off.
	b.mux.HandleFunc(http.MethodGet+" "+Root, func(w http.ResponseWriter, r *http.Request) { b.answer(w, r, QueryScope, b.top) })
}

// answer runs an operation for whoever may ask for it. Without a scope, either
// will do.
func (b *Binding) answer(w http.ResponseWriter, r *http.Request, scope string, do operation) {
	scopes := []string{scope}
	if scope == "" {
		scopes = []string{QueryScope, CaptureScope}
	}
	p := callOf(r).may(scopes...)
	if p == nil {
		p = negotiable(r)
	}
	if p == nil {
		if err := do(w, r); err != nil {
			p = problemOf(err)
		}
	}
	if p != nil {
		b.refuse(w, r, p)
	}
}
