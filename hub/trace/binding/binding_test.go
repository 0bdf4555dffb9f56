package binding

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

const (
	reported = "urn:uuid:0b9d8b6e-6d0d-4a52-9e0a-0c5b3a1b7f01"
	held     = "urn:uuid:0b9d8b6e-6d0d-4a52-9e0a-0c5b3a1b7f02"
)

// TestExcursion: an excursion is captured with its correction, and found by
// all that it says.
func TestExcursion(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		if j := w.capture("application/ld+json", vector(t, "documents/excursion.jsonld")); !j.Success || j.Captured != 3 {
			t.Fatalf("capture: %+v", j)
		}
		if j := w.capture("application/ld+json; charset=utf-8", vector(t, "documents/excursion.jsonld")); !j.Success || j.Captured != 0 || j.Known != 3 {
			t.Fatalf("capture of the same: %+v", j)
		}
		both, all := []string{reported, reported}, []string{reported, reported, held}
		for _, q := range []struct {
			pairs []string
			want  []string
		}{
			{nil, all},
			{[]string{"EQ_bizStep", "sensor_reporting"}, both},
			{[]string{"EQ_bizStep", "urn:epcglobal:cbv:bizstep:sensor_reporting"}, both},
			{[]string{"EQ_bizStep", "https://ref.gs1.org/cbv/BizStep-holding|shipping"}, []string{held}},
			{[]string{"EQ_disposition", "in_transit"}, both},
			{[]string{"EQ_persistentDisposition_set", "non_conformant"}, []string{held}},
			{[]string{"EQ_persistentDisposition_unset", "non_conformant"}, nil},
			{[]string{"MATCH_epc", "https://id.gs1.org/00/103000100000000012"}, both},
			{[]string{"MATCH_epc", "urn:epc:id:sscc:0300010.1000000001"}, both},
			{[]string{"MATCH_anyEPC", "urn:epc:id:sgtin:030001.0012345.11"}, []string{held}},
			{[]string{"MATCH_anyEPC", "urn:epc:idpat:sgtin:030001.0012345.*"}, []string{held}},
			{[]string{"MATCH_parentID", "https://id.gs1.org/00/103000100000000012"}, nil},
			{[]string{"EQ_bizLocation", "https://id.gs1.org/414/0300011111215"}, []string{held}},
			{[]string{"WD_readPoint", "https://id.gs1.org/414/0300011111215"}, []string{held}},
			{[]string{"EQ_bizTransaction_desadv", "urn:epcglobal:cbv:bt:0300011111116:ASN-4711"}, both},
			{[]string{"EQ_bizTransaction_po", "urn:epcglobal:cbv:bt:0300011111116:ASN-4711"}, nil},
			{[]string{"EQ_eventID", held + "|urn:uuid:none"}, []string{held}},
			{[]string{"EXISTS_errorDeclaration", "true"}, []string{reported}},
			{[]string{"EQ_errorReason", "incorrect_data"}, []string{reported}},
			{[]string{"EQ_correctiveEventID", "urn:uuid:0b9d8b6e-6d0d-4a52-9e0a-0c5b3a1b7f03"}, []string{reported}},
			{[]string{"GE_errorDeclarationTime", "2026-11-21T00:00:00Z"}, []string{reported}},
			{[]string{"LT_errorDeclarationTime", "2026-11-21T00:00:00Z"}, nil},
			{[]string{"GE_eventTime", "2026-11-20T15:10:00.000-05:00"}, []string{held}},
			{[]string{"LT_eventTime", "2026-11-20T20:10:00.000Z"}, both},
			{[]string{"EQ_type", "Temperature"}, both},
			{[]string{"EQ_deviceID", "https://id.gs1.org/8004/0300011LOGGER77"}, both},
			{[]string{"EQ_bizRules", "https://coldchain.example/rules/2C-8C/v3"}, both},
			{[]string{"EQ_dataProcessingMethod", "https://coldchain.example/methods/mkt-v1"}, both},
			{[]string{"EXISTS_sensorElementList", "true"}, both},
			{[]string{"GE_startTime", "2026-11-20T18:05:00Z", "LT_endTime", "2026-11-20T18:42:00.001Z"}, both},
			// 11.9 °C is 285.05 K and 53.42 °F.
			{[]string{"EQ_value_CEL", "11.9"}, both},
			{[]string{"EQ_value_KEL", "285.05"}, both},
			{[]string{"EQ_value_FAH", "53.42"}, both},
			{[]string{"GE_value_KEL", "285.05"}, both},
			{[]string{"GT_value_KEL", "285.05"}, nil},
			{[]string{"LE_value_KEL", "285.05"}, both},
			{[]string{"LT_value_KEL", "285.05"}, nil},
			{[]string{"GT_maxValue_KEL", "281.15", "EQ_type", "Temperature"}, both},
			{[]string{"GT_maxValue_KEL", "290"}, nil},
			{[]string{"LT_minValue_FAH", "46"}, both},
			{[]string{"EQ_sDev_KEL", "1.1"}, both},
			{[]string{"GE_percRank", "90"}, both},
			{[]string{"EQ_value_PAL", "11.9"}, nil},
			{[]string{"eventType", "ObjectEvent|AggregationEvent", "EQ_action", "OBSERVE", "EQ_bizStep", "holding"}, []string{held}},
			{[]string{"orderBy", "eventTime", "eventCountLimit", "1"}, []string{held}},
			{[]string{"orderBy", "eventTime", "orderDirection", "ASC"}, all},
			{[]string{"orderBy", "recordTime", "orderDirection", "ASC"}, []string{reported, held, reported}},
			{[]string{"perPage", "1"}, all},
		} {
			if got := w.ids(query(q.pairs...)); !slices.Equal(got, q.want) {
				t.Errorf("%v: got %v, want %v", q.pairs, got, q.want)
			}
		}
		e := w.events("/events/" + url.PathEscape(reported))
		if len(e) != 2 || e[0]["errorDeclaration"] != nil || e[1]["errorDeclaration"] == nil || e[0]["recordTime"] != "2026-11-21T12:00:00.000Z" {
			t.Errorf("event with its declaration: %v", e)
		}
		w.everywhere()
	})
}

