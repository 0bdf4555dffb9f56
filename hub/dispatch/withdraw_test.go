package dispatch_test

import (
	"testing"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/dispatchtest"
	"frostline/hub/fact"
	"frostline/hub/record"
)

func TestWithdrawnReportsDoNotCount(t *testing.T) {
	run(t, func(t *testing.T, b *dispatchtest.Bench) {
		d := b.Dispatch
		must[dispatch.Route](t)(d.Route(ctx, actor, "", b.Round(), 0))
		at := b.Now() - 3_600_000
		must[dispatch.Route](t)(d.ReportStop(ctx, actor, "", stop("a", "s1", "arrived", at)))
		must[dispatch.Route](t)(d.ReportStop(ctx, actor, "", stop("b", "s1", "departed", at+60_000)))
		w := stop("c", "s1", "departed", at+60_000)
		w.Withdraws = "b"
		r := must[dispatch.Route](t)(d.ReportStop(ctx, actor, "", w))
		if v := r.Visits()[0]; v.Status != "arrived" || v.Arrived != at || v.Departed != 0 || len(r.Made) != 3 || len(r.Holding()) != 1 {
			t.Errorf("the departure was withdrawn: %+v, %d reports of which %d hold", v, len(r.Made), len(r.Holding()))
		}
		for what, change := range map[string]func(*fact.StopReported){
			"no such report":  func(r *fact.StopReported) { r.Withdraws = "z" },
			"another stop's":  func(r *fact.StopReported) { r.Stop = "s2" },
			"another's word":  func(r *fact.StopReported) { r.Source = "co1" },
			"of a withdrawal": func(r *fact.StopReported) { r.Withdraws = "c" },
		} {
			bad := w
			bad.ID, bad.Withdraws = "d", "a"
			change(&bad)
			_, err := d.ReportStop(ctx, actor, "", bad)
			want(t, what, err, record.ErrInvalid, "withdraws ")
		}
	})
}
