package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store/storetest"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/dscsa/exception"
	"frostline/hub/trace/dscsa/vrs"
	"frostline/hub/trace/repository"
)

// dealings are what the duties under the DSCSA know of other contexts: units of
// the guideline's example, two of which left in shipment D-SHIP.
type dealings struct {
	mu    sync.Mutex
	units map[string]fact.UnitReceived
}

const pharmaGTIN = "00300010123455"

func (d *dealings) ByGTIN(_ context.Context, gtin string) (fact.ProductRecord, bool, error) {
	return fact.ProductRecord{ID: "epcistra", GTIN: gtin}, gtin == pharmaGTIN, nil
}

func (d *dealings) Unit(_ context.Context, id string) (fact.UnitReceived, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	u, ok := d.units[id]
	return u, ok, nil
}

func (d *dealings) Receive(_ context.Context, _, _ string, units []fact.UnitReceived) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, u := range units {
		d.units[u.ID] = u
	}
	return nil
}

func (d *dealings) Load(_ context.Context, id string) (dscsa.Load, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := dscsa.Parcel{ID: "003999900000000123", Packed: start, Units: []fact.UnitReceived{d.units[pharmaGTIN+".11"], d.units[pharmaGTIN+".12"]}}
	return dscsa.Load{
		Plan: fact.ShipmentPlanned{ID: id, Order: "O-9", From: "S1", To: "S9"}, Dispatched: start, Parcels: []dscsa.Parcel{p},
		From: fact.SiteRecord{ID: "S1", GLN: "0399993456780"}, To: fact.SiteRecord{ID: "S9", GLN: "0614141000005"},
	}, id == "D-SHIP", nil
}

