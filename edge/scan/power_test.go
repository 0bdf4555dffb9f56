package scan

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"frostline/edge/disk/powercut"
)

// cuttable is a disk whose power goes for the gateway as a whole.
type cuttable struct {
	*powercut.Disk
	g *gateway
}

func (c cuttable) note(err error) error {
	c.g.off = c.g.off || errors.Is(err, powercut.ErrCut)
	return err
}

func (c cuttable) WriteSynced(path string, b []byte) error {
	return c.note(c.Disk.WriteSynced(path, b))
}
func (c cuttable) Rename(from, to string) error { return c.note(c.Disk.Rename(from, to)) }
func (c cuttable) SyncDir(dir string) error     { return c.note(c.Disk.SyncDir(dir)) }

// TestPowerCutAtEveryStep: whatever was answered with yes is there after a power
// cut at any step of the disk, told in the chain, and aboard accordingly.
func TestPowerCutAtEveryStep(t *testing.T) {
	cuts := 0
	for seed := range uint64(120) {
		rng := rand.New(rand.NewPCG(seed, 11))
		d := powercut.New()
		g := &gateway{disk: cuttable{d, nil}}
		g.disk = cuttable{d, g}
		s := g.started(t)
		said := map[string]string{}    // what is aboard by what was answered with yes
		doubt := map[string][]string{} // and by what was not answered since
		ids := map[string]bool{}
		for range 40 {
			switch rng.IntN(6) {
			case 0:
				d.After(rng.IntN(12)) // the power goes so many steps from now
				g.full = rng.IntN(2) == 0
			case 1:
				g.acked = uint64(len(g.chain))
				s.advance(context.Background())
			}
			box, to := fmt.Sprint("BOX-", rng.IntN(4)), fmt.Sprint("compartment/c", rng.IntN(3))
			q := Request{Code: box, Action: Attach, Target: to}
			if rng.IntN(4) == 0 {
				q, to = Request{Code: box, Action: Detach}, ""
			}
			if r, err := s.Scan(context.Background(), q); err != nil {
				doubt[box] = append(doubt[box], to)
			} else {
				ids[r.ID] = true
				said[box], doubt[box] = to, nil
			}
			if !g.off && rng.IntN(12) > 0 {
				continue
			}
			cuts++
			g.held, g.full, g.off = nil, false, false
			d = d.Cut(rng.IntN(2) == 0)
			g.disk = cuttable{d, g}
			s = g.started(t)
			if s.store.damaged {
				t.Fatalf("seed %d: the file is damaged", seed)
			}
			s.advance(context.Background())
			for id := range ids {
				if s.find(id) == nil || !g.told(id) {
					t.Fatalf("seed %d: scan %s was said to be kept; there %v, in the chain %v", seed, id, s.find(id) != nil, g.told(id))
				}
			}
			aboard := map[string]string{}
			for _, a := range s.Aboard() {
				aboard[a.Subject.Value] = a.Target
			}
			for i := range 4 {
				box := fmt.Sprint("BOX-", i)
				if aboard[box] != said[box] && !slices.Contains(doubt[box], aboard[box]) {
					t.Fatalf("seed %d: %s is in %q, want %q, or %q which was not answered", seed, box, aboard[box], said[box], doubt[box])
				}
				said[box], doubt[box] = aboard[box], nil
			}
		}
	}
	if cuts < 500 {
		t.Errorf("the power went %d times: too little was tried", cuts)
	}
}

// told says that the chain has a scan.
func (g *gateway) told(id string) bool {
	for _, e := range g.chain {
		if e.GetScan().GetId() == id {
			return true
		}
	}
	return false
}
