package evidence_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"frostline/hub/evidence/verify"
	"frostline/hub/store"
	"frostline/hub/store/storetest"
	"frostline/proto/block"
	"frostline/proto/pb"
)

// stored is the parcel of gateway van-1 that begins at a block, as the store has
// it.
func (h *hub) stored(first int) (payload []byte) {
	h.t.Helper()
	if err := h.db.QueryRow(h.t.Context(), `SELECT payload FROM intake_parcel WHERE gateway = 'van-1' AND first = $1`, first).Scan(&payload); err != nil {
		h.t.Fatal(err)
	}
	return payload
}

// edit puts another in its place, as somebody would who gets at the database.
func (h *hub) edit(first int, payload []byte) {
	h.t.Helper()
	h.exec(`UPDATE intake_parcel SET payload = $1 WHERE gateway = 'van-1' AND first = $2`, payload, first)
}

func (h *hub) exec(query string, args ...any) {
	h.t.Helper()
	err := h.db.Write(h.t.Context(), func(ctx context.Context, tx *store.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// TestCheckNamesWhatTheStoreHasLost: a block that was edited or broken in the
// store is named with the last good reading before it, and so is a fact; nothing
// of it stands in the way of saying so.
func TestCheckNamesWhatTheStoreHasLost(t *testing.T) {
	storetest.Run(t, func(t *testing.T, db *store.DB) {
		g := newGateway("van-1")
		h := newHub(t, db, nil, g)
		ship(h, g)
		trust := verify.Options{Key: h.ledger.Key(), Known: true}
		first := func(what string) verify.Problem {
			t.Helper()
			r, err := h.export.Check(t.Context(), "S1", trust)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if r.Holds {
				t.Fatalf("%s, and it holds", what)
			}
			t.Logf("%s: %s", what, r.Problems[0])
			return r.Problems[0]
		}
		if r, err := h.export.Check(t.Context(), "S1", trust); err != nil || !r.Holds || len(r.Absent) != 0 || slices.ContainsFunc(r.Reservations, func(s string) bool { return strings.Contains(s, "witness") }) {
			t.Fatalf("untouched: %v, %+v", err, r)
		}
		// The gateway sent blocks 151 to 400 in one parcel, and sealed 210.
		was := h.stored(151)
		edited := slices.Clone(g.raws)
		edited[199] = another(t, edited[199])
		h.edit(151, h.parcel(g, edited, 151, 400))
		p := first("a reading of block 200 is another")
		if p.Check != verify.ChainIs || p.Gateway != "van-1" || p.Block != 151 || p.To != 210 || p.After != start+1_500_000 {
			t.Errorf("%+v", p)
		}
		if _, err := h.export.Export(t.Context(), "S1"); err == nil || !strings.Contains(err.Error(), "the store is damaged") {
			t.Errorf("a bundle is made of it: %v", err)
		}
		h.edit(151, []byte{0xff})
		if p := first("the parcel cannot be read"); p.Check != verify.ChainIs || p.Gateway != "van-1" || p.Epoch != 1 || p.Block == 0 {
			t.Errorf("%+v", p)
		}
		h.edit(151, was)
		for sum, body := range h.docs {
			h.docs[sum] = append([]byte("x"), body...)
			if p := first("a document is another"); p.Check != verify.DocumentIs || !strings.HasSuffix(p.File, sum) || p.Stream != "excursion/E1" {
				t.Errorf("%+v", p)
			}
			h.docs[sum] = nil
			if p := first("a document is gone"); p.Check != verify.DocumentIs || !strings.HasSuffix(p.File, sum) {
				t.Errorf("%+v", p)
			}
			h.docs[sum] = body
		}
		h.exec(`UPDATE event SET actor = 'person/eve' WHERE stream = 'shipment/S1'`)
		if p := first("who stated a fact is another"); p.Check != verify.EventIs || p.Stream != "shipment/S1" {
			t.Errorf("%+v", p)
		}
	})
}

// parcel is blocks of a gateway as they are sent.
func (h *hub) parcel(g *gateway, raws [][]byte, first, last int) []byte {
	h.t.Helper()
	packed, err := block.Pack(raws[first-1 : last])
	if err != nil {
		h.t.Fatal(err)
	}
	m := &pb.Parcel{Epoch: g.epoch, First: uint64(first), PrevHead: g.heads[first-1][:], Body: &pb.Parcel_Bundle{Bundle: packed}}
	b, err := proto.Marshal(m)
	if err != nil {
		h.t.Fatal(err)
	}
	return b
}
