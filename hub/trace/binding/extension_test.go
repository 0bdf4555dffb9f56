package binding

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// TestFields: an event is found by every field that it has, its extensions too.
func TestFields(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		if j := w.capture(ldJSONType, vector(t, "documents/ObjectEvent_all_possible_fields.json")); !j.Success || j.Captured != 1 {
			t.Fatalf("capture: %+v", j)
		}
		const prefixes = "ext1=http://example.com/ext1/, ext2=http://example.com/ext2/,ext3=http://example.com/ext3/"
		for _, q := range []struct {
			name, value string
			want        bool
		}{
			{"EQ_ext1:string", "string", true}, {"EQ_ext1:string", "String", false}, {"EQ_http://example.com/ext1/#string", "string", true}, {"EQ_http://example.com/ext1/string", "string", true},
			{"EQ_ext1:int", "10", true}, {"GE_ext1:int", "10", true}, {"GT_ext1:int", "10", false}, {"LT_ext1:int", "10.5", true}, {"LE_ext1:float", "19.99", false}, {"GT_ext1:float", "19.99", true},
			{"GE_ext1:time", "2013-06-08T14:58:56.591Z", true}, {"LT_ext1:time", "2013-06-08T16:58:56.591+02:00", false},
			{"EXISTS_ext1:object", "true", true}, {"EXISTS_ext2:string", "true", false}, {"EXISTS_INNER_ext2:string", "true", true},
			{"EQ_INNER_ext2:string", "stringInObject", true}, {"EQ_INNER_ext3:string", "stringInObjectInObjectInArray", true}, {"EQ_ext2:string", "stringInObject", false},
			{"EQ_ext1:array", "stringInArray|x", true}, {"EQ_ILMD_ext1:string", "string", true}, {"EQ_ILMD_cbvmda:lotNumber", "ABC123", true}, {"EQ_ILMD_cbvmda:lotNumber", "ABC124", false},
			{"GE_ILMD_cbvmda:netWeight", "3.5", true}, {"EQ_INNER_ILMD_ext2:string", "stringInObject", true}, {"EXISTS_ILMD_cbvmda:lotNumber", "true", true}, {"EQ_cbvmda:lotNumber", "ABC123", false},
			{"EQ_quantity", "200", true}, {"GT_quantity", "200", false}, {"GE_quantity_KGM", "200", true}, {"EQ_quantity_GRM", "200000", true}, {"LT_quantity_LTR", "1000", false},
			{"MATCH_epcClass", "urn:epc:class:lgtin:4012345.012345.998877", true}, {"MATCH_anyEPCClass", "https://id.gs1.org/01/04012345123456/10/998877", true}, {"MATCH_inputEPCClass", "urn:epc:class:lgtin:4012345.012345.998877", false},
			{"MATCH_anyEPCClass", "urn:epc:idpat:sgtin:4012345.012345.*", true},
			{"EQ_source_possessing_party", "urn:epc:id:pgln:4012345.00225", true}, {"EQ_source_urn:epcglobal:cbv:sdt:possessing_party", "urn:epc:id:pgln:4012345.00225", true}, {"EQ_destination_possessing_party", "urn:epc:id:pgln:4012345.00225", false},
			{"EQ_destination_location", "urn:epc:id:sgln:0614141.00777.0", true}, {"EQ_bizTransaction_pedigree", "urn:epc:id:gsrn:0614141.0000010253", true},
			{"EQ_microorganism", "https://www.ncbi.nlm.nih.gov/taxonomy/1126011", true}, {"EQ_chemicalSubstance", "https://identifiers.org/inchikey:CZMRCDWAGMRECN-UGDNZRGBSA-N", true},
			{"EQ_stringValue", "SomeString", true}, {"EQ_booleanValue", "true", true}, {"EQ_booleanValue", "false", false}, {"EQ_hexBinaryValue", "F0F0F0", true}, {"EQ_uriValue", "https://id.gs1.org/8004/4000001111", true},
			{"EQ_deviceID", "https://id.gs1.org/8004/4000001111", true}, {"EQ_value_KEL", "299.15", true}, {"GE_meanValue_FAH", "55.76", true}, {"GT_meanValue_FAH", "55.76", false}, {"EQ_percValue_CEL", "12.7", true}, {"EQ_percRank", "50", true},
			{"GE_time", "2019-07-19T13:00:00.000Z", true}, {"EQ_persistentDisposition_unset", "completeness_inferred", true},
		} {
			if got := len(w.ids(query(q.name, q.value), "GS1-Extensions", prefixes)); (got == 1) != q.want {
				t.Errorf("%s=%s: %d events", q.name, q.value, got)
			}
		}
	})
}

