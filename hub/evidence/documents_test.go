package evidence_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"frostline/hub/event"
	"frostline/hub/evidence"
	"frostline/hub/evidence/bundle"
	"frostline/hub/evidence/verify"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
)

// attach is a comment on a case with documents, by their names.
func (h *hub) attach(id, text string, docs map[string]string) event.New {
	c := fact.ExcursionCommented{ID: id, Text: text}
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		body := []byte(docs[name])
		sum := bundle.HexSHA256(body)
		h.docs[sum] = body
		c.Attachments = append(c.Attachments, fact.Attachment{Name: name, Where: fact.DocumentKept, SHA256: sum, Size: int64(len(body))})
	}
	return event.New{Stream: ref(fact.Excursion, id).String(), Type: fact.ExcursionWasCommented, Data: c}
}

func (h *hub) CopyDocument(_ context.Context, w io.Writer, sum string, _ int64) error {
	if h.docs[sum] == nil {
		return errors.New("it is not in the store any more")
	}
	_, err := w.Write(h.docs[sum])
	return err
}

// wanted exports a shipment as it is wanted.
func (h *hub) wanted(want evidence.Wanted) ([]byte, error) {
	b, err := h.export.ExportWith(h.t.Context(), "S1", want)
	if err != nil {
		return nil, err
	}
	defer b.Close()
	f, err := b.File()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return os.ReadFile(f.Name())
}

// TestDocumentsInTheBundle are those that were attached, each once; a bundle
// without them says so, and both are the same again.
func TestDocumentsInTheBundle(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		g := newGateway("van-1")
		h := newHub(t, db, nil, g)
		ship(h, g)
		h.tell(h.attach("E1", "the same photograph again, and a reference", map[string]string{"again.jpg": strings.Repeat("\xff\xd8\x00", 700)}),
			refersTo("E1", fact.Attachment{Name: "report.pdf", Where: "the archive, shelf 4", SHA256: strings.Repeat("1", 64)}))
		key := verify.Options{Key: h.ledger.Key()}
		b := h.bundleOf("S1")
		r := check(t, b, key)
		if !r.Holds || r.Counts.Documents != 2 || len(r.Documents) != 2 || r.Documents[0].Name != "door.jpg" || r.Documents[0].Stream != "excursion/E1" || r.Documents[1].Name != "note" || r.LeftOut != 0 {
			t.Errorf("%+v, %v", r.Documents, r.Problems)
		}
		if again, err := h.wanted(evidence.Wanted{}); err != nil || !bytes.Equal(again, b) {
			t.Errorf("made again, the bundle is another: %v", err)
		}
		files := open(t, b).files
		for sum, body := range h.docs {
			if !bytes.Equal(files[bundle.DocumentName(sum)], body) {
				t.Errorf("document %s is not as it was attached", sum)
			}
		}
		without, err := h.wanted(evidence.Wanted{WithoutDocuments: true})
		if err != nil {
			t.Fatal(err)
		}
		r = check(t, without, key)
		if !r.Holds || r.LeftOut != 2 || len(r.Documents) != 0 || !slices.ContainsFunc(r.Reservations, func(s string) bool { return strings.HasPrefix(s, "2 documents") }) {
			t.Errorf("without documents: %+v", r)
		}
		for sum, body := range h.docs { // the store was edited, or has lost one
			for what, other := range map[string][]byte{"another": append(bytes.Clone(body), 0), "flipped": append([]byte{body[0] ^ 1}, body[1:]...), "gone": nil} {
				h.docs[sum] = other
				if _, err := h.wanted(evidence.Wanted{}); err == nil || !strings.Contains(err.Error(), "without documents") {
					t.Errorf("a document is %s: %v", what, err)
				}
			}
			if again, err := h.wanted(evidence.Wanted{WithoutDocuments: true}); err != nil || !bytes.Equal(again, without) {
				t.Errorf("without documents, what became of one is of no concern: %v", err)
			}
			h.docs[sum] = body
		}
	})
}

// papers is a bundle whose documents are forged, by one who sets the manifest
// right afterwards.
type papers struct {
	t     testing.TB
	files map[string][]byte
}

func (p *papers) pack() []byte {
	var m bundle.ManifestRecord
	if err := json.Unmarshal(p.files[bundle.Manifest], &m); err != nil {
		p.t.Fatal(err)
	}
	m.Files = nil
	var names []string
	for name := range p.files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if name != bundle.Manifest && name != bundle.ManifestSig {
			m.Files = append(m.Files, bundle.Digest{Name: name, Size: int64(len(p.files[name])), SHA256: bundle.HexSHA256(p.files[name])})
		}
	}
	var err error
	if p.files[bundle.Manifest], err = bundle.Canonical(m); err != nil {
		p.t.Fatal(err)
	}
	var parts []bundle.Part
	for _, name := range names {
		parts = append(parts, bundle.BytesPart(name, p.files[name]))
	}
	var out bytes.Buffer
	if err := bundle.Write(&out, parts); err != nil {
		p.t.Fatal(err)
	}
	return out.Bytes()
}