// everywhere walks the top-level resources.
func (w *world) everywhere() {
	w.t.Helper()
	var top collection
	w.get("/", &top)
	if want := []string{"queries", "capture", "events", "eventTypes", "epcs", "bizSteps", "bizLocations", "readPoints", "dispositions"}; !slices.Equal(top.Member, want) {
		w.t.Errorf("top: %v", top)
	}
	for name, want := range map[string][]string{
		"epcs":         {"https://id.gs1.org/00/103000100000000012", "https://id.gs1.org/01/00300010123455/21/11"},
		"bizSteps":     {"holding", "sensor_reporting"},
		"bizLocations": {"https://id.gs1.org/414/0300011111215"},
		"readPoints":   {"geo:38.2527,-85.7585", "https://id.gs1.org/414/0300011111215"},
		"dispositions": {"in_transit", "non_sellable_other"},
		"eventTypes":   {"AggregationEvent", "AssociationEvent", "ObjectEvent", "TransactionEvent", "TransformationEvent"},
	} {
		var got collection
		w.get("/"+name, &got)
		if !slices.Equal(got.Member, want) || got.Type != "Collection" {
			w.t.Errorf("%s: %v, want %v", name, got, want)
		}
		for _, value := range want {
			at := "/" + name + "/" + url.PathEscape(value)
			var sub collection
			w.get(at, &sub)
			n := len(w.ids(at + "/events"))
			if !slices.Equal(sub.Member, []string{"events"}) || (n == 0) != (name == "eventTypes" && value != "ObjectEvent") {
				w.t.Errorf("%s: %v, %d events", at, sub, n)
			}
		}
		w.problem(http.StatusNotFound, "NoSuchNameException", w.do(http.MethodGet, "/"+name+"/none", "", nil))
		w.problem(http.StatusNotFound, "NoSuchNameException", w.do(http.MethodGet, "/"+name+"/none/events", "", nil))
	}
	a := w.do(http.MethodGet, "/epcs?perPage=1", "", nil)
	if a.status != http.StatusOK || !strings.Contains(a.header.Get("Link"), `rel="next"`) {
		w.t.Errorf("first EPC: %d %v", a.status, a.header)
	}
}

