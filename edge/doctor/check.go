package doctor

import (
	"context"
	"fmt"
	"time"
)

// Outcome is how a check ended.
type Outcome string

// Outcomes. Warn is for what works today and should be seen to.
const (
	OK      Outcome = "ok"
	Warn    Outcome = "warn"
	Fail    Outcome = "fail"
	Skipped Outcome = "skipped"
)

// Result is what a check found.
type Result struct {
	Part    string  `json:"part"`  // agent, buses, clock, disk, certificate, hub
	Check   string  `json:"check"` // "sensor box-a"
	Outcome Outcome `json:"outcome"`
	Found   string  `json:"found"`        // what was found, without a final full stop
	Do      string  `json:"do,omitempty"` // what to do about it, a sentence
	TookMs  int64   `json:"took_ms"`
}

// check is one examination. run is given a context that ends at the limit, and
// may give more than one result.
type check struct {
	name  string
	limit time.Duration
	probe func(ctx context.Context, tell func(Result))
}

// one is a check that gives one result.
func one(name string, limit time.Duration, f func(ctx context.Context) Result) check {
	return check{name, limit, func(ctx context.Context, tell func(Result)) { tell(f(ctx)) }}
}

// skip is a check that cannot be made.
func skip(name, found string) check {
	return one(name, time.Second, func(context.Context) Result { return Result{Outcome: Skipped, Found: found} })
}

// patience is what a check may take beyond its limit before it is left alone:
// a driver that hangs in the kernel hears no context.
const patience = time.Second

// run makes the check. It ends by the limit, whatever the check does: one that
// hangs is reported as failed and left behind.
func (c check) run(ctx context.Context, add func(Result)) {
	if ctx.Err() != nil {
		add(Result{Check: c.name, Outcome: Skipped, Found: "interrupted"})
		return
	}
	ctx, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	start := time.Now()
	results, left := make(chan Result), make(chan struct{})
	defer close(left)
	go func() {
		defer close(results)
		c.probe(ctx, func(r Result) {
			select {
			case results <- r:
			case <-left:
			}
		})
	}()
	late := time.NewTimer(c.limit + patience)
	defer late.Stop()
	for {
		select {
		case r, more := <-results:
			if !more {
				return
			}
			if r.Check == "" {
				r.Check = c.name
			}
			r.TookMs = time.Since(start).Milliseconds()
			add(r)
		case <-late.C:
			add(Result{Check: c.name, Outcome: Fail, Found: fmt.Sprintf("no end after %v", c.limit+patience),
				Do: "Something below hangs: look at the kernel's log with dmesg.", TookMs: time.Since(start).Milliseconds()})
			return
		}
	}
}

func ok(format string, a ...any) Result {
	return Result{Outcome: OK, Found: fmt.Sprintf(format, a...)}
}

func warn(do, format string, a ...any) Result {
	return Result{Outcome: Warn, Found: fmt.Sprintf(format, a...), Do: do}
}

func fail(do, format string, a ...any) Result {
	return Result{Outcome: Fail, Found: fmt.Sprintf(format, a...), Do: do}
}

func skipped(format string, a ...any) Result {
	return Result{Outcome: Skipped, Found: fmt.Sprintf(format, a...)}
}
