package epcis

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"frostline/hub/trace/unit"
)

func vector(t *testing.T, file string) *Document {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", file))
	if err != nil {
		t.Fatal(err)
	}
	d, err := Parse(b, "")
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRoundTrips carries every vector from its language to the other and back.
func TestRoundTrips(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.[jx]*")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		file, _ = filepath.Rel("testdata", file)
		t.Run(file, func(t *testing.T) {
			d := vector(t, file)
			same(t, d)
			if d.Type != CaptureDocument && d.Type != QueryDocument {
				d.Type = CaptureDocument
			}
			var x, j bytes.Buffer
			if err := EncodeXML20(&x, d); err != nil {
				t.Fatal(err)
			}
			if err := EncodeJSON(&j, d); err != nil {
				t.Fatal(err)
			}
			for _, b := range [][]byte{x.Bytes(), j.Bytes()} {
				back, err := Parse(b, "")
				if err != nil {
					t.Fatalf("%v\n%s", err, b)
				}
				if len(back.Problems) > 0 || len(back.Events) != len(d.Events) || back.Type != d.Type || back.QueryName != d.QueryName ||
					len(back.Master) != len(d.Master) || back.Sender != d.Sender || !back.Created.Equal(d.Created) {
					t.Errorf("got %+v, want %+v", back, d)
				}
				for i, e := range back.Events {
					if got, want := e.Prehash(nil), d.Events[i].Prehash(nil); got != want {
						t.Errorf("event %d\ngot  %s\nwant %s", i, got, want)
					}
				}
			}
		})
	}
}

