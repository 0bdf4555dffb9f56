package carrier_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"frostline/hub/dispatch/carrier"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/record"
)

func TestBookedOnceAndTakenBack(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		_, err := b.Dispatch.Route(ctx, "person/test", "", b.Round(), 0)
		b.must(err)
		b.follow()
		b.there.fails, b.there.lost = 2, 1
		b.deliver("swift")
		if len(b.there.booked) != 3 {
			t.Fatalf("%d bookings; want 3, each once although answers were lost", len(b.there.booked))
		}
		one := b.there.booked["B1"]
		if one["reference"] != "SH1" || one["weight_g"] != 5000.0 || one["ready"] != nil || one["note"] != "route R1, stop s1" || one["dropoff"].(map[string]any)["lat"] != 40.7 {
			t.Errorf("booked %v", one)
		}
		p := b.Round()
		p.Stops = p.Stops[:2]
		_, err = b.Dispatch.Route(ctx, "person/test", "", p, record.Any)
		b.must(err)
		b.follow()
		b.deliver("swift")
		if _, still := b.there.booked["B3"]; still || len(b.there.booked) != 2 {
			t.Errorf("booked %v; want B3 taken back", b.there.booked)
		}
		// Planned once more, and taken out before anybody was told.
		_, err = b.Dispatch.Route(ctx, "person/test", "", b.Round(), record.Any)
		b.must(err)
		_, err = b.Dispatch.Route(ctx, "person/test", "", p, record.Any)
		b.must(err)
		b.follow()
		asked := len(b.there.asked)
		b.deliver("swift")
		if len(b.there.asked) != asked || len(b.calls("swift", carrier.Withdrawn)) != 2 {
			t.Errorf("asked %v, withdrawn %+v", b.there.asked[asked:], b.calls("swift", carrier.Withdrawn))
		}
		_, err = b.Dispatch.Report(ctx, "person/test", "", fact.RouteReported{ID: "x", Route: "R1", Status: "cancelled", At: b.Now(), Source: "person"})
		b.must(err)
		b.follow()
		b.deliver("swift")
		if len(b.there.booked) != 0 {
			t.Errorf("the route is cancelled, and %v is booked", b.there.booked)
		}
	})
}

// deliver makes calls until none is due, with the time that passes between.
func (b *bench) deliver(name string) {
	b.t.Helper()
	for range 50 {
		_, err := b.desk.Deliver(ctx, name)
		b.must(err)
		if len(b.calls(name, carrier.Due)) == 0 {
			return
		}
		b.Pass(time.Second)
	}
	b.t.Fatalf("calls are due still: %+v", b.calls(name, carrier.Due))
}

func TestTasksAreToldOnce(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		_, err := b.Dispatch.Route(ctx, "person/test", "", b.Round(), 0)
		b.must(err)
		b.Pass(time.Hour)
		at := b.Now() - 1000
		_, err = b.Dispatch.Report(ctx, "person/test", "", fact.RouteReported{ID: "r", Route: "R1", Status: "started", At: at, Source: "driver"})
		b.must(err)
		b.etas["s1"], b.etas["s2"] = b.Now()+10*60_000, b.Now()+20*60_000
		for range 3 {
			b.must(b.desk.Soon(ctx))
		}
		for i, s := range []string{"arrived", "arrived", "completed"} {
			_, err := b.Dispatch.ReportStop(ctx, "person/test", "", fact.StopReported{ID: fmt.Sprint("s-", i), Route: "R1", Stop: "s1", Status: s, At: at + int64(i), Source: "driver"})
			b.must(err)
		}
		_, err = b.Dispatch.ReportStop(ctx, "person/test", "", fact.StopReported{ID: "s-9", Route: "R1", Stop: "s2", Status: "failed", At: at, Source: "driver"})
		b.must(err)
		b.follow()
		b.deliver("swift")
		got := map[string]int{}
		for _, task := range b.there.tasks {
			got[task.Trigger+" "+task.Stop+" "+task.Shipment]++
		}
		want := map[string]int{"started s1 SH1": 1, "started s2 SH2": 1, "started s3 SH3": 1, "eta s1 SH1": 1, "arrival s1 SH1": 1, "completed s1 SH1": 1, "failed s2 SH2": 1}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("told %v; want %v", got, want)
		}
	})
}

