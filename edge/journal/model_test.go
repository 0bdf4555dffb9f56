package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"frostline/edge/journal/boltfile"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/reading"
)

// model is a naive account of a journal: sets of readings, and nothing else.
type model struct {
	t    *rapid.T
	root string
	dirs int
	dir  string
	boot int
	disk *faultyDisk
	j    *Journal
	ids  []uint32
	tick int64

	want    map[taken]place      // appended, and not excused from being there
	held    map[taken]bool       // of them, those that were only in memory
	hub     map[taken]place      // of them, those in blocks that the hub took
	took    map[uint32]spans     // blocks that the hub took
	heads   map[place]chain.Head // after them
	gaps    map[place]gap        // declared losses, by the place of the event
	vague   bool                 // a gap said that it does not know how many
	known   map[place]bool       // of Gap and EpochStart events
	told    map[place]bool       // blocks that were there when last looked
	damaged bool
}

type taken struct {
	series uint32
	tick   int64
}

type gap struct {
	readings    uint64
	epoch       uint32
	first, last uint64 // 0 when what is lost had no numbers
	by          place  // the block that says so
	again       bool
}

// encloses reports whether a declaration is one that g states again.
func (g gap) encloses(x gap) bool {
	return g.again && g.epoch == x.epoch && g.first > 0 && g.first <= x.first && x.last <= g.last && g != x
}

func (m *model) open() {
	o := opts()
	o.disk = m.disk
	o.BootID = fmt.Sprint("boot-", m.boot)
	o.MaxBytes = 4 * o.SegmentBytes
	j, err := Open(m.dir, "van-1", o)
	if err != nil {
		m.t.Fatal(err)
	}
	m.j = j
	m.ids = nil
	for i := range 5 {
		id, err := j.Series(Series{Sensor: fmt.Sprint("s", i), Quantity: reading.Temperature})
		if err != nil {
			m.t.Fatal(err)
		}
		m.ids = append(m.ids, id)
	}
}

func (m *model) Append(t *rapid.T) {
	var r []reading.Reading
	for range rapid.IntRange(1, 400).Draw(t, "ticks") {
		m.tick++
		for i := range m.ids {
			// The model knows series by their place: the ids may change with the epoch.
			r = append(r, reading.Reading{Series: m.ids[i], Tick: m.tick, Value: m.tick * 7919 % 1_000_003})
		}
	}
	k, err := m.j.Append(context.Background(), r, nil)
	if err != nil && !errors.Is(err, ErrHeld) {
		t.Fatal(err)
	}
	for i, x := range r {
		key := taken{uint32(i % len(m.ids)), x.Tick}
		m.want[key] = place{}
		if err != nil {
			m.held[key] = true
		}
	}
	for i, raw := range k.Blocks {
		b, err := block.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range b.Readings {
			m.want[taken{m.series(x.Series), x.Tick}] = place{k.Epoch, k.First + uint64(i)}
		}
	}
}

func (m *model) series(id uint32) uint32 { return id % uint32(len(m.ids)) }

func (m *model) Hub(t *rapid.T) {
	for _, p := range m.j.Pending() {
		first := rapid.Uint64Range(p.First, p.Last).Draw(t, "first")
		last := rapid.Uint64Range(first, p.Last).Draw(t, "last")
		if rapid.Bool().Draw(t, "from the start") {
			first = p.First
		}
		for first <= last {
			run, err := m.j.Read(p.Epoch, first, 100, 1<<20)
			if err != nil {
				if m.disk.err != nil {
					return
				}
				t.Fatal(err)
			}
			if len(run.Blocks) == 0 {
				break
			}
			head := run.PrevHead
			for i, raw := range run.Blocks {
				b, err := block.Decode(raw)
				if err != nil {
					t.Fatal(err)
				}
				head = chain.Next(head, raw)
				n := run.First + uint64(i)
				if n > last {
					break
				}
				set := m.took[p.Epoch]
				set.add(span{First: n, Last: n})
				m.took[p.Epoch], m.heads[place{p.Epoch, n}] = set, head
				m.see(p.Epoch, b)
				for _, x := range b.Readings {
					m.hub[taken{m.series(x.Series), x.Tick}] = place{p.Epoch, n}
				}
			}
			first = run.First + uint64(len(run.Blocks))
		}
		c := Commit{Epoch: p.Epoch}
		for _, x := range m.took[p.Epoch] {
			if x.First == 1 {
				c.Committed, c.Head = x.Last, m.heads[place{p.Epoch, x.Last}]
			} else {
				c.Beyond = append(c.Beyond, Range{x.First, x.Last})
			}
		}
		if err := m.j.Acknowledge(c); err != nil && !errors.Is(err, errMissing) && !errors.Is(err, errRecord) && !errors.Is(err, boltfile.ErrDamaged) {
			t.Fatal(err)
		}
	}
}

