package epcis

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An event of each type with nothing wrong in it.
const (
	head   = `"eventTime":"2026-11-20T18:42:00.000Z","eventTimeZoneOffset":"-05:00",`
	object = `{"type":"ObjectEvent",` + head + `"action":"OBSERVE","bizStep":"shipping","disposition":"in_transit",` +
		`"epcList":["urn:epc:id:sgtin:030001.0012345.11"],"readPoint":{"id":"https://id.gs1.org/414/0300011111215"}}`
	aggregation = `{"type":"AggregationEvent",` + head + `"action":"ADD","parentID":"urn:epc:id:sscc:030001.41234567890",` +
		`"childEPCs":["urn:epc:id:sgtin:030001.1012345.110"],"childQuantityList":[{"epcClass":"urn:epc:class:lgtin:030001.0012345.A1","quantity":4.5,"uom":"KGM"}]}`
	association = `{"type":"AssociationEvent",` + head + `"action":"ADD","parentID":"urn:epc:id:grai:4012345.55555.987","childEPCs":["urn:epc:id:giai:4000001.12345"]}`
	transaction = `{"type":"TransactionEvent",` + head + `"action":"ADD","bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:0399999999991:PO1"}],"epcList":["urn:epc:id:sgtin:030001.0012345.11"]}`
	transforms  = `{"type":"TransformationEvent",` + head + `"inputEPCList":["urn:epc:id:sgtin:030001.0012345.11"],"outputEPCList":["urn:epc:id:sgtin:030001.0012345.12"]}`
	sensing     = `{"type":"ObjectEvent",` + head + `"action":"OBSERVE","epcList":[],"readPoint":{"id":"geo:38.2,-85.7"},"sensorElementList":[` +
		`{"sensorMetadata":{"startTime":"2026-11-20T18:05:00Z","endTime":"2026-11-20T18:42:00Z","deviceID":"urn:epc:id:giai:4000001.111"},` +
		`"sensorReport":[{"type":"Temperature","value":7.4,"minValue":2,"maxValue":8,"percRank":50,"percValue":5,"sDev":1,"uom":"CEL"}]}]}`
)

