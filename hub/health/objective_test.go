package health

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

// Time in which a part is unwell is taken from its budget, over restarts, for as
// long as the window; time in which the hub did not run counts for nothing.
func TestObjectivesSpendTheirBudgets(t *testing.T) {
	file := filepath.Join(t.TempDir(), "health.json")
	synctest.Test(t, func(t *testing.T) {
		problem := ""
		parts := []Part{
			{"store", func(context.Context) (Report, error) { return Report{Problem: problem}, nil }},
			{"proposals", func(context.Context) (Report, error) { return Report{}, nil }},
		}
		run := func(d time.Duration) *Board {
			t.Helper()
			b, err := NewBoard(parts, nil, slog.New(slog.DiscardHandler))
			if err == nil {
				err = b.Remember(file)
			}
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), d)
			defer cancel()
			if err := b.Run(ctx); err != nil {
				t.Fatal(err)
			}
			return b
		}
		about := func(what string, got, want time.Duration) {
			t.Helper()
			if (got - want).Abs() > 3*2*15*time.Second { // looks are 15 s apart: three runs, the ends of each
				t.Errorf("%s: %v, want about %v", what, got, want)
			}
		}
		run(time.Hour)
		problem = "on fire"
		run(10 * time.Minute)
		time.Sleep(3 * 24 * time.Hour) // it does not run
		problem = ""
		b := run(time.Hour)
		all := b.Objectives()
		if len(all) != 2 || all[0].Part != "store" || all[1].Part != "proposals" {
			t.Fatalf("objectives %+v, want the store first, which has less left", all)
		}
		about("looked at", all[0].Looked, 130*time.Minute)
		about("unwell", all[0].Unwell, 10*time.Minute)
		about("left", all[0].Left(), 40*time.Minute+19*time.Second-10*time.Minute)
		about("left of what is only useful", all[1].Left(), 201*time.Minute)
		time.Sleep(Window * 24 * time.Hour)
		if o := b.Objectives()[0]; o.Unwell != 0 || o.Looked != 0 {
			t.Errorf("after the window: %+v", o)
		}
		b = run(time.Hour)
		if len(b.memory.Days) > 2 {
			t.Errorf("%d days are kept, want those of the window", len(b.memory.Days))
		}
	})
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := NewBoard(nil, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Remember(file); err == nil {
		t.Error("a file that cannot be read is taken for none")
	}
}
