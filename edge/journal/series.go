package journal

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
	"unicode/utf8"

	"frostline/proto/pb"
	"frostline/proto/reading"
)

// Series is what a series measures, and with what. If any of it changes, it is
// another series: readings of the old sensor are not those of the new one.
type Series struct {
	Sensor   string           // id from the configuration
	Quantity reading.Quantity //
	Model    string           // driver
	Address  string           // on its bus
	Interval time.Duration    // between readings, whole milliseconds
}

// declared is a series that has an id.
type declared struct {
	ID         uint32 `json:"id"`
	Sensor     string `json:"sensor"`
	Quantity   uint32 `json:"quantity"`
	Model      string `json:"model,omitempty"`
	Address    string `json:"address,omitempty"`
	IntervalMs uint32 `json:"interval_ms,omitempty"`
}

func (d declared) key() []byte { return seriesKey(d.ID) }

func (d declared) encode() []byte { return sumJSON(d) }

func parseDeclared(k, v []byte) (d declared, err error) {
	if err := parseSum(v, &d); err != nil {
		return d, fmt.Errorf("series: %w", err)
	}
	if len(k) != 4 || binary.BigEndian.Uint32(k) != d.ID || d.ID >= provisional {
		return d, fmt.Errorf("%w: series %d under key %x", errState, d.ID, k)
	}
	return d, nil
}

func (d declared) message() *pb.SeriesDeclared {
	return &pb.SeriesDeclared{Id: d.ID, Sensor: d.Sensor, Quantity: d.Quantity, Model: d.Model, Address: d.Address, IntervalMs: d.IntervalMs}
}

func (d declared) event(at int64) *pb.Event {
	return &pb.Event{AtMs: at, Kind: &pb.Event_SeriesDeclared{SeriesDeclared: d.message()}}
}

// provisional is the first of the ids that are given out while the disk has
// not said yet which ones are taken. They are good for Append as long as the
// process lives, and never get into a block.
const provisional = 1 << 31

const maxSeries = 4096

// table is the series of an epoch.
type table struct {
	ids      map[declared]uint32 // with ID 0
	byID     map[uint32]declared
	declared map[uint32]bool // said in this epoch, and kept
	used     map[uint32]bool // asked for by this process
	early    []declared      // provisional ids, in order
}

func newTable() table {
	return table{map[declared]uint32{}, map[uint32]declared{}, map[uint32]bool{}, map[uint32]bool{}, nil}
}

func (t *table) insert(d declared) {
	t.byID[d.ID] = d
	id := d.ID
	d.ID = 0
	t.ids[d] = id
}

// id finds or makes the id of a series.
func (t *table) id(d declared) (uint32, error) {
	d.ID = 0
	if id, ok := t.ids[d]; ok {
		return id, nil
	}
	if len(t.byID) >= maxSeries {
		return 0, fmt.Errorf("sensor %q: the epoch has %d series, which is the limit", d.Sensor, maxSeries)
	}
	next := uint32(0)
	for id := range t.byID {
		next = max(next, id+1)
	}
	d.ID = next
	t.insert(d)
	return next, nil
}

// all lists the series, by id.
func (t *table) all() []declared {
	var out []declared
	for _, d := range t.byID {
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b declared) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// real gives the id that stands in blocks.
func (t *table) real(id uint32) (uint32, bool) {
	if id < provisional {
		_, ok := t.byID[id]
		return id, ok
	}
	if n := int(id - provisional); n < len(t.early) {
		d := t.early[n]
		d.ID = 0
		id, ok := t.ids[d]
		return id, ok
	}
	return 0, false
}

// knows reports whether readings may come with this id.
func (t *table) knows(id uint32) bool {
	if id >= provisional {
		return int(id-provisional) < len(t.early)
	}
	_, ok := t.byID[id]
	return ok
}

// Series gives the id under which readings of a series are appended. The
// first time in an epoch it is declared in the chain, before its readings. An
// id means the same until the journal is closed; calling again is cheap.
func (j *Journal) Series(s Series) (uint32, error) {
	ms := s.Interval.Milliseconds()
	switch {
	case s.Sensor == "" || len(s.Sensor)+len(s.Model)+len(s.Address) > 1024:
		return 0, fmt.Errorf("series of sensor %q: the name is empty, or name, model and address are longer than 1024 bytes", s.Sensor)
	case !utf8.ValidString(s.Sensor + s.Model + s.Address):
		return 0, fmt.Errorf("series of sensor %q: name, model or address is not UTF-8", s.Sensor)
	case s.Quantity == 0:
		return 0, fmt.Errorf("series of sensor %q: no quantity", s.Sensor)
	case ms < 0 || ms > math.MaxUint32:
		return 0, fmt.Errorf("series of sensor %q: interval %v, want 0 to 49 days", s.Sensor, s.Interval)
	}
	d := declared{Sensor: s.Sensor, Quantity: uint32(s.Quantity), Model: s.Model, Address: s.Address, IntervalMs: uint32(ms)}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.loaded {
		return j.seriesLocked(d)
	}
	if i := slices.Index(j.table.early, d); i >= 0 {
		return provisional + uint32(i), nil
	}
	if len(j.table.early) >= maxSeries {
		return 0, fmt.Errorf("sensor %q: there are %d series, which is the limit", s.Sensor, maxSeries)
	}
	j.table.early = append(j.table.early, d)
	return provisional + uint32(len(j.table.early)-1), nil
}

// seriesLocked gives the id and has the series declared. j.mu is held.
func (j *Journal) seriesLocked(d declared) (uint32, error) {
	id, err := j.table.id(d)
	if err == nil && !j.table.used[id] {
		j.table.used[id] = true
		if !j.table.declared[id] {
			d.ID = id
			j.notices = append(j.notices, notice{event: d.event(j.o.Boottime()), series: &d})
		}
	}
	return id, err
}

// Known lists the series that have an id in the present epoch, those of earlier
// runs too, by id.
func (j *Journal) Known() []*pb.SeriesDeclared {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []*pb.SeriesDeclared
	for _, d := range j.table.all() {
		out = append(out, d.message())
	}
	return out
}

// Declared lists the series of the present epoch that this run has asked for, by
// id.
func (j *Journal) Declared() []*pb.SeriesDeclared {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []*pb.SeriesDeclared
	for _, d := range j.table.all() {
		if j.table.used[d.ID] {
			out = append(out, d.message())
		}
	}
	return out
}
