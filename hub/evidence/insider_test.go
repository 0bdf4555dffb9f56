package evidence_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/evidence"
	"frostline/hub/evidence/verify"
	"frostline/hub/evidence/witness"
	"frostline/hub/evidence/witness/witnesstest"
	"frostline/hub/fact"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// Promise 5: a hub that lies about its conclusion, and logs and signs the lie,
// is found out by the evidence that it has to hand over with it.
func TestPromise5HubThatLies(t *testing.T) {
	lie := func(t *testing.T, change func(*fact.VerdictRevised)) verify.Problem {
		t.Helper()
		g := newGateway("van-1")
		h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, g)
		ship(h, g)
		all, err := h.events.Stream(t.Context(), "package/P1", 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		data, err := fact.Decode(all[len(all)-1].Type, all[len(all)-1].Data)
		if err != nil {
			t.Fatal(err)
		}
		v := *data.(*fact.VerdictRevised)
		change(&v)
		h.tell(event.New{Stream: "package/P1", Type: fact.VerdictWasRevised, Data: v})
		r := newSecond(t).check("a lie", h.bundleOf("S1"), verify.Options{Key: h.ledger.Key()})
		if r.Holds {
			t.Fatal("it holds")
		}
		return r.Problems[0]
	}
	for name, c := range map[string]struct {
		change func(*fact.VerdictRevised)
		field  string
	}{
		"outcome": {func(v *fact.VerdictRevised) {
			v.Verdict.Outcome, v.Verdict.Severity, v.Verdict.Excursions = thermal.InRange, "", []thermal.Event{}
			v.Digest, _ = v.Verdict.Digest()
		}, "/excursions"},
		"digest": {func(v *fact.VerdictRevised) { v.Digest = strings.Repeat("0", 64) }, "digest"},
		"a maximum": {func(v *fact.VerdictRevised) {
			max := thermal.Temp(7900)
			v.Verdict.Max = &max
			v.Digest, _ = v.Verdict.Digest()
		}, "/max"},
		"end of the watch": {func(v *fact.VerdictRevised) {
			v.Verdict.To -= 1000
			v.Digest, _ = v.Verdict.Digest()
		}, "/"},
		"another profile": {func(v *fact.VerdictRevised) { v.Profile = "freezer" }, ""},
		"withdrawn":       {func(v *fact.VerdictRevised) { v.Dropped = true }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if p := lie(t, c.change); p.Check != verify.VerdictIs || p.Package != "P1" || !strings.HasPrefix(p.Field, c.field) {
				t.Errorf("got %v", p)
			}
		})
	}
}

// Promise 5: another log's key is not taken for the one that was pinned, and a
// witness's signature has to be there when it is asked for.
func TestPromise5TrustIsPinned(t *testing.T) {
	g := newGateway("van-1")
	h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, g)
	ship(h, g)
	b, second := h.bundleOf("S1"), newSecond(t)
	other := openLedger(t, storetest.Open(t, storetest.SQLite(t)), t.TempDir(), nil)
	if r := second.check("another key", b, verify.Options{Key: other.Key()}); r.Holds || r.Problems[0].Check != verify.Checkpoint {
		t.Errorf("by another hub's key: %+v", r)
	}
	r := second.check("no key", b, verify.Options{})
	if !r.Holds || r.Pinned || len(r.Reservations) < 2 {
		t.Errorf("without a key: %+v", r)
	}
	if r := second.check("no witness", b, verify.Options{Key: h.ledger.Key(), Witnesses: []string{h.ledger.Key()}}); r.Holds || r.Problems[0].Check != verify.Witness {
		t.Errorf("a witness that never cosigned: %+v", r)
	}
	if _, err := verify.Bundle(context.Background(), bytes.NewReader(b), int64(len(b)), verify.Options{Key: "nonsense"}); err == nil {
		t.Error("a key that is none was taken")
	}
}

