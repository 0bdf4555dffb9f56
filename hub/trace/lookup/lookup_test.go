package lookup_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"frostline/hub/event"
	"frostline/hub/event/eventtest"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/dscsa/dscsatest"
	"frostline/hub/trace/lookup"
)

func open(t *testing.T, db *store.DB) (*dscsatest.World, *lookup.Desk) {
	t.Helper()
	m := lookup.NewModel()
	w := dscsatest.Open(t, db, func() time.Time { return time.UnixMilli(1_767_225_600_000) }, m.Models()...)
	d, err := lookup.New(lookup.Options{Store: db, Model: m, Documents: w, Products: w, Packages: w, Events: w.Repository})
	if err != nil {
		t.Fatal(err)
	}
	return w, d
}

func ids(units []lookup.Unit) (out []string) {
	for _, u := range units {
		out = append(out, u.Serial)
	}
	return out
}

// TestFind: everything that is on a box, in every form of it, leads to the units.
func TestFind(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w, d := open(t, db)
		s := w.TakeIn(dscsatest.Example(t))
		w.AddPackage("PKG-7")
		if err := w.Receive(t.Context(), "person/ann", "", []fact.UnitReceived{{ID: "00614141999996.A%2F1", Product: "insulin", GTIN: "00614141999996", Serial: "A/1", Lot: "L/7", Expiry: "2028-01-31"}}); err != nil {
			t.Fatal(err)
		}
		all := "11 12 13 14 15 16 17 18 19 20 21 22"
		for _, c := range []struct{ text, read, units, lots, products, containers string }{
			{dscsatest.GTIN + ".11", "a serialised unit", "11", "", "", ""},
			{"(01)" + dscsatest.GTIN + "(21)12", "a serialised unit", "12", "", "", ""},
			{"]d201" + dscsatest.GTIN + "2113", "a serialised unit", "13", "", "", ""},
			{"https://id.gs1.org/01/" + dscsatest.GTIN + "/21/14", "a serialised unit", "14", "", "", ""},
			{" urn:epc:id:sgtin:030001.0012345.15 ", "a serialised unit", "15", "", "", ""},
			{"(01)" + dscsatest.GTIN + "(10)A123", "a lot", all, "A123", "", ""},
			{"(01)" + dscsatest.GTIN + "(10)none", "a lot", "", "", "", ""},
			{"A123", "a serial or lot number", "", "A123", "", ""},
			{"A/1", "a serial or lot number", "A/1", "", "", ""},
			{"L/7", "a serial or lot number", "", "L/7", "", ""},
			{"16", "a serial or lot number", "16", "", "", ""},
			{dscsatest.GTIN, "a serial or lot number, or a GTIN", "", "A123", "epcistra", ""},
			{"0001-0123-45", "a serial or lot number, or an NDC", "", "A123", "epcistra", ""},
			{"00614141999996.A%2F1", "a serialised unit", "A/1", "", "", ""},
			{"PKG-7", "a serial or lot number", "", "", "", "PKG-7"},
			{"nothing", "a serial or lot number", "", "", "", ""},
			{dscsatest.GTIN + ".99", "a serialised unit", "", "", "", ""},
		} {
			f, err := d.Find(t.Context(), c.text)
			if err != nil {
				t.Errorf("%s: %v", c.text, err)
				continue
			}
			var lots, products, containers []string
			for _, l := range f.Lots {
				lots = append(lots, l.Lot)
			}
			for _, p := range f.Products {
				products = append(products, p.ID)
			}
			for _, k := range f.Containers {
				containers = append(containers, k.ID)
			}
			got := []string{f.Read, strings.Join(ids(f.Units), " "), strings.Join(lots, " "), strings.Join(products, " "), strings.Join(containers, " ")}
			if want := []string{c.read, c.units, c.lots, c.products, c.containers}; strings.Join(got, "|") != strings.Join(want, "|") || f.Empty() != (strings.Join(want[1:], "") == "") {
				t.Errorf("%s:\ngot  %q\nwant %q", c.text, got, want)
			}
		}
		f, err := d.Find(t.Context(), dscsatest.GTIN+".11")
		if u := f.Units[0]; err != nil || !u.Known || u.Lot != "A123" || u.Product != "epcistra" || len(u.Documents) != 1 || u.Documents[0] != s.ID {
			t.Errorf("unit: %+v, %v", u, err)
		}
		for text, want := range map[string]string{" " + dscsatest.GTIN + ".11": dscsatest.GTIN + ".11", "(01)00614141999996(21)A/1": "00614141999996.A%2F1", "A123": "", "(01)00614141999996": ""} {
			if id, ok := lookup.UnitID(text); ok != (want != "") || ok && id != want {
				t.Errorf("%s: %q, %t", text, id, ok)
			}
		}
		for _, text := range []string{"", "  ", strings.Repeat("x", lookup.MaxText+1)} {
			if _, err := d.Find(t.Context(), text); !errors.Is(err, lookup.ErrText) {
				t.Errorf("%.20q: %v", text, err)
			}
		}
	})
}

// TestContainer: what events put into a logistic unit, and did not take out, is
// found by it; the units of a document in it as well.
func TestContainer(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w, d := open(t, db)
		w.Unsell()
		w.TakeIn(dscsatest.Example(t))
		f, err := d.Find(t.Context(), "urn:epc:id:sscc:030001.41234567890")
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Containers) != 1 || f.Containers[0].Known || len(f.Units) != 0 || strings.Join(ids(f.Inside), " ") != "110 111 121" {
			t.Fatalf("pallet: %+v", f)
		}
		f, err = d.Find(t.Context(), f.Inside[0].ID) // a case
		if err != nil || len(f.Units) != 1 || len(f.Inside) != 4 || f.Inside[0].Known || f.Inside[0].Lot != "A123" {
			t.Errorf("case: %+v, %v", f, err)
		}
	})
}

// TestLotInParts: the pages of a lot give each unit once, those that were set
// aside among those that are known.
func TestLotInParts(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w, d := open(t, db)
		w.Unsell()
		w.TakeIn(dscsatest.Example(t))
		unit := func(serial string) fact.UnitReceived {
			return fact.UnitReceived{ID: dscsatest.GTIN + "." + serial, Product: "epcistra", GTIN: dscsatest.GTIN, Serial: serial, Lot: "A123", Expiry: "2025-03-27"}
		}
		if err := w.Receive(t.Context(), "person/ann", "", []fact.UnitReceived{unit("10"), unit("12"), unit("121"), unit("13"), unit("99")}); err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{1, 2, 3, 50} {
			var all []string
			for after := ""; ; {
				part, err := d.Lot(t.Context(), dscsatest.GTIN, "A123", after, limit)
				if err != nil {
					t.Fatal(err)
				}
				if len(part) == 0 {
					break
				}
				all, after = append(all, ids(part)...), part[len(part)-1].ID
			}
			if got, want := strings.Join(all, " "), "10 11 12 121 13 14 15 16 17 18 19 20 21 22 99"; got != want {
				t.Errorf("%d at a time: %s, want %s", limit, got, want)
			}
		}
	})
}

// TestFolds: models are the same however events come.
func TestFolds(t *testing.T) {
	w, _ := open(t, storetest.Open(t, storetest.SQLite(t)))
	w.TakeIn(dscsatest.Example(t))
	all, err := w.Log.Read(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var events []event.New
	for _, e := range all {
		events = append(events, event.New{Stream: e.Stream, Type: e.Type, Reason: e.Reason, Data: e.Data})
	}
	eventtest.Deterministic(t, func() []event.Model { return lookup.NewModel().Models() }, events)
}