// see notes what a block declares.
func (m *model) see(epoch uint32, b *block.Block) {
	for i, raw := range b.Events {
		e, err := block.DecodeEvent(raw)
		if err != nil {
			m.t.Fatal(err)
		}
		at := place{epoch, b.Number<<16 + uint64(i)}
		if m.known[at] {
			continue
		}
		m.known[at] = true
		if g := e.GetGap(); g != nil {
			x := gap{readings: g.Readings, epoch: epoch, first: g.First, last: g.Last, by: place{epoch, b.Number}, again: g.Again}
			if g.Epoch > 0 {
				x.epoch = g.Epoch
			}
			if g.First == 0 && !strings.HasPrefix(g.Reason, overflow) {
				m.t.Fatalf("gap %v", g)
			}
			m.gaps[at] = x
			m.vague = m.vague || strings.Contains(g.Reason, "not known")
		}
		if s := e.GetEpochStart(); s != nil && m.damaged {
			for key, p := range m.want { // the end of the epoch before is cut off
				if p.epoch == s.PreviousEpoch && p.block > s.PreviousLast && m.hub[key] == (place{}) {
					delete(m.want, key)
				}
			}
		}
	}
}

func (m *model) StartEpoch(t *rapid.T) {
	if err := m.j.StartEpoch("the model wants it"); err != nil && m.disk.err == nil {
		t.Fatal(err)
	}
}

func (m *model) FailDisk(t *rapid.T) {
	m.disk.mu.Lock()
	defer m.disk.mu.Unlock()
	m.disk.at, m.disk.n = len(m.disk.ops)+rapid.IntRange(0, 3).Draw(t, "after"), 1<<30
	m.disk.err = rapid.SampledFrom([]error{unix.EIO, unix.ENOSPC}).Draw(t, "error")
	m.disk.done = rapid.Bool().Draw(t, "done all the same")
}

func (m *model) heal() {
	m.disk.mu.Lock()
	m.disk.err = nil
	m.disk.mu.Unlock()
	for range 20 { // a load that failed is done again first
		if m.j.Flush(context.Background()) == nil {
			m.held = map[taken]bool{}
			return
		}
	}
	m.t.Fatal("not flushed though the disk is sound: ", m.j.Stats().Err)
}

func (m *model) Restart(t *rapid.T) {
	m.heal()
	if err := m.j.Close(); err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "reboot") {
		m.boot++
	}
	m.open()
}

// Crash goes on with a copy of what is on the disk.
func (m *model) Crash(t *rapid.T) {
	old, j := m.dir, m.j
	m.dirs++
	m.dir = filepath.Join(m.root, fmt.Sprint(m.dirs))
	m.disk.mu.Lock()
	m.disk.err = nil
	m.disk.mu.Unlock()
	j.disk.Lock() // a copy takes time, and a crash does not
	err := os.CopyFS(m.dir, os.DirFS(old))
	j.disk.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	m.open()
	_ = j.Close()
	os.RemoveAll(old)
	there := m.read()
	for key := range m.held { // taken, and never said to be kept
		if !there[key] && m.hub[key] == (place{}) {
			delete(m.want, key)
		}
	}
	m.held = map[taken]bool{}
}

// Damage garbles a page of a segment while the journal is closed.
func (m *model) Damage(t *rapid.T) {
	m.check(t)
	if err := m.j.Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(m.dir, "*"+segmentSuffix))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	name := rapid.SampledFrom(names).Draw(t, "file")
	st, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	kind := rapid.SampledFrom([]string{"zeroed", "garbled", "torn", "flipped"}).Draw(t, "damage")
	page := rapid.Int64Range(2, st.Size()/boltfile.PageSize-1).Draw(t, "page") // not a meta page: the hub has to tell then
	if err := damages[kind](f, page*boltfile.PageSize); err != nil {
		t.Fatal(err)
	}
	f.Close()
	m.damaged = true
	m.open()
	m.check(t)
}