func mountDSCSA(t testing.TB, w *world, m *dscsa.Model) DSCSA {
	t.Helper()
	repo, err := repository.New(t.Context(), repository.Options{Store: w.db, Events: w.log, Now: w.now, Log: storetest.Logger(t)})
	if err != nil {
		t.Fatal(err)
	}
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"verificationTimestamp":"2026-11-21T00:00:00Z","responderGLN":"0300011111116","data":{"verified":true},"corrUUID":%q}`, r.URL.Query().Get("corrUUID"))
	}))
	t.Cleanup(other.Close)
	known := &dealings{units: map[string]fact.UnitReceived{}}
	d, err := dscsa.New(dscsa.Options{
		Config: dscsa.Config{
			GLN: "0399999999991", Prefixes: []string{"0614141", "039999"}, Contact: dscsa.Contact{Email: "dscsa@example.com"}, Resolvers: []vrs.Resolver{{Name: "maker", URL: other.URL}},
			Parties: []dscsa.Party{{GLN: "0614141000005", Name: "Clinic", Street: "1 Main St", City: "Boston", State: "MA", Postal: "02101", Country: "US"}},
		},
		Log: w.log, Store: w.db, Model: m, Repository: repo, Products: known, Units: known, Shipments: known, Now: w.now, Logger: storetest.Logger(t),
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// duties are the steps of a trading partner's duties.
func duties() (all []step) {
	add := func(s ...step) { all = append(all, s...) }
	example, err := os.ReadFile("../trace/dscsa/statement/testdata/GS1_US_Pharma_Example_2_2_1_1.xml")
	if err != nil {
		panic(err)
	}
	add(step{op: "receive-statement", target: "/statements?reason=came", body: string(example), kind: "application/xml", after: func(w *world, reply []byte) {
		var got dscsa.TradeStatement
		if err := json.Unmarshal(reply, &got); err != nil || got.Learned != 12 {
			w.t.Fatalf("received: %s, %v", reply, err)
		}
		w.vars["statement"] = got.ID
	}})
	add(step{op: "list-statements", target: "/statements?state=complete"}, step{op: "get-statement", target: "/statements/$statement"}, step{op: "get-statement-document", target: "/statements/$statement/document"})
	add(step{op: "find-statements", target: "/statements/units?gtin=" + pharmaGTIN + "&serial=11"}, step{op: "get-retention", target: "/statements/retention"})
	add(step{op: "send-statement", target: "/shipments/D-SHIP/statement?reason=sold", body: `{"purchaseOrder":"PO-1"}`})

	about := `"about":[{"gtin":"` + pharmaGTIN + `","lot":"A123"}]`
	add(step{op: "create-trace-request", target: "/trace-requests?reason=telephone", body: `{"id":"TR-1","requester":"FDA","why":"recall",` + about + `,"rule":"24_hours"}`})
	add(step{op: "list-trace-requests", target: "/trace-requests?state=open"}, step{op: "get-trace-request", target: "/trace-requests/TR-1"})
	add(step{op: "answer-trace-request", target: "/trace-requests/TR-1/answer?reason=asked"}, step{op: "get-trace-package", target: "/trace-requests/TR-1/package"})
	add(step{op: "ask-verification", target: "/verifications?reason=return", body: `{"resolver":"maker","gtin":"` + pharmaGTIN + `","serial":"11","lot":"A123","expiry":"250327"}`}, step{op: "list-verifications", target: "/verifications"})

	raise := func(id string) string {
		return `{"id":"` + id + `","units":["` + pharmaGTIN + `.11"],"cause":"the seal is not the maker's"}`
	}
	add(step{op: "raise-suspect", target: "/suspects?reason=seen", body: raise("C1")}, step{op: "list-suspects", target: "/suspects?state=suspect"}, step{op: "get-suspect", target: "/suspects/C1"})
	add(step{op: "determine-suspect", target: "/suspects/C1/determine?reason=laboratory", body: `{"classification":"Counterfeit"}`})
	add(step{op: "describe-suspect", target: "/suspects/C1/describe?reason=label", body: `{"items":[{"number":"8","value":"Human use"}]}`}, step{op: "get-form-3911", target: "/suspects/C1/form-3911"})
	add(step{op: "notified-suspect", target: "/suspects/C1/notified?reason=done", body: `{"to":"fda","how":"portal","incident":"I-1"}`})
	for _, partner := range []string{"0300011111116", "0614141000005"} {
		add(step{op: "notified-suspect", target: "/suspects/C1/notified?reason=done", body: `{"to":"` + partner + `","how":"e-mail"}`})
	}
	add(step{op: "terminate-suspect", target: "/suspects/C1/terminate?reason=agreed"})
	add(step{op: "open-suspect", target: "/suspects/C2/open?reason=seen", body: `{"cause":"the seal is not the maker's"}`, before: func(w *world) { w.propose("C2") }}, step{op: "clear-suspect", target: "/suspects/C2/clear?reason=genuine"})
	add(step{op: "dismiss-suspect", target: "/suspects/C3/dismiss?reason=destroyed", before: func(w *world) { w.propose("C3") }})

	add(step{op: "compare-statement", target: "/statements/$statement/compare?reason=counted", body: `{"scans":["(01)` + pharmaGTIN + `(21)99(17)250327(10)A123"],"ordered":[{"gtin":"` + pharmaGTIN + `","quantity":12}]}`,
		after: func(w *world, reply []byte) {
			var got ComparedBody
			if err := json.Unmarshal(reply, &got); err != nil || got.Agree || got.Case == nil {
				w.t.Fatalf("compared: %s, %v", reply, err)
			}
			w.vars["case"], w.vars["message"] = got.Case.ID, got.Case.Messages[0].ID
			r, err := exception.ReadReport(got.Case.Messages[0].Text)
			if err != nil || len(r.Exceptions.NoData) != 1 {
				w.t.Fatalf("report: %+v, %v", r, err)
			}
			w.vars["item"] = r.Exceptions.NoData[0].Item
		}})
	add(step{op: "list-exceptions", target: "/exceptions?state=open"}, step{op: "get-exception", target: "/exceptions/$case"}, step{op: "get-exception-message", target: "/exceptions/$case/messages/$message"})
	add(step{op: "respond-exception", target: "/exceptions/responses?reason=came", body: `{"message_uuid":"b0059655-5998-5f66-8613-e117b80ee862","exception_case_uuid":"$case","timestamp":1,"sender_information":{"email":"a@example.com"},"po_number":"x","response_items":[{"exception_item_uuid":"$item","resolution_response":"Accept"}]}`})
	add(step{op: "resolve-exception", target: "/exceptions/$case/resolve?reason=data+came"})
	report, err := os.ReadFile("../trace/dscsa/exception/testdata/hda_1_1A_overage_keep_product_report.json")
	if err != nil {
		panic(err)
	}
	add(step{op: "report-exception", target: "/exceptions/reports?reason=came", body: strings.TrimSpace(string(report))})
	return all
}

// propose plays an excursion whose unit was rejected.
func (w *world) propose(id string) {
	w.t.Helper()
	_, err := w.log.Command(w.t.Context(), "system/dscsa", func(ctx context.Context, ch event.Change) error {
		_, err := ch.Append(ctx, event.New{Stream: "suspect/" + id, Expect: -1, Type: fact.SuspectWasProposed, Data: fact.SuspectProposed{ID: id, Units: []string{pharmaGTIN + ".14"}, Cause: "rejected"}})
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}
