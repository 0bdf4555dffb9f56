package main

import (
	"context"
	"flag"
	"fmt"
	"strconv"
)

var epcisEvents = flag.Int("epcis-events", 1_000_000, "EPCIS events that queries are measured among; the aim is for 10000000, which takes some ten minutes and 10 GB")

// epcisRate measures how fast EPCIS events are captured over HTTP, and how long
// a query for those of one serial takes among many.
func epcisRate(ctx context.Context, _ string, r *report) error {
	for _, database := range []struct{ key, name string }{{"sqlite", "SQLite"}, {"postgres", "PostgreSQL"}} {
		found, err := gotest(ctx, "./hub/trace/binding", "^BenchmarkBinding$/^"+database.key+"$", "-events", "50000")
		if err != nil {
			return err
		}
		m, ok := found[database.key]
		if !ok {
			fmt.Printf("{\"name\":%q,\"note\":\"not measured: PostgreSQL is not installed\"}\n", "EPCIS, "+database.name)
			continue
		}
		r.add("EPCIS capture, "+database.name, m["events/s"], "events/s", ">= 5000", "eight partners at once by HTTP, documents of 100 events with three serials each, their client on the same cores; each answer after a synced commit")
		r.add("EPCIS query by HTTP, "+database.name, m["ms-p99"], "ms p99", "", fmt.Sprintf("all events of a serial among 50,000; half of them within %.3g ms", m["ms-p50"]))
		if found, err = gotest(ctx, "./hub/trace/repository", "^BenchmarkFilled$/^"+database.key+"$", "-filled", strconv.Itoa(*epcisEvents)); err != nil {
			return err
		}
		m = found[database.key]
		r.add("EPCIS query, "+database.name, m["epc-ms-p99"], "ms p99", "<= 20", fmt.Sprintf("all events of a serial among %d; half of them within %.3g ms; with a step too %.3g ms p99; the latest 30 of a place %.3g ms p99", *epcisEvents, m["epc-ms-p50"], m["epc-step-ms-p99"], m["place-latest-ms-p99"]))
	}
	return nil
}