func TestRightEvents(t *testing.T) {
	for _, s := range []string{object, aggregation, association, transaction, transforms, sensing} {
		e, err := ParseEvent([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		if p := e.Validate(); len(p) > 0 {
			t.Errorf("%s: %v", e.Type, p)
		}
	}
}

func TestVectorsAreRight(t *testing.T) {
	for _, pattern := range []string{"testdata/*/*.json", "testdata/*/*.jsonld", "testdata/*/*.xml"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatal(pattern, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			d, err := Parse(b, "")
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			for _, p := range d.Problems {
				t.Errorf("%s: %v", file, p)
			}
			for _, e := range d.Events {
				for _, p := range e.Validate() {
					t.Errorf("%s: %v", file, p)
				}
			}
		}
	}
}

// TestProblems changes one thing in a right event and wants the pointer of it,
// and no other.
func TestProblems(t *testing.T) {
	for _, c := range []struct{ event, old, new, want string }{
		{object, `ObjectEvent`, `QuantityEvent`, "/type"},
		{object, `"type":"ObjectEvent",`, ``, "/type"},
		{object, `"type":"ObjectEvent"`, `"type":7`, "/type /type"},
		{object, head, `"eventTimeZoneOffset":"-05:00",`, "/eventTime"},
		{object, head, `"eventTime":"2026-11-20T18:42:00Z",`, "/eventTimeZoneOffset"},
		{object, `18:42:00.000Z`, `18:42:00`, "/eventTime"},
		{object, `2026-11-20`, `2026-11-31`, "/eventTime"},
		{object, `"-05:00"`, `"-5:00"`, "/eventTimeZoneOffset"},
		{object, `"-05:00"`, `"+14:30"`, "/eventTimeZoneOffset"},
		{object, `"-05:00"`, `"Z"`, "/eventTimeZoneOffset"},
		{object, `"OBSERVE"`, `"LOOK"`, "/action"},
		{object, `"action":"OBSERVE",`, ``, "/action"},
		{object, `"shipping"`, `"shippping"`, "/bizStep"},
		{object, `"shipping"`, `"urn:epcglobal:cbv:bizstep:shippping"`, "/bizStep"},
		{object, `"shipping"`, `"urn:epcglobal:cbv:bizstep:shipping"`, ""},
		{object, `"shipping"`, `"https://ref.gs1.org/cbv/BizStep-shipping"`, ""},
		{object, `"shipping"`, `"cbv:BizStep-shipping"`, ""},
		{object, `"shipping"`, `"https://example.com/steps/polishing"`, ""},
		{object, `"in_transit"`, `"urn:epcglobal:cbv:disp:lost"`, "/disposition"},
		{object, `["urn:epc:id:sgtin:030001.0012345.11"]`, `[]`, "/epcList"},
		{object, `["urn:epc:id:sgtin:030001.0012345.11"]`, `"urn:epc:id:sgtin:030001.0012345.11"`, ""},
		{object, `["urn:epc:id:sgtin:030001.0012345.11"]`, `["urn:epc:id:sgtin:030001.0012345.11",7]`, "/epcList/1"},
		{object, `030001.0012345.11"`, `030001.0012345.11","urn:epc:id:sgtin:030001.0012345.11"`, "/epcList/1"},
		{object, `030001.0012345.11`, `030001.001234.11`, "/epcList/0"},
		{object, `urn:epc:id:sgtin:030001.0012345.11`, `a serial`, "/epcList/0"},
		{object, `urn:epc:id:sgtin:030001.0012345.11`, `urn:epc:class:lgtin:030001.0012345.11`, "/epcList/0"},
		{object, `urn:epc:id:sgtin:030001.0012345.11`, `https://id.gs1.org/01/00300010123456/21/11`, "/epcList/0"},
		{object, `0300011111215`, `0300011111216`, "/readPoint/id"},
		{object, `{"id":"https://id.gs1.org/414/0300011111215"}`, `{}`, "/readPoint/id"},
		{object, `{"id":"https://id.gs1.org/414/0300011111215"}`, `"https://id.gs1.org/414/0300011111215"`, "/readPoint /readPoint/id"},
		{object, `"action"`, `"ilmd":{"cbvmda:lotNumber":"A1"},"action"`, "/ilmd"},
		{object, `"action":"OBSERVE"`, `"ilmd":{"cbvmda:lotNumber":"A1"},"action":"ADD"`, ""},
		{object, `"action":"OBSERVE"`, `"ilmd":{"xyz:lotNumber":"A1"},"action":"ADD"`, "/ilmd/xyz:lotNumber"},
		{object, `"action"`, `"@context":{"my":"https://example.com/ns/"},"my:field":{"my:a":[1,true,"x"]},"action"`, ""},
		{object, `"action"`, `"my:field":1,"action"`, "/my:field"},
		{object, `"action"`, `"epclist":[],"action"`, "/epclist"},
		{object, `"action"`, `"parentID":"urn:epc:id:sscc:030001.41234567890","action"`, "/parentID"},
		{object, `"action"`, `"a/b~c":1,"action"`, "/a~1b~0c"},
		{object, `"action"`, `"eventID":"no uri","action"`, "/eventID"},
		{object, `"action"`, `"eventID":"urn:uuid:12","action"`, "/eventID"},
		{object, `"action"`, `"eventID":"ni:///sha-256;12?ver=CBV2.0","action"`, "/eventID"},
		{object, `"action"`, `"persistentDisposition":{},"action"`, "/persistentDisposition"},
		{object, `"action"`, `"persistentDisposition":{"set":["recalled"],"unset":["recalled"]},"action"`, "/persistentDisposition/set/0"},
		{object, `"action"`, `"persistentDisposition":{"set":["broken"]},"action"`, "/persistentDisposition/set/0"},
		{object, `"action"`, `"sourceList":[{"source":"urn:epc:id:pgln:030001.111111"}],"action"`, "/sourceList/0/type"},
		{object, `"action"`, `"destinationList":[{"type":"owning_party"}],"action"`, "/destinationList/0/destination"},
		{object, `"action"`, `"bizTransactionList":[{"type":"po"}],"action"`, "/bizTransactionList/0/bizTransaction"},
		{object, `"action"`, `"bizTransactionList":[{"type":"order","bizTransaction":"urn:x:1"}],"action"`, "/bizTransactionList/0/type"},
		{object, `"action"`, `"errorDeclaration":{"reason":"incorrect_data"},"action"`, "/errorDeclaration/declarationTime"},
		{object, `"action"`, `"errorDeclaration":{"declarationTime":"2026-11-20T18:42:00Z","reason":"oops","correctiveEventIDs":["x"]},"action"`, "/errorDeclaration/reason /errorDeclaration/correctiveEventIDs/0"},
		{object, `"action"`, `"certificationInfo":["https://a.example/1","b"],"action"`, "/certificationInfo/1"},
		{object, `"action"`, `"recordTime":"now","action"`, "/recordTime"},

		{aggregation, `"parentID":"urn:epc:id:sscc:030001.41234567890",`, ``, "/parentID"},
		{aggregation, `"ADD","parentID":"urn:epc:id:sscc:030001.41234567890"`, `"OBSERVE"`, ""},
		{aggregation, `"parentID":"urn:epc:id:sscc:030001.41234567890"`, `"parentID":"urn:epc:id:sgtin:030001.1012345.110"`, "/parentID"},
		{aggregation, `"childEPCs"`, `"epcList"`, "/epcList"},
		{aggregation, `"quantity":4.5,`, ``, "/childQuantityList/0/uom"},
		{aggregation, `"quantity":4.5`, `"quantity":-1`, "/childQuantityList/0/quantity"},
		{aggregation, `"quantity":4.5`, `"quantity":"4.5"`, "/childQuantityList/0/quantity /childQuantityList/0/uom"},
		{aggregation, `"quantity":4.5`, `"quantity":1e999`, "/childQuantityList/0/quantity /childQuantityList/0/uom"},
		{aggregation, `"KGM"`, `"kg"`, "/childQuantityList/0/uom"},
		{aggregation, `urn:epc:class:lgtin:030001.0012345.A1`, `urn:epc:id:sgtin:030001.0012345.1`, "/childQuantityList/0/epcClass"},
		{association, `"parentID":"urn:epc:id:grai:4012345.55555.987",`, ``, "/parentID"},
		{association, `"childEPCs":["urn:epc:id:giai:4000001.12345"]`, `"childEPCs":[]`, "/childEPCs"},
		{association, `"ADD","parentID":"urn:epc:id:grai:4012345.55555.987","childEPCs":["urn:epc:id:giai:4000001.12345"]`, `"DELETE","parentID":"urn:epc:id:grai:4012345.55555.987"`, ""},
		{transaction, `"bizTransactionList":[{"type":"po","bizTransaction":"urn:epcglobal:cbv:bt:0399999999991:PO1"}],`, ``, "/bizTransactionList"},
		{transaction, `,"epcList":["urn:epc:id:sgtin:030001.0012345.11"]`, ``, "/epcList"},
		{transaction, `"ADD"`, `"DELETE"`, ""},
		{transforms, `"inputEPCList"`, `"action":"ADD","inputEPCList"`, "/action"},
		{transforms, `"inputEPCList":["urn:epc:id:sgtin:030001.0012345.11"],`, ``, "/inputEPCList"},
		{transforms, `"inputEPCList":["urn:epc:id:sgtin:030001.0012345.11"],`, `"transformationID":"urn:epc:id:gdti:4012345.55555.1234",`, ""},
		{transforms, `"outputEPCList":["urn:epc:id:sgtin:030001.0012345.12"]`, `"outputEPCList":[]`, "/outputEPCList"},

		{sensing, `"readPoint":{"id":"geo:38.2,-85.7"},`, ``, "/readPoint"},
		{sensing, `18:05:00Z`, `18:43:00Z`, "/sensorElementList/0/sensorMetadata/endTime"},
		{sensing, `"CEL"`, `"KGM"`, "/sensorElementList/0/sensorReport/0/uom"},
		{sensing, `"CEL"`, `"XYZ"`, "/sensorElementList/0/sensorReport/0/uom"},
		{sensing, `"CEL"`, `"degC"`, "/sensorElementList/0/sensorReport/0/uom"},
		{sensing, `"CEL"`, `"KEL"`, ""},
		{sensing, `"Temperature"`, `"Temprature"`, "/sensorElementList/0/sensorReport/0/type"},
		{sensing, `"Temperature"`, `"gs1:Temperature"`, ""},
		{sensing, `"type":"Temperature",`, ``, "/sensorElementList/0/sensorReport/0/type"},
		{sensing, `"type":"Temperature",`, `"exception":"ALARM_CONDITION",`, ""},
		{sensing, `"type":"Temperature",`, `"type":"Temperature","exception":"ALARM",`, "/sensorElementList/0/sensorReport/0/exception"},
		{sensing, `"value":7.4`, `"value":"7.4"`, "/sensorElementList/0/sensorReport/0/value"},
		{sensing, `"minValue":2`, `"minValue":9`, "/sensorElementList/0/sensorReport/0/minValue"},
		{sensing, `"percRank":50`, `"percRank":101`, "/sensorElementList/0/sensorReport/0/percRank"},
		{sensing, `"percRank":50,`, ``, "/sensorElementList/0/sensorReport/0/percRank"},
		{sensing, `"sDev":1`, `"sDev":-1`, "/sensorElementList/0/sensorReport/0/sDev"},
		{sensing, `"sDev":1`, `"hexBinaryValue":"f0g"`, "/sensorElementList/0/sensorReport/0/hexBinaryValue"},
		{sensing, `"sDev":1`, `"booleanValue":"true"`, "/sensorElementList/0/sensorReport/0/booleanValue"},
		{sensing, `"deviceID":"urn:epc:id:giai:4000001.111"`, `"deviceID":"logger 77"`, "/sensorElementList/0/sensorMetadata/deviceID"},
		{sensing, `"deviceID"`, `"devideID"`, "/sensorElementList/0/sensorMetadata/devideID"},
	} {
		if !strings.Contains(c.event, c.old) {
			t.Fatalf("%q is not in the event", c.old)
		}
		s := strings.Replace(c.event, c.old, c.new, 1)
		e, err := ParseEvent([]byte(s))
		if err != nil {
			// A type that is none makes no event; the whole document says so.
			d, err := Parse([]byte(s), "application/json")
			if err != nil {
				t.Errorf("%s: %v", c.new, err)
				continue
			}
			e = d.Events[0]
		}
		var got []string
		for _, p := range e.Validate() {
			got = append(got, p.Pointer)
			if p.Message == "" {
				t.Errorf("%s: a problem without a message", c.new)
			}
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s → %s: got %v, want %s", c.old, c.new, e.Validate(), c.want)
		}
	}
}

// TestOldVersion wants what EPCIS 1.2 does not have to be refused there.
func TestOldVersion(t *testing.T) {
	d := &Document{Type: CaptureDocument}
	for _, s := range []string{object, sensing, association} {
		e, err := ParseEvent([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		d.Events = append(d.Events, e)
	}
	var b strings.Builder
	if err := EncodeXML20(&b, d); err != nil {
		t.Fatal(err)
	}
	old, err := Parse([]byte(strings.ReplaceAll(strings.ReplaceAll(b.String(), "xsd:2", "xsd:1"), `schemaVersion="2.0"`, `schemaVersion="1.2"`)), "text/xml")
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "/epcisBody/eventList/1/sensorElementList", "/epcisBody/eventList/2/type"} {
		p := old.Events[i].Validate()
		if want == "" && len(p) > 0 || want != "" && (len(p) != 1 || p[0].Pointer != want) {
			t.Errorf("event %d: got %v, want %q", i, p, want)
		}
	}
}