// TestDocuments: all documents of the vectors are captured, in JSON and XML,
// and what is told of them is captured again without effect.
func TestDocuments(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		captured := 0
		for name, kind := range map[string]string{
			"documents/AggregationEvent.json": jsonType, "documents/AggregationEvent_with_digitalLink.json": jsonType, "documents/AssociationEvent.json": jsonType,
			"documents/Combination_of_different_event.json": jsonType, "documents/ObjectEvent_all_possible_fields.json": ldJSONType,
			"documents/ObjectEvent_with_error_declaration.json": jsonType, "documents/SensorData_with_combined_events.json": jsonType, "documents/TransactionEvent.json": jsonType, "documents/TransformationEvent.json": jsonType,
			"query/QueryDocumentWithMultipleEvents.json": jsonType, "hash/ReferenceEventHashAlgorithm.xml": xmlType, "hash/ReferenceEventHashAlgorithm2.xml": "text/xml",
			"xml12/GS1_US_Pharma_Example_2_2_1_1.xml": xmlType, "xml12/AggregationEvent.xml": xmlType,
		} {
			j := w.capture(kind, vector(t, name), "GS1-Capture-Error-Behaviour", "proceed")
			if !j.Success {
				t.Errorf("%s: %+v", name, j)
			}
			captured += j.Captured
		}
		if captured < 30 {
			t.Errorf("%d events captured", captured)
		}
		for _, kind := range []string{ldJSONType, xmlType} {
			for _, form := range []string{"Never_Translates", "Always_GS1_Digital_Link", "No_Preference", "Always_EPC_URN"} {
				path := "/events?perPage=1000"
				a := w.want(http.StatusOK, w.do(http.MethodGet, path, "", nil, "Accept", kind, "GS1-EPC-Format", form))
				if a.header.Get("Content-Type") != kind {
					t.Errorf("asked for %s, got %s", kind, a.header.Get("Content-Type"))
				}
				j := w.capture(kind, a.body)
				if !j.Success || j.Captured != 0 || j.Known != captured {
					t.Errorf("%s of form %s captured again: %+v, want %d known", kind, form, j, captured)
				}
			}
		}
	})
}

// TestOneEvent: a single event is captured and told, once.
func TestOneEvent(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		one := vector(t, "documents/excursion.jsonld")
		var doc struct {
			Context any `json:"@context"`
			Body    struct {
				Events []map[string]any `json:"eventList"`
			} `json:"epcisBody"`
		}
		if err := json.Unmarshal(one, &doc); err != nil {
			t.Fatal(err)
		}
		e := doc.Body.Events[1]
		e["@context"] = doc.Context
		delete(e, "eventID")
		post := func() answer {
			t.Helper()
			b, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			return w.do(http.MethodPost, "/events", jsonType, b)
		}
		a, again := w.want(http.StatusCreated, post()), w.want(http.StatusCreated, post())
		path := strings.TrimPrefix(a.header.Get("Location"), Root)
		if !strings.HasPrefix(path, "/events/ni:%2F%2F%2Fsha-256%3B") || again.header.Get("Location") != a.header.Get("Location") {
			t.Errorf("Location %q, then %q", a.header.Get("Location"), again.header.Get("Location"))
		}
		if all := w.events(path); len(all) != 1 || all[0]["bizStep"] != "holding" {
			t.Errorf("captured: %v", all)
		}
		e["eventID"] = "urn:uuid:0b9d8b6e-0000-4a52-9e0a-0c5b3a1b7f02"
		w.want(http.StatusCreated, post())
		e["disposition"] = "in_transit"
		w.problem(http.StatusConflict, "ResourceAlreadyExistsException", post())
		e["eventTime"] = "yesterday"
		if p := w.problem(http.StatusBadRequest, "ValidationException", post()); len(p.Errors) == 0 || p.Errors[0].Pointer != "/eventTime" {
			t.Errorf("bad time: %+v", p)
		}
		w.problem(http.StatusBadRequest, "ValidationException", w.do(http.MethodPost, "/events", jsonType, one))
		if got := w.events("/events"); len(got) != 2 {
			t.Errorf("%d events, want 2", len(got))
		}
	})
}

