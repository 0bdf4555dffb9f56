package epcis

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// seeds adds the documents of testdata with one of the extensions.
func seeds(f *testing.F, extensions ...string) {
	for _, ext := range extensions {
		files, err := filepath.Glob("testdata/*/*" + ext)
		if err != nil || len(files) == 0 {
			f.Fatalf("no seeds with %s: %v", ext, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
}

func FuzzJSON(f *testing.F) {
	seeds(f, ".json", ".jsonld")
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := Parse(b, "application/json"); err == nil {
			same(t, d)
		}
	})
}

func FuzzXML(f *testing.F) {
	seeds(f, ".xml")
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := Parse(b, "application/xml"); err == nil {
			same(t, d)
		}
	})
}

// same checks what has to hold of whatever could be read: an event as it is
// kept reads as the same bytes with the same hash id, and if nothing is wrong
// with it, it has that in XML too, if XML has a form for it.
func same(t *testing.T, d *Document) {
	t.Helper()
	for _, e := range d.Events {
		kept := e.JSON()
		again, err := ParseEvent(kept)
		if err != nil {
			if eventTypes[e.Type] {
				t.Fatalf("cannot read what was kept: %v\n%s", err, kept)
			}
			continue
		}
		if got := again.JSON(); !bytes.Equal(got, kept) {
			t.Fatalf("kept otherwise\ngot  %s\nwant %s", got, kept)
		}
		if got, want := again.Prehash(nil), e.Prehash(nil); got != want {
			t.Fatalf("hashed otherwise\ngot  %s\nwant %s\nkept %s", got, want, kept)
		}
		if len(e.Validate()) > 0 {
			continue
		}
		one := &Document{Type: CaptureDocument, Created: e.Time, Events: []*Event{e}}
		var out bytes.Buffer
		if err := EncodeXML20(&out, one); err != nil {
			continue // a list in a list, or a character XML does not allow
		}
		back, err := Parse(out.Bytes(), "application/xml")
		if err != nil {
			t.Fatalf("cannot read what was written: %v\n%s", err, out.Bytes())
		}
		if len(back.Events) != 1 {
			t.Fatalf("%d events came back\n%s", len(back.Events), out.Bytes())
		}
		if got, want := back.Events[0].Prehash(nil), e.Prehash(nil); got != want {
			t.Fatalf("hashed otherwise after XML\ngot  %s\nwant %s\nkept %s\nXML  %s", got, want, kept, out.Bytes())
		}
		if e.scope != nil && len(e.scope.remote) > 0 {
			continue // names that only a context elsewhere declares
		}
		if p := back.Events[0].Validate(); len(p) > 0 {
			t.Fatalf("wrong after XML: %v\nkept %s\nXML  %s", p, kept, out.Bytes())
		}
	}
}
