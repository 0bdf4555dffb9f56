package provenance

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"frostline/hub/evidence/ledger"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/epcis"
)

// TestFromCommissioningToPatient: a unit that went through a box on a pallet
// has the events of both while it was in them, and no others; all is told, so
// nothing is missing.
func TestFromCommissioningToPatient(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.Units = shelf{unitID: {ID: unitID, Product: "insulin", Lot: "L1", Expiry: "2028-01-01"}}
		commission := moved("commissioning", "", "", unit1, unit2)
		commission["action"] = "ADD"
		// Captured in no order.
		w.say("system/sensing", 60, moved("dispensing", shop, "", unit1))
		w.say("partner/maker", 5, packed(pallet, "ADD", box))
		w.say("partner/maker", 2, packed(box, "ADD", unit1, unit2))
		w.say("partner/maker", 0, commission)
		w.say("partner/maker", 10, moved("shipping", maker, shop, pallet))
		w.say("partner/shop", 20, moved("receiving", maker, shop, pallet))
		w.say("partner/shop", 21, packed(pallet, "DELETE", box))
		w.say("partner/shop", 22, moved("storing", "", "", pallet)) // the box is out by then
		w.say("system/sensing", 30, sensed(0, 30, 8, box, unit1))
		w.say("system/sensing", 60, sensed(30, 60, 7, unit1, unit2))
		w.say("system/sensing", 31, sensed(25, 31, 9, box, unit2)) // of the other unit alone
		w.say("partner/shop", 40, packed(box, "DELETE", unit1))
		w.say("partner/shop", 41, packed(box, "DELETE", unit2))
		w.say("partner/shop", 41, packed("https://shop.example/drawer/1", "ADD", unit1))
		p := w.tell()
		steps, gaps := p.brief()
		in := " via 00 003400000000000014"
		on := " via 00 003400000000000021"
		want := list("0 commissioning", "2 packing", "5 packing"+in, "10 shipping"+on, "20 receiving"+on, "21 unpacking"+in, "30 sensor_reporting", "40 unpacking", "41 packing", "60 dispensing", "60 sensor_reporting")
		if !slices.Equal(steps, want) {
			t.Errorf("steps\n%s\nwant\n%s", strings.Join(steps, "\n"), strings.Join(want, "\n"))
		}
		if len(gaps) != 0 || p.Ended != start+60*hour || p.How != "dispensing" || p.Lot != "L1" {
			t.Errorf("gaps %q, ended %d: want none, and dispensed", gaps, p.Ended)
		}
		report := p.Steps[6]
		if len(report.Sensors) != 1 || report.Sensors[0].Max.String() != "8" || report.Sensors[0].Min.String() != "2" || !report.Own || report.Proof.By != "system/sensing" {
			t.Errorf("report %+v: want 2 to 8 °C, from kelvin", report)
		}
	})
}

// TestGapsAreTold: what is missing is said, with its time.
func TestGapsAreTold(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.say("partner/shop", 0, moved("receiving", "", shop, unit1))
	w.say("partner/shop", 2, packed(box, "ADD", unit1))
	w.say("partner/shop", 4, moved("shipping", shop, "https://c.example/party/one", box))
	w.say("system/sensing", 10, sensed(2, 6, 8, unit1))
	w.say("system/sensing", 10, sensed(6, 10, 0, unit1))
	w.say("partner/two", 12, moved("shipping", "https://c.example/party/two", "https://c.example/party/three", box))
	w.now = start + 20*hour
	steps, gaps := w.tell().brief()
	want := list("origin ?..0", "aggregation 0..2", "unmonitored 0..2", "custody 4..12", "unmonitored 6..10", "pending 10..?", "custody 12..?")
	if !slices.Equal(gaps, want) {
		t.Errorf("steps %q, gaps\n%s\nwant\n%s", steps, strings.Join(gaps, "\n"), strings.Join(want, "\n"))
	}
	// After more than a day without a report it is a gap.
	w.now = start + 60*hour
	if _, gaps = w.tell().brief(); !slices.Contains(gaps, "unmonitored 6..?") {
		t.Errorf("gaps %q: want it unmonitored since 6", gaps)
	}
	// What is declared wrong is told, and counts for nothing.
	f := packed(box, "ADD", unit1)
	f["errorDeclaration"] = fields{"declarationTime": stamp(30), "reason": "incorrect_data"}
	w.say("partner/shop", 2, f)
	if steps, _ = w.tell().brief(); !slices.Equal(steps, list("0 receiving", "2 packing wrong", "10 sensor_reporting", "10 sensor_reporting")) {
		t.Errorf("steps %q: want the packing wrong, and nothing of the box", steps)
	}
}

