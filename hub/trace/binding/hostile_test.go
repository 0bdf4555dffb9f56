package binding

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"frostline/hub/store/storetest"
)

// endless gives so many bytes of a document that never ends.
func endless(n int64) io.Reader {
	head := `{"@context":["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-21T00:00:00Z","epcisBody":{"eventList":[`
	one := `{"type":"ObjectEvent","eventTime":"2026-11-20T18:00:00Z","eventTimeZoneOffset":"+00:00","action":"ADD","epcList":["urn:epc:id:sgtin:0614141.107346.` + strings.Repeat("1", 20) + `"]},`
	return io.LimitReader(io.MultiReader(strings.NewReader(head), &again{text: one}), n)
}

type again struct {
	text string
	rest string
}

func (a *again) Read(p []byte) (int, error) {
	if a.rest == "" {
		a.rest = a.text
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// TestHostile: what is sent in bad faith is a clear problem each, and nothing
// has changed after all of it.
func TestHostile(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.capture(ldJSONType, vector(t, "documents/excursion.jsonld"))
	before := w.want(http.StatusOK, w.do(http.MethodGet, "/events?perPage=1000", "", nil)).body
	stream := func(size, said int64, expect string) answer {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.base+"/capture", endless(size))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = said
		req.Header.Set("Content-Type", ldJSONType)
		req.Header.Set("Authorization", "Bearer both")
		if expect != "" {
			req.Header.Set("Expect", expect)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer{res.StatusCode, res.Header, body}
	}
	for i, said := range []int64{100 << 20, -1, 100 << 20, -1} {
		a := stream(100<<20, said, []string{"", "100-continue"}[i/2])
		w.problem(http.StatusRequestEntityTooLarge, "CaptureLimitExceededException", a)
		if a.header.Get("GS1-EPCIS-Capture-Limit") != "2000" || a.header.Get("GS1-EPCIS-Capture-File-Size-Limit") != fmt.Sprint(maxBody) {
			t.Errorf("limits are not told: %v", a.header)
		}
	}
	bomb := `<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c SYSTEM "file:///etc/passwd">]><epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" creationDate="2026-11-21T00:00:00Z"><EPCISBody><EventList>&b;&c;</EventList></EPCISBody></epcis:EPCISDocument>`
	deep := strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)
	excursion := string(vector(t, "documents/excursion.jsonld"))
	for name, c := range map[string]struct {
		kind, body string
		status     int
		exception  string
	}{
		"entities":       {xmlType, bomb, 400, "ValidationException"},
		"depth":          {ldJSONType, deep, 400, "ValidationException"},
		"deep extension": {ldJSONType, strings.Replace(excursion, `"type": "ObjectEvent",`, `"type": "ObjectEvent","cc:x":`+deep+`,`, 1), 400, "ValidationException"},
		"twice":          {ldJSONType, strings.Replace(excursion, `"type": "ObjectEvent",`, `"type": "ObjectEvent","type": "ObjectEvent",`, 1), 400, "ValidationException"},
		"no utf-8":       {ldJSONType, strings.Replace(excursion, "in_transit", "in\xff", 1), 400, "ValidationException"},
		"cut":            {ldJSONType, excursion[:len(excursion)/2], 400, "ValidationException"},
		"empty":          {ldJSONType, "", 400, "ValidationException"},
		"null":           {ldJSONType, "null", 400, "ValidationException"},
		"list":           {ldJSONType, "[]", 400, "ValidationException"},
		"no document":    {ldJSONType, `{"type":"EPCISDocument"}`, 400, "ValidationException"},
		"xml as json":    {ldJSONType, bomb, 400, "ValidationException"},
		"text":           {"text/plain", "x", 415, "UnsupportedMediaTypeException"},
		"no type":        {"", "{}", 415, "UnsupportedMediaTypeException"},
	} {
		for _, behaviour := range []string{"rollback", "proceed"} {
			p := w.problem(c.status, c.exception, w.do(http.MethodPost, "/capture", c.kind, []byte(c.body), "GS1-Capture-Error-Behaviour", behaviour))
			if len(p.Detail) > 1000 {
				t.Errorf("%s: a detail of %d bytes", name, len(p.Detail))
			}
		}
	}
	w.problem(http.StatusUnsupportedMediaType, "UnsupportedMediaTypeException", w.do(http.MethodPost, "/capture", ldJSONType, []byte(excursion), "Content-Encoding", "gzip"))
	w.problem(http.StatusBadRequest, "ValidationException", w.do(http.MethodPost, "/capture", ldJSONType, []byte(excursion), "GS1-Capture-Error-Behaviour", "maybe"))
	wrong := strings.NewReplacer("00300010123455", "00300010123456", "0b9d8b6e", "1b9d8b6e").Replace(excursion)
	if j := w.capture(ldJSONType, []byte(wrong)); j.Success || len(j.Errors) != 1 || j.Errors[0].Pointer != "/epcisBody/eventList/1/epcList/0" {
		t.Errorf("wrong check digit: %+v", j)
	}
	if after := w.want(http.StatusOK, w.do(http.MethodGet, "/events?perPage=1000", "", nil)).body; !bytes.Equal(after, before) {
		t.Errorf("something has changed: %s", after)
	}
}

// TestQuestions: questions that make no sense are refused by name.
func TestQuestions(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	many := url.Values{}
	for i := range 60 {
		many.Add(fmt.Sprintf("EQ_ex:f%d", i), "x")
	}
	for _, q := range []string{
		query("EQ_strange", "x"), query("strange", "x"), query("EQ_action", "MOVE"), query("GE_eventTime", "yesterday"), query("GE_eventTime", "2026-11-20T18:00:00"),
		query("orderBy", "place"), query("orderDirection", "UP"), query("eventCountLimit", "5"), query("orderBy", "eventTime", "eventCountLimit", "5", "maxEventCount", "5"),
		query("maxEventCount", "0"), query("maxEventCount", "1000000000"), query("EQ_value_CEL", "warm"), query("GE_value_CEL", "NaN"), query("EQ_value_VERYLONGUNIT", "1"),
		query("EQ_none:field", "x"), query("EXISTS_errorDeclaration", "maybe"), query("MATCH_epc", ""), query("MATCH_epc", strings.Repeat("x", 3000)), query("MATCH_epc", strings.Repeat("a|", 300)),
		query("MATCH_epc", "urn:epc:idpat:sgtin:0614141.*.*"), query("perPage", "0"), query("perPage", "many"), query("nextPageToken", "x"), "/events?" + many.Encode(), "/events?a=%zz",
		query("EQ_bizStep", "a\x00b"), query("EQ_ERROR_DECLARATION_ex:f", "x"),
	} {
		w.problem(http.StatusBadRequest, "QueryParameterException", w.do(http.MethodGet, q, "", nil))
	}
	w.problem(http.StatusRequestURITooLong, "URITooLongException", w.do(http.MethodGet, query("MATCH_epc", strings.Repeat("x", 9000)), "", nil))
	w.problem(http.StatusNotFound, "NoSuchNameException", w.do(http.MethodGet, "/events/urn:uuid:none", "", nil))
	w.problem(http.StatusNotFound, "NoSuchNameException", w.do(http.MethodGet, "/strange", "", nil))
	w.problem(http.StatusNotFound, "NoSuchNameException", w.do(http.MethodGet, "/epcs/https://id.gs1.org/01/1", "", nil))
	w.problem(http.StatusMethodNotAllowed, "ImplementationException", w.do(http.MethodPut, "/events", "", nil))
	if a := w.do(http.MethodGet, "/events/none", "", nil, "Accept", "application/xml"); a.status != 404 || a.header.Get("Content-Type") != "application/problem+xml" || !strings.Contains(string(a.body), `<EPCISException xmlns="urn:epcglobal:epcis:xsd:2">`) {
		t.Errorf("problem in XML: %v %s", a.header, a.body)
	}
}

// TestWhoMay: who shows no token, or one that does not allow it, gets nothing.
func TestWhoMay(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	document := vector(t, "documents/excursion.jsonld")
	for _, c := range []struct {
		token, method, path string
		status              int
	}{
		{"query", "POST", "/capture", 403}, {"query", "GET", "/capture", 403}, {"query", "POST", "/events", 403}, {"query", "GET", "/events", 200}, {"query", "OPTIONS", "/capture", 204},
		{"capture", "POST", "/capture", 202}, {"capture", "GET", "/capture", 200}, {"capture", "GET", "/events", 403}, {"capture", "GET", "/queries", 403}, {"capture", "OPTIONS", "/events", 204},
		{"none", "GET", "/events", 403}, {"none", "POST", "/capture", 403}, {"none", "OPTIONS", "/", 403}, {"none", "DELETE", "/queries/x", 403},
		{"away", "GET", "/events", 503}, {"unknown", "GET", "/events", 401}, {"unknown", "POST", "/capture", 401}, {"", "GET", "/events", 401}, {"query x", "GET", "/events", 401}, {"unknown", "GET", "/strange", 401},
	} {
		w.token = c.token
		a := w.do(c.method, c.path, ldJSONType, document)
		if a.status != c.status {
			t.Errorf("%q %s %s: %d %s, want %d", c.token, c.method, c.path, a.status, a.body, c.status)
		}
		if (c.status == 401 || c.status == 403) && (!strings.Contains(string(a.body), "epcisException:SecurityException") || a.header.Get("WWW-Authenticate") == "") {
			t.Errorf("%q %s %s: %v %s", c.token, c.method, c.path, a.header, a.body)
		}
	}
	var j []captured
	w.token = "both"
	w.get("/capture", &j)
	if len(j) != 1 {
		t.Errorf("%d jobs, want 1", len(j))
	}
	// Who captured is in the evidence.
	events, err := w.log.Read(t.Context(), 0, 10)
	if err != nil || len(events) != 1 || !strings.Contains(string(events[0].Data), "partner/wholesaler") {
		t.Errorf("domain events %v, %v", events, err)
	}
	// Guessing is slowed down, and only for who guesses.
	w.token = "guess"
	var last answer
	for range guesses + 5 {
		last = w.do(http.MethodGet, "/events", "", nil)
	}
	if last.status != http.StatusTooManyRequests || last.header.Get("Retry-After") == "" {
		t.Errorf("after many guesses: %d", last.status)
	}
	w.token = "query"
	w.want(http.StatusOK, w.do(http.MethodGet, "/events", "", nil))
}

// TestNegotiation: versions, formats and types are agreed on, or refused.
func TestNegotiation(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.capture(jsonType, vector(t, "documents/ObjectEvent.json"))
	for _, c := range []struct {
		name, value string
		status      int
	}{
		{"GS1-EPCIS-Min", "2.0.0", 200}, {"GS1-EPCIS-Max", "2.0", 200}, {"GS1-EPCIS-Min", "2.1", 406}, {"GS1-EPCIS-Max", "1.2.0", 406}, {"GS1-CBV-Min", "3", 406}, {"GS1-EPCIS-Version", "1.1", 406},
		{"GS1-EPC-Format", "Always_GS1_Digital_Link", 200}, {"GS1-EPC-Format", "Sometimes", 406},
		{"Accept", "application/json", 200}, {"Accept", "application/xml;q=0.5, text/html", 200}, {"Accept", "*/*", 200}, {"Accept", "text/html", 406}, {"Accept", "application/json;q=0", 406},
	} {
		a := w.do(http.MethodGet, "/events", "", nil, c.name, c.value)
		if a.status != c.status || c.status == 406 && !strings.Contains(string(a.body), "epcisException:NotAcceptableException") {
			t.Errorf("%s: %s: %d %s", c.name, c.value, a.status, a.body)
		}
	}
	epcs := func(form string) string {
		all := w.events("/events", "GS1-EPC-Format", form)
		return fmt.Sprint(all[0]["epcList"])
	}
	if came, link := epcs("Never_Translates"), epcs("Always_GS1_Digital_Link"); !strings.Contains(came, "urn:epc:id:sgtin:") || !strings.Contains(link, "https://id.gs1.org/01/") || strings.Contains(link, "urn:") {
		t.Errorf("as it came %s, as Digital Link %s", came, link)
	}
	for path, want := range map[string]string{"/capture": "GET, HEAD, OPTIONS, POST", "/events": "GET, HEAD, OPTIONS, POST", "/epcs": "GET, HEAD, OPTIONS", "/queries/x": "DELETE, GET, HEAD, OPTIONS", "/": "GET, HEAD, OPTIONS"} {
		a := w.want(http.StatusNoContent, w.do(http.MethodOptions, path, "", nil))
		if a.header.Get("Allow") != want || a.header.Get("GS1-EPCIS-Max") != "2.0.0" || a.header.Get("GS1-Vendor-Version") != "test" {
			t.Errorf("OPTIONS %s: %v", path, a.header)
		}
	}
}

// TestNamedQueries: a query is kept under its name, with what its prefixes mean.
func TestNamedQueries(t *testing.T) {
	w := newWorld(t, storetest.Open(t, storetest.SQLite(t)))
	w.capture(ldJSONType, vector(t, "documents/excursion.jsonld"))
	post := func(body string) answer { return w.do(http.MethodPost, "/queries", jsonType, []byte(body)) }
	a := w.want(http.StatusCreated, post(`{"name":"warm","query":{"GT_maxValue_KEL":281.15,"EQ_type":["Temperature"],"EXISTS_errorDeclaration":true}}`))
	if a.header.Get("Location") != "/epcis/queries/warm" {
		t.Errorf("Location %q", a.header.Get("Location"))
	}
	if got := w.ids("/queries/warm/events"); len(got) != 1 || got[0] != reported {
		t.Errorf("warm: %v", got)
	}
	w.problem(http.StatusConflict, "ResourceAlreadyExistsException", post(`{"name":"warm","query":{}}`))
	w.problem(http.StatusBadRequest, "QueryParameterException", post(`{"name":"strange","query":{"EQ_strange":["x"]}}`))
	w.problem(http.StatusBadRequest, "QueryValidationException", post(`{"name":"strange/","query":{}}`))
	w.problem(http.StatusBadRequest, "QueryValidationException", post(`{"name":"strange","query":[]}`))
	w.problem(http.StatusBadRequest, "QueryValidationException", post(`{`))
	w.problem(http.StatusBadRequest, "QueryParameterException", w.do(http.MethodGet, "/queries/warm/events?GT_maxValue_KEL=0", "", nil))
	w.problem(http.StatusNotImplemented, "ImplementationException", w.do(http.MethodGet, "/queries/warm/events", "", nil, "Upgrade", "websocket"))
	w.want(http.StatusCreated, post(`{"name":"a2","query":{}}`))
	var list []struct {
		Name  string
		Query map[string]any
	}
	a = w.get("/queries?perPage=1", &list)
	if len(list) != 1 || list[0].Name != "a2" || a.header.Get("Link") == "" {
		t.Errorf("list: %v %v", list, a.header)
	}
	w.want(http.StatusNoContent, w.do(http.MethodDelete, "/queries/warm", "", nil))
	w.problem(http.StatusNotFound, "NoSuchNameException", w.do(http.MethodGet, "/queries/warm", "", nil))
	w.problem(http.StatusNotFound, "NoSuchNameException", w.do(http.MethodGet, "/queries/warm/events", "", nil))
}