func TestOldXMLHasNoSensorData(t *testing.T) {
	var b bytes.Buffer
	omitted, err := EncodeXML12(&b, vector(t, "documents/ObjectEvent_all_possible_fields.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(omitted) != 3 || strings.Contains(b.String(), "sensor") || strings.Contains(b.String(), "persistentDisposition") {
		t.Errorf("omitted %v\n%s", omitted, b.String())
	}
	d, err := Parse(b.Bytes(), "text/xml")
	if err != nil {
		t.Fatal(err)
	}
	e := d.Events[0]
	if p := e.Validate(); len(p) > 0 {
		t.Error(p)
	}
	if e.Master("lotNumber") != "ABC123" || len(e.Extensions()) == 0 || d.SchemaVersion != "1.2" {
		t.Errorf("lot %q, %d extensions, version %q", e.Master("lotNumber"), len(e.Extensions()), d.SchemaVersion)
	}
	if strings.Contains(b.String(), masterData+":\"") {
		t.Error("the namespace of master data is that of JSON")
	}
	if _, err := EncodeXML12(&b, vector(t, "documents/AssociationEvent.json")); err == nil {
		t.Error("an AssociationEvent was written in 1.2")
	}
}

// TestPharma reads the example of GS1 US for the exchange under DSCSA.
func TestPharma(t *testing.T) {
	d := vector(t, "xml12/GS1_US_Pharma_Example_2_2_1_1.xml")
	if d.Sender != "urn:epc:id:sgln:030001.111111.0" || d.Receiver != "urn:epc:id:sgln:039999.999999.0" || d.Instance != "1100220001" {
		t.Errorf("from %q to %q, %q", d.Sender, d.Receiver, d.Instance)
	}
	if len(d.Master) != 6 || len(d.Master[0].Attributes) != 7 || d.Master[0].Attributes[2].Text != "Epcistra" {
		t.Errorf("master data: %+v", d.Master)
	}
	if f := find(d.Header, "dscsaTransactionStatement", "affirmTransactionStatement"); f == nil || f.Text != "true" || f.Namespace != "http://epcis.gs1us.org/hc/ns" {
		t.Errorf("statement: %+v", f)
	}
	commission, ship := d.Events[0], d.Events[7]
	if commission.Master("lotNumber") != "A123" || commission.Master("itemExpirationDate") != "2025-03-27" || len(commission.EPCs) != 12 {
		t.Errorf("commissioning: %s", commission.JSON())
	}
	if ship.BizStep != "shipping" || ship.Disposition != "in_transit" || len(ship.Transactions) != 2 || ship.Transactions[0].Type != "po" ||
		ship.Sources[0] != (Party{"owning_party", "urn:epc:id:sgln:030001.111111.0"}) || ship.Extensions()[0].Name != "dropShipment" {
		t.Errorf("shipping: %+v", ship)
	}
}

func TestBusinessHeader(t *testing.T) {
	d := vector(t, "documents/ObjectEvent_all_possible_fields.json")
	var b bytes.Buffer
	if err := EncodeXML20(&b, d); err != nil {
		t.Fatal(err)
	}
	back, err := Parse(b.Bytes(), "")
	if err != nil {
		t.Fatal(err)
	}
	if d.Sender == "" || back.Sender != d.Sender || back.Receiver != d.Receiver || back.Instance != d.Instance {
		t.Errorf("from %q to %q, %q", back.Sender, back.Receiver, back.Instance)
	}
}

// TestPrefixes wants what a prefix means to be right in both languages, where
// the prefix of a name is also how a value begins.
func TestPrefixes(t *testing.T) {
	x := openXML + `<ObjectEvent xmlns:https="https://example.com/a/" xmlns:urn="https://example.com/b/" xmlns:cbvmda="urn:epcglobal:cbv:mda" xmlns="">` +
		`<eventTime>2026-11-20T18:42:00Z</eventTime><eventTimeZoneOffset>-05:00</eventTimeZoneOffset><epcList><epc>urn:epc:id:sgtin:030001.0012345.11</epc></epcList><action>ADD</action>` +
		`<ilmd><cbvmda:lotNumber>A1</cbvmda:lotNumber></ilmd><https:x https:y="1">https:z</https:x><urn:v/><f xmlns="https://example.com/c/">2</f></ObjectEvent>` + closeXML
	d, err := Parse([]byte(x), "")
	if err != nil {
		t.Fatal(err)
	}
	e := d.Events[0]
	if p := e.Validate(); len(p) > 0 {
		t.Error(p)
	}
	want := `ilmd{urn:epcglobal:cbv:mda}lotNumber=A1{https://example.com/a/}x=https:z{https://example.com/a/}y=1{https://example.com/b/}v{https://example.com/c/}f=2`
	if got := e.Prehash(nil); !strings.HasSuffix(got, want) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if e.EPCs[0] != "urn:epc:id:sgtin:030001.0012345.11" || e.Master("lotNumber") != "A1" {
		t.Errorf("%s", e.JSON())
	}
	same(t, d)
}

// TestHeaderNamespaces: a prefix that a header declares several times means, in
// each place, what was declared last around it.
func TestHeaderNamespaces(t *testing.T) {
	head := `<h:Mine xmlns:h="https://example.com/a/" xmlns:k="https://example.com/k/" h:y="1" k:z="2">one<h:Inner xmlns:h="https://example.com/b/">two</h:Inner></h:Mine>` +
		`<h:Mine xmlns:h="https://example.com/c/">three</h:Mine>`
	x := `<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:1" schemaVersion="1.2" creationDate="2026-11-20T18:42:00Z">` +
		`<EPCISHeader><h:StandardBusinessDocumentHeader xmlns:h="` + sbdhSpace + `"><h:Sender><h:Identifier>S</h:Identifier></h:Sender></h:StandardBusinessDocumentHeader>` + head +
		`</EPCISHeader><EPCISBody><EventList/></EPCISBody><h:Beside xmlns:h="https://example.com/d/">four</h:Beside></e:EPCISDocument>`
	d, err := Parse([]byte(x), "")
	if err != nil {
		t.Fatal(err)
	}
	says := func(d *Document) string {
		var b strings.Builder
		var tell func(list []Field)
		tell = func(list []Field) {
			for _, f := range list {
				fmt.Fprintf(&b, "%s=%s(", clark(f.Namespace, f.Name), trim(f.Text))
				tell(f.Fields)
				b.WriteString(")")
			}
		}
		tell(d.Header)
		return b.String()
	}
	mine := `{https://example.com/a/}Mine=one({https://example.com/a/}@y=1(){https://example.com/k/}@z=2(){https://example.com/b/}Inner=two()){https://example.com/c/}Mine=three()`
	want := strings.ReplaceAll(`{S}StandardBusinessDocumentHeader=({S}Sender=({S}Identifier=S()))`, "{S}", "{"+sbdhSpace+"}") + mine + `{https://example.com/d/}Beside=four()`
	if got := says(d); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// And it is written so that it says the same.
	var b bytes.Buffer
	if _, err := EncodeXML12(&b, d); err != nil {
		t.Fatal(err)
	}
	back, err := Parse(b.Bytes(), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := says(back); got != want || back.Sender != "S" {
		t.Errorf("again: got  %s\nwant %s\n%s", got, want, b.Bytes())
	}
}

// TestMasterData: the namespace of CBV's attributes is one in both languages,
// unless a document declares another.
func TestMasterData(t *testing.T) {
	ilmd := strings.Replace(object, `"action":"OBSERVE"`, `"action":"ADD","ilmd":{"cbvmda:lotNumber":"A1"}`, 1)
	var hashes []string
	for _, s := range []string{ilmd, strings.Replace(ilmd, `"type"`, `"@context":{"cbvmda":"urn:epcglobal:cbv:mda:"},"type"`, 1)} {
		e, err := ParseEvent([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		d := &Document{Events: []*Event{e}}
		same(t, d)
		var x bytes.Buffer
		if err := EncodeXML20(&x, d); err != nil {
			t.Fatal(err)
		}
		d, err = Parse(x.Bytes(), "")
		if err != nil {
			t.Fatal(err)
		}
		if e := d.Events[0]; e.Master("lotNumber") != "A1" || len(e.Validate()) > 0 {
			t.Errorf("%s: %v", e.JSON(), e.Validate())
		}
		hashes = append(hashes, e.Prehash(nil))
	}
	if !strings.HasSuffix(hashes[0], "ilmd{urn:epcglobal:cbv:mda}lotNumber=A1") || !strings.HasSuffix(hashes[1], "ilmd{urn:epcglobal:cbv:mda:}lotNumber=A1") {
		t.Errorf("got %q", hashes)
	}
}

func TestFields(t *testing.T) {
	e, err := ParseEvent([]byte(strings.Replace(object, `"action"`, `"@context":{"my":"https://example.com/ns/"},"my:a":["1",{"my:b":2,"@u":"m","#text":"t"}],"action"`, 1)))
	if err != nil {
		t.Fatal(err)
	}
	f := e.Extensions()
	if len(f) != 2 || f[0].Text != "1" || f[0].Namespace != "https://example.com/ns/" || f[0].Name != "a" || f[1].Text != "t" ||
		len(f[1].Fields) != 2 || f[1].Fields[0].Text != "2" || f[1].Fields[1].Name != "@u" {
		t.Errorf("got %+v", f)
	}
}

// TestBaseUnits wants every base unit to be one that package unit knows.
func TestBaseUnits(t *testing.T) {
	for kind, code := range baseUnits {
		if _, base := unit.Base(1, code); base != code || !unit.Known(code) {
			t.Errorf("%s: %q is no base unit but %q", kind, code, base)
		}
		if !measurements.words[kind] {
			t.Errorf("%q is no type of measurement", kind)
		}
	}
}
