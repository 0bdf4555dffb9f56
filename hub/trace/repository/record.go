package repository

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
)

// Bounds of a capture. They keep a transaction, for which readings wait, within
// some hundreds of milliseconds.
const (
	MaxEvents   = 2000    // of a capture
	MaxTerms    = 60_000  // of a capture, terms and numbers
	MaxDocument = 4 << 20 // bytes of an event's JSON
	maxID       = 1024    // bytes
)

// Record is an event as it is to be stored.
type Record struct {
	ID   string
	Hash string // CBV 2.0 hash of the content, hex
	// Declares is the SHA-256 of the event's error declaration, hex; "" where it
	// has none.
	Declares string
	Time     int64 // event time, UTC, Unix ms
	Document []byte
	Terms    []Term
	Numbers  []Number
}

// check fails for what cannot be stored.
func (r *Record) check() error {
	switch {
	case r.ID == "" || len(r.ID) > maxID:
		return fmt.Errorf("eventID of %d bytes: want 1 to %d", len(r.ID), maxID)
	case len(r.Hash) != 2*sha256.Size:
		return fmt.Errorf("hash %q: want SHA-256 in hex", r.Hash)
	case len(r.Document) == 0 || len(r.Document) > MaxDocument:
		return fmt.Errorf("event of %d bytes: want at most %d", len(r.Document), MaxDocument)
	}
	return nil
}

// size is what a record adds to the indexes.
func (r *Record) size() int { return len(r.Terms) + len(r.Numbers) }

// digest is the SHA-256 of the document, hex.
func (r *Record) digest() string {
	sum := sha256.Sum256(r.Document)
	return hex.EncodeToString(sum[:])
}

// idKey is by what an id is looked for; the id itself is compared then.
func idKey(id string) int64 {
	sum := sha256.Sum256([]byte(id))
	return int64(binary.BigEndian.Uint64(sum[:8]))
}

// longest value that is kept as it is: an index of PostgreSQL has rows of at
// most some 2,700 bytes.
const maxValue = 512

// indexed is a value as the index has it: a long one by its beginning and its
// digest.
func indexed(value string) string {
	value = strings.ReplaceAll(strings.ToValidUTF8(value, "�"), "\x00", "�")
	if len(value) <= maxValue {
		return value
	}
	sum := sha256.Sum256([]byte(value))
	return strings.ToValidUTF8(value[:maxValue-80], "") + "…sha256:" + hex.EncodeToString(sum[:])
}