func TestAnotherShape(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		_, err := b.Dispatch.Define(ctx, "person/test", "", fact.CourierDefined{ID: "k1", Kind: "carrier", Party: "co2"}, 0)
		b.must(err)
		p := b.Round()
		p.Courier = "k1"
		_, err = b.Dispatch.Route(ctx, "person/test", "", p, 0)
		b.must(err)
		b.follow()
		b.deliver("kurier")
		b.Pass(time.Hour)
		berlin, err := time.LoadLocation("Europe/Berlin")
		b.must(err)
		when := b.Clock().Add(-time.Minute).Truncate(time.Second)
		send := func(status, at string) {
			t.Helper()
			body := fmt.Sprintf(`{"Auftrag":"B1","Status":%s,"Zeit":%q}`, status, at)
			if code := b.post("kurier", body, map[string]string{"Authorization": "Bearer " + bearer}); code != http.StatusAccepted {
				t.Errorf("answered %d", code)
			}
			b.settle("kurier")
		}
		send("20", when.In(berlin).Format("02.01.2006 15:04:05"))
		r, err := b.Dispatch.Leg(ctx, "R1")
		b.must(err)
		if v := r.Visits()[0]; v.Status != "arrived" || v.Arrived != when.UnixMilli() {
			t.Errorf("stop is %s at %d; want arrived at %d", v.Status, v.Arrived, when.UnixMilli())
		}
		send("30", "25.10.2026 02:30:00") // clocks are put back at 3:00 that day
		send("30", "29.03.2026 02:30:00") // clocks are put forward at 2:00 that day
		aside := b.messages("kurier", carrier.Aside)
		if len(aside) != 2 || !strings.Contains(aside[0].Problem, "twice") || !strings.Contains(aside[1].Problem, "no such time") {
			t.Errorf("aside %+v", aside)
		}
		// They take no cancelling by program: a person is told.
		_, err = b.Dispatch.Report(ctx, "person/test", "", fact.RouteReported{ID: "x", Route: "R1", Status: "cancelled", At: b.Now(), Source: "person"})
		b.must(err)
		b.follow()
		b.deliver("kurier")
		failed := b.calls("kurier", carrier.Failed)
		if len(failed) != 3 || !strings.Contains(failed[0].Problem, "telephone") {
			t.Fatalf("failed %+v", failed)
		}
		if _, err := b.desk.DropCall(ctx, "person/test", "called them", "kurier", failed[0].ID); err != nil {
			t.Error(err)
		}
		all, err := b.desk.Partners(ctx)
		b.must(err)
		if len(all) != 2 || all[0].Carrier != "kurier" || all[0].Calls[carrier.Failed] != 2 || all[0].Messages[carrier.Aside] != 2 {
			t.Errorf("partners %+v", all)
		}
	})
}

func TestRunsByItself(t *testing.T) {
	run(t, func(b *bench) {
		t := b.t
		ctx, stop := context.WithCancel(ctx)
		done := make(chan error, 1)
		go func() { done <- b.desk.Run(ctx) }()
		_, err := b.Dispatch.Route(ctx, "person/test", "", b.Round(), 0)
		b.must(err)
		b.swift(list(b.event("e1", "SH1", "ON_ROUTE", b.Now())), secret)
		for b.status("SH1") != "in_transit" || len(b.calls("swift", carrier.Done)) < 3 {
			select {
			case err := <-done:
				t.Fatalf("ended early: %v", err)
			case <-time.After(5 * time.Millisecond):
			}
		}
		stop()
		b.must(<-done)
	})
}

var _ carrier.Log = (*event.Log)(nil)
