package sensing

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/epcis"
	"frostline/proto/thermal"
)

const (
	packEPC = link + "00/" + sscc
	base    = "https://hub.example/"
)

func unitEPC(n int) string { return fmt.Sprintf("%s01/00614141999996/21/A%02d", link, n) }

// journey is a package of two units through a night: unit 1 is taken out at
// 30 h and put into another package.
func (w *world) journey() {
	w.Pass(days(3))
	for n := range 3 {
		w.receive(n)
	}
	w.pack(sscc, "S-1", start+24*hour)
	w.scan(fact.Attached{ID: "z", Subject: pack(sscc), In: &fact.Ref{Kind: fact.Zone, ID: "Z1"}, At: start + 24*hour})
	for n := range 2 {
		in := pack(sscc)
		w.scan(fact.Attached{ID: fmt.Sprint("u", n), Subject: unitRef(n), In: &in, At: start + 24*hour})
	}
	w.hand(fact.HandedOver{ID: "h1", Subject: pack(sscc), To: "ph1", Role: "pharmacy", At: start + 24*hour})
	in := fact.Ref{Kind: fact.Tote, ID: "T1"}
	w.scan(fact.Attached{ID: "tz", Subject: in, In: &fact.Ref{Kind: fact.Compartment, ID: "C1"}, At: start + 25*hour})
	w.scan(fact.Attached{ID: "t", Subject: pack(sscc), In: &in, At: start + 26*hour})
	w.pack(other, "", start+24*hour)
	next := pack(other)
	w.scan(fact.Attached{ID: "u1b", Subject: unitRef(1), In: &next, At: start + 30*hour})
	w.hand(fact.HandedOver{ID: "h2", Subject: fact.Ref{Kind: fact.Shipment, ID: "S-1"}, From: "ph1", To: "co1", Role: "courier", At: start + 36*hour, Position: &fact.Position{Latitude: 382_527_000, Longitude: -857_585_000, Accuracy: 4500}})
	w.hand(fact.HandedOver{ID: "h3", Subject: pack(sscc), From: "co1", To: "t-0123456789abcdef", Role: "patient", At: start + 50*hour, Position: &fact.Position{Latitude: 381_000_000, Longitude: -857_000_000, Accuracy: 4500}})
	w.close(sscc, start+50*hour)
}

func find(all []*epcis.Event, step string) (found []*epcis.Event) {
	for _, e := range all {
		if e.BizStep == step {
			found = append(found, e)
		}
	}
	return found
}

func TestJourneyIsStated(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.journey()
		w.Pass(days(2))
		w.measure(sscc, start+24*hour, start+40*hour, func(at int64) thermal.Temp {
			if at >= start+32*hour && at < start+33*hour {
				return 9000
			}
			return 5000
		})
		w.handle()
		all, holding := w.captured()
		if len(all) != len(holding) {
			t.Errorf("%d of %d events were declared wrong: want none", len(all)-len(holding), len(all))
		}
		received := find(holding, "receiving")
		if len(received) != 4 { // three units, one package
			t.Errorf("%d received, want 4", len(received))
		}
		packed, unpacked := find(holding, "packing"), find(holding, "unpacking")
		if len(packed) != 3 || len(unpacked) != 1 || unpacked[0].ParentID != packEPC || !slices.Equal(unpacked[0].ChildEPCs, []string{unitEPC(1)}) || unpacked[0].Action != epcis.Delete {
			t.Errorf("packing %d, unpacking %d: want both units in, one out and into the other, and the package into the tote", len(packed), len(unpacked))
		}
		shipped := find(holding, "shipping")
		if len(shipped) != 1 || shipped[0].Sources[0].ID != link+"417/0614141000012" || shipped[0].Destinations[0].ID != base+"party/co1" || shipped[0].ReadPoint != base+"compartment/C1" {
			t.Errorf("shipping: %+v", shipped)
		}
		dispensed := find(holding, "dispensing")
		if len(dispensed) != 1 || len(dispensed[0].Destinations) != 0 || strings.Contains(string(dispensed[0].JSON()), "0123456789abcdef") {
			t.Errorf("dispensing: %s", dispensed[0].JSON())
		}
		w.reports(find(holding, "sensor_reporting"))
	})
}

// reports checks the reports of the journey: to the removal of unit 1, the
// hand-over, midnight, and the closing; and the verdict.
func (w *world) reports(all []*epcis.Event) {
	t := w.t
	var lines []string
	for _, e := range all {
		if !slices.Contains(e.EPCs, packEPC) {
			continue
		}
		line := fmt.Sprintf("%d:", (e.Time.UnixMilli()-start)/hour)
		for n := range 3 {
			if slices.Contains(e.EPCs, unitEPC(n)) {
				line += fmt.Sprint(" ", n)
			}
		}
		if slices.Contains(e.EPCs, base+"tote/T1") {
			line += " tote"
		}
		for _, s := range e.Sensors {
			m, r := s.Metadata, s.Reports[0]
			if m.Rules != base+"profiles/refrigerated/1" || m.Method != base+"methods/thermal-1" {
				t.Errorf("rules %s, method %s", m.Rules, m.Method)
			}
			if m.DeviceID != "" && (m.DeviceID != base+"sensor/gw-1/cargo" || !strings.HasPrefix(m.RawData, base+"shipments/S-1/evidence#")) {
				t.Errorf("device %s, raw data %s", m.DeviceID, m.RawData)
			}
			line += fmt.Sprintf(" %v..%v=%s %s", (m.Start.UnixMilli()-start)/hour, (m.End.UnixMilli()-start)/hour, r.Max, r.Exception)
		}
		lines = append(lines, line)
	}
	slices.Sort(lines)
	want := []string{
		"30: 0 1 tote 24..30=5 ",
		"36: 0 tote 30..36=9 ",
		"48: 0 tote 36..40=5  40..48= ERROR_CONDITION",
		"50: 0 24..50=9 ALARM_CONDITION",
		"50: 0 tote 48..50= ERROR_CONDITION",
	}
	if !slices.Equal(lines, want) {
		t.Errorf("reports:\n%s\nwant:\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}