func TestNothingIsKnown(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	for _, id := range []string{unitID, "nonsense", "00614141999997.A1"} {
		if _, err := w.Tell(t.Context(), id); !errors.Is(err, ErrNotFound) {
			t.Errorf("unit %s: %v, want ErrNotFound", id, err)
		}
	}
	w.Units = shelf{unitID: {ID: unitID}}
	if p := w.tell(); len(p.Steps) != 0 || len(p.Gaps) != 1 || p.Gaps[0].Kind != Origin {
		t.Errorf("a unit without events: %+v", p)
	}
}

// TestCapturedEventIsProven: each step names the entry of the evidence log that
// binds it, and a signed checkpoint shows that the log has this entry: from the
// event's JSON as it is kept up to the root.
func TestCapturedEventIsProven(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		for i := range 5 {
			w.say("partner/shop", float64(i), moved("receiving", "", shop, unit1))
		}
		wrong := moved("receiving", "", shop, unit1)
		wrong["errorDeclaration"] = fields{"declarationTime": stamp(30), "reason": "incorrect_data"}
		w.say("partner/shop", 3, wrong)
		if p := w.tell(); p.Steps[0].Proof.Position == 0 || p.Steps[0].Proof.Entry != nil {
			t.Errorf("before the log has it: %+v", p.Steps[0].Proof)
		}
		w.sealed()
		p := w.tell()
		checkpoint, ok := w.ledger.Latest()
		if !ok || len(p.Steps) != 5 {
			t.Fatalf("%d steps, checkpoint %v", len(p.Steps), ok)
		}
		prove, err := w.ledger.Inclusion(t.Context(), checkpoint.Size)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range p.Steps {
			if s.Proof.Entry == nil {
				t.Fatalf("step at %d: not in the log", s.At)
			}
			// The domain event, as anybody reads it from the log.
			events, err := w.log.Read(t.Context(), s.Proof.Position-1, 1)
			if err != nil || len(events) != 1 {
				t.Fatal(events, err)
			}
			canonical, err := ledger.EventBytes(events[0])
			if err != nil {
				t.Fatal(err)
			}
			entry := ledger.EventEntry(events[0].ID, events[0].Stream, events[0].Position, canonical)
			path, err := prove(*s.Proof.Entry)
			if err == nil {
				err = proof.VerifyInclusion(rfc6962.DefaultHasher, *s.Proof.Entry, checkpoint.Size, entry.Leaf(), path, checkpoint.Root)
			}
			if err != nil {
				t.Fatalf("entry %d: %v", *s.Proof.Entry, err)
			}
			// What it binds is the event as the repository gives it.
			var binds fact.EventsCaptured
			if err := json.Unmarshal(events[0].Data, &binds); err != nil {
				t.Fatal(err)
			}
			rows, err := w.repository.Event(t.Context(), s.Proof.EventID)
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(rows[0].Document)
			e, err := epcis.ParseEvent(rows[0].Document)
			if err != nil || hex.EncodeToString(sum[:]) != s.Proof.Digest || binds.Captures[0].Events[0].Digest != s.Proof.Digest || !strings.Contains(e.HashID(), strings.TrimPrefix(s.Proof.EventID, "ni:///sha-256;")[:64]) {
				t.Errorf("step at %d: %+v is not bound by %s", s.At, s.Proof, events[0].Data)
			}
		}
	})
}

// TestOwnReceivingIsNoCustody: that a unit was entered after it had been shipped
// does not make it received.
func TestOwnReceivingIsNoCustody(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.say("system/sensing", 1, packed(box, "ADD", unit1))
	w.say("system/sensing", 2, moved("shipping", shop, "https://hub.example/party/van", box))
	w.say("system/sensing", 3, moved("receiving", "", "", unit1))
	if steps, gaps := w.tell().brief(); !slices.Contains(gaps, "custody 2..?") || slices.ContainsFunc(gaps, func(s string) bool { return strings.HasPrefix(s, "aggregation") }) {
		t.Errorf("steps %q, gaps %q: want it shipped, and in its box", steps, gaps)
	}
}
