// Command bench measures Frostline as a user would meet it: the real binaries,
// simulated sensors behind their buses, the hub on its embedded defaults. It
// prints one JSON object a line as results come, and a table at the end.
//
// Absolute times depend on the machine, so each run measures two baselines of
// it too: one synced write, and one pass of SHA-256, to which results can be
// put in relation.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"text/tabwriter"
)

// result is one measured figure.
type result struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Aim   string  `json:"aim,omitempty"` // of the project, on two cores
	Note  string  `json:"note,omitempty"`
}

// report collects results and prints each at once.
type report struct{ all []result }

func (r *report) add(name string, value float64, unit, aim, note string) {
	one := result{name, value, unit, aim, note}
	r.all = append(r.all, one)
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(one)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		return
	}
	fmt.Print(b.String())
}

func (r *report) table() {
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FIGURE\tREACHED\tAIM\tNOTE")
	for _, x := range r.all {
		fmt.Fprintf(w, "%s\t%s %s\t%s\t%s\n", x.Name, figure(x.Value), x.Unit, x.Aim, x.Note)
	}
	w.Flush()
}

// figure prints three digits that matter.
func figure(v float64) string {
	switch {
	case v >= 10_000:
		return fmt.Sprintf("%.0f", v)
	case v >= 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func main() {
	profile := flag.String("cpuprofile", "", "file to write a profile of the processor to")
	only := flag.String("only", "", "comma-separated parts: machine, codec, intake, size, journal, edge, path, radio, verdict, live, weeks, rebuild, import, epcis, gs1, routes, positions, patients, risk (default all)")
	keep := flag.Bool("keep", false, "keep the working folder")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := profiled(*profile, func() error { return run(ctx, *only, *keep) })
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// profiled does something and writes what the processor did meanwhile to a
// file, if one is named.
func profiled(name string, do func() error) error {
	if name == "" {
		return do()
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return do()
}

func run(ctx context.Context, only string, keep bool) error {
	dir, err := os.MkdirTemp("", "frostline-bench-")
	if err != nil {
		return err
	}
	if keep {
		fmt.Fprintln(os.Stderr, "working in", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	var r report
	for _, part := range []struct {
		name string
		run  func(context.Context, string, *report) error
	}{
		{"machine", machine}, {"codec", codec}, {"intake", intakeRate}, {"size", sizes}, {"journal", journalDisk}, {"edge", edgeLoad}, {"path", path}, {"radio", radio},
		{"verdict", verdicts}, {"live", live}, {"weeks", weeksOf}, {"rebuild", rebuilds}, {"import", imports}, {"epcis", epcisRate}, {"gs1", labels}, {"routes", routes}, {"positions", positions}, {"patients", patients}, {"risk", atRisk},
	} {
		if only != "" && !strings.Contains(","+only+",", ","+part.name+",") {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring:", part.name)
		if err := part.run(ctx, dir, &r); err != nil {
			r.table()
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	r.table()
	return nil
}
