package dscsa

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"frostline/hub/event"
	"frostline/hub/event/eventtest"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/dscsa/statement"
)

// TestReceive: a document is kept byte for byte, once, its events are captured
// and its units known.
func TestReceive(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, config())
		body := example(t)
		s := w.takeIn(body)
		if len(s.Problems) != 0 || s.Learned != 12 || s.Known != 0 || len(s.Aside) != 0 || w.repo.Last() != 8 {
			t.Errorf("received: %+v; %d events", s, w.repo.Last())
		}
		if u := w.units[gtin+".11"]; u.Lot != "A123" || u.Expiry != "2025-03-27" || u.Product != "epcistra" {
			t.Errorf("unit: %+v", u)
		}
		last := w.log.Last()
		if again := w.takeIn(body); again.ID != s.ID || w.log.Last() != last {
			t.Errorf("received twice: %+v, %d events since", again, w.log.Last()-last)
		}
		c, err := w.Content(t.Context(), s.ID)
		if err != nil || !bytes.Equal(c.Body, body) || c.SHA256 != s.SHA256 {
			t.Errorf("content: %v", err)
		}
		if want := keepUntil(start); s.Keep != want {
			t.Errorf("kept until %d, want %d", s.Keep, want)
		}
		// Another document with the same units, one of them with another lot.
		other := changed(t, "1100220001", "1100220002", "<cbvmda:lotNumber>A123", "<cbvmda:lotNumber>B9", "2023-03-27T06:45:16Z", "2023-03-27T06:45:17Z", "2023-03-27T06:46:16Z", "2023-03-27T06:46:17Z")
		if s := w.takeIn(other); len(s.Aside) != 1 || s.Aside[0].Count != 12 || s.Aside[0].Why != "known with another lot" || s.Learned != 0 || w.units[gtin+".11"].Lot != "A123" {
			t.Errorf("with another lot: %+v", s)
		}
	})
}

// TestAside: what the catalog does not know is set aside and named, and so is
// what the law wants and the document does not say.
func TestAside(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)), config())
	clear(w.products)
	s := w.takeIn(changed(t, ">true</gs1ushc:affirm", ">false</gs1ushc:affirm", "urn:epc:id:sgln:039999.999999.0</sbdh", "urn:epc:id:sgln:030001.111121.0</sbdh"))
	if s.Learned != 0 || len(s.Aside) != 1 || s.Aside[0].GTIN != gtin || s.Aside[0].Count != 12 || len(s.Aside[0].Serials) != 12 {
		t.Errorf("aside: %+v", s.Aside)
	}
	if len(s.Problems) != 2 || s.Problems[0].Field != "transactionStatement" || s.Problems[1].Field != "header" {
		t.Errorf("problems: %+v", s.Problems)
	}
	list, err := w.Statements(t.Context(), "incomplete", "", 10)
	if err != nil || len(list) != 1 {
		t.Errorf("list of the incomplete: %v, %v", list, err)
	}
	for name, body := range map[string][]byte{
		"no document": []byte("hello"), "our own": changed(t, "<sbdh:Identifier Authority=\"GS1\">urn:epc:id:sgln:030001.111111.0", "<sbdh:Identifier Authority=\"GS1\">urn:epc:id:sgln:039999.999999.0"),
		"large": make([]byte, MaxDocument+1), "empty": nil,
	} {
		if _, err := w.Desk.Receive(t.Context(), "partner/maker", "", body, ""); !errors.Is(err, record.ErrInvalid) && !errors.Is(err, record.ErrRefused) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSend: a partner gets a document that says all, of what really left; a
// patient gets none.
func TestSend(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, config())
		w.takeIn(example(t))
		w.ship("SH-1", "S2", "11", "12")
		sent, err := w.Send(t.Context(), aCourier, "", Export{Shipment: "SH-1"})
		if err != nil {
			t.Fatal(err)
		}
		c, err := w.Content(t.Context(), sent.ID)
		if err != nil {
			t.Fatal(err)
		}
		d, err := statement.Read(c.Body, c.Media)
		if err != nil || len(d.Fact.Problems) != 0 || len(d.Units) != 2 || d.Units[1] != (statement.Unit{GTIN: gtin, Serial: "12", Lot: "A123", Expiry: "2025-03-27"}) {
			t.Errorf("document: %+v, %v", d, err)
		}
		if sent.Seller != us || sent.Buyer != clinic || sent.Shipment != "SH-1" || !sent.Sent || d.Fact.Items[0].Strength != "100mg" {
			t.Errorf("sent: %+v", sent)
		}
		if text := string(c.Body); !strings.Contains(text, "urn:epc:id:sgln:0614141.00000.0") || !strings.Contains(text, "urn:epcglobal:cbv:bt:"+clinic+":O-1") || strings.Contains(text, "sensor") {
			t.Errorf("text: %s", text)
		}
		last := w.log.Last()
		if again, err := w.Send(t.Context(), aCourier, "", Export{Shipment: "SH-1"}); err != nil || again.ID != sent.ID || w.log.Last() != last {
			t.Errorf("sent twice: %v, %v", again.ID, err)
		}
		// To a patient: no document, and the units keep theirs.
		w.ship("SH-2", "", "13")
		if _, err := w.Send(t.Context(), aCourier, "", Export{Shipment: "SH-2"}); !errors.Is(err, record.ErrRefused) || !strings.Contains(err.Error(), "patient") {
			t.Errorf("to a patient: %v", err)
		}
		docs, err := w.DocumentsOf(t.Context(), fact.TraceAbout{GTIN: gtin, Serial: "13"})
		if err != nil || len(docs) != 1 || docs[0].Lot != "A123" || docs[0].Document != w.statement(t, false).ID {
			t.Errorf("documents of a dispensed unit: %+v, %v", docs, err)
		}
	})
}

