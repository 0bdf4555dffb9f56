package main

import (
	"context"
	"fmt"
)

// patients measures how many patients can watch their deliveries, each one of
// their own with a new reading each second.
func patients(ctx context.Context, _ string, r *report) error {
	watched, err := gotest(ctx, "./hub/web/patient", "^BenchmarkWatching$", "-benchtime", "1x")
	if err != nil {
		return err
	}
	for _, n := range []string{"500", "2000", "4000"} {
		aim := ""
		if n == "2000" {
			aim = "<= 1"
		}
		k := watched[n]
		r.add(n+" patients who watch at 1 Hz", k["cores"], "cores", aim,
			fmt.Sprintf("hub and browsers' side together, contexts in memory; an event comes %.0f ms after the hub looked (p50), %.0f ms (p99); %.0f bytes each", k["p50-ms"], k["p99-ms"], k["B/event"]))
	}
	return nil
}
