package registry

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"frostline/hub/intake/batch"
	"frostline/hub/store/storetest"
	"frostline/proto/calibration"
	"frostline/proto/pb"
)

func alarmEvent(id string, state uint32, tick int64, change ...func(*pb.Alarm)) *pb.Event {
	m := &pb.Alarm{Alarm: id, State: state, Kind: 1, Severity: 2, Watch: "van-1-a", Sensor: "box", Profile: "refrigerated", Version: 1, Limit: "above 8 °C", TickMs: tick, Value: 8100}
	for _, f := range change {
		f(m)
	}
	return &pb.Event{AtMs: tick + 3, Kind: &pb.Event_Alarm{Alarm: m}}
}

// Promise 6: in whatever order the steps of an alarm arrive, and however often,
// they come to the same.
func TestPromise6AlarmsInAnyOrder(t *testing.T) {
	reason := func(m *pb.Alarm) { m.Reason, m.By = "door was open", "console" }
	critical := func(m *pb.Alarm) { m.Severity, m.Limit = 3, "above 15 °C" }
	steps := []*pb.Event{
		alarmEvent("k3f9", 1, 1000), alarmEvent("k3f9", 2, 2000, critical), alarmEvent("k3f9", 4, 2500, critical, reason), alarmEvent("k3f9", 3, 3000, critical),
		alarmEvent("k3f9", 3, 3000, critical), // told twice
		alarmEvent("zz7a", 1, 9000, func(m *pb.Alarm) { m.Kind, m.Severity, m.Limit = 2, 1, "" }),
	}
	var told []batch.Event
	for i, e := range steps {
		told = append(told, batch.Event{Block: uint64(i) + 5, Boot: 2, Event: e})
	}
	want := []Alarm{
		{ID: "zz7a", Watch: "van-1-a", Sensor: "box", Unknown: true, Severity: 1, Profile: "refrigerated", Version: 1, Active: true, Times: 1, Value: 8100, Epoch: 1, Boot: 2, Tick: 9000, Told: 50},
		{ID: "k3f9", Watch: "van-1-a", Sensor: "box", Severity: 3, Limit: "above 15 °C", Profile: "refrigerated", Version: 1, Acknowledged: true, Reason: "door was open", By: "console", Times: 1, Value: 8100, Epoch: 1, Boot: 2, Tick: 1000, Told: 50},
	}
	seed := rand.Uint64()
	dice := rand.New(rand.NewPCG(seed, 1))
	for range 50 {
		r := open(t, storetest.Open(t, storetest.SQLite(t)), &record{})
		dice.Shuffle(len(told), func(i, j int) { told[i], told[j] = told[j], told[i] })
		for _, e := range told {
			r.Committed(&batch.Batch{Gateway: "van-1", Epoch: 1, Received: 50, Events: []batch.Event{e}})
		}
		if g, _ := r.Gateway("van-1"); !reflect.DeepEqual(g.Alarms, want) {
			t.Fatalf("seed %d: alarms\n%+v\nwant\n%+v", seed, g.Alarms, want)
		}
	}
}

// Alarms outlive a start of the hub; those that are over are bounded, others not.
func TestAlarmsAreBounded(t *testing.T) {
	rec := &record{}
	db := storetest.Open(t, storetest.SQLite(t))
	r := open(t, db, rec)
	for i := range int64(150) {
		id := fmt.Sprintf("a%03d", i)
		r.Committed(rec.commit("alarm", "van-1", 1, i, alarmEvent(id, 1, i)))
		if i < 140 {
			r.Committed(rec.commit("alarm", "van-1", 1, i, alarmEvent(id, 3, i+1)))
			r.Committed(rec.commit("alarm", "van-1", 1, i, alarmEvent(id, 4, i+2)))
		}
	}
	for _, r := range []*Registry{r, open(t, db, rec)} {
		g, _ := r.Gateway("van-1")
		if n := len(g.Alarms); n != maxAlarms+10 || !g.Alarms[0].Active || g.Alarms[0].ID != "a149" || g.Alarms[10].ID != "a139" {
			t.Errorf("%d alarms, the first %+v, then %+v", n, g.Alarms[0], g.Alarms[min(10, n-1)])
		}
	}
}

func TestCalibrations(t *testing.T) {
	rec := &record{}
	db := storetest.Open(t, storetest.SQLite(t))
	r := open(t, db, rec)
	first := &calibration.Certificate{ID: "C-1", Issuer: "Lab", ValidFrom: 10, ValidUntil: 20, Points: []calibration.Point{{Measured: 0, Actual: 120}}}
	second := &calibration.Certificate{ID: "C-2", Issuer: "Lab", ValidFrom: 10, ValidUntil: 20, Points: []calibration.Point{{Measured: 0, Actual: 90}}}
	tell := func(epoch, boot uint32, at int64, m *pb.Calibration) {
		b := rec.commit("calibration", "van-1", epoch, 50, &pb.Event{AtMs: at, Kind: &pb.Event_Calibration{Calibration: m}})
		b.Events[0].Boot = boot
		rec.events[len(rec.events)-1].event.Boot = boot
		r.Committed(b)
	}
	tell(1, 2, 5000, second.Message("box", 0, 1))
	tell(1, 2, 1000, first.Message("box", 0, 1)) // it came late
	tell(1, 2, 9000, &pb.Calibration{Sensor: "box"})
	tell(2, 3, 1000, second.Message("box", 0, 1))
	tell(2, 3, 2000, &pb.Calibration{Sensor: "box", Certificate: "C-3"})
	for _, r := range []*Registry{r, open(t, db, rec)} {
		c := r.Calibrations("van-1", "box")
		for _, x := range []struct {
			epoch, boot uint32
			tick        int64
			want        string
		}{{1, 2, 999, ""}, {1, 2, 1000, "C-1"}, {1, 2, 4999, "C-1"}, {1, 2, 5000, "C-2"}, {1, 2, 9000, ""}, {1, 3, 1000, ""}, {2, 3, 1000, "C-2"}, {2, 3, 99_000, "C-2"}, {2, 2, 99_000, ""}} {
			got := ""
			if of := c.At(x.epoch, x.boot, x.tick); of != nil {
				got = of.ID
			}
			if got != x.want {
				t.Errorf("epoch %d, boot %d, tick %d: got %q, want %q", x.epoch, x.boot, x.tick, got, x.want)
			}
		}
		if g, _ := r.Gateway("van-1"); len(g.Faults) != 1 || g.Faults[0].Part != "calibration" {
			t.Errorf("faults %+v: want the certificate that makes no sense", g.Faults)
		}
		if r.Calibrations("van-1", "roof") != nil || r.Calibrations("van-2", "box") != nil {
			t.Error("calibrations of what has none")
		}
	}
}
