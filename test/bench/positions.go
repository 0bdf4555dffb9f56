package main

import "context"

// positions measures how fast couriers are followed: their positions past the
// fences of their stops, and the estimates of 4,000 stops.
func positions(ctx context.Context, _ string, r *report) error {
	fences, err := gotest(ctx, "./hub/dispatch/progress/fence", "^BenchmarkFences$", "-benchtime", "1s")
	if err != nil {
		return err
	}
	followed, err := gotest(ctx, "./hub/dispatch/progress", "^BenchmarkFollow$", "-benchtime", "5x")
	if err != nil {
		return err
	}
	r.add("position past 5,000 fences", fences["5000"]["ns/op"]/1000, "µs", "<= 1", "")
	r.add("track gone through again", followed["track"]["positions/s"], "positions/s", "", "from readings in memory to reports of stops")
	r.add("estimates of 200 routes with 20 stops", followed["round"]["ns/op"]/1e6, "ms", "<= 100", "each second, while nothing new comes")
	return nil
}
