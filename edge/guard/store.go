package guard

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"frostline/edge/disk"
)

// Files in the guard's directory. Each is replaced whole.
//
//	alarms   open alarms, and steps that the chain may not have; at each step
//	counts   what the evaluators have counted; now and then, and at the end
const (
	alarmsFile = "alarms"
	countsFile = "counts"
	maxFile    = 16 << 20 // bytes
)

// saved is what the two files say.
type saved struct {
	Alarms savedAlarms
	Counts savedCounts
}

type savedAlarms struct {
	BootID string   `json:"boot_id"`
	At     int64    `json:"at"` // guard's time when it was saved, ms
	Shift  int64    `json:"shift"`
	Alarms []*Alarm `json:"alarms"`
	Steps  []step   `json:"steps"`
}

type savedCounts struct {
	BootID   string       `json:"boot_id"`
	At       int64        `json:"at"`
	Shift    int64        `json:"shift"`
	Lookouts []savedCount `json:"lookouts"`
}

type savedCount struct {
	Watch     string `json:"watch"`
	Sensor    string `json:"sensor"`
	Begun     bool   `json:"begun"`     // a stretch is under way
	Evaluator []byte `json:"evaluator"` // thermal.Snapshot
}

func (s *saved) count(watch, sensor string) *savedCount {
	i := slices.IndexFunc(s.Counts.Lookouts, func(c savedCount) bool { return c.Watch == watch && c.Sensor == sensor })
	if i < 0 {
		return nil
	}
	return &s.Counts.Lookouts[i]
}

// resume takes over alarms and time. Guard's time goes on from where it was:
// with boottime in the same boot, and a moment later in another.
func (g *Guard) resume(s *saved) {
	now := g.c.Now()
	switch id := g.c.BootID; {
	case s.Alarms.BootID == id && s.Alarms.At <= now+s.Alarms.Shift:
		g.shift = s.Alarms.Shift
	case s.Counts.BootID == id && s.Counts.At <= now+s.Counts.Shift:
		g.shift = s.Counts.Shift
	default:
		g.shift = max(s.Alarms.At, s.Counts.At) + 1 - now
		s.Counts.BootID = "" // though the name be the same
	}
	g.alarms, g.steps = s.Alarms.Alarms, s.Alarms.Steps
}

// saveAlarms writes the open alarms and what is to be told, and says once that
// it cannot. unsaved says how it went before. It gives the number of steps that
// were there.
func (g *Guard) saveAlarms(unsaved *bool) int {
	g.mu.Lock()
	s := savedAlarms{BootID: g.c.BootID, At: g.c.Now() + g.shift, Shift: g.shift, Steps: slices.Clone(g.steps)}
	for _, a := range g.alarms {
		c := *a
		s.Alarms = append(s.Alarms, &c)
	}
	g.mu.Unlock()
	err := g.store.save(alarmsFile, s)
	if failed := err != nil; failed != *unsaved {
		*unsaved = failed
		if failed {
			g.log.Error("open alarms are not kept; after a restart they would be raised again", "err", err)
		} else {
			g.log.Info("open alarms are kept again")
		}
	}
	return len(s.Steps)
}

// saveCounts writes what the evaluators have counted.
func (g *Guard) saveCounts() {
	g.mu.Lock()
	s := savedCounts{BootID: g.c.BootID, At: g.c.Now() + g.shift, Shift: g.shift}
	for _, l := range g.lookouts {
		s.Lookouts = append(s.Lookouts, savedCount{Watch: l.watch.Name, Sensor: l.sensor.ID, Begun: l.begun, Evaluator: l.e.Snapshot()})
	}
	g.mu.Unlock()
	if err := g.store.save(countsFile, s); err != nil {
		g.log.Warn("what the guard has counted is not kept; delays would begin anew after a restart", "err", err)
	}
}

// store keeps the two files. alarms and counts may be saved at once; each is
// saved by one goroutine.
type store struct {
	dir string
}

// save replaces a file. It is on disk when save returns nil. A line of its
// SHA-256 goes before the content.
func (s *store) save(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	sum := sha256.Sum256(b)
	if err := disk.Put(disk.Real{}, filepath.Join(s.dir, name), fmt.Appendf(nil, "%x\n%s\n", sum, b)); err != nil {
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

// load reads both files. One that is damaged is set aside and told.
func (s *store) load(log *slog.Logger) *saved {
	var out saved
	for name, v := range map[string]any{alarmsFile: &out.Alarms, countsFile: &out.Counts} {
		err := s.read(name, v)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		path := filepath.Join(s.dir, name)
		aside := path + ".damaged-" + time.Now().UTC().Format("20060102T150405")
		log.Error("the guard begins anew: what it had kept cannot be read", "err", err, "set_aside", aside, "rename", os.Rename(path, aside))
		switch v := v.(type) {
		case *savedAlarms:
			*v = savedAlarms{}
		case *savedCounts:
			*v = savedCounts{}
		}
	}
	return &out
}

func (s *store) read(name string, v any) error {
	path := filepath.Join(s.dir, name)
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if info.Size() > maxFile {
		return fmt.Errorf("%s: %d bytes: want at most %d", path, info.Size(), maxFile)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	const head = 2*sha256.Size + 1
	if len(b) < head+1 {
		return fmt.Errorf("%s: it is cut off", path)
	}
	content := b[head : len(b)-1]
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != string(b[:head-1]) {
		return fmt.Errorf("%s: its checksum is wrong", path)
	}
	if err := json.Unmarshal(content, v); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
