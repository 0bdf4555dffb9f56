package excursion

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/thermal"
)

// TestDocuments are kept with their comment, found by the case alone that they
// belong to, and never changed unnoticed.
func TestDocuments(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.verdict("P1", 1, "reading", hot(100, 120, 9100, thermal.Alarm))
		w.verdict("P2", 1, "reading", hot(100, 120, 9100, thermal.Alarm))
		w.handle()
		one, other := w.only("P1").ID, w.only("P2").ID
		photo := bytes.Repeat([]byte{0xff, 0xd8, 0x00}, 1000)
		v := w.must(w.cases.Attach(w.ctx, by("dan", one), "the dock door", []Upload{{"C:\\Pictures\\door\x00 1.jpg", photo}, {"..", []byte("note")}}))
		if v.Comments != 1 || len(v.Documents) != 2 || v.Documents[0].Name != "door 1.jpg" || v.Documents[1].Name != "document" || v.Documents[0].Actor != "person/dan" || v.Documents[0].Size != 3000 {
			t.Fatalf("%+v", v.Documents)
		}
		again := w.must(w.cases.Attach(w.ctx, by("ada", one), "the same again", []Upload{{"copy.jpg", photo}}))
		if len(again.Documents) != 2 || again.Comments != 2 {
			t.Errorf("a document that is there already: %+v", again.Documents)
		}
		d, body, err := w.cases.Document(w.ctx, one, v.Documents[0].SHA256)
		if err != nil || !bytes.Equal(body, photo) || d.Name != "door 1.jpg" {
			t.Errorf("%+v, %d bytes, %v", d, len(body), err)
		}
		for _, id := range []string{other, "none"} {
			if _, _, err := w.cases.Document(w.ctx, id, v.Documents[0].SHA256); !errors.Is(err, ErrNotFound) {
				t.Errorf("through excursion %s: %v", id, err)
			}
		}
		big := make([]byte, MaxDocument+1)
		for name, try := range map[string][]Upload{"too large": {{"a", big}}, "empty": {{"a", nil}}, "too many": slices.Repeat([]Upload{{"a", photo}}, MaxDocuments+1)} {
			if _, err := w.cases.Attach(w.ctx, by("dan", one), "text", try); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// Nobody names a document of the hub's that they have not given to it.
		forged := []fact.Attachment{{Name: "x", Where: fact.DocumentKept, SHA256: v.Documents[0].SHA256}}
		if _, err := w.cases.Comment(w.ctx, by("dan", other), "text", forged); !errors.Is(err, ErrInvalid) {
			t.Errorf("a reference to another excursion's document: %v", err)
		}
		// What is not taken leaves nothing behind.
		stale := by("dan", other)
		stale.Expect = 99
		if _, err := w.cases.Attach(w.ctx, stale, "text", []Upload{{"late", []byte("late")}}); !errors.Is(err, ErrStale) {
			t.Errorf("upon another version: %v", err)
		}
		var n int
		if err := db.QueryRow(w.ctx, `SELECT COUNT(*) FROM excursion_document`).Scan(&n); err != nil || n != 2 {
			t.Errorf("%d documents are stored, %v; want 2", n, err)
		}
		if err := db.Write(w.ctx, func(ctx context.Context, tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE excursion_document SET body = $1 WHERE sha256 = $2`, []byte("other"), v.Documents[0].SHA256)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.cases.Document(w.ctx, one, v.Documents[0].SHA256); err == nil || !strings.Contains(err.Error(), "another hash") {
			t.Errorf("a document that was changed in the store: %v", err)
		}
	})
}

// TestAssessment becomes part of what is signed, and stands until data change
// what it was made of.
func TestAssessment(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.verdict("P1", 1, "reading", hot(100, 120, 9100, thermal.Alarm))
		w.handle()
		id := w.only("P1").ID
		if _, err := w.cases.Assess(w.ctx, by("ada", id), t0, t0+minute); !errors.Is(err, ErrOrder) {
			t.Errorf("before it is investigated: %v", err)
		}
		v := w.advance(id, Investigating)
		for name, to := range map[string]int64{"backwards": t0 - 1, "after the watch": t0 + 2000*minute} {
			if _, err := w.cases.Assess(w.ctx, by("ada", id), t0, to); !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		bare := v.Content
		v = w.must(w.cases.Assess(w.ctx, by("ada", id), t0+90*minute, t0+130*minute))
		if v.Assessment == nil || v.Assessment.OutOfRange != 40*minute || v.State != Investigating || v.Content == bare {
			t.Fatalf("%+v, content changed %t", v.Assessment, v.Content != bare)
		}
		v = w.advance(id, Signed)
		if _, err := w.cases.Assess(w.ctx, by("ada", id), t0, t0+minute); !errors.Is(err, ErrOrder) {
			t.Errorf("after it was signed: %v", err)
		}
		if v.Signed[0].Standing != "valid" {
			t.Errorf("the signature is %s", v.Signed[0].Standing)
		}
		w.verdict("P1", 2, "late reading", hot(100, 140, 9900, thermal.Alarm))
		w.handle()
		if v = w.only("P1"); v.State != Reopened || v.Assessment != nil || v.Signed[0].Standing == "valid" {
			t.Errorf("after late data: %s, %+v, signature %s", v.State, v.Assessment, v.Signed[0].Standing)
		}
		events, err := w.cases.Trail(w.ctx, id, 0, 100)
		if err != nil || !slices.ContainsFunc(events, func(e event.Event) bool {
			return e.Type == fact.ExcursionWasAssessed && e.Actor == "person/ada" && e.Reason == "because"
		}) {
			t.Errorf("the trail does not say who assessed it and why: %v", err)
		}
	})
}

// TestDocumentIsCopied piece by piece, whole or with an error.
func TestDocumentIsCopied(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db)
		w.verdict("P1", 1, "reading", hot(100, 120, 9100, thermal.Alarm))
		w.handle()
		one := w.only("P1").ID
		for _, size := range []int64{1, pieceOf - 1, pieceOf, pieceOf + 1, 3*pieceOf + 7} {
			body := bytes.Repeat([]byte{0, 1, 0xfe}, int(size)/3+1)[:size]
			kept := w.must(w.cases.Attach(w.ctx, by("dan", one), "text", []Upload{{"piece", body}})).Documents
			var out bytes.Buffer
			if err := w.cases.CopyDocument(w.ctx, &out, kept[len(kept)-1].SHA256, size); err != nil || !bytes.Equal(out.Bytes(), body) {
				t.Errorf("copied %d of %d bytes: %v", out.Len(), size, err)
			}
			if err := w.cases.CopyDocument(w.ctx, io.Discard, kept[len(kept)-1].SHA256, size+1); err == nil {
				t.Errorf("a document of %d bytes is copied as one of %d", size, size+1)
			}
		}
		if err := w.cases.CopyDocument(w.ctx, io.Discard, strings.Repeat("0", 64), 5); err == nil {
			t.Error("a document is copied that is not there")
		}
	})
}
