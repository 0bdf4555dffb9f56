package journal

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"frostline/proto/chain"
	"frostline/proto/journalfile"
)

func exportKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// exported is what a file says.
type exported struct {
	blocks   map[uint32][]uint64
	raws     map[uint32]map[uint64][]byte
	absences []journalfile.Absence
	broken   *journalfile.Fault
}

func export(t testing.TB, dir string) (Exported, exported) {
	t.Helper()
	o, err := LookAt(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	x, err := o.Export(&out, "test", exportKey(t))
	if err != nil {
		t.Fatal(err)
	}
	f := exported{blocks: map[uint32][]uint64{}, raws: map[uint32]map[uint64][]byte{}}
	r := journalfile.NewReader(&out)
	for {
		item, err := r.Next()
		if err == io.EOF {
			f.broken = r.Broken()
			return x, f
		}
		if err != nil {
			t.Fatal(err)
		}
		if b := item.Block; b != nil {
			f.blocks[b.Epoch] = append(f.blocks[b.Epoch], b.Number)
			if f.raws[b.Epoch] == nil {
				f.raws[b.Epoch] = map[uint64][]byte{}
			}
			f.raws[b.Epoch][b.Number] = b.Raw
		}
		if item.Absence != nil {
			f.absences = append(f.absences, *item.Absence)
		}
	}
}

func TestExportHasAllBlocksOfAllEpochs(t *testing.T) {
	dir := memory(t)
	j := open(t, dir, opts())
	f := newFeed(t, j, 10)
	for range 200 {
		f.appendTo(t, j, 5)
	}
	first := j.Tip()
	if err := j.StartEpoch("a test"); err != nil {
		t.Fatal(err)
	}
	f.appendTo(t, j, 5)
	second := j.Tip()
	for _, running := range []bool{true, false} { // beside the agent, and after it
		x, got := export(t, dir)
		if uint64(len(got.blocks[1])) != first.Last || uint64(len(got.blocks[2])) != second.Last || len(got.absences) > 0 || got.broken != nil ||
			x.Readings != first.Readings+second.Readings || x.Gateway != "van-1" || x.Absent != 0 {
			t.Errorf("running %v: %d and %d blocks, absences %v, %+v; want %d and %d, none, %d readings",
				running, len(got.blocks[1]), len(got.blocks[2]), got.absences, x, first.Last, second.Last, first.Readings+second.Readings)
		}
		if running {
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestExportSaysWhatIsAcknowledged(t *testing.T) {
	dir := memory(t)
	j := open(t, dir, opts())
	f := newFeed(t, j, 10)
	var heads []chain.Head
	for range 400 {
		k := f.appendTo(t, j, 5)
		head := k.PrevHead
		for _, raw := range k.Blocks {
			head = chain.Next(head, raw)
			heads = append(heads, head)
		}
	}
	if err := j.Acknowledge(Commit{Epoch: 1, Committed: 300, Head: heads[299]}); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	x, got := export(t, dir)
	if len(got.absences) == 0 || got.absences[0].First != 1 || got.absences[0].Reason != "acknowledged by the hub" || x.Absent != 0 {
		t.Fatalf("absences %v, %+v; want the acknowledged blocks, from 1", got.absences, x)
	}
	if b := got.blocks[1]; b[0] != got.absences[0].Last+1 || b[len(b)-1] != j.Tip().Last || uint64(len(b)) != j.Tip().Last-got.absences[0].Last {
		t.Errorf("blocks %d to %d, %d of them", b[0], b[len(b)-1], len(b))
	}
}

// TestExportOfADamagedJournal damages pages: what is whole is in the file, and
// the rest is said to be absent.
func TestExportOfADamagedJournal(t *testing.T) {
	o := makeOriginal(t)
	for page := range 12 {
		dir := o.copy(t)
		path := filepath.Join(dir, o.segments[1])
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, 4096), int64(page)*4096); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		x, got := export(t, dir)
		next := uint64(1)
		for _, n := range got.blocks[1] {
			if !bytes.Equal(got.raws[1][n], o.blocks[n-1]) {
				t.Fatalf("page %d: block %d is not as it was", page, n)
			}
			for next < n {
				if !slices.ContainsFunc(got.absences, func(a journalfile.Absence) bool { return a.First <= next && next <= a.Last }) {
					t.Fatalf("page %d: block %d is neither there nor absent", page, next)
				}
				next++
			}
			next = n + 1
		}
		if next != uint64(len(o.blocks))+1 || x.Blocks+x.Absent != uint64(len(o.blocks)) || got.broken != nil {
			t.Errorf("page %d: up to block %d, %+v, broken %v; want %d blocks in all", page, next-1, x, got.broken, len(o.blocks))
		}
	}
}

// TestLookBesideABusyAgent exports and verifies while blocks are kept and
// acknowledged as fast as can be.
func TestLookBesideABusyAgent(t *testing.T) {
	dir := memory(t)
	j := open(t, dir, opts())
	f := newFeed(t, j, 10)
	f.appendTo(t, j, 5)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		var err error
		for ctx.Err() == nil && err == nil {
			if _, err = j.Append(context.Background(), f.next(), nil); err != nil {
				break
			}
			tip := j.Tip()
			if tip.Last%50 == 0 {
				err = j.Acknowledge(Commit{Epoch: 1, Committed: tip.Last, Head: tip.Head})
			}
			time.Sleep(5 * time.Millisecond) // a gateway commits once a second
		}
		done <- err
	}()
	for range 30 {
		x, got := export(t, dir)
		if x.Absent > 0 || got.broken != nil || len(got.blocks[1]) == 0 {
			t.Errorf("%+v, broken %v, absences %v", x, got.broken, got.absences)
		}
		r, err := Verify(dir)
		if err != nil || r.Fault != nil {
			t.Errorf("verify beside the agent: %v, %v", err, r.Fault)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

func TestLookAtNothing(t *testing.T) {
	if _, err := LookAt(memory(t)); !errors.Is(err, ErrEmpty) {
		t.Errorf("got %v, want ErrEmpty", err)
	}
	if _, err := LookAt(filepath.Join(memory(t), "absent")); err == nil {
		t.Error("a directory that is not there: no error")
	}
}
