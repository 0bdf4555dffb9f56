package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"frostline/test/rig"
)

// routes measures how good an order of stops one second finds: against what was
// planted, and against the best known distances of Solomon's and of Gehring and
// Homberger's instances, which are read from a folder beside the checkout.
func routes(ctx context.Context, _ string, r *report) error {
	folder := filepath.Join(rig.Root(), "..", "shared", "vectors", "vrptw")
	found, err := gotest(ctx, "./hub/dispatch/plan", "^BenchmarkInstances$", "-instances", folder)
	if err != nil {
		return err
	}
	groups := map[string][]float64{}
	took := 0.0
	for name, m := range found {
		took = max(took, m["s/plan"])
		group := "Solomon, 100 stops"
		switch {
		case strings.HasPrefix(name, "courier"):
			group = "one courier, 200 stops, planted"
		case strings.HasPrefix(name, "planted"):
			group = "vehicles, 200 stops, planted"
		case strings.Contains(name, "_2_"):
			group = "Gehring and Homberger, 200 stops"
		}
		groups[group] = append(groups[group], m["%gap"])
	}
	for _, group := range []string{"one courier, 200 stops, planted", "vehicles, 200 stops, planted", "Solomon, 100 stops", "Gehring and Homberger, 200 stops"} {
		gaps := groups[group]
		if len(gaps) == 0 {
			fmt.Printf("{\"name\":%q,\"note\":\"not measured: no instances in shared/vectors/vrptw\"}\n", "re-sequenced in a second, "+group)
			continue
		}
		slices.Sort(gaps)
		r.add("re-sequenced in a second, "+group, gaps[len(gaps)-1], "% over best", "<= 5", fmt.Sprintf("worst of %d; median %.2f %%; slowest of all %.2f s", len(gaps), gaps[len(gaps)/2], took))
	}
	if _, err := os.Stat(folder); err != nil {
		fmt.Fprintln(os.Stderr, "public instances of the vehicle-routing problem:", err)
	}
	return nil
}