func (p *papers) manifest(change func(*bundle.ManifestRecord)) {
	var m bundle.ManifestRecord
	err := json.Unmarshal(p.files[bundle.Manifest], &m)
	if err == nil {
		change(&m)
		p.files[bundle.Manifest], err = bundle.Canonical(m)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// Promise 5: a document that is not the one in the log is named first, by both
// verifiers, also where all of the manifest was set right afterwards.
func TestPromise5BothFindForgedDocuments(t *testing.T) {
	b, key := evidenceOf(t)
	s := newSecond(t)
	o := verify.Options{Key: key}
	r := s.check("untouched", b, o)
	if !r.Holds || len(r.Documents) != 2 {
		t.Fatalf("%+v", r)
	}
	one, two := bundle.DocumentName(r.Documents[0].SHA256), bundle.DocumentName(r.Documents[1].SHA256)
	extra := bundle.DocumentName(bundle.HexSHA256([]byte("extra")))
	for _, c := range []struct {
		what   string
		change func(*papers)
		check  verify.Check
		file   string
		says   string
	}{
		{"a byte flipped", func(p *papers) { p.files[two][3] ^= 1 }, verify.DocumentIs, two, "was changed"},
		{"one byte more", func(p *papers) { p.files[one] = append(p.files[one], 0) }, verify.DocumentIs, one, "2101 bytes"},
		{"one missing", func(p *papers) { delete(p.files, two) }, verify.DocumentIs, two, "is missing"},
		{"all missing", func(p *papers) { delete(p.files, one); delete(p.files, two) }, verify.DocumentIs, one, "is missing"},
		{"one added", func(p *papers) { p.files[extra] = []byte("extra") }, verify.DocumentIs, extra, "no event"},
		{"one under a name of its own", func(p *papers) { p.files["documents/door.jpg"] = p.files[one]; delete(p.files, one) }, verify.DocumentIs, one, "is missing"},
		{"two exchanged", func(p *papers) { p.files[one], p.files[two] = p.files[two], p.files[one] }, verify.DocumentIs, one, "bytes"},
		{"said to be left out", func(p *papers) { p.manifest(func(m *bundle.ManifestRecord) { m.Documents = false }) }, verify.DocumentIs, one, "left out"},
		{"left out, and nothing said", func(p *papers) {
			p.manifest(func(m *bundle.ManifestRecord) { m.Documents = false })
			delete(p.files, one)
			delete(p.files, two)
		}, verify.ManifestIs, bundle.Manifest, "not the manifest that the hub has signed"},
		{"of an older format", func(p *papers) { p.manifest(func(m *bundle.ManifestRecord) { m.Bundle = 2 }) }, verify.ManifestIs, bundle.Manifest, "have none"},
	} {
		p := &papers{t, open(t, b).files}
		c.change(p)
		r := s.check(c.what, p.pack(), o)
		if r.Holds || r.Problems[0].Check != c.check || r.Problems[0].File != c.file || !strings.Contains(r.Problems[0].Detail, c.says) {
			t.Errorf("%s: got %v", c.what, r.Problems)
		}
		if !r.Holds && c.check == verify.DocumentIs && c.says != "no event" && (r.Problems[0].Stream != "excursion/E1" || r.Problems[0].Event == "") {
			t.Errorf("%s: the event is not named: %v", c.what, r.Problems[0])
		}
	}
	for _, name := range []string{"documents/../../../etc/passwd", "documents//x", "/documents/x", `documents\x`} {
		raw := bytes.ReplaceAll(b, []byte(one), []byte(name+strings.Repeat("x", len(one)-len(name))))
		if r := s.check(name, raw, o); r.Holds || r.Problems[0].Check != verify.Container {
			t.Errorf("a document named %q: %v", name, r.Problems)
		}
	}
}

// Promise 5: what a hub itself says of documents, in the log and signed, is
// checked as well: a size or a hash that is none, or a comment of another form.
func TestPromise5BothReadDocumentsAlike(t *testing.T) {
	s := newSecond(t)
	sum := bundle.HexSHA256([]byte("note"))
	name := bundle.DocumentName(sum)
	g := newGateway("van-1")
	h := newHub(t, storetest.Open(t, storetest.SQLite(t)), nil, g)
	ship(h, g)
	h.docs[sum] = []byte("note")
	h.tell(refersTo("E1", fact.Attachment{Name: "a \"note\"\u202e<&>", Where: fact.DocumentKept, SHA256: sum, Size: 4}))
	if r := s.check("a name of its own", h.bundleOf("S1"), verify.Options{Key: h.ledger.Key()}); !r.Holds || r.Counts.Documents != 3 {
		t.Errorf("%+v", r)
	}
	h.tell(refersTo("E1", fact.Attachment{Name: "another size", Where: fact.DocumentKept, SHA256: sum, Size: 5}))
	if r := s.check("two sizes", h.bundleOf("S1"), verify.Options{Key: h.ledger.Key()}); r.Holds || r.Problems[0].File != name || !strings.Contains(r.Problems[0].Detail, "another size") {
		t.Errorf("%+v", r.Problems)
	}
	h.tell(refersTo("E1", fact.Attachment{Name: "none", Where: fact.DocumentKept, SHA256: "../../x", Size: 5}))
	without, err := h.wanted(evidence.Wanted{WithoutDocuments: true})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.check("no hash", without, verify.Options{Key: h.ledger.Key()}); r.Holds || r.Problems[0].Check != verify.DocumentIs || r.LeftOut != 3 {
		t.Errorf("%+v", r)
	}
}

// refersTo is a comment on a case that refers to a document.
func refersTo(id string, a fact.Attachment) event.New {
	return event.New{Stream: ref(fact.Excursion, id).String(), Type: fact.ExcursionWasCommented, Data: fact.ExcursionCommented{ID: id, Text: "see there", Attachments: []fact.Attachment{a}}}
}
