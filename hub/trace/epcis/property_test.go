package epcis

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"frostline/proto/gs1"
)

// TestHashIsOfWhatIsSaid: the order of members and lists, the forms of
// identifiers, words and times, and the language do not change a hash id.
func TestHashIsOfWhatIsSaid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := drawEvent(t)
		want := read(t, "application/json", wrapped(&plain))
		if got := read(t, "application/json", wrapped(ptr(respell(t, plain, "")))); got.Prehash(nil) != want.Prehash(nil) {
			t.Fatalf("got  %s\nwant %s", got.Prehash(nil), want.Prehash(nil))
		}
		var x bytes.Buffer
		if err := EncodeXML20(&x, &Document{Events: []*Event{want}}); err != nil {
			t.Fatal(err)
		}
		got := read(t, "application/xml", x.Bytes())
		if got.Prehash(nil) != want.Prehash(nil) {
			t.Fatalf("got  %s\nwant %s\n%s", got.Prehash(nil), want.Prehash(nil), x.Bytes())
		}
		again, err := ParseEvent(got.JSON())
		if err != nil {
			t.Fatal(err)
		}
		if again.HashID() != want.HashID() || !bytes.Equal(again.JSON(), got.JSON()) {
			t.Fatalf("kept otherwise: %s", again.JSON())
		}
		if a, b := fmt.Sprint(want.EPCs, want.Sources, want.Set, want.BizStep, want.Time), fmt.Sprint(again.EPCs, again.Sources, again.Set, again.BizStep, again.Time); a != b {
			t.Fatalf("got %s, want %s", b, a)
		}
	})
}

func ptr[T any](v T) *T { return &v }

func wrapped(e *node) []byte {
	return fmt.Appendf(nil, `{"@context":["%s",{"my":"https://example.com/ns/","your":"urn:your:"}],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-01-01T00:00:00Z","epcisBody":{"eventList":[%s]}}`,
		ContextURL, e.appendJSON(nil))
}

func read(t *rapid.T, media string, b []byte) *Event {
	d, err := Parse(b, media)
	if err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	if p := d.Events[0].Validate(); len(p) > 0 {
		t.Fatalf("%v\n%s", p, b)
	}
	return d.Events[0]
}

func obj(name string, kids ...node) node { return node{name: name, kind: kindObject, kids: kids} }
func arr(name string, kids ...node) node { return node{name: name, kind: kindArray, kids: kids} }

// drawEvent makes an event with nothing wrong in it.
func drawEvent(t *rapid.T) node {
	at := func(label string) string {
		return time.UnixMilli(rapid.Int64Range(1e12, 2e12).Draw(t, label)).UTC().Format("2006-01-02T15:04:05.000Z")
	}
	pick := func(label string, from ...string) string { return rapid.SampledFrom(from).Draw(t, label) }
	e := obj("", text("type", ObjectEvent), text("eventTime", at("time")), text("eventTimeZoneOffset", "+01:00"), text("action", Add))
	epcs := arr("epcList")
	for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(1, 99), 1, 6, rapid.ID).Draw(t, "serials") {
		epcs.kids = append(epcs.kids, text("", fmt.Sprintf("urn:epc:id:sgtin:0614141.107346.%d", n)))
	}
	e.kids = append(e.kids, epcs, text("bizStep", pick("step", "shipping", "receiving", "https://example.com/step")),
		text("disposition", pick("disposition", "in_transit", "active")),
		obj("readPoint", text("id", "urn:epc:id:sgln:0012345.11111.400"), drawField(t, "place", 1)),
		obj("persistentDisposition", arr("set", text("", "recalled"), text("", "damaged"))),
		arr("sourceList", obj("", text("type", "owning_party"), text("source", "urn:epc:id:pgln:4012345.00000")),
			obj("", text("type", "location"), text("source", "urn:epc:id:sgln:4012345.00225.0"))),
		arr("quantityList", obj("", text("epcClass", "urn:epc:class:lgtin:4012345.012345.998877"), node{name: "quantity", kind: kindNumber, text: "2.50"}, text("uom", "KGM"))),
	)
	if rapid.Bool().Draw(t, "sensed") {
		report := obj("", text("type", "Temperature"), node{name: "value", kind: kindNumber, text: pick("value", "2", "-7.250", "1e1")}, text("uom", "CEL"), text("time", at("read")))
		e.kids = append(e.kids, arr("sensorElementList", obj("", obj("sensorMetadata", text("deviceID", "urn:epc:id:giai:4000001.111")), arr("sensorReport", report, obj("", text("exception", "ALARM_CONDITION"))))))
	}
	ilmd := obj("ilmd", text("cbvmda:lotNumber", "A1"))
	ilmd.kids = append(ilmd.kids, drawField(t, "master", 3))
	return obj("", append(e.kids, ilmd, drawField(t, "extension", 4))...)
}

