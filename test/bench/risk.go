package main

import (
	"context"
	"fmt"
)

// atRisk measures how long the list of deliveries at risk takes to be refreshed,
// and how long a suggested order takes for a route of many stops.
func atRisk(ctx context.Context, _ string, r *report) error {
	found, err := gotest(ctx, "./hub/dispatch/risk", "^BenchmarkRefresh10000$", "-benchtime", "20x")
	if err != nil {
		return err
	}
	r.add("at-risk list of 10,000 deliveries", found[""]["ms/refresh"], "ms", "<= 100", "conditions, outlooks and arrivals joined and sorted anew; a package each")
	if found, err = gotest(ctx, "./hub/dispatch/propose", "^BenchmarkProposal$"); err != nil {
		return err
	}
	for _, n := range []string{"12", "200"} {
		r.add("suggested order of "+n+" stops", found[n]["ms/proposal"], "ms", "", fmt.Sprintf("%s stops of one courier with windows and deadlines, ways estimated, from reading the route to words", n))
	}
	return nil
}
