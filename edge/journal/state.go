package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"

	"frostline/proto/chain"
)

// hash is a chain head as it stands in JSON.
type hash chain.Head

func (h hash) MarshalText() ([]byte, error) { return []byte(chain.Head(h).String()), nil }

func (h *hash) UnmarshalText(b []byte) error {
	if len(b) != 2*len(h) {
		return fmt.Errorf("chain head of %d characters: want %d", len(b), 2*len(h))
	}
	for i := range h {
		v, err := strconv.ParseUint(string(b[2*i:2*i+2]), 16, 8)
		if err != nil {
			return fmt.Errorf("chain head: %w", err)
		}
		h[i] = byte(v)
	}
	return nil
}

// tail is the end of the chain and all that is known about the journal as a
// whole. It is written into the active segment in the transaction of each
// commit, on a page that is written anyway, and at rare moments into the state
// file. The newest tail that can be read counts.
type tail struct {
	Gateway  string `json:"gateway"`
	Epoch    uint32 `json:"epoch"`
	Last     uint64 `json:"last"`     // number of the last block, 0 before the first
	Head     hash   `json:"head"`     // after it
	Readings uint64 `json:"readings"` // of the epoch, up to and with it
	Boot     uint32 `json:"boot"`     // ordinal
	BootID   string `json:"boot_id"`
	Tick     int64  `json:"tick"`     // latest of this boot's readings, ms
	Declared int    `json:"declared"` // series of the epoch
	Start    *start `json:"start,omitempty"`
	Warned   int    `json:"warned,omitempty"` // share of MaxBytes that was warned of, percent
	Marks    []mark `json:"marks"`            // by epoch, ascending, this one last
}

// start says why the epoch began; it stands in the tail until the first block,
// which says it as an event, is kept.
type start struct {
	Reason   string `json:"reason"`
	Epoch    uint32 `json:"previous_epoch,omitempty"`
	Last     uint64 `json:"previous_last,omitempty"`
	Readings uint64 `json:"previous_readings,omitempty"`
}

// mark is what the hub has acknowledged of an epoch, and what is lost of it.
type mark struct {
	Epoch uint32 `json:"epoch"`
	// End of an epoch that is over.
	Last     uint64 `json:"last,omitempty"`
	Head     *hash  `json:"head,omitempty"`
	Readings uint64 `json:"readings,omitempty"`

	Committed     uint64 `json:"committed"`
	CommittedHead *hash  `json:"committed_head,omitempty"`
	Acked         spans  `json:"acked,omitempty"` // committed by the hub, also beyond holes
	Lost          spans  `json:"lost,omitempty"`  // declared as gaps
}

var errState = errors.New("damaged state")

// encode makes a checksum and JSON, which fit a bbolt page with its kind.
func (t *tail) encode() []byte { return sumJSON(t) }

func sumJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // plain structs
	}
	return append(fmt.Appendf(nil, "%08x ", crc32.Checksum(b, castagnoli)), b...)
}

func parseSum(b []byte, v any) error {
	sum, text, ok := bytes.Cut(b, []byte(" "))
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if !ok || err != nil || crc32.Checksum(text, castagnoli) != uint32(want) {
		return fmt.Errorf("%w: checksum", errState)
	}
	if err := json.Unmarshal(text, v); err != nil {
		return fmt.Errorf("%w: %w", errState, err)
	}
	return nil
}

func parseTail(b []byte) (*tail, error) {
	var t tail
	if err := parseSum(b, &t); err != nil {
		return nil, err
	}
	return &t, t.check()
}

func (t *tail) check() error {
	if t.Epoch == 0 || t.Gateway == "" || t.Last == ^uint64(0) {
		return fmt.Errorf("%w: epoch %d of gateway %q", errState, t.Epoch, t.Gateway)
	}
	for _, m := range t.Marks {
		if m.Epoch == 0 || m.Epoch > t.Epoch || !m.Acked.valid() || !m.Lost.valid() {
			return fmt.Errorf("%w: mark of epoch %d", errState, m.Epoch)
		}
	}
	return nil
}

// state is the file beside the segments: the second copy of what they say,
// written when the journal is opened, at each new segment and epoch, when a
// series is declared, and before a segment is deleted.
type state struct {
	tail
	Series []declared `json:"series"`
}

const stateName = "state"

// readState reads the state file: fs.ErrNotExist when there is none, errState
// when it cannot be believed.
func readState(dir string) (*state, error) {
	b, err := os.ReadFile(filepath.Join(dir, stateName))
	if err != nil {
		return nil, err
	}
	var s state
	if err := parseSum(bytes.TrimSpace(b), &s); err != nil {
		return nil, err
	}
	return &s, s.check()
}

// writeState replaces the state file. A crash leaves the old or the new one.
func writeState(d disk, dir string, s *state) error {
	path := filepath.Join(dir, stateName)
	if err := d.write(path+newSuffix, append(sumJSON(s), '\n')); err != nil {
		return fmt.Errorf("write journal state: %w", err)
	}
	if err := d.rename(path+newSuffix, path); err != nil {
		return fmt.Errorf("write journal state: %w", err)
	}
	return nil
}
