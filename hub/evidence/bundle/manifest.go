package bundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// ManifestRecord is manifest.json: canonical JSON (RFC 8785), signed by
// manifest.note.
type ManifestRecord struct {
	Bundle     int       `json:"bundle"` // Oldest to Version
	Shipment   string    `json:"shipment"`
	Origin     string    `json:"origin"`   // of the log
	Key        string    `json:"key"`      // of the log: a note verifier key
	Engine     string    `json:"engine"`   // thermal.EngineVersion
	Position   int64     `json:"position"` // of the last event about the shipment; later ones are left out
	Packages   []Package `json:"packages"` // by id
	Streams    []Head    `json:"streams"`  // by name
	Chains     []Chain   `json:"chains"`   // by gateway and epoch
	Checkpoint Tree      `json:"checkpoint"`
	First      Tree      `json:"first"`
	Files      []Digest  `json:"files"` // all but manifest.json and manifest.note, by name
	// Documents says that the documents named by events are here, and not their
	// hashes alone. Before version WithDocuments it is false.
	Documents bool `json:"documents,omitempty"`
}

// Package is a package that the bundle tells of.
type Package struct {
	ID string `json:"id"`
	// Shipment is false for a package of another shipment that a unit was in:
	// what it spent there counts here.
	Shipment bool `json:"shipment"`
}

// Head says how many events of a stream there are: those of versions 1 to Events.
type Head struct {
	Stream string `json:"stream"`
	Events int64  `json:"events"`
}

// Chain is what the bundle has of an epoch of a gateway.
type Chain struct {
	Gateway  string    `json:"gateway"`
	Epoch    uint32    `json:"epoch"`
	Segments []Segment `json:"segments"` // ascending, none adjoining another
}

// Segment is consecutive blocks. The seal of the last one signs for all of
// them, whatever came before.
type Segment struct {
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
	Sealed bool   `json:"sealed"` // false where the gateway had not signed for the last block
}

// Tree is a state of the log.
type Tree struct {
	Size uint64 `json:"size"`
	Root string `json:"root"` // hex
}

// Digest is the SHA-256 of a file, hex.
type Digest struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// SealRecord is a line of seals.jsonl.
type SealRecord struct {
	Gateway string `json:"gateway"`
	Epoch   uint32 `json:"epoch"`
	Number  uint64 `json:"number"`
	Seal    []byte `json:"seal"` // an encoded pb.Seal
}

// ProofRecord is a line of inclusion.jsonl.
type ProofRecord struct {
	Index uint64   `json:"index"`
	Kind  string   `json:"kind"`
	Name  string   `json:"name"`
	Proof [][]byte `json:"proof"` // RFC 6962 audit path to the last checkpoint
}

// ConsistencyRecord is consistency.json.
type ConsistencyRecord struct {
	From  uint64   `json:"from"`
	To    uint64   `json:"to"`
	Proof [][]byte `json:"proof"`
}

// SignedText is the text of manifest.note in a bundle of a version.
func SignedText(version int, digest, shipment string) string {
	return fmt.Sprintf("frostline evidence bundle %d\nsha256 %s\nshipment %s\n", version, digest, shipment)
}

// HexSHA256 is the SHA-256 of b in lower-case hexadecimal.
func HexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// DocumentName is the name of the file of a document.
func DocumentName(sha256 string) string { return DocPrefix + sha256 }

// Lines calls yield for each line of a file, without its line feed; number
// counts from 1. Every line ends in one.
func (f *File) Lines(yield func(number int, line []byte) error) error {
	b, err := f.Bytes()
	if err != nil {
		return err
	}
	for number := 1; len(b) > 0; number++ {
		line, rest, ok := bytes.Cut(b, []byte("\n"))
		if !ok || len(line) > MaxLine {
			return malformed("file %s, line %d: want at most %d bytes and a line feed", f.Name, number, MaxLine)
		}
		if err := yield(number, line); err != nil {
			return err
		}
		b = rest
	}
	return nil
}
