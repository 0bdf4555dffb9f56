package gs1

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
)

// seeds adds the texts of the tables and the benchmark to a corpus.
func seeds(f *testing.F) {
	f.Helper()
	for _, l := range labels {
		f.Add(l.text)
	}
	for _, text := range []string{
		"00300021433802", "006141411234567890", "]E04012345678901", "]E402345673|]e099A\x1d98B", "(10)a\\(b(21)c", "^^", "](", "urn:epc:idpat:grai:4843847.38473.*",
		"https://a/01/00300021433802?&a=b&=c&99=%00", "urn:epc:class:lgtin:0300021.043380.a%2Fb", "(8110)012345612345611110123", "^0112345678901231\x1d",
	} {
		f.Add(text)
	}
	files, err := filepath.Glob(filepath.Join(*vectors, "*.json"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, v := range table(f, strings.TrimSuffix(filepath.Base(file), ".json")) {
			f.Add(v.In)
		}
	}
}

// FuzzParse looks for texts that panic, that are refused without a place in
// them, or whose elements read differently once they are written.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range []Options{{}, {Incomplete: true}, {Incomplete: true, UnknownAIs: true, UnknownAttributes: true, ShortGTINs: true, ShortNames: true}} {
			e, err := o.Parse(text)
			if err != nil {
				if fault := new(Error); !errors.As(err, &fault) || fault.At < 0 || fault.At > len(text) || e != nil {
					t.Fatalf("%q: %v, error %#v", text, e, err)
				}
				continue
			}
			again(t, o, e, e.Bracketed())
			if !o.UnknownAIs { // how long an unknown identifier is, brackets alone can say
				again(t, o, e, e.Unbracketed('^'))
				again(t, o, e, e.Unbracketed(gs))
				again(t, o, e, "]d2"+e.Unbracketed(gs)[1:])
			}
			if link, err := o.DigitalLink(e, ""); err == nil && !repeated(e) {
				read, err := o.Parse(link)
				if err != nil {
					t.Fatalf("%q: link %s: %v", text, link, err)
				}
				if back, err := o.DigitalLink(read, ""); err != nil || back != link {
					t.Fatalf("%q: link %s, then %s: %v", text, link, back, err)
				}
			}
			roundTripURN(t, o, e)
		}
	})
}

func repeated(e Elements) bool {
	seen := map[string]bool{}
	for _, el := range e {
		if seen[el.AI] {
			return true
		}
		seen[el.AI] = true
	}
	return false
}

// again reads elements from a text they were written to.
func again(t *testing.T, o Options, e Elements, text string) {
	t.Helper()
	read, err := o.Parse(text)
	if err != nil {
		t.Fatalf("%v as %q: %v", e, text, err)
	}
	if len(read) != len(e) {
		t.Fatalf("%v as %q: %v", e, text, read)
	}
	for i := range e {
		if read[i] != e[i] {
			t.Fatalf("%v as %q: %v", e, text, read)
		}
	}
}

// roundTripURN writes the key as a URN and reads it as elements.
func roundTripURN(t *testing.T, o Options, e Elements) {
	t.Helper()
	urn, err := e.EPC(7)
	if err != nil {
		return
	}
	epc, err := ReadURN(urn)
	if err != nil {
		t.Fatalf("%v: %s: %v", e, urn, err)
	}
	if got, err := epc.URN(0); err != nil || got != urn {
		t.Fatalf("%s: then %s: %v", urn, got, err)
	}
	for _, el := range epc.Elements() {
		if v, ok := e.Get(el.AI); !ok || v != el.Value {
			t.Fatalf("%v: %s: %v", e, urn, epc.Elements())
		}
	}
	link, err := FromURN(urn)
	if err != nil {
		t.Fatalf("%s: %v", urn, err)
	}
	if back, err := ToURN(link, 7); err != nil || back != urn {
		t.Fatalf("%s: link %s: then %s: %v", urn, link, back, err)
	}
}

// FuzzTranslate looks for URNs and links that panic or do not come back.
func FuzzTranslate(f *testing.F) {
	seeds(f)
	f.Add("https://https://id.gs1.org/402/95205984950459042")
	f.Add("https://id.gs1.org/8010/30056867890#1294-5A/8011/4893")
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := ReadURN(text); err == nil {
			urn, err := e.URN(0)
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if !strings.HasSuffix(text, ".0") && urn != text && !strings.Contains(text, "sgln") {
				t.Fatalf("%q: then %q", text, urn)
			}
			_ = e.Elements()
			_ = e.Company()
		}
		if e, err := ReadLink(text); err == nil {
			for prefix := 6; prefix <= 12; prefix++ {
				urn, err := e.URN(prefix)
				if err != nil {
					continue
				}
				if _, err := ReadURN(urn); err != nil {
					t.Fatalf("%q: %q: %v", text, urn, err)
				}
			}
		}
		if n, err := ParseNDC(text); err == nil {
			if again, err := ParseNDC(n.String()); err != nil || again != n {
				t.Fatalf("%q: %v: %v", text, again, err)
			}
			if gtin, err := n.GTIN(3); err == nil {
				back, level, err := NDCOf(gtin)
				if err != nil || level != 3 || !back.Matches(n) {
					t.Fatalf("%q: %s: %v", text, gtin, err)
				}
			}
		}
	})
}
