package journal

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.etcd.io/bbolt"
)

// Buckets of a segment file.
const (
	bucketBlocks = "blocks" // records by number
	bucketSeries = "series" // what the epoch's series ids mean, by id
	bucketState  = "state"  // keyTail
	keyTail      = "tail"
)

// segment is one file of an epoch's records. The active one takes new records
// through bbolt; all others are sealed, and read through boltfile alone.
type segment struct {
	epoch uint32
	first uint64 // number of its first record, or of the first it will have

	// use is read-locked while records are read, so that the file is neither
	// closed nor replaced meanwhile.
	use  sync.RWMutex
	path string    // changes once, when the segment is given its end
	db   *bbolt.DB // nil when sealed
	gone bool      // removed, or replaced after a repair
	// beside says that another process may be writing the file: it is read
	// from a copy in memory. Set when the segment is made, or never.
	beside bool

	// Owned by whoever holds Journal.disk.
	begun   time.Time // made active, by this process
	settled time.Time // found to be wholly acknowledged, or zero
	size    int64     // pages in use × page size, while active
	thinned bool      // there is nothing more to be gained by thinning

	// Guarded by Journal.mu.
	bytes int64  // on disk
	ended bool   // the name says where it ends
	last  uint64 // number of its last record then; first-1 when it has none
}

const (
	segmentSuffix  = ".db"
	newSuffix      = ".new"      // a segment being made: holds nothing kept
	repairedSuffix = ".repaired" // what could be saved of a damaged one
	damagedMark    = ".damaged-"
)

// segmentName is the file name of a segment that is still open at its end.
func segmentName(epoch uint32, first uint64) string {
	return fmt.Sprintf("%08d-%012d%s", epoch, first, segmentSuffix)
}

// endedName is the file name of a segment that is not: what it holds beyond
// last does not count.
func endedName(epoch uint32, first, last uint64) string {
	return fmt.Sprintf("%08d-%012d-%012d%s", epoch, first, last, segmentSuffix)
}

// parseSegmentName takes the name of a segment file apart.
func parseSegmentName(name string) (*segment, bool) {
	stem, ok := strings.CutSuffix(name, segmentSuffix)
	parts := strings.Split(stem, "-")
	if !ok || len(parts) < 2 || len(parts) > 3 {
		return nil, false
	}
	n := [3]uint64{}
	for i, p := range parts {
		var err error
		if n[i], err = strconv.ParseUint(p, 10, 63); err != nil {
			return nil, false
		}
	}
	s := &segment{epoch: uint32(n[0]), first: n[1], ended: len(parts) == 3, last: n[2]}
	if n[0] == 0 || n[0] > math.MaxUint32 || s.first == 0 || s.ended && s.last+1 < s.first {
		return nil, false
	}
	return s, true
}

// name names the segment in messages.
func (s *segment) name() string { return fmt.Sprintf("%08d-%012d", s.epoch, s.first) }

func seriesKey(id uint32) []byte { return binary.BigEndian.AppendUint32(nil, id) }
