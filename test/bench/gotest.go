package main

import (
	"context"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
	"strings"

	"frostline/test/rig"
)

var cores = regexp.MustCompile(`-\d+$`)

// gotest runs a package's own benchmark once and gives what it measured: by
// benchmark, without the name of its function, and by unit.
func gotest(ctx context.Context, folder, bench string, args ...string) (map[string]map[string]float64, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", folder, "-run", "^$", "-bench", bench, "-benchtime", "1x", "-timeout", "20m"}, args...)...)
	cmd.Dir = rig.Root()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("benchmark %s of %s: %w\n%s", bench, folder, err, out)
	}
	found := map[string]map[string]float64{}
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		_, name, _ := strings.Cut(cores.ReplaceAllString(f[0], ""), "/")
		found[name] = map[string]float64{}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				return nil, fmt.Errorf("benchmark %s of %s: %q: %w", bench, folder, line, err)
			}
			found[name][f[i+1]] = v
		}
	}
	return found, nil
}

// rebuilds measures how fast read models are built anew from a million events,
// and from fewer on PostgreSQL, where one is installed.
func rebuilds(ctx context.Context, _ string, r *report) error {
	for _, c := range []struct {
		name, database, aim string
		events              int
	}{{"SQLite", "sqlite", ">= 50000", 1_000_000}, {"PostgreSQL", "postgres", "", 200_000}} {
		found, err := gotest(ctx, "./hub/event", "^BenchmarkRebuild$/^"+c.database+"$", "-events", strconv.Itoa(c.events))
		if err != nil {
			return err
		}
		m, ok := found[c.database]
		if !ok {
			fmt.Printf("{\"name\":%q,\"note\":\"not measured: PostgreSQL is not installed\"}\n", "rebuild, "+c.name)
			continue
		}
		r.add("rebuild, "+c.name, m["events/s"], "events/s", c.aim, fmt.Sprintf("%d events to two read models; processor %.3g µs an event", c.events, m["cpu-µs/event"]))
	}
	return nil
}

// imports measures the largest import there may be.
func imports(ctx context.Context, _ string, r *report) error {
	found, err := gotest(ctx, "./hub/catalog", "^BenchmarkLargestImport$")
	if err != nil {
		return err
	}
	for _, database := range []struct{ key, name string }{{"sqlite", "SQLite"}, {"postgres", "PostgreSQL"}} {
		for _, what := range []struct{ key, name string }{{"zones", "zones"}, {"placed_sensors", "sensors with their places"}} {
			m, ok := found[database.key+"/"+what.key]
			name := "import of 50,000 " + what.name + ", " + database.name
			if !ok {
				fmt.Printf("{\"name\":%q,\"note\":\"not measured: %s is not installed\"}\n", name, database.name)
				continue
			}
			r.add(name, m["s/import"], "s", "", fmt.Sprintf("%.3g s of it in the transaction; heap grows by at most %.3g MB; file of %.3g MB", m["s/transaction"], m["MB-heap"], m["MB-file"]))
		}
	}
	return nil
}

// labels measures how fast one processor takes apart what is on labels.
func labels(ctx context.Context, _ string, r *report) error {
	found, err := gotest(ctx, "./proto/gs1", "^BenchmarkParse$", "-cpu", "1")
	if err != nil {
		return err
	}
	for _, l := range []struct{ key, name string }{
		{"unit", "element strings of a unit"}, {"logistic", "element strings of a logistic unit"}, {"bracketed", "bracketed texts"},
		{"link", "digital links"}, {"urn", "EPC URNs"},
	} {
		r.add("GS1 parsing, "+l.name, found[l.key]["texts/s"], "texts/s", ">= 200000", fmt.Sprintf("one core; %.3g B and %.3g allocations each", found[l.key]["B/op"]/gs1Round, found[l.key]["allocs/op"]/gs1Round))
	}
	return nil
}

// gs1Round is how many texts a round of that benchmark takes.
const gs1Round = 200_000