// TestRollbackAndProceed: of a document with a bad event nothing is captured,
// or all the others.
func TestRollbackAndProceed(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		bad := []byte(strings.Replace(string(vector(t, "documents/excursion.jsonld")), "2026-11-20T20:10:00.000Z", "soon", 1))
		j := w.capture(ldJSONType, bad)
		if j.Success || j.Captured != 0 || j.Behaviour != "rollback" || len(j.Errors) == 0 || j.Errors[0].Type != "epcisException:ValidationException" || j.Errors[0].Pointer != "/epcisBody/eventList/1/eventTime" || j.Errors[0].EventID != held {
			t.Errorf("rollback: %+v", j)
		}
		if got := w.ids("/events"); got != nil {
			t.Errorf("after a rollback there are %v", got)
		}
		if j = w.capture(ldJSONType, bad, "GS1-Capture-Error-Behaviour", "proceed"); j.Success || j.Captured != 2 || j.Behaviour != "proceed" {
			t.Errorf("proceed: %+v", j)
		}
		reused := []byte(strings.Replace(string(vector(t, "documents/excursion.jsonld")), "7f02", "7f01", 1))
		j = w.capture(ldJSONType, reused)
		if j.Success || len(j.Errors) != 1 || j.Errors[0].Type != "epcisException:ResourceAlreadyExistsException" || j.Errors[0].Pointer != "/epcisBody/eventList/1" {
			t.Errorf("id reused: %+v", j)
		}
		if got := w.ids("/events"); len(got) != 2 {
			t.Errorf("there are %v", got)
		}
		var jobs []captured
		a := w.get("/capture?perPage=2", &jobs)
		if len(jobs) != 2 || !reflect.DeepEqual(jobs[0], j) || a.header.Get("Link") == "" {
			t.Errorf("jobs: %+v", jobs)
		}
		w.problem(http.StatusNotFound, "NoSuchNameException", w.do(http.MethodGet, "/capture/none", "", nil))
	})
}

// TestPages: pages join to all events, once each, whatever their size.
func TestPages(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	var events []string
	for i := range 57 {
		events = append(events, fmt.Sprintf(`{"type":"ObjectEvent","eventID":"urn:uuid:00000000-0000-4000-8000-%012d","eventTime":"2026-11-20T18:%02d:00Z","eventTimeZoneOffset":"+00:00","action":"ADD","bizStep":"commissioning","epcList":["urn:epc:id:sgtin:0614141.107346.%d"]}`, i, i/3, i))
	}
	doc := `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-21T00:00:00Z","epcisBody":{"eventList":[` + strings.Join(events, ",") + `]}}`
	if j := w.capture(ldJSONType, []byte(doc)); !j.Success || j.Captured != 57 {
		t.Fatalf("capture: %+v", j)
	}
	all := w.ids("/events?perPage=1000")
	for _, size := range []int{1, 7, 30, 57, 58} {
		if got := w.ids(fmt.Sprintf("/events?perPage=%d&EQ_bizStep=commissioning", size)); !slices.Equal(got, all) || len(got) != 57 {
			t.Errorf("pages of %d join to %d events", size, len(got))
		}
	}
	if got := w.ids("/events?orderBy=eventTime&eventCountLimit=20&perPage=6"); len(got) != 20 {
		t.Errorf("%d events of at most 20", len(got))
	}
	w.problem(http.StatusRequestEntityTooLarge, "QueryTooLargeException", w.do(http.MethodGet, "/events?maxEventCount=56", "", nil))
	if got := w.ids("/events?maxEventCount=57&perPage=50"); len(got) != 57 {
		t.Errorf("%d events of at most 57", len(got))
	}
	a := w.do(http.MethodGet, "/events?perPage=5", "", nil)
	link, err := url.Parse(strings.Trim(strings.TrimSuffix(a.header.Get("Link"), `; rel="next"`), "<>"))
	if err != nil {
		t.Fatal(err)
	}
	token := link.Query().Get("nextPageToken")
	w.problem(http.StatusBadRequest, "QueryParameterException", w.do(http.MethodGet, query("nextPageToken", token, "EQ_bizStep", "shipping"), "", nil))
	w.want(http.StatusNoContent, w.do(http.MethodDelete, "/nextPageToken/"+token, "", nil))
	w.clock.Add(25 * 3600 * 1000)
	w.problem(http.StatusBadRequest, "QueryParameterException", w.do(http.MethodGet, query("nextPageToken", token, "perPage", "5"), "", nil))
}