// TestSubscription: who subscribes over HTTP is told of events by webhook, with
// a signature, and is not told of the secret.
func TestSubscription(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		stop := make(chan error, 1)
		go func() { stop <- w.desk.Run(t.Context()) }()
		var mu sync.Mutex
		var bodies [][]byte
		receiver := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil || r.Header.Get("GS1-Signature") != "13df38d8275b" || r.Header.Get("Content-Type") != ldJSONType || r.Header.Get("GS1-EPCIS-Version") != "2.0.0" {
				t.Errorf("delivery: %v %v", r.Header, err)
			}
			mu.Lock()
			defer mu.Unlock()
			bodies = append(bodies, body)
		}))
		defer receiver.Close()
		w.want(http.StatusCreated, w.do(http.MethodPost, "/queries", jsonType, []byte(`{"name":"holding","query":{"EQ_bizStep":["holding"]}}`)))
		subscribe := func(body string) answer {
			return w.do(http.MethodPost, "/queries/holding/subscriptions", jsonType, []byte(body))
		}
		a := w.want(http.StatusCreated, subscribe(`{"dest":"`+receiver.URL+`","signatureToken":"13df38d8275b","stream":true}`))
		var made struct {
			SubscriptionID, QueryName, Dest, CreatedAt, SignatureToken string
			Stream                                                     bool
		}
		if err := json.Unmarshal(a.body, &made); err != nil || made.SubscriptionID == "" || made.Dest != receiver.URL || !made.Stream || strings.Contains(string(a.body), "13df") {
			t.Errorf("made: %s", a.body)
		}
		path := strings.TrimPrefix(a.header.Get("Location"), Root)
		w.capture(ldJSONType, vector(t, "documents/excursion.jsonld"))
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			mu.Lock()
			n := len(bodies)
			mu.Unlock()
			var now struct{ LastNotifiedAt string }
			w.get(path, &now)
			if n > 0 && now.LastNotifiedAt != "" {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("nothing was delivered")
			}
		}
		var doc queried
		if err := json.Unmarshal(bodies[0], &doc); err != nil || len(bodies) != 1 || doc.Body.Results.Name != "holding" || doc.Body.Results.Subscription != made.SubscriptionID ||
			len(doc.Body.Results.Body.Events) != 1 || doc.Body.Results.Body.Events[0]["eventID"] != held {
			t.Errorf("%d deliveries: %s", len(bodies), bodies[0])
		}
		var list []map[string]any
		w.get("/queries/holding/subscriptions", &list)
		if len(list) != 1 || list[0]["subscriptionID"] != made.SubscriptionID {
			t.Errorf("list: %v", list)
		}
		w.problem(http.StatusBadRequest, "SubscriptionControlsException", subscribe(`{"dest":"`+receiver.URL+`"}`))
		w.problem(http.StatusBadRequest, "SubscriptionControlsException", subscribe(`{"dest":"file:///etc/passwd","stream":true}`))
		w.want(http.StatusCreated, subscribe(`{"dest":"`+receiver.URL+`","schedule":{"hour":"1","minute":"5"},"reportIfEmpty":true}`))
		w.problem(http.StatusNotFound, "NoSuchNameException", w.do(http.MethodGet, "/queries/none/subscriptions", "", nil))
		w.want(http.StatusNoContent, w.do(http.MethodDelete, path, "", nil))
		w.problem(http.StatusNotFound, "NoSuchNameException", w.do(http.MethodGet, path, "", nil))
		w.want(http.StatusNoContent, w.do(http.MethodDelete, "/queries/holding", "", nil))
		w.problem(http.StatusNotFound, "NoSuchNameException", w.do(http.MethodGet, "/queries/holding/subscriptions", "", nil))
	})
}