// Promise 5: a hub whose log is rolled back and grown otherwise gets no
// signature from its witness, keeps working, and says so.
func TestPromise5WitnessedHub(t *testing.T) {
	dir := t.TempDir()
	private, peerFor := witnesstest.New(t, dir)
	g := newGateway("van-1")
	db := storetest.Open(t, storetest.SQLite(t))
	// The witness must know the log's key, and the hub the witness's: the key is
	// made by a hub that is opened and not run.
	data := t.TempDir()
	key := openLedger(t, db, data, nil).Key()
	peer := peerFor(private, key)
	h := newHubAt(t, db, data, []witness.Peer{peer}, g)
	ship(h, g)
	b := h.bundleOf("S1")
	r := newSecond(t).check("witnessed", b, verify.Options{Key: key, Witnesses: []string{peer.Key}})
	if !r.Holds || len(r.Witnesses) != 1 {
		t.Fatalf("witnessed: %+v", r)
	}
	h.stop()
	// The same keys with another history: what an operator would do who wants
	// to rewrite it.
	forged := t.TempDir()
	copyKey(t, data, forged)
	f := newHubAt(t, storetest.Open(t, storetest.SQLite(t)), forged, []witness.Peer{peer}, g)
	f.tell(event.New{Stream: "site/other", Type: fact.SiteDefined, Data: fact.SiteRecord{ID: "other", Name: "Other"}})
	f.eventually("the witness refuses", func() bool {
		s := f.ledger.Status()
		return s.Checkpoint > 0 && s.Short > 0 && len(s.Witnesses) == 1 && s.Witnesses[0].Refused
	})
	if c, ok := f.ledger.Latest(); !ok || c.Cosigned != 0 || c.Quorum {
		t.Errorf("the forged log has checkpoint %+v", c)
	}
}

func copyKey(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(from, "evidence", "log.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(to, "evidence"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(to, "evidence", "log.key"), b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestUnsigned: blocks after the last seal are told and are no evidence. A
// closed package whose outcome needs them does not hold, unless it is asked for.
func TestUnsigned(t *testing.T) {
	g := newGateway("van-1")
	h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, g)
	ship(h, g)
	second := newSecond(t)
	for range 80 {
		g.keep([]int64{5000, 20_000})
	}
	h.send(g, 401, 420)
	// The second package begins after the warm spell.
	pkg, place := ref(fact.Package, "P2"), ref(fact.Compartment, "van-1-a")
	h.tell(
		event.New{Stream: "shipment/S2", Type: fact.ShipmentWasPlanned, Data: fact.ShipmentPlanned{ID: "S2"}},
		event.New{Stream: pkg.String(), Type: fact.PackageWasPacked, Data: fact.PackagePacked{ID: "P2", Shipment: "S2", Profile: "fridge", At: start + 3_000_000, Made: start + 3_000_000}},
		attached("a9", pkg, place, start+3_000_000),
	)
	h.judgeAt("P2", start+4_195_000)
	r := second.check("going on", h.bundleOf("S2"), verify.Options{})
	if !r.Holds || len(r.Unsigned) != 1 || r.Unsigned[0] != (verify.Tail{Gateway: "van-1", Epoch: 1, First: 401, Last: 420}) || r.VerifiedTo != start+4_000_000 {
		t.Errorf("going on: %v, %+v, verified to %d", r.Problems, r.Unsigned, r.VerifiedTo-start)
	}
	if v := r.Verdicts[0]; v.Signed == nil || v.Signed.Outcome != "in_range" || v.Outcome != "in_range" || v.To != start+4_190_000 {
		t.Errorf("going on: verdict %+v, signed %+v", v, v.Signed)
	}
	h.send(g, 421, 480)
	h.tell(event.New{Stream: pkg.String(), Type: fact.PackageWasClosed, Data: fact.PackageClosed{ID: "P2", How: "delivered", At: start + 4_700_000, Made: start + 4_700_000}})
	h.judge("P2")
	b := h.bundleOf("S2")
	if r := second.check("closed", b, verify.Options{}); r.Holds || r.Problems[0].Check != verify.SealIs || r.Problems[0].Gateway != "van-1" || r.Problems[0].Block != 401 {
		t.Errorf("closed on unsigned blocks: %+v", r.Problems)
	}
	if r := second.check("closed", b, verify.Options{AllowUnsigned: true}); !r.Holds || r.Verdicts[0].Signed.Outcome != "unknown" {
		t.Errorf("allowed: %+v", r)
	}
	// The outcome of the first rests on signed blocks, whatever came later.
	if r := second.check("the first", h.bundleOf("S1"), verify.Options{}); !r.Holds {
		t.Errorf("the first: %v", r.Problems)
	}
	// A seal comes while an export waits for it.
	done := make(chan *evidence.Bundle)
	go func() {
		b, err := h.export.ExportWith(t.Context(), "S2", evidence.Wanted{Wait: time.Minute})
		if err != nil {
			t.Error(err)
		}
		done <- b
	}()
	h.seal(g, 480)
	last := <-done
	if last == nil || len(last.Unsigned) > 0 {
		t.Fatalf("after the seal: %+v", last)
	}
	var out bytes.Buffer
	if _, err := last.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	if r := second.check("signed after all", out.Bytes(), verify.Options{}); !r.Holds || len(r.Unsigned) > 0 || r.VerifiedTo != 0 || r.Verdicts[0].Signed != nil {
		t.Errorf("signed after all: %v, %+v", r.Problems, r)
	}
	if err := last.Close(); err != nil {
		t.Error(err)
	}
}

// TestOpenPackage: one that is still watched is checked as of when its verdict
// was stated.
func TestOpenPackage(t *testing.T) {
	g := newGateway("van-1")
	h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, g)
	ship(h, g)
	h.tell(event.New{Stream: "package/P1", Type: fact.PackageWasClosed, Data: fact.PackageClosed{ID: "P1", How: "delivered", At: start + 3_000_000, Made: start + 3_500_000, Reopen: true}})
	h.judgeAt("P1", start+3_600_000)
	r := newSecond(t).check("open", h.bundleOf("S1"), verify.Options{})
	if !r.Holds || len(r.Verdicts) != 1 || r.Verdicts[0].Closed || r.Verdicts[0].To != start+3_600_000 {
		t.Errorf("got %v, %+v", r.Problems, r.Verdicts)
	}
}