// statement gives the first document received or sent.
func (w *world) statement(t *testing.T, sent bool) TradeStatement {
	t.Helper()
	all, err := w.Statements(t.Context(), "", "", 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		if s.Sent == sent {
			return s
		}
	}
	t.Fatal("there is none")
	return TradeStatement{}
}

// TestSendIncomplete: what nobody has told keeps a document back, by name.
func TestSendIncomplete(t *testing.T) {
	c := config()
	c.Parties = c.Parties[:1]
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)), c)
	w.takeIn(changed(t, `mda#strengthDescription"`, `mda#other"`))
	w.units[gtin+".99"] = fact.UnitReceived{ID: gtin + ".99", Product: "epcistra", GTIN: gtin, Serial: "99", Lot: "Z", Expiry: "2027-01-01"}
	w.ship("SH-1", "S2", "11", "99")
	last := w.log.Last()
	_, err := w.Send(t.Context(), aCourier, "", Export{Shipment: "SH-1"})
	var missing Incomplete
	if !errors.As(err, &missing) || !errors.Is(err, ErrIncomplete) || !errors.Is(err, record.ErrRefused) {
		t.Fatalf("sent: %v", err)
	}
	fields := ""
	for _, p := range missing.Problems {
		fields += p.Field + ":" + p.About + " "
	}
	if fields != "buyer:"+clinic+" strength:"+gtin+" lot:"+gtin+".99 expiry:"+gtin+".99 " || w.log.Last() != last {
		t.Errorf("missing: %s", fields)
	}
	for name, x := range map[string]Export{"unknown": {Shipment: "none"}, "ourselves": {Shipment: "SH-1", Buyer: us}, "prefix": {Shipment: "SH-1", Buyer: "0888888000009"}} {
		if _, err := w.Send(t.Context(), aCourier, "", x); err == nil || errors.Is(err, ErrIncomplete) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRetention: what is kept is counted, and nothing in the hub removes it.
func TestRetention(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, config())
		w.takeIn(example(t))
		kept, err := w.Retention(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(kept[:4])
		if len(kept) != 8 || kept[0].Count != 1 || kept[0].Bytes != int64(len(example(t))) || kept[0].Oldest != start || kept[0].Keep != keepUntil(start) || kept[3].Kind != "epcis" || kept[3].Count != 8 {
			t.Errorf("kept: %s", text)
		}
	})
	// Clean-ups are statements of the hub's own code.
	forbidden := regexp.MustCompile(`(?is)(DELETE\s+FROM|UPDATE|DROP\s+TABLE|TRUNCATE)\s+(dscsa_\w+|epcis_event|epcis_term|event)\b`)
	for _, root := range []string{"../..", "../../../cmd"} {
		err := filepath.WalkDir(root, func(path string, f os.DirEntry, err error) error {
			if err != nil || f.IsDir() || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".sql") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if found := forbidden.Find(text); found != nil {
				t.Errorf("%s: %q would take away what has to be kept for six years", path, found)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestChangedStore: a document whose bytes were changed in the store is not given
// out.
func TestChangedStore(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)), config())
	s := w.takeIn(example(t))
	err := w.db.Write(t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, "UPDATE dscsa_content SET body = $1 WHERE id = $2", []byte("other"), s.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Content(t.Context(), s.ID); err == nil || !strings.Contains(err.Error(), "SHA-256") {
		t.Errorf("given: %v", err)
	}
}

// TestFolds: models are the same however events come.
func TestFolds(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)), config())
	w.live(t)
	all, err := w.log.Read(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var events []event.New
	for _, e := range all {
		events = append(events, event.New{Stream: e.Stream, Type: e.Type, Reason: e.Reason, Data: e.Data})
	}
	eventtest.Deterministic(t, func() []event.Model { return NewModel().Models() }, events)
}
