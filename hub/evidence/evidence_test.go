package evidence_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"frostline/hub/event"
	"frostline/hub/evidence"
	"frostline/hub/evidence/bundle"
	"frostline/hub/evidence/verify"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

func TestBundleVerifiesAndIsTheSameAgain(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		g := newGateway("van-1")
		h := newHub(t, db, nil, g)
		ship(h, g)
		b := h.bundleOf("S1")
		r := check(t, b, verify.Options{Key: h.ledger.Key()})
		if !r.Holds {
			t.Fatalf("problems: %v", r.Problems)
		}
		if len(r.Verdicts) != 1 || r.Verdicts[0].Outcome != "excursion" || r.Counts.Blocks == 0 || r.Counts.Linked == 0 {
			t.Errorf("got verdicts %+v, counts %+v", r.Verdicts, r.Counts)
		}
		t.Logf("%d bytes, %+v, %v", len(b), r.Counts, r.Reservations)
		// Something else happens, and the log grows.
		g.keep([]int64{5000, 20_000}, g.anchor())
		g.keep([]int64{5000, 20_000})
		h.send(g, 401, 402)
		h.seal(g, 402)
		h.eventually("the new seal is logged", func() bool { return h.ledger.Status().Checkpoint > r.Size })
		if again := h.bundleOf("S1"); !bytes.Equal(again, b) {
			t.Error("made again, the bundle is another")
		}
		if _, err := h.export.Export(t.Context(), "S2"); !errors.Is(err, evidence.ErrNotFound) {
			t.Errorf("a shipment that is not there: %v", err)
		}
	})
}

// TestBundleDoesNotGrow: a gateway that starts anew soon after a shipment ended,
// and goes on for years, has nothing to do with its evidence, though nothing
// that the hub knew then says when that boot was.
func TestBundleDoesNotGrow(t *testing.T) {
	g := newGateway("van-1")
	h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, g)
	ship(h, g)
	pkg := ref(fact.Package, "P2")
	h.tell(
		event.New{Stream: "shipment/S2", Type: fact.ShipmentWasPlanned, Data: fact.ShipmentPlanned{ID: "S2"}},
		event.New{Stream: pkg.String(), Type: fact.PackageWasPacked, Data: fact.PackagePacked{ID: "P2", Shipment: "S2", Profile: "fridge", At: start + 3_000_000, Made: start + 3_000_000}},
		attached("a9", pkg, ref(fact.Compartment, "van-1-a"), start+3_000_000),
		event.New{Stream: pkg.String(), Type: fact.PackageWasClosed, Data: fact.PackageClosed{ID: "P2", How: "delivered", At: start + 3_900_000, Made: start + 3_900_000}},
	)
	h.judge("P2")
	want := h.bundleOf("S2")
	if r := check(t, want, verify.Options{}); !r.Holds {
		t.Fatalf("problems: %v", r.Problems)
	}
	g.boot, g.began, g.tick = 2, g.began+g.tick+60_000, 0
	for range 3 {
		g.keep([]int64{5000, 20_000}, g.anchor())
		n := len(g.raws)
		h.send(g, n, n)
		if !bytes.Equal(h.bundleOf("S2"), want) {
			t.Fatalf("made again after block %d of another boot, the bundle is another", n)
		}
	}
}

// TestWriteFixture writes the bundle that verifiers are tested with.
func TestWriteFixture(t *testing.T) {
	if os.Getenv("FROSTLINE_UPDATE") == "" {
		t.Skip("set FROSTLINE_UPDATE to write it anew")
	}
	b, key := evidenceOf(t)
	for name, data := range map[string][]byte{fmt.Sprintf("bundle-%d.zip", bundle.Version): b, fmt.Sprintf("bundle-%d.key", bundle.Version): []byte(key + "\n")} {
		if err := os.WriteFile(filepath.Join("verify", "testdata", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