// TestPackedThisMoment: of a package that was packed just now nothing is known
// yet, nor missing, and the hub states no verdict. One that was packed an hour
// ago has to have one.
func TestPackedThisMoment(t *testing.T) {
	g := newGateway("van-1")
	h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, g)
	ship(h, g)
	second := newSecond(t)
	pack := func(n string, at int64) {
		pkg, unit := ref(fact.Package, "P"+n), ref(fact.Unit, "00312345678906.S"+n)
		h.tell(
			event.New{Stream: "shipment/S" + n, Type: fact.ShipmentWasPlanned, Data: fact.ShipmentPlanned{ID: "S" + n, Order: "O1"}},
			event.New{Stream: unit.String(), Type: fact.UnitWasReceived, Data: fact.UnitReceived{ID: unit.ID, Product: "insulin", GTIN: "00312345678906", Serial: "S" + n, Lot: "L1", Expiry: "2027-01-01"}},
			event.New{Stream: pkg.String(), Type: fact.PackageWasPacked, Data: fact.PackagePacked{ID: "P" + n, Shipment: "S" + n, At: at, Made: at}},
			attached("u"+n, unit, pkg, at),
			attached("p"+n, pkg, ref(fact.Compartment, "van-1-a"), at),
		)
	}
	now := time.Now().UnixMilli()
	pack("2", now+60_000) // by a clock that is ahead, so that recording it takes no part of it
	if r := second.check("just packed", h.bundleOf("S2"), verify.Options{}); !r.Holds || len(r.Verdicts) != 0 || !strings.Contains(strings.Join(r.Reservations, "\n"), "P2 has no verdict by profile fridge") {
		t.Errorf("just packed: %v, %+v, %v", r.Problems, r.Verdicts, r.Reservations)
	}
	pack("3", now-3_600_000)
	if r := second.check("packed an hour ago", h.bundleOf("S3"), verify.Options{}); r.Holds {
		t.Error("packed an hour ago: it holds without a verdict")
	}
}
