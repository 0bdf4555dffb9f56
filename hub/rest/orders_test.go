package rest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"frostline/hub/orders/orderstest"
	"frostline/hub/store"
)

// deskOf mounts orders and custody with a catalog in which there is something.
func deskOf(t testing.TB, db *store.DB) (*orderstest.Bench, http.Handler) {
	b := orderstest.New(t, db)
	b.Stock()
	b.Pass(time.Hour)
	return b, newAPI(t, Config{Store: db, Orders: b.Orders, Custody: b.Custody, Now: b.Clock}).Handler()
}

// TestPromise9OrderStatusTellsNothingOfThePatient, and all that a pharmacy
// system, a carrier and a scanner do with a delivery, over the wire.
func TestPromise9OrderStatusTellsNothingOfThePatient(t *testing.T) {
	onBoth(t, func(t *testing.T, db *store.DB) {
		_, h := deskOf(t, db)
		const start = orderstest.Start
		at := func(minutes int64) int64 { return start + minutes*60_000 }
		unit := orderstest.GTIN + ".A1"
		do := func(code int, method, target, body string, holds ...string) string {
			t.Helper()
			w := ask(t, h, "all", method, target, body)
			if w.Code != code {
				t.Fatalf("%s %s: got %d %s, want %d", method, target, w.Code, w.Body, code)
			}
			for _, s := range holds {
				if !strings.Contains(w.Body.String(), s) {
					t.Errorf("%s %s: got %s, want %s in it", method, target, w.Body, s)
				}
			}
			return w.Body.String()
		}
		do(201, "POST", "/orders", `{"id":"O1","patient":"pt_7f3a9c01e2","lines":[{"product":"D1","quantity":1}]}`)
		do(422, "POST", "/orders", `{"id":"O2","patient":"Ada Lovelace","lines":[{"product":"D1","quantity":1}]}`, "is no token")
		do(409, "POST", "/orders", `{"id":"O1","patient":"pt_7f3a9c01e2","lines":[{"product":"D1","quantity":2}]}`)
		do(201, "POST", "/shipments", `{"id":"H1","order":"O1","from":"S1","carrier":"co1"}`, `"planned"`)
		do(201, "POST", "/units", `{"units":[{"product":"D1","gtin":"`+orderstest.GTIN+`","serial":"A1","lot":"L1","expiry":"2027-01-31"}]}`, unit)
		do(201, "POST", "/packages", fmt.Sprintf(`{"id":"00106141412345678908","shipment":"H1","at":%d,"units":["%s"],"in":{"kind":"zone","id":"Z1"}}`, at(0), unit), `"106141412345678908"`)
		const pkg = "/packages/106141412345678908"
		do(422, "POST", "/packages", fmt.Sprintf(`{"id":"P2","at":%d,"units":["%s"]}`, at(0), unit), "is in package 106141412345678908")
		do(200, "GET", fmt.Sprintf("%s/units?at=%d", pkg, at(1)), "", unit)
		do(200, "POST", "/attachments", fmt.Sprintf(`{"device":true,"statements":[{"id":"s2","subject":{"kind":"package","id":"106141412345678908"},"in":{"kind":"compartment","id":"C1"},"at":%d},
			{"id":"s1","subject":{"kind":"package","id":"106141412345678908"},"in":{"kind":"tote","id":"T1"},"at":%d},{"id":"s3","subject":{"kind":"tote","id":"T7"},"at":%d}]}`, at(20), at(10), at(10)), `"taken"`, `"set_aside"`)
		do(200, "GET", "/scans", "", `"s3"`, `"tote/T7"`)
		do(204, "DELETE", "/scans/s3?reason=misread", "")
		do(200, "GET", pkg+"/attachments", "", fmt.Sprintf(`"from":%d,"to":%d,"in":{"kind":"tote","id":"T1"}`, at(10), at(20)), fmt.Sprintf(`"from":%d,"in":{"kind":"compartment","id":"C1"}`, at(20)))
		do(200, "GET", fmt.Sprintf("/totes/T1/contents?from=%d&to=%d", at(0), at(60)), "", "106141412345678908")
		do(200, "POST", "/attachments/s2/withdraw?reason=wrong+van", "", `"taken"`)
		if got := do(200, "GET", pkg+"/attachments", ""); strings.Contains(got[:strings.Index(got, "statements")], "compartment") {
			t.Errorf("what was withdrawn holds still: %s", got)
		}
		do(200, "POST", "/custody", fmt.Sprintf(`{"statements":[{"subject":{"kind":"shipment","id":"H1"},"to":"co1","role":"courier","seal":"intact","at":%d,"temperature":5.2,"noPosition":"no fix"}]}`, at(21)))
		do(200, "GET", pkg+"/custody", "", `"co1"`, "no position: no fix", "5.2", "is not told")
		do(200, "POST", "/deliveries/H1/status", fmt.Sprintf(`{"id":"r1","status":"in_transit","at":%d,"eta":%d}`, at(22), at(90)), `"in_transit"`)
		do(404, "POST", "/deliveries/H9/status", fmt.Sprintf(`{"status":"in_transit","at":%d}`, at(22)))
		if got := do(200, "GET", "/orders/O1/status", "", `"state":"in_transit"`, fmt.Sprint(at(90)), `"temperature":"unknown"`); strings.Contains(got, "pt_") {
			t.Errorf("the status tells of the patient: %s", got)
		}
		do(200, "PUT", "/inventory/D1/adjust", `{"id":"a1","site":"S1","change":5,"reason":"count"}`, `"level":5`)
		do(200, "PUT", "/inventory/D1/adjust", `{"id":"a1","site":"S1","change":5,"reason":"count"}`, `"level":5`)
		do(422, "PUT", "/inventory/D1/adjust", `{"id":"a2","site":"S1","change":-6,"reason":"count"}`, "there are 5 units")
		do(200, "GET", "/inventory/D1", "", `"level":5`)
		do(200, "POST", pkg+"/close", fmt.Sprintf(`{"how":"delivered","at":%d}`, at(59)), `"delivered"`)
		do(200, "GET", pkg+"/trail", "", "orders.package_packed", "custody.attached", "orders.package_closed", "person/ann", "wrong van")
		do(422, "DELETE", "/shipments/H1?reason=x", "", "in_transit already")
	})
}

