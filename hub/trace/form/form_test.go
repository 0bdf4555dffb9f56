package form

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"frostline/hub/trace/epcis"
	"frostline/hub/trace/repository"
)

// stored is an event of the codec's vectors as the repository keeps it.
func stored(t *testing.T, name string) repository.Row {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "epcis", "testdata", "documents", name))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := epcis.Parse(b, "application/json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := repository.Index(doc.Events[0])
	if err != nil {
		t.Fatal(err)
	}
	return repository.Row{Seq: 1, ID: r.ID, Recorded: 1_790_000_000_123, Document: r.Document}
}

// TestForms: an event means the same in each form, has its record time, and
// nothing but identifiers is translated.
func TestForms(t *testing.T) {
	urn := func(link string) (string, bool) {
		if link == "https://id.gs1.org/01/10614141073464/21/2018" {
			return "urn:epc:id:sgtin:0614141.107346.2018", true
		}
		return "", false
	}
	for _, name := range []string{"ObjectEvent_all_possible_fields.json", "AggregationEvent.json", "AssociationEvent.json", "TransformationEvent.json", "TransactionEvent.json", "ObjectEvent_with_digitalLink.json"} {
		row := stored(t, name)
		as := func(f Form) (*epcis.Event, string) {
			t.Helper()
			e, err := Event(row, f, urn)
			if err != nil {
				t.Fatal(err)
			}
			return e, string(e.JSON())
		}
		came, text := as(AsCame)
		if got := came.RecordTime.UnixMilli(); got != row.Recorded {
			t.Errorf("%s: record time %d", name, got)
		}
		rest := strings.Replace(text, `,"recordTime":"2026-09-21T14:13:20.123Z"`, "", 1)
		if rest != string(row.Document) {
			t.Errorf("%s as it came:\n%s\nis stored as\n%s", name, rest, row.Document)
		}
		link, text := as(DigitalLink)
		if link.HashID() != came.HashID() {
			t.Errorf("%s as Digital Link has another hash", name)
		}
		for _, id := range append(append(append(link.EPCs, link.ChildEPCs...), link.InputEPCs...), link.OutputEPCs...) {
			if strings.HasPrefix(id, "urn:epc:id:") {
				t.Errorf("%s as Digital Link has %s", name, id)
			}
		}
		if !json.Valid([]byte(text)) {
			t.Errorf("%s: no JSON: %s", name, text)
		}
		if back, _ := as(URN); back.HashID() != came.HashID() {
			t.Errorf("%s as URN has another hash", name)
		}
	}
	e, err := Event(stored(t, "ObjectEvent_all_possible_fields.json"), DigitalLink, nil)
	if err != nil {
		t.Fatal(err)
	}
	if e.EPCs[0] != "https://id.gs1.org/01/10614141073464/21/2018" || e.ReadPoint != "https://id.gs1.org/414/0012345111112/254/400" || e.Transactions[0].ID != "urn:epc:id:gdti:0614141.00001.1618034" {
		t.Errorf("epc %s, read point %s, transaction %s", e.EPCs[0], e.ReadPoint, e.Transactions[0].ID)
	}
	for _, c := range []struct {
		in   string
		f    Form
		want string
	}{
		{"https://id.gs1.org/01/10614141073464/21/2018", URN, "urn:epc:id:sgtin:0614141.107346.2018"}, {"https://id.gs1.org/01/10614141073464/21/2019", URN, "https://id.gs1.org/01/10614141073464/21/2019"},
		{"urn:epc:id:sgtin:0614141.107346.2018", DigitalLink, "https://id.gs1.org/01/10614141073464/21/2018"}, {"geo:1,2", DigitalLink, "geo:1,2"}, {"urn:epc:id:sgtin:0614141.107346.2018", AsCame, "urn:epc:id:sgtin:0614141.107346.2018"},
	} {
		if got := ID(c.in, c.f, urn); got != c.want {
			t.Errorf("%s as %s is %s, want %s", c.in, c.f, got, c.want)
		}
	}
}

// TestBroken: what is stored and is no event is an error, not an empty answer.
func TestBroken(t *testing.T) {
	for _, document := range []string{``, `[]`, `{"type":`, `{"type":"ObjectEvent","epcList":[}`} {
		if e, err := Event(repository.Row{ID: "x", Document: []byte(document)}, DigitalLink, nil); err == nil {
			t.Errorf("%q is %v", document, e)
		}
	}
}
