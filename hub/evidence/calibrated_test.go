package evidence_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"frostline/hub/evidence/verify"
	"frostline/hub/store/storetest"
	"frostline/proto/block"
	"frostline/proto/calibration"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// Promise 5: what a gateway tells of calibrations and alarms, and readings as
// they were measured before they were corrected, are evidence and change no
// verdict: raw readings vouch for nothing, and both verifiers take them alike.
func TestPromise5CalibrationsAndAlarmsInABundle(t *testing.T) {
	s := newSecond(t)
	export := func(more func(g *gateway) func(int, int64) ([]int64, []*pb.Event)) *verify.Report {
		g := newGateway("van-1")
		h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, g)
		defer h.stop()
		shipWith(h, g, more(g))
		return s.check("calibrated", h.bundleOf("S1"), verify.Options{Key: h.ledger.Key()})
	}
	plain := export(func(*gateway) func(int, int64) ([]int64, []*pb.Event) {
		return func(int, int64) ([]int64, []*pb.Event) { return nil, nil }
	})
	certificate := calibration.Certificate{ID: "CAL-2026-0117", Issuer: "Metrology Lab 12", ValidFrom: start - 1_000_000, ValidUntil: start + 1_000_000,
		Points: []calibration.Point{{Measured: 3000, Actual: 0}, {Measured: 53_000, Actual: 50_000}}}
	alarm := func(state uint32, tick, value int64) *pb.Event {
		return &pb.Event{AtMs: tick, Kind: &pb.Event_Alarm{Alarm: &pb.Alarm{Alarm: "k3f9x2ab", State: state, Kind: 1, Severity: 2, Watch: "van-1-a",
			Sensor: "cargo", Profile: "fridge", Version: 1, Digest: "ab", Limit: "high", TickMs: tick, Value: value, Reason: "Tür offen", By: "page"}}}
	}
	corrected := export(func(g *gateway) func(int, int64) ([]int64, []*pb.Event) {
		return func(i int, v int64) ([]int64, []*pb.Event) {
			raw := v + 3000 // beyond the profile's limit, all the time
			if certificate.Correct(raw) != v {
				t.Fatalf("%d is corrected to %d, want %d", raw, certificate.Correct(raw), v)
			}
			var events []*pb.Event
			switch i {
			case 0:
				events = append(events, declare(2, "cargo", reading.TemperatureRaw), &pb.Event{Kind: &pb.Event_Calibration{Calibration: certificate.Message("cargo", 0, 2)}})
			case 201:
				events = append(events, alarm(1, g.tick, v))
			case 230:
				// One event that is two, and one that does not decode: of the first
				// the last counts, the second is passed over, and neither dates
				// anything.
				wrong := &pb.Event{AtMs: g.tick, Kind: &pb.Event_Anchor{Anchor: &pb.Anchor{Boot: 1, AtMs: g.tick, UtcMs: start + 86_400_000, UncertaintyMs: 1, Source: 2}}}
				for _, tail := range []*pb.Event{alarm(4, g.tick, v), {Kind: &pb.Event_Calibration{Calibration: certificate.Message("cargo", 0, 2)}},
					{Kind: &pb.Event_Thinned{Thinned: &pb.Thinned{First: 1, Last: 2}}}} {
					g.more = append(g.more, append(encoded(t, wrong), encoded(t, tail)...))
				}
				for _, field := range []byte{10, 12, 13} {
					g.more = append(g.more, append(encoded(t, wrong), field<<3|2, 2, 0x0a, 0x7f))
				}
			case 241:
				events = append(events, alarm(3, g.tick, v))
			}
			return []int64{raw}, events
		}
	})
	for name, r := range map[string]*verify.Report{"plain": plain, "corrected": corrected} {
		if !r.Holds || len(r.Verdicts) == 0 {
			t.Fatalf("%s: it does not hold: %v", name, r.Problems)
		}
	}
	if corrected.Counts.Readings <= plain.Counts.Readings {
		t.Errorf("%d readings with raw ones, %d without: want more", corrected.Counts.Readings, plain.Counts.Readings)
	}
	outcome := func(r *verify.Report) (out []string) {
		for _, v := range r.Verdicts {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, string(b))
		}
		return out
	}
	if a, b := outcome(plain), outcome(corrected); !reflect.DeepEqual(a, b) {
		t.Errorf("verdicts\n%s\nwith raw readings\n%s", a, b)
	}
}

func encoded(t *testing.T, e *pb.Event) []byte {
	t.Helper()
	b, err := block.EncodeEvent(e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
