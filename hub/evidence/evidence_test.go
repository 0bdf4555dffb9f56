package evidence_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"frostline/hub/evidence"
	"frostline/hub/evidence/verify"
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

// TestWriteFixture writes the bundle that verifiers are tested with.
func TestWriteFixture(t *testing.T) {
	if os.Getenv("FROSTLINE_UPDATE") == "" {
		t.Skip("set FROSTLINE_UPDATE to write it anew")
	}
	b, key := evidenceOf(t)
	for name, data := range map[string][]byte{"bundle-1.zip": b, "bundle-1.key": []byte(key + "\n")} {
		if err := os.WriteFile(filepath.Join("verify", "testdata", name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