// read gives the readings in all blocks that can be read.
func (m *model) read() map[taken]bool {
	there := map[taken]bool{}
	m.told = map[place]bool{}
	var blocks, readings uint64
	last := m.j.Tip().Epoch
	for id := uint32(1); id <= last; id++ {
		for from := uint64(1); ; {
			run, err := m.j.Read(id, from, 100, 1<<20)
			if err != nil {
				m.t.Fatal(err)
			}
			if len(run.Blocks) == 0 {
				break
			}
			for i, raw := range run.Blocks {
				b, err := block.Decode(raw)
				if err != nil {
					m.t.Fatal(err)
				}
				m.see(id, b)
				m.told[place{id, b.Number}] = true
				n := run.First + uint64(i)
				set := m.took[id]
				if _, ok := set.at(n); !ok {
					blocks++
					readings += uint64(len(b.Readings))
				}
				for _, x := range b.Readings {
					key := taken{m.series(x.Series), x.Tick}
					if there[key] {
						m.t.Fatalf("series %d, tick %d is there twice", key.series, key.tick)
					}
					there[key] = true
					if _, ok := m.want[key]; ok {
						m.want[key] = place{id, n} // of what was held it was not known
					}
				}
			}
			from = run.First + uint64(len(run.Blocks))
		}
	}
	return there
}

// check makes up the account.
func (m *model) check(t *rapid.T) {
	m.heal()
	m.read() // which may find damage, to be declared
	if err := m.j.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	there := m.read()
	s := m.j.Stats()
	if s.HeldReadings != 0 || s.Err != nil || s.Repeats != 0 || s.Bytes > s.MaxBytes+m.j.o.SegmentBytes {
		t.Fatalf("stats %+v", s)
	}
	// What the hub was told, or can still be told.
	told := map[gap]bool{}
	for _, g := range m.gaps {
		took := m.took[g.by.epoch]
		_, hub := took.at(g.by.block)
		told[g] = hub || m.told[g.by]
	}
	missing, declared := uint64(0), uint64(0)
	for key := range m.want {
		if !there[key] && m.hub[key] == (place{}) {
			missing++
		}
	}
	for g := range told {
		if !told[g] || anyEncloses(told, g) {
			continue
		}
		declared += g.readings
		for _, p := range m.hub { // the hub had taken it, and could not say so in time
			if p.epoch == g.epoch && p.block >= g.first && p.block <= g.last {
				declared--
			}
		}
	}
	if missing != declared && !m.vague {
		t.Fatalf("%d readings are missing and %d are declared lost: %+v; epochs %v", missing, declared, m.gaps, m.j.Pending())
	}
	for key := range there {
		if _, ok := m.want[key]; !ok {
			t.Fatalf("series %d, tick %d is there, and was never appended", key.series, key.tick)
		}
	}
}

// anyEncloses reports whether one that counts states g again.
func anyEncloses(told map[gap]bool, g gap) bool {
	for x, counts := range told {
		later := x.by.epoch > g.by.epoch || x.by.epoch == g.by.epoch && x.by.block > g.by.block
		// Without numbers it is stated again as it was.
		as := g.first == 0 && x.first == 0 && x.again && x.readings == g.readings
		if counts && (x.encloses(g) && (later || !g.encloses(x)) || as && later) {
			return true
		}
	}
	return false
}

func (m *model) Check(t *rapid.T) { m.check(t) }

// TestPromise1AccountedAgainstModel: produced = committed + pending + declared
// gaps, whatever happens in whatever order.
func TestPromise1AccountedAgainstModel(t *testing.T) {
	damaged, dropped := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		root, err := os.MkdirTemp(memory(t), "")
		if err != nil {
			t.Fatal(err)
		}
		m := &model{t: rt, root: root, dir: filepath.Join(root, "0"), disk: &faultyDisk{},
			want: map[taken]place{}, held: map[taken]bool{}, hub: map[taken]place{}, took: map[uint32]spans{},
			heads: map[place]chain.Head{}, gaps: map[place]gap{}, known: map[place]bool{}}
		m.open()
		defer func() { m.j.Close(); os.RemoveAll(root) }()
		rt.Repeat(map[string]func(*rapid.T){
			"append": m.Append, "append more": m.Append, "hub": m.Hub, "epoch": m.StartEpoch, "fail": m.FailDisk,
			"restart": m.Restart, "crash": m.Crash, "damage": m.Damage, "check": m.Check,
		})
		m.check(rt)
		if err := m.j.Close(); err != nil {
			rt.Fatal(err)
		}
		r, err := Verify(m.dir)
		if err == nil {
			err = r.Err()
		}
		if err != nil {
			rt.Fatal(err)
		}
		if m.damaged {
			damaged++
		}
		if len(m.gaps) > 0 {
			dropped++
		}
	})
	t.Logf("%d journals were damaged, %d declared gaps", damaged, dropped)
}
