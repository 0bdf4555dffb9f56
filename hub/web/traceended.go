package web

import (
	"context"
	"net/http"
	"slices"

	"frostline/hub/trace/dscsa"
)

type endedPage struct {
	frame
	Requests   []requestView
	Suspects   []suspectView
	Exceptions []exceptionView
	// Where the next part of each list begins; "" where there is none.
	NextRequest, NextSuspect, NextException string
}

// traceEnded is GET /trace/ended: what was answered, decided and resolved, by id.
func (s *Server) traceEnded(w http.ResponseWriter, r *http.Request) {
	page, err := s.ended(r.Context(), r.FormValue("request"), r.FormValue("suspect"), r.FormValue("exception"), traceLines)
	if err != nil {
		s.broken(w, r, "list what has ended", err)
		return
	}
	s.render(w, s.pages.traceEnded, http.StatusOK, page)
}

// ended lists what has ended after ids, at most so many of each.
func (s *Server) ended(ctx context.Context, request, suspect, exception string, limit int) (page endedPage, err error) {
	page.frame = s.traceFrame("What has ended")
	page.Still, page.Modules = true, nil
	requests, err := s.cfg.Trace.Requests(ctx, "answered", request, limit+1)
	if err != nil {
		return page, err
	}
	if len(requests) > limit {
		requests = requests[:limit]
		page.NextRequest = requests[limit-1].ID
	}
	for _, q := range requests {
		page.Requests = append(page.Requests, requestOf(q, page.Now))
	}
	for _, state := range []string{dscsa.Terminated, dscsa.Cleared, dscsa.Dismissed} {
		cases, err := s.cfg.Trace.Suspicions(ctx, state, suspect, limit+1)
		if err != nil {
			return page, err
		}
		if len(cases) > limit {
			cases = cases[:limit]
			page.NextSuspect = min(orLast(page.NextSuspect), cases[limit-1].ID)
		}
		for _, c := range cases {
			page.Suspects = append(page.Suspects, suspectOf(c, page.Now))
		}
	}
	if page.NextSuspect != "" { // states are cut at different ids: the next part begins after the least
		page.Suspects = slices.DeleteFunc(page.Suspects, func(c suspectView) bool { return c.ID > page.NextSuspect })
	}
	resolved, err := s.cfg.Trace.Discrepancies(ctx, "resolved", exception, limit+1)
	if len(resolved) > limit {
		resolved = resolved[:limit]
		page.NextException = resolved[limit-1].ID
	}
	for _, c := range resolved {
		page.Exceptions = append(page.Exceptions, exceptionOf(c))
	}
	return page, err
}

// orLast is an id, or what comes after every id.
func orLast(id string) string {
	if id == "" {
		return "\U0010ffff"
	}
	return id
}
