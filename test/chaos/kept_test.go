package chaos

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"frostline/edge/journal"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// place is where a reading belongs. The series is named as people do, because
// ids change from one epoch to the next.
type place struct {
	epoch, boot uint32
	series      name
	tick        int64
}

type name struct {
	sensor   string
	quantity reading.Quantity
}

// taken is what was measured there.
type taken struct {
	value   int64
	quality reading.Quality
}

// kept is all that a gateway has kept: its journal, block by block.
type kept struct {
	gateway  string
	epochs   []journal.EpochReport
	readings map[place]taken
	block    map[place]uint64 // number, for messages
	events   []event
	lost     map[uint32][]journal.Range
	names    map[uint32]map[uint32]name // of series, by epoch and id
}

type event struct {
	epoch  uint32
	number uint64
	boot   uint32
	*pb.Event
}

// head is the chain head after the last block of an epoch.
func (k *kept) head(epoch uint32) (last uint64, head chain.Head) {
	for _, e := range k.epochs {
		if e.Epoch == epoch {
			return e.Last, e.Head
		}
	}
	return 0, chain.Head{}
}

// series lists what was measured.
func (k *kept) series() map[name]bool {
	out := map[name]bool{}
	for p := range k.readings {
		out[p.series] = true
	}
	return out
}

// of counts the readings of an epoch.
func (k *kept) of(epoch uint32) (n uint64) {
	for p := range k.readings {
		if p.epoch == epoch {
			n++
		}
	}
	return n
}

// copyOf copies the files of a directory, so that looking at them changes
// nothing.
func copyOf(t testing.TB, dir string) string {
	t.Helper()
	to, err := os.MkdirTemp("", "chaos-copy-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(to) })
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		switch {
		case e.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		case e.Type().IsRegular(): // not the sockets of a killed process
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(to, name), b, 0o600)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// readJournal verifies the journal of a gateway that does not run, and reads
// all of it, which must be there in full but for what is declared lost: nothing
// of it may have been deleted. Series whose declaration is lost are named as in
// earlier looks.
func readJournal(t testing.TB, dir, gateway string, earlier ...*kept) *kept {
	t.Helper()
	dir = copyOf(t, dir)
	report, err := journal.Verify(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.Err(); err != nil {
		t.Fatalf("journal of %s: %v", gateway, err)
	}
	j, err := journal.Open(dir, gateway, journal.Options{KeepAcknowledged: 10_000 * time.Hour, MaxBytes: 1 << 34})
	if err != nil {
		t.Fatal(err)
	}
	k := &kept{gateway: gateway, epochs: report.Epochs, readings: map[place]taken{}, block: map[place]uint64{}, lost: map[uint32][]journal.Range{}, names: map[uint32]map[uint32]name{}}
	for _, o := range earlier {
		for epoch, names := range o.names {
			k.names[epoch] = maps.Clone(names)
		}
	}
	for _, e := range report.Epochs {
		k.lost[e.Epoch] = e.Lost
		k.read(t, j, e)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return k
}

func (k *kept) read(t testing.TB, j *journal.Journal, e journal.EpochReport) {
	t.Helper()
	if k.names[e.Epoch] == nil {
		k.names[e.Epoch] = map[uint32]name{}
	}
	next := uint64(1)
	for next <= e.Last {
		run, err := j.Read(e.Epoch, next, 1<<20, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		if len(run.Blocks) == 0 {
			break
		}
		next = run.First
		for _, raw := range run.Blocks {
			b, err := block.Decode(raw)
			if err != nil || b.Number != next {
				t.Fatalf("journal of %s, epoch %d, block %d: it is %+v, %v", k.gateway, e.Epoch, next, b, err)
			}
			k.take(t, e.Epoch, b)
			next++
		}
	}
	if e.Blocks > 0 && len(e.Lost) == 0 && (e.First != 1 || next != e.Last+1) {
		t.Fatalf("journal of %s, epoch %d holds blocks %d to %d of 1 to %d: the test wants all of them", k.gateway, e.Epoch, e.First, next-1, e.Last)
	}
}

func (k *kept) take(t testing.TB, epoch uint32, b *block.Block) {
	t.Helper()
	names := k.names[epoch]
	for _, raw := range b.Events {
		e, err := block.DecodeEvent(raw)
		if err != nil {
			t.Fatalf("journal of %s, epoch %d, block %d: %v", k.gateway, epoch, b.Number, err)
		}
		if d := e.GetSeriesDeclared(); d != nil {
			names[d.Id] = name{d.Sensor, reading.Quantity(d.Quantity)}
		}
		k.events = append(k.events, event{epoch, b.Number, b.Boot, e})
	}
	for _, r := range b.Readings {
		series, ok := names[r.Series]
		if !ok {
			t.Fatalf("journal of %s, epoch %d, block %d: series %d was never declared", k.gateway, epoch, b.Number, r.Series)
		}
		p := place{epoch, b.Boot, series, r.Tick}
		if first, twice := k.block[p]; twice {
			t.Fatalf("journal of %s: %+v is in block %d and in block %d", k.gateway, p, first, b.Number)
		}
		k.readings[p], k.block[p] = taken{r.Value, r.Quality}, b.Number
	}
}