// drawField makes an extension: a text, an object, or a list of both.
func drawField(t *rapid.T, label string, depth int) node {
	name := rapid.SampledFrom([]string{"my:a", "my:b", "your:c", "your:list"}).Draw(t, label)
	value := func(label string) node {
		return text("", rapid.SampledFrom([]string{"x", " y ", "", "007", "my:z", "https://a.example/b", "<&>\"'", "é\n1", "urn:epc:id:sgtin:0614141.107346.2018"}).Draw(t, label))
	}
	object := func(label string) node {
		o := obj("")
		for i := range rapid.IntRange(0, 3).Draw(t, label+" fields") {
			f := drawField(t, fmt.Sprint(label, i), depth-1)
			if o.member(f.name) == nil {
				o.kids = append(o.kids, f)
			}
		}
		return o
	}
	var n node
	switch form := rapid.IntRange(0, 2).Draw(t, label+" form"); {
	case form == 0 || depth <= 0:
		n = value(label + " text")
	case form == 1:
		n = object(label)
	default:
		n = arr("", value(label+" first"), object(label+" second"))
	}
	n.name = name
	return n
}

// respell says the same otherwise.
func respell(t *rapid.T, n node, within string) node {
	if n.name != "" {
		within = n.name
	}
	switch n.kind {
	case kindText:
		n.text = respellText(t, n.text, within)
	case kindNumber:
		if strings.Contains(n.text, ".") {
			n.text += rapid.SampledFrom([]string{"", "0", "000"}).Draw(t, "zeros")
		}
	}
	n.kids = slices.Clone(n.kids)
	for i := range n.kids {
		n.kids[i] = respell(t, n.kids[i], within)
	}
	n.kids = shuffled(t, n.kids)
	return n
}

func shuffled(t *rapid.T, kids []node) []node {
	if len(kids) < 2 {
		return kids
	}
	return rapid.Permutation(kids).Draw(t, "order")
}

func respellText(t *rapid.T, s, name string) string {
	forms := []string{s}
	switch {
	case name == "eventTime" || name == "time":
		at, ok := parseTime(s)
		if ok {
			forms = append(forms, at.In(time.FixedZone("", 19800)).Format("2006-01-02T15:04:05.000000-07:00"))
		}
	case strings.HasPrefix(s, "urn:epc:"):
		if l, err := gs1.FromURN(s); err == nil {
			forms = append(forms, l, strings.Replace(l, "id.gs1.org", "www.example.com/x", 1)+"?a=b")
		}
	case name == "bizStep":
		forms = append(forms, bizSteps.uri(s), strings.Replace(bizSteps.uri(s), bizSteps.web, bizSteps.urn, 1), strings.Replace(bizSteps.uri(s), bizSteps.web, "cbv:BizStep-", 1))
	case s == "Temperature":
		forms = append(forms, "gs1:Temperature", "https://gs1.org/voc/Temperature")
	}
	return rapid.SampledFrom(forms).Draw(t, "form")
}
