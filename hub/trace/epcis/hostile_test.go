package epcis

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

const (
	open  = `{"@context":["` + ContextURL + `"],"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-21T01:00:00Z","epcisBody":{"eventList":[`
	close = `]}}`

	openXML  = `<e:EPCISDocument xmlns:e="urn:epcglobal:epcis:xsd:2" schemaVersion="2.0" creationDate="2026-11-21T01:00:00Z"><EPCISBody><EventList>`
	closeXML = `</EventList></EPCISBody></e:EPCISDocument>`
)

func TestHostile(t *testing.T) {
	deep := strings.Repeat(`{"a":`, 10_000) + "1" + strings.Repeat("}", 10_000)
	for name, c := range map[string]struct{ document, want string }{
		"nothing":              {"", "empty"},
		"spaces":               {strings.Repeat(" ", 10_000), "4096 spaces"},
		"deep":                 {deep, "nested deeper than 64"},
		"deep lists":           {strings.Repeat("[", 10_000), "object is wanted"},
		"deep in an event":     {open + strings.Replace(object, `"action"`, `"x:y":`+deep+`,"action"`, 1) + close, "nested deeper than 64"},
		"a member twice":       {open + strings.Replace(object, `"action"`, `"action":"ADD","action"`, 1) + close, "duplicate"},
		"a member twice below": {open + strings.Replace(object, `"id"`, `"id":"urn:x:y","id"`, 1) + close, "duplicate"},
		"not UTF-8":            {open + strings.Replace(object, `shipping`, "shipp\xffing", 1) + close, "UTF-8"},
		"half a surrogate":     {open + strings.Replace(object, `shipping`, `shipp\ud800ing`, 1) + close, "surrogate"},
		"cut off":              {open + object, "ends in the middle"},
		"cut off in a text":    {open + object[:40], "ends in the middle"},
		"two documents":        {open + close + open + close, "after the document"},
		"no list":              {strings.Replace(open, "[", "{", 1) + "}}}", ""},
		"events in an object":  {strings.TrimSuffix(open, "[") + `{}}}`, "a list of events is wanted"},

		"a bomb": {`<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>` + openXML + closeXML, "DOCTYPE"},
		"an external entity": {`<!DOCTYPE e:EPCISDocument [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + openXML + `<ObjectEvent><action>&x;</action></ObjectEvent>` + closeXML,
			"DOCTYPE"},
		"an external subset":     {`<!DOCTYPE x SYSTEM "https://example.com/x.dtd">` + openXML + closeXML, "DOCTYPE"},
		"an unknown entity":      {openXML + `<ObjectEvent><action>&x;</action></ObjectEvent>` + closeXML, "entity"},
		"deep XML":               {openXML + strings.Repeat("<a>", 10_000) + closeXML, "nested deeper than 64"},
		"an attribute twice":     {openXML + `<ObjectEvent><x a="1" a="2"/></ObjectEvent>` + closeXML, "given twice"},
		"XML that is not UTF-8":  {openXML + "<ObjectEvent><action>\xff</action></ObjectEvent>" + closeXML, "UTF-8"},
		"another encoding":       {`<?xml version="1.0" encoding="UTF-7"?>` + openXML + closeXML, "UTF-7"},
		"XML cut off":            {openXML + `<ObjectEvent>`, "ends in the middle"},
		"XML that does not nest": {openXML + `<ObjectEvent></AggregationEvent>` + closeXML, "line 1"},
		"another root":           {`<html/>`, "root"},
		"two roots":              {openXML + closeXML + openXML + closeXML, "after the document"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(c.document), "")
			var bad *SyntaxError
			if !errors.As(err, &bad) {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
	if _, err := Parse([]byte("{}"), "text/csv"); !errors.Is(err, ErrMediaType) {
		t.Errorf("got %v, want ErrMediaType", err)
	}
}

// endless gives a document that never ends: begin, and then again and again
// the same.
type endless struct {
	begin, again string
	n            int64
}

func (e *endless) Read(p []byte) (int, error) {
	if e.begin != "" {
		n := copy(p, e.begin)
		e.begin = e.begin[n:]
		return n, nil
	}
	n := 0
	for n < len(p) {
		k := copy(p[n:], e.again[int(e.n)%len(e.again):])
		n, e.n = n+k, e.n+int64(k)
	}
	return n, nil
}

func TestBounds(t *testing.T) {
	limits := Limits{EventBytes: 100 << 10, DocumentBytes: 3 << 20}
	for name, c := range map[string]struct {
		r          io.Reader
		media      string
		least, max int
	}{
		"one text":         {&endless{begin: open + `{"type":"`, again: "x"}, "application/json", 0, 0},
		"one event":        {&endless{begin: open + `{"epcList":[1`, again: ",1"}, "application/json", 0, 0},
		"endless events":   {&endless{begin: open + object, again: "," + object}, "application/json", 5000, 20000},
		"spaces":           {&endless{begin: open, again: "    "}, "application/json", 0, 0},
		"a header":         {&endless{begin: `{"epcisHeader":[1`, again: ",1"}, "application/json", 0, 0},
		"XML text":         {&endless{begin: openXML + "<ObjectEvent><action>", again: "x"}, "text/xml", 0, 0},
		"XML elements":     {&endless{begin: openXML + "<ObjectEvent>", again: "<a/>"}, "text/xml", 0, 0},
		"XML events":       {&endless{begin: openXML, again: "<ObjectEvent></ObjectEvent>"}, "text/xml", 50_000, 200_000},
		"an XML attribute": {&endless{begin: openXML + `<ObjectEvent a="`, again: "x"}, "text/xml", 0, 0},
		"XML comments":     {&endless{begin: openXML, again: "<!-- x -->"}, "text/xml", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			n := 0
			_, err := Read(c.r, c.media, limits, func(*Event) error { n++; return nil })
			if !errors.Is(err, ErrTooLarge) {
				t.Errorf("got %v, want ErrTooLarge", err)
			}
			if n < c.least || n > c.max {
				t.Errorf("%d events before the end, want %d to %d", n, c.least, c.max)
			}
		})
	}
}

// TestStops wants an error of the reader's own to come back, and no event
// after it.
func TestStops(t *testing.T) {
	full := errors.New("disk full")
	n := 0
	_, err := Read(bytes.NewReader(many(10)), "application/ld+json; charset=utf-8", Limits{}, func(*Event) error {
		if n++; n == 3 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || n != 3 {
		t.Errorf("%d events, %v", n, err)
	}
}

// TestContextLast reads a body that stands before its context, which alone
// says what its prefixes mean.
func TestContextLast(t *testing.T) {
	body := `"epcisBody":{"eventList":[` + strings.Replace(object, `"action"`, `"my:x":"my:y","action"`, 1) + `]}`
	context := `"@context":["` + ContextURL + `",{"my":"https://example.com/ns/"}]`
	rest := `"type":"EPCISDocument","schemaVersion":"2.0","creationDate":"2026-11-21T01:00:00Z"`
	var hashes []string
	for _, s := range []string{"{" + context + "," + body + "," + rest + "}", "{" + rest + "," + body + "," + context + "}", "\ufeff{" + body + "," + context + "," + rest + "}"} {
		d, err := Parse([]byte(s), "application/json")
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Problems)+len(d.Events[0].Validate()) > 0 {
			t.Error(d.Problems, d.Events[0].Validate())
		}
		hashes = append(hashes, d.Events[0].Prehash(nil))
	}
	if hashes[0] != hashes[1] || hashes[1] != hashes[2] || !strings.Contains(hashes[0], "{https://example.com/ns/}x=https://example.com/ns/y") {
		t.Errorf("got %q", hashes)
	}
}
