package rest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"frostline/hub/evidence"
)

// noBundles has an empty bundle of shipment H1.
type noBundles struct{}

func (noBundles) ExportWith(_ context.Context, shipment string, _ evidence.Wanted) (*evidence.Bundle, error) {
	if shipment != "H1" {
		return nil, fmt.Errorf("shipment %q: %w", shipment, evidence.ErrNotFound)
	}
	return &evidence.Bundle{}, nil
}

// step is a request that is done. $names stand for what was found out before.
type step struct {
	op, target, body string
	as               string // whose token; "" for the one with all scopes
	kind             string // of the body; "" for JSON
	status           int    // of the reply; 0 for the least success that is declared
	still            bool   // it writes and yet changes nothing
	before           func(w *world)
	after            func(w *world, reply []byte)
}

func (s step) expand(w *world) step {
	get := func(name string) string { return w.vars[name] }
	s.target, s.body = os.Expand(s.target, get), os.Expand(s.body, get)
	return s
}

// remember keeps what is at a place of a reply.
func remember(name, field string) func(*world, []byte) {
	return func(w *world, reply []byte) {
		w.t.Helper()
		var v map[string]any
		if err := json.Unmarshal(reply, &v); err != nil {
			w.t.Fatal(err)
		}
		if items, ok := v["items"].([]any); ok && len(items) > 0 {
			v, _ = items[0].(map[string]any)
		}
		text, _ := v[field].(string)
		if text == "" {
			w.t.Fatalf("no %s in %s", field, reply)
		}
		w.vars[name] = text
	}
}

// numbered is remember for the number of a thing.
func numbered(name string) func(*world, []byte) {
	return func(w *world, reply []byte) {
		w.t.Helper()
		var v struct{ Number int64 }
		if err := json.Unmarshal(reply, &v); err != nil || v.Number == 0 {
			w.t.Fatalf("no number in %s: %v", reply, err)
		}
		w.vars[name] = fmt.Sprint(v.Number)
	}
}

// records gives the steps on one kind of record: enter, change, look, list.
func records(one, many, id, body, changed string) []step {
	at := "/" + many + "/" + strings.ReplaceAll(id, "/", "%2F")
	return []step{
		{op: "create-" + one, target: "/" + many + "?reason=new", body: body},
		{op: "put-" + one, target: at, body: changed},
		{op: "get-" + one, target: at},
		{op: "list-" + many, target: "/" + many + "?limit=500"},
		{op: "get-" + one + "-trail", target: at + "/trail"},
	}
}

const (
	unitOne = "00614141999996.A1"
	unitTwo = "00614141999996.A2"
)

