package ledger

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/gowebpki/jcs"
	"github.com/transparency-dev/merkle/rfc6962"
	"google.golang.org/protobuf/proto"

	"frostline/hub/event"
	"frostline/proto/pb"
)

// Kind is a kind of entry.
type Kind string

// Kinds of entries. Each begins with a line of its own, which is part of what
// is hashed, so that no entry can pass for one of another kind.
const (
	Event Kind = "event"
	Seal  Kind = "seal"
	Key   Kind = "key"
)

const (
	eventLine  = "frostline event 1\n"
	digestLine = "frostline event digest 1\n"
	sealLine   = "frostline sealed chain 1\n"
	keyLine    = "frostline key 1\n"

	// MaxEvent is the longest event that is logged as it is, bytes. A longer
	// one is logged by its digest: an entry has 65,535 bytes at most.
	MaxEvent = 60_000
)

// Entry is one entry of the log.
type Entry struct {
	Kind   Kind
	Name   string // POSITION/ID of an event, GATEWAY/EPOCH/BLOCK of a seal, or the key's name
	Stream string // of an event; GATEWAY/EPOCH of a seal
	Place  int64  // an event's position, a seal's block; 0 for a key
	Data   []byte // what is hashed
}

// Leaf is the entry's RFC 6962 leaf hash.
func (e Entry) Leaf() []byte { return rfc6962.DefaultHasher.HashLeaf(e.Data) }

// EventBytes is an event as it enters the log and a bundle: the whole
// envelope as canonical JSON (RFC 8785).
func EventBytes(e event.Event) ([]byte, error) {
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.ID, err)
	}
	out, err := jcs.Transform(raw)
	if err != nil {
		return nil, fmt.Errorf("event %s as canonical JSON: %w", e.ID, err)
	}
	return out, nil
}

// EventName is the name of an event's entry. A hub whose store was restored
// from a backup may give a position, or an id, a second time.
func EventName(id string, position int64) string { return strconv.FormatInt(position, 10) + "/" + id }

// EventEntry makes the entry of an event from its canonical bytes.
func EventEntry(id, stream string, position int64, canonical []byte) Entry {
	e := Entry{Kind: Event, Name: EventName(id, position), Stream: stream, Place: position}
	if len(canonical) <= MaxEvent {
		e.Data = append([]byte(eventLine), canonical...)
	} else {
		e.Data = fmt.Appendf(nil, "%s%s\n%s\n%d\n%x\n", digestLine, id, stream, position, sha256.Sum256(canonical))
	}
	return e
}

// SealEntry makes the entry of a seal from its encoded pb.Seal.
func SealEntry(gateway string, epoch uint32, number uint64, body []byte) Entry {
	stream := chainName(gateway, epoch)
	return Entry{
		Kind: Seal, Stream: stream, Name: stream + "/" + strconv.FormatUint(number, 10), Place: int64(number),
		Data: append([]byte(sealLine+gateway+"\n"), body...),
	}
}

// KeyRecord is a public key that evidence is checked by.
type KeyRecord struct {
	Use     string `json:"use"`               // "seal" of a gateway, or "bundle": the hub's for manifests
	Gateway string `json:"gateway,omitempty"` // of a seal key
	ID      string `json:"id"`                // a seal key's, 16 hex digits; a note key's name
	Public  string `json:"public"`            // Ed25519, 32 bytes in base64; a bundle key as a note verifier key
	From    int64  `json:"from"`              // hub's clock when it was admitted, Unix ms; 0 for the hub's own
}

// Name is the record's name as an entry.
func (k KeyRecord) Name() string {
	if k.Gateway == "" {
		return k.Use + "/" + k.ID
	}
	return k.Use + "/" + k.Gateway + "/" + k.ID
}

// Bytes is the record as canonical JSON.
func (k KeyRecord) Bytes() ([]byte, error) {
	raw, err := json.Marshal(k)
	if err != nil {
		return nil, err
	}
	return jcs.Transform(raw)
}

// KeyEntry makes the entry of a key from its canonical bytes.
func KeyEntry(name string, canonical []byte) Entry {
	return Entry{Kind: Key, Name: name, Data: append([]byte(keyLine), canonical...)}
}

// parse reads an entry back from the log.
func parse(data []byte) (Entry, error) {
	switch {
	case bytes.HasPrefix(data, []byte(eventLine)):
		var e event.Event
		if err := json.Unmarshal(data[len(eventLine):], &e); err != nil {
			return Entry{}, fmt.Errorf("event: %w", err)
		}
		return Entry{Kind: Event, Name: EventName(e.ID, e.Position), Stream: e.Stream, Place: e.Position, Data: data}, nil
	case bytes.HasPrefix(data, []byte(digestLine)):
		lines := strings.Split(string(data), "\n")
		if len(lines) != 6 {
			return Entry{}, fmt.Errorf("digest of an event has %d lines: want 6", len(lines))
		}
		position, err := strconv.ParseInt(lines[3], 10, 64)
		return Entry{Kind: Event, Name: EventName(lines[1], position), Stream: lines[2], Place: position, Data: data}, err
	case bytes.HasPrefix(data, []byte(sealLine)):
		gateway, body, ok := bytes.Cut(data[len(sealLine):], []byte("\n"))
		var s pb.Seal
		if err := proto.Unmarshal(body, &s); !ok || err != nil {
			return Entry{}, fmt.Errorf("seal: %v", err)
		}
		e := SealEntry(string(gateway), s.Epoch, s.Number, body)
		e.Data = data
		return e, nil
	case bytes.HasPrefix(data, []byte(keyLine)):
		var k KeyRecord
		if err := json.Unmarshal(data[len(keyLine):], &k); err != nil {
			return Entry{}, fmt.Errorf("key: %w", err)
		}
		return Entry{Kind: Key, Name: k.Name(), Data: data}, nil
	}
	return Entry{}, fmt.Errorf("entry begins with none of the lines that this version knows")
}
