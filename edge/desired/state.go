package desired

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"frostline/edge/disk"
	"frostline/proto/mandate"
	"frostline/proto/pb"
)

// state is a file, as disk.Encode makes it.
type state struct {
	Format  int               `json:"format"` // 1
	Key     ed25519.PublicKey `json:"key"`    // that everything in it was checked by
	Highest uint64            `json:"highest"`
	Running *entry            `json:"running,omitempty"` // none: the gateway's own file alone
	Good    *entry            `json:"good,omitempty"`    // what Running goes back to when it does not prove itself
	Trial   bool              `json:"trial,omitempty"`
	Starts  int               `json:"starts,omitempty"` // of the agent, with Running on trial
	Refused *refusal          `json:"refused,omitempty"`
	Command uint64            `json:"command"` // highest number that was taken
	Done    []outcome         `json:"done,omitempty"`
}

// entry is a desired state as the hub signed it.
type entry struct {
	Payload []byte `json:"payload"`
	desired *pb.Desired
}

type refusal struct {
	Version uint64 `json:"version"`
	Sum     string `json:"sum"` // of the document, so that the same is not judged again
	Reason  string `json:"reason"`
}

type outcome struct {
	Number uint64 `json:"number"`
	Kind   string `json:"kind"`
	Done   bool   `json:"done"`
	Detail string `json:"detail"`
	report []byte
}

const format = 1

// maxState bounds a file: two documents in base64, and the rest.
const maxState = 4 * mandate.MaxDocument

// parse reads a file and checks each statement in it against its key.
func parse(gateway string, b []byte) (*state, error) {
	s := &state{}
	if err := disk.Decode(b, maxState, s); err != nil {
		return nil, err
	}
	if s.Format != format {
		return nil, fmt.Errorf("its format is %d, this program knows %d", s.Format, format)
	}
	for _, e := range []*entry{s.Running, s.Good} {
		if e == nil {
			continue
		}
		var err error
		if e.desired, err = mandate.OpenDesired(gateway, e.Payload, s.Key); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// clone is a copy to be changed; entries are shared, as they are never.
func (s *state) clone() *state {
	c := *s
	c.Done = slices.Clone(s.Done)
	return &c
}

func (e *entry) version() uint64 {
	if e == nil {
		return 0
	}
	return e.desired.Version
}

func sum(document string) string {
	s := sha256.Sum256([]byte(document))
	return hex.EncodeToString(s[:])
}

// load reads the state, or where that is damaged the last good one, and says
// what was wrong. The damaged file is left beside.
func (k *Keeper) load() (s *state, trouble error, err error) {
	read := func(name string) (*state, error) {
		b, err := k.disk.Read(k.path(name))
		if err != nil {
			return nil, err
		}
		return parse(k.o.Gateway, b)
	}
	s, err = read(stateFile)
	switch {
	case err == nil:
		return s, nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return &state{Format: format}, nil, nil
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return nil, nil, fmt.Errorf("desired state: %w", e)
	}
	trouble = fmt.Errorf("the desired state in %s is damaged (%w) and set aside as %s", k.path(stateFile), err, damagedFile)
	good, bad := read(goodFile)
	if bad != nil {
		good = &state{Format: format}
		trouble = fmt.Errorf("%w; the gateway's own file alone is used until the hub sends it again", trouble)
	} else {
		trouble = fmt.Errorf("%w; the last good one is used, version %d", trouble, good.Running.version())
	}
	return good, trouble, k.disk.Rename(k.path(stateFile), k.path(damagedFile))
}

// Look reads the document that is to run, and its version, beside a running
// agent; "" and 0 where there is none. It changes nothing.
func Look(dir, gateway string) (document string, version uint64, err error) {
	b, err := disk.Real{}.Read(filepath.Join(dir, stateFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, fmt.Errorf("desired state: %w", err)
	}
	s, err := parse(gateway, b)
	if err != nil {
		return "", 0, fmt.Errorf("desired state in %s: %w", dir, err)
	}
	if s.Running == nil {
		return "", 0, nil
	}
	return s.Running.desired.Document, s.Running.version(), nil
}