// script is one good request for each operation at least, in an order in which
// they make sense: from an empty hub to a package that was delivered, an
// excursion that was signed and closed, and records that are retired.
func script() (all []step) {
	add := func(s ...step) { all = append(all, s...) }
	at := func(minutes int64) string { return fmt.Sprint(start - 180*60_000 + minutes*60_000) }
	span := "from=" + at(0) + "&to=" + at(60)

	add(step{op: "get-caller", target: "/people/me"}, step{op: "list-people", target: "/people"}, step{op: "get-person", target: "/people/bob"})
	add(step{op: "list-tokens", target: "/tokens"}, step{op: "revoke-token", target: "/tokens/$token/revoke", body: `{"reason":"spare"}`})
	add(records("site", "sites", "S1", `{"id":"S1","name":"Site 1","position":{"latitude":423467001,"longitude":-710421000,"accuracy":5000}}`, `{"name":"Site one"}`)...)
	add(step{op: "put-site", target: "/sites/S9", body: `{"name":"Site 9"}`, status: 201})
	add(records("profile", "profiles", "cold", coldProfile, strings.Replace(coldProfile, `"Cold"`, `"Colder"`, 1))...)
	add(step{op: "create-profile-version", target: "/profiles/cold/versions", status: 201, body: strings.Replace(coldProfile, `"Cold"`, `"Coldest"`, 1)})
	add(step{op: "list-profile-versions", target: "/profiles/cold/versions"}, step{op: "get-profile-version", target: "/profiles/cold/versions/1"})
	add(records("zone", "zones", "Z1", `{"id":"Z1","site":"S1","name":"Zone","profile":"cold"}`, `{"site":"S1","name":"Zone one"}`)...)
	add(records("vehicle", "vehicles", "V1", `{"id":"V1","name":"Van","type":"van"}`, `{"type":"van","name":"Van one"}`)...)
	add(records("compartment", "compartments", "C1", `{"id":"C1","vehicle":"V1","name":"Box"}`, `{"vehicle":"V1","name":"Back"}`)...)
	add(records("gateway", "gateways", "g1", `{"id":"g1","site":"S1"}`, `{"site":"S1","name":"Gateway"}`)...)
	add(records("sensor", "sensors", "g1/s0", `{"id":"g1/s0","accuracy":0.25}`, `{"accuracy":0.3,"model":"SHT41"}`)...)
	add(records("tote", "totes", "T1", `{"id":"T1"}`, `{"name":"Tote"}`)...)
	add(records("logger", "loggers", "L1", `{"id":"L1"}`, `{"name":"Logger"}`)...)
	add(records("party", "parties", "co1", `{"id":"co1","name":"Courier","role":"courier"}`, `{"name":"Courier one","role":"courier"}`)...)
	add(records("product", "products", "D1", `{"id":"D1","name":"Drug","profile":"cold","gtin":"00614141999996","budgets":[{"name":"room","above":8,"allowed":7200000,"source":"label"}]}`,
		`{"name":"Drug one","profile":"cold","gtin":"00614141999996"}`)...)
	add(records("calibration", "calibrations", "cal1", `{"id":"cal1","sensor":"g1/s0","lab":"Lab","from":1700000000000,"until":1900000000000,"accuracy":0.1}`,
		`{"sensor":"g1/s0","lab":"Lab one","from":1700000000000,"until":1900000000000,"accuracy":0.2}`)...)
	add(step{op: "import-records", target: "/imports/sites", kind: "text/csv", body: "id,name\nS2,Site 2\nS3,Site 3\n"}, step{op: "list-imports", target: "/imports"})
	add(step{op: "export-records", target: "/exports/sites"}, step{op: "export-records", target: "/exports/profiles?format=json"})

	add(step{op: "place-order", target: "/orders", body: `{"id":"O1","patient":"pt_7f3a9c01e2","lines":[{"product":"D1","quantity":1}]}`})
	add(step{op: "put-order", target: "/orders/O1?reason=more", body: `{"patient":"pt_7f3a9c01e2","lines":[{"product":"D1","quantity":2}],"due":` + at(600) + `}`})
	add(step{op: "put-order", target: "/orders/O3", body: `{"lines":[{"product":"D1","quantity":1}]}`, status: 201})
	add(step{op: "get-order", target: "/orders/O1"}, step{op: "list-orders", target: "/orders"}, step{op: "get-order-trail", target: "/orders/O1/trail"})
	add(step{op: "plan-shipment", target: "/shipments", body: `{"id":"H1","order":"O1","from":"S1","carrier":"co1"}`})
	add(step{op: "put-shipment", target: "/shipments/H1", body: `{"order":"O1","from":"S1","carrier":"co1","eta":` + at(500) + `}`})
	add(step{op: "get-shipment", target: "/shipments/H1"}, step{op: "list-shipments", target: "/shipments?order=O1"}, step{op: "get-shipment-trail", target: "/shipments/H1/trail"})
	add(step{op: "receive-units", target: "/units", body: `{"units":[{"product":"D1","gtin":"00614141999996","serial":"A1","lot":"L1","expiry":"2030-01-31"},{"product":"D1","gtin":"00614141999996","serial":"A2","lot":"L1","expiry":"2030-01-31"}]}`})
	add(step{op: "put-unit", target: "/units/" + unitTwo, body: `{"product":"D1","gtin":"00614141999996","serial":"A2","lot":"L1","expiry":"2030-02-28"}`})
	add(step{op: "get-unit", target: "/units/" + unitOne}, step{op: "list-units", target: "/units?product=D1"}, step{op: "get-unit-trail", target: "/units/" + unitOne + "/trail"})
	add(step{op: "get-unit-provenance", target: "/units/" + unitOne + "/provenance"})
	add(step{op: "adjust-inventory", target: "/inventory/D1/adjust", body: `{"id":"a1","site":"S1","lot":"L1","change":5,"reason":"count"}`}, step{op: "get-inventory", target: "/inventory/D1"})

	add(step{op: "state-attachments", target: "/attachments", body: `{"statements":[{"id":"sensor","subject":{"kind":"sensor","id":"g1/s0"},"in":{"kind":"zone","id":"Z1"},"at":` + at(0) + `}]}`})
	add(step{op: "pack-package", target: "/packages", body: `{"id":"P1","profile":"cold","at":` + at(30) + `,"in":{"kind":"zone","id":"Z1"}}`})
	add(step{op: "put-package", target: "/packages/P1", body: `{"profile":"cold","at":` + at(31) + `,"in":{"kind":"zone","id":"Z1"}}`})
	add(step{op: "get-package", target: "/packages/P1"}, step{op: "list-packages", target: "/packages?state=open"}, step{op: "get-package-trail", target: "/packages/P1/trail"})
	add(step{op: "fill-package", target: "/packages/P1/units", body: `{"id":"f1","units":["` + unitOne + `","` + unitTwo + `"],"at":` + at(32) + `}`})
	add(step{op: "list-package-units", target: "/packages/P1/units?at=" + at(33)}, step{op: "empty-package", target: "/packages/P1/units/" + unitTwo + "?at=" + at(34)})
	add(step{op: "assign-packages", target: "/shipments/H1/packages", body: `{"id":"as1","packages":["P1"],"at":` + at(35) + `}`})
	add(step{op: "unassign-package", target: "/packages/P1/shipment?at=" + at(40)}, step{op: "assign-packages", target: "/shipments/H1/packages", body: `{"packages":["P1"],"at":` + at(45) + `}`})
	add(step{op: "state-attachments", target: "/attachments", body: `{"device":true,"statements":[{"id":"tote","subject":{"kind":"package","id":"P1"},"in":{"kind":"tote","id":"T1"},"at":` + at(50) + `,"made":` + at(50) + `},
		{"id":"early","subject":{"kind":"tote","id":"T9"},"in":{"kind":"zone","id":"Z1"},"at":` + at(50) + `},{"id":"early2","subject":{"kind":"tote","id":"T9"},"in":{"kind":"zone","id":"Z1"},"at":` + at(51) + `}]}`})
	add(step{op: "get-attachment", target: "/attachments/tote"}, step{op: "withdraw-attachment", target: "/attachments/tote/withdraw?reason=misread"})
	add(step{op: "list-scans", target: "/scans"}, step{op: "count-scans", target: "/scans/counts"}, step{op: "list-gateway-scans", target: "/gateway-scans?gateway=g-1&limit=2"}, step{op: "count-gateway-scans", target: "/gateway-scans/counts"}, step{op: "retry-scan", target: "/scans/early/retry", still: true},
		step{op: "drop-scan", target: "/scans/early2?reason=twice"})
	for _, k := range []string{"packages/P1", "totes/T1", "loggers/L1", "units/" + unitOne} {
		one := strings.TrimSuffix(k[:strings.Index(k, "/")], "s")
		add(step{op: "get-" + one + "-attachments", target: "/" + k + "/attachments"})
	}
	add(step{op: "get-sensor-attachments", target: "/sensors/g1/s0/attachments"})
	for one, k := range map[string]string{"package": "packages/P1", "tote": "totes/T1", "logger": "loggers/L1", "compartment": "compartments/C1", "zone": "zones/Z1"} {
		add(step{op: "get-" + one + "-contents", target: "/" + k + "/contents?" + span})
	}
	add(step{op: "hand-over", target: "/custody", body: `{"statements":[{"id":"h1","subject":{"kind":"package","id":"P1"},"to":"co1","role":"courier","seal":"intact","at":` + at(60) + `,"temperature":5.2,"noPosition":"no fix"},
		{"id":"h2","subject":{"kind":"package","id":"P1"},"to":"co1","role":"courier","seal":"intact","at":` + at(61) + `,"position":{"latitude":423467001,"longitude":-710421000,"accuracy":5000}}]}`})
	add(step{op: "get-handover", target: "/custody/h1"}, step{op: "withdraw-handover", target: "/custody/h2/withdraw?reason=twice"}, step{op: "get-package-custody", target: "/packages/P1/custody"})
	add(step{op: "report-delivery", target: "/deliveries/H1/status", body: `{"id":"r1","status":"in_transit","at":` + at(62) + `,"eta":` + at(500) + `}`}, step{op: "get-order-status", target: "/orders/O1/status"})

	add(step{op: "put-courier", target: "/couriers/van-1", body: `{"kind":"van","vehicle":"V1","party":"co1","speed":12000,"payload":400000,"timeConstant":7200}`, status: 201})
	add(step{op: "import-dispatch", target: "/imports/dispatch/couriers", kind: "text/csv", body: "id,kind,party\nbike-7,bike,co1\n"})
	add(step{op: "get-courier", target: "/couriers/van-1"}, step{op: "list-couriers", target: "/couriers"})
	add(step{op: "put-place", target: "/places/pl_9d41c07be2", body: `{"latitude":407000000,"longitude":-740000000}`})
	for _, j := range []string{"J1", "J2"} {
		add(step{op: "put-job", target: "/jobs/" + j, body: `{"shipment":"H1","from":{"kind":"site","id":"S1"},"to":{"kind":"place","id":"pl_9d41c07be2"},"load":5000,"windows":[{"from":` + at(100) + `,"until":` + at(400) + `}]}`, status: 201})
	}
	add(step{op: "get-job", target: "/jobs/J1"}, step{op: "list-jobs", target: "/jobs?waiting=true"}, step{op: "cancel-job", target: "/jobs/J2?reason=twice"})
	add(step{op: "put-job", target: "/jobs/J3", body: `{"shipment":"H1","from":{"kind":"site","id":"S1"},"to":{"kind":"place","id":"pl_9d41c07be2"}}`, status: 201})
	stop := func(id, job string) string {
		return `{"id":"` + id + `","job":"` + job + `","kind":"delivery","place":{"kind":"place","id":"pl_9d41c07be2"}}`
	}
	add(step{op: "put-route", target: "/routes/R1", body: `{"courier":"van-1","start":{"kind":"site","id":"S1"},"depart":` + at(60) + `,"stops":[` + stop("s1", "J1") + `,` + stop("s2", "J3") + `]}`, status: 201})
	add(step{op: "get-route", target: "/routes/R1"}, step{op: "list-routes", target: "/routes?courier=van-1"})
	add(step{op: "get-route-proposal", target: "/routes/R1/proposal"})
	add(step{op: "reorder-route", target: "/routes/R1/order", body: `{"order":["s2","s1"]}`})
	add(step{op: "report-route", target: "/routes/R1/status", body: `{"id":"rs1","status":"started","at":` + at(61) + `}`})
	add(step{op: "report-stop", target: "/routes/R1/stops/s2/status", body: `{"id":"ss1","status":"arrived","at":` + at(70) + `,"position":{"latitude":407000000,"longitude":-740000000,"accuracy":5000}}`})
	add(step{op: "hold-stop", target: "/routes/R1/stops/s1/hold", body: `{"held":true,"cause":"looked warm"}`})
	add(step{op: "get-route-eta", target: "/routes/R1/eta"})
	add(step{op: "list-deliveries-at-risk", target: "/deliveries/at-risk?courier=van-1&class=watch&limit=10"})
	add(step{op: "prove-delivery", target: "/routes/R1/stops/s2/handover", body: `{"id":"pr1","codes":["P1"],"at":` + at(75) + `,"to":"pt_7f3a9c01e2","role":"patient","seal":"intact","temperature":5.1,` +
		`"position":{"latitude":407000500,"longitude":-740000000,"accuracy":5000},"marks":[{"kind":"photo","where":"https://files.example.com/7c1d"}],"identity":{"kind":"known_person","result":"matched"},"second":"st_0b1c2d3e4f"}`})
	add(step{op: "list-delivery-proofs", target: "/deliveries/H1/proofs"}, step{op: "get-receipt", target: "/deliveries/H1/receipt"}, step{op: "print-receipt", target: "/deliveries/H1/receipt.pdf"})
	add(step{op: "list-assets", target: "/assets"}, step{op: "clean-asset", target: "/assets/tote/T1/cleaned", body: `{"id":"cl1","at":` + at(80) + `,"method":"SOP 12"}`},
		step{op: "expect-asset", target: "/assets/tote/T1/expected", body: `{"id":"ex1","by":` + at(400) + `}`}, step{op: "get-asset", target: "/assets/tote/T1"}, step{op: "get-route-footprint", target: "/routes/R1/footprint"})
	add(step{op: "list-carriers", target: "/carriers", before: (*world).carried}, step{op: "list-carrier-messages", target: "/carriers/kurier/messages?state=aside"}, step{op: "get-carrier-message", target: "/carriers/kurier/messages/1"})
	add(step{op: "retry-carrier-message", target: "/carriers/kurier/messages/1/retry?reason=mapped"}, step{op: "drop-carrier-message", target: "/carriers/kurier/messages/2/drop?reason=test"})
	add(step{op: "list-carrier-calls", target: "/carriers/kurier/calls?state=failed"}, step{op: "retry-carrier-call", target: "/carriers/kurier/calls/$call/retry"}, step{op: "drop-carrier-call", target: "/carriers/kurier/calls/$call2/drop?reason=telephoned"})
	add(step{op: "message-courier", target: "/routes/R1/messages", body: `{"text":"call in, please"}`})
	add(step{op: "recall-route", target: "/routes/R1/recall", body: `{"id":"rc1","stop":"s1","cause":"looked warm","text":"bring s1 back"}`})
	add(step{op: "get-package-verdict", target: "/packages/P1/verdict", before: (*world).settle}, step{op: "list-package-verdicts", target: "/packages/P1/verdicts"}, step{op: "get-package-state", target: "/packages/P1/state"})
	add(step{op: "get-package-chart", target: "/packages/P1/chart?buckets=20"}, step{op: "list-watched-packages", target: "/watch"}, step{op: "get-unit-budget", target: "/units/" + unitOne + "/budget"})
	add(step{op: "list-sagas", target: "/sagas?state=parked", before: (*world).parked}, step{op: "get-saga", target: "/sagas/excursion-x1"})
	add(step{op: "decide-saga", target: "/sagas/excursion-x1/decision?reason=delivered+already", body: `{"decision":"skip","step":"stop"}`})
	add(step{op: "place-hold", target: "/holds?reason=dented", body: `{"id":"QH1","package":"P1","units":["` + unitOne + `"],"cause":"dented at the dock"}`}, step{op: "list-holds", target: "/holds?package=P1"}, step{op: "get-hold", target: "/holds/QH1"})
	add(step{op: "lift-hold", target: "/holds/QH1/lift?reason=looked+into", body: `{"units":["` + unitOne + `"]}`})
	add(step{op: "list-excursions", target: "/excursions?package=P1", after: remember("case", "id")})
	add(step{op: "acknowledge-excursion", target: "/excursions/$case/acknowledge", body: `{"reason":"seen"}`}, step{op: "investigate-excursion", target: "/excursions/$case/investigate", body: `{"reason":"asked"}`})
	add(step{op: "comment-on-excursion", target: "/excursions/$case/comments", body: `{"text":"see","attachments":[{"name":"c.pdf","where":"https://docs.example.com/c.pdf","sha256":"` + strings.Repeat("a", 64) + `"}]}`})
	shut := sha256.Sum256([]byte("shut"))
	add(step{op: "attach-to-excursion", target: "/excursions/$case/documents", kind: "multipart/form-data; boundary=x", body: attachment("x", "the dock door", "door.txt", "shut")})
	add(step{op: "get-excursion-document", target: "/excursions/$case/documents/" + hex.EncodeToString(shut[:])})
	add(step{op: "assess-excursion", target: "/excursions/$case/assess", body: `{"reason":"from packing to the door","from":1780000000000,"to":1780000600000}`})
	add(step{op: "propose-excursion", target: "/excursions/$case/propose", body: `{"reason":"stability data","dispositions":[{"lot":"L1","decision":"release"},{"package":"P1","decision":"quarantine"}]}`, after: remember("content", "content")})
	add(step{op: "get-excursion", target: "/excursions/$case"})
	proof := `{"password":"correct horse battery","content":"$content","comment":"fine"}`
	add(step{op: "sign-excursion", target: "/excursions/$case/sign", body: proof}, step{op: "approve-excursion", target: "/excursions/$case/approve", body: proof, as: "other"})
	add(step{op: "close-excursion", target: "/excursions/$case/close", body: `{"reason":"done"}`}, step{op: "list-excursion-trail", target: "/excursions/$case/trail"})
	add(step{op: "list-notifications", target: "/notifications"})
	add(step{op: "create-patient-link", target: "/shipments/H1/links", body: `{"factor":"zip","secretAnswer":"98134"}`}, step{op: "list-patient-links", target: "/shipments/H1/links", after: remember("link", "id")},
		step{op: "revoke-patient-link", target: "/links/$link/revoke", body: `{"reason":"sent to the wrong number"}`})
	add(duties()...)
	add(step{op: "put-gateway-config", target: "/gateways/g-1/config?reason=fresher", body: `{"document":"sensors:\n  - id: s0\n    interval: 5s\n"}`}, step{op: "get-gateway-config", target: "/gateways/g-1/config"})
	add(step{op: "command-gateway", target: "/gateways/g-1/commands?reason=where", body: `{"kind":"identify","argument":"30s"}`, after: numbered("command")},
		step{op: "list-gateway-commands", target: "/gateways/g-1/commands"}, step{op: "get-gateway-command", target: "/gateways/g-1/commands/$command"})
	add(step{op: "list-releases", target: "/releases"}, step{op: "start-rollout", target: "/rollouts?reason=new", body: `{"release":"v1.1.0","waves":["1","100%"],"soakMs":60000}`})
	add(step{op: "list-rollouts", target: "/rollouts"}, step{op: "get-rollout", target: "/rollouts/1"}, step{op: "list-rollout-gateways", target: "/rollouts/1/gateways"})
	add(step{op: "pause-rollout", target: "/rollouts/1/pause?reason=storm"}, step{op: "resume-rollout", target: "/rollouts/1/resume"}, step{op: "abort-rollout", target: "/rollouts/1/abort?reason=enough"})
	add(step{op: "export-evidence", target: "/shipments/H1/evidence"}, step{op: "read-log", target: "/evidence/entries/0"})

	add(step{op: "close-package", target: "/packages/P1/close", body: `{"how":"delivered","at":` + at(170) + `}`}, step{op: "reopen-package", target: "/packages/P1/reopen?reason=mistake"})
	add(step{op: "pack-package", target: "/packages", body: `{"id":"P2","profile":"cold","at":` + at(30) + `}`}, step{op: "void-package", target: "/packages/P2?reason=never"})
	add(step{op: "plan-shipment", target: "/shipments", body: `{"id":"H2"}`}, step{op: "cancel-shipment", target: "/shipments/H2?reason=never"})
	add(step{op: "place-order", target: "/orders", body: `{"id":"O2","lines":[{"product":"D1","quantity":1}]}`}, step{op: "cancel-order", target: "/orders/O2?reason=never"})
	for _, k := range []string{"calibration calibrations/cal1", "product products/D1", "party parties/co1", "logger loggers/L1", "tote totes/T1", "sensor sensors/g1%2Fs0", "gateway gateways/g1",
		"compartment compartments/C1", "vehicle vehicles/V1", "zone zones/Z1", "profile profiles/cold", "site sites/S1"} {
		one, path, _ := strings.Cut(k, " ")
		add(step{op: "retire-" + one, target: "/" + path + "?reason=old"})
	}
	add(step{op: "disable-person", target: "/people/bob/disable", body: `{"reason":"left"}`})
	return all
}

// undone are operations that the script cannot do, with why.
var undone = map[string]string{
	"retry-notification": "nothing failed to be delivered; hub/notify tests it",
}