// FuzzBodies sends anything at all: it is never the hub's fault, and what the
// hub says is a problem or an answer.
func FuzzBodies(f *testing.F) {
	_, h := deskOf(f, opened(f))
	targets := []string{"/orders", "/shipments", "/packages", "/units", "/attachments", "/custody", "/deliveries/H1/status", "/shipments/H1/packages", "/packages/P1/units"}
	if w := ask(f, h, "all", "POST", "/shipments", `{"id":"H1"}`); w.Code != 201 {
		f.Fatal(w.Body)
	}
	if w := ask(f, h, "all", "POST", "/packages", fmt.Sprintf(`{"id":"P1","at":%d}`, int64(orderstest.Start))); w.Code != 201 {
		f.Fatal(w.Body)
	}
	for i, body := range []string{
		`{"id":"O1","lines":[{"product":"D1","quantity":1}]}`, `{"id":"H2","eta":1777593600000}`, `{"id":"P2","at":1777593600000,"in":{"kind":"zone","id":"Z1"}}`,
		`{"units":[{"product":"D1","gtin":"00614141999996","serial":"a/b","lot":"L","expiry":"2027-01-31"}]}`,
		`{"device":true,"statements":[{"id":"s","subject":{"kind":"unit","id":"00614141999996.a%2Fb"},"at":1777593600000,"corrects":"s"}]}`,
		`{"statements":[{"subject":{"kind":"package","id":"P1"},"to":"co1","role":"courier","seal":"intact","at":1777593600000,"noPosition":"x","temperature":-0.0001}]}`,
		`{"status":"delivered","at":1777593600000,"note":"\u0000\u202e"}`, `{"packages":["P1","P1"],"at":1777593600000}`, `{"units":["00614141999996.x"],"at":1777593600000,"move":true}`,
	} {
		f.Add(uint8(i), body)
	}
	f.Fuzz(func(t *testing.T, n uint8, body string) {
		if w := ask(t, h, "all", "POST", targets[int(n)%len(targets)], body); w.Code >= 500 && w.Code != 503 {
			t.Fatalf("%s with %q: got %d %s", targets[int(n)%len(targets)], body, w.Code, w.Body)
		}
	})
}
