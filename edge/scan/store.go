package scan

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"frostline/edge/disk"
	"frostline/edge/outage"
)

// record is a scan as it is kept here.
type record struct {
	Scan
	Boot  uint32   `json:"boot"`            // ordinal of the boot of its tick
	Epoch uint32   `json:"epoch"`           // in which it was taken
	Since *Instant `json:"since,omitempty"` // of a correction: when the first was done
	UTC   *dated   `json:"utc,omitempty"`   // as it was dated last
	Place *Place   `json:"place,omitempty"` // where the chain has it; nil: nowhere yet
	Done  bool     `json:"done,omitempty"`  // the hub has it

	held bool // the journal has it in memory
}

// dated is a moment of UTC, ms.
type dated struct {
	At          int64 `json:"at"`
	Uncertainty int64 `json:"uncertainty"`
}

// state is the file: one line of JSON, and the SHA-256 of that line in hex.
type state struct {
	Format int       `json:"format"` // 1
	Scans  []*record `json:"scans"`
}

const (
	format    = 1
	stateFile = "scans.json"
	// maxScans bounds the scans here: each is rewritten with the file.
	maxScans = 2000
	// recent of them stay though the hub has them and nothing is aboard by them.
	recent  = 200
	maxFile = maxScans * 2 << 10
)

// store keeps the file. One goroutine at a time may save.
type store struct {
	disk    disk.Disk
	dir     string
	log     *slog.Logger
	failing outage.Outage
	damaged bool // what load found; the chain may know more
}

func newStore(c Config) store {
	return store{disk: c.Disk, dir: c.Dir, log: c.Log, failing: outage.Outage{Log: c.Log,
		Fails: "scans are not kept in their own file; they are in the chain alone", Works: "scans are kept in their own file again"}}
}

func (s *store) path() string { return filepath.Join(s.dir, stateFile) }

// save replaces the file. It is on disk when save returns nil.
func (s *store) save(now int64, records []*record) error {
	b, err := disk.Encode(state{Format: format, Scans: records})
	if err == nil {
		err = disk.Put(s.disk, s.path(), b)
	}
	if err != nil {
		s.failing.Failed(now, "", err)
		return fmt.Errorf("keep scans: %w", err)
	}
	s.failing.Worked(now)
	return nil
}

// load reads the file. One that is damaged is set aside and told.
func (s *store) load() []*record {
	b, err := s.disk.Read(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		var records []*record
		if records, err = parse(b); err == nil {
			return records
		}
	}
	s.damaged = true
	aside := s.path() + ".damaged-" + time.Now().UTC().Format("20060102T150405")
	s.log.Error("what was scanned cannot be read; it is made anew from what is left of the chain: look whether what is aboard is right",
		"err", err, "set_aside", aside, "rename", s.disk.Rename(s.path(), aside))
	return nil
}

func parse(b []byte) ([]*record, error) {
	var s state
	if err := disk.Decode(b, maxFile, &s); err != nil {
		return nil, err
	}
	if s.Format != format {
		return nil, fmt.Errorf("its format is %d, this program knows %d", s.Format, format)
	}
	return s.Scans, nil
}

// forget gives the records without those that nobody needs here any more. What
// came after a record about the same subject stays as long as that does.
func forget(records []*record) []*record {
	if len(records) <= recent {
		return records
	}
	f := fold(records)
	needed := map[*record]bool{}
	for _, r := range f.aboard {
		needed[r], needed[f.root[r]] = true, true
	}
	stays := map[Subject]bool{}
	out := records[:0:0]
	for i, r := range records {
		if i >= len(records)-recent || !r.Done || needed[r] || stays[r.Subject] {
			stays[r.Subject] = true
			out = append(out, r)
		}
	}
	return out
}
