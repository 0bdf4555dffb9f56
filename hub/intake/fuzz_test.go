package intake

import (
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"frostline/proto/pb"
)

// FuzzParcel opens what a gateway may send. What is accepted is consistent in
// itself, can be cut in two, and joins again to the same range.
func FuzzParcel(f *testing.F) {
	d := newDevice("van-1", 1).many(20, 3)
	d.keep(2, &pb.Event{AtMs: 1, Kind: &pb.Event_Gap{Gap: &pb.Gap{First: 1, Last: 2}}})
	for _, c := range [][2]uint64{{1, 1}, {1, 21}, {5, 9}, {21, 21}} {
		f.Add(d.parcel(c[0], c[1]))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, payload []byte) {
		p, err := open("van-1", payload)
		if err != nil {
			if _, ok := err.(*refusal); !ok || !utf8.ValidString(clean(err.Error())) {
				t.Fatalf("refused by %T %v", err, err)
			}
			return
		}
		if p.last-p.first+1 != uint64(len(p.marks)) || p.after < p.before || p.mark(p.last).count != p.after {
			t.Fatalf("accepted %+v", p)
		}
		n := 0
		for _, b := range p.boots {
			for _, c := range b.Columns {
				n += len(c.Ticks)
				if len(c.Ticks) != len(c.Values) || len(c.Flaws) > len(c.Ticks) {
					t.Fatalf("column %+v", c)
				}
			}
		}
		if uint64(n) != p.readings() {
			t.Fatalf("%d readings in columns, %d counted", n, p.readings())
		}
		if p.last == p.first {
			return
		}
		middle := p.first + (p.last-p.first)/2
		var r ranges
		for _, cut := range [][2]uint64{{middle + 1, p.last}, {p.first, middle}} {
			pieces, err := p.cut(cut[0], cut[1])
			if err != nil {
				t.Fatal(err)
			}
			for _, piece := range pieces {
				if r, err = r.join(piece); err != nil {
					t.Fatal(err)
				}
			}
		}
		if len(r) != 1 || r[0] != p.span() {
			t.Fatalf("cut and joined to %v, want %v", r, p.span())
		}
	})
}

// FuzzSmall opens seals and states.
func FuzzSmall(f *testing.F) {
	d := newDevice("van-1", 1).many(3, 2)
	f.Add(mustMarshal(d.seal(3)))
	f.Add(mustMarshal(&pb.State{Online: true, Epoch: 1, Journal: &pb.Journal{Last: 3}}))
	f.Fuzz(func(t *testing.T, payload []byte) {
		if s, no := openSeal(payload); no == nil {
			if _, err := sealBody(s); err != nil || len(s.Head) != 32 || s.Epoch == 0 {
				t.Fatalf("accepted %v, %v", s, err)
			}
		}
		if s, no := openState(payload); no == nil && s != nil {
			if !s.Online || s.Epoch == 0 {
				t.Fatalf("accepted %v", s)
			}
			if _, err := proto.Marshal(s); err != nil {
				t.Fatal(err)
			}
		}
	})
}
