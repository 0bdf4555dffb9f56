package journalfile

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"frostline/proto/block"
)

// Version of the format, in the header.
const Version = 1

// Most blocks, and bytes of blocks, between two seals. The block that passes
// SealBytes is the last before a seal.
const (
	SealBlocks = 256
	SealBytes  = 512 << 10
)

// maxLine is more than a block of the greatest size takes.
const maxLine = block.MaxBytes/3*4 + 1<<10

// Header is the first line.
type Header struct {
	Kind    string `json:"kind"` // "journal"
	Version int    `json:"version"`
	Gateway string `json:"gateway"`
	Key     []byte `json:"key"`             // Ed25519 public key of all signatures, base64
	Agent   string `json:"agent,omitempty"` // version of the program that wrote the file
}

// Run begins consecutive blocks.
type Run struct {
	Kind   string `json:"kind"` // "run"
	Epoch  uint32 `json:"epoch"`
	First  uint64 `json:"first"`
	Prev   string `json:"prev"`   // chain head before it, hex
	Before uint64 `json:"before"` // readings in the epoch before it
}

// Block is one block.
type Block struct {
	Kind   string `json:"kind"` // "block"
	Number uint64 `json:"number"`
	Head   string `json:"head"`  // chain head after it, hex
	Bytes  []byte `json:"bytes"` // canonical, base64
}

// Absence says that blocks are not in the file because they were not in the
// journal.
type Absence struct {
	Kind   string `json:"kind"` // "absent"
	Epoch  uint32 `json:"epoch"`
	First  uint64 `json:"first"`
	Last   uint64 `json:"last"`
	Reason string `json:"reason"`
}

// Seal signs the chain up to the block before it, as pb.Seal does, without
// anchor.
type Seal struct {
	Kind      string `json:"kind"` // "seal"
	Epoch     uint32 `json:"epoch"`
	Number    uint64 `json:"number"`
	Readings  uint64 `json:"readings"` // in the epoch, up to and with that block
	Head      string `json:"head"`     // chain head after it, hex
	Signature []byte `json:"signature"`
}

// End is the last line.
type End struct {
	Kind      string `json:"kind"`   // "end"
	Blocks    uint64 `json:"blocks"` // in the file
	Readings  uint64 `json:"readings"`
	Digest    string `json:"digest"` // R of the line before, hex
	Signature []byte `json:"signature"`
}

// EndText is what the signature of an End signs:
//
//	frostline journal file 1
//	GATEWAY
//	BLOCKS READINGS
//	DIGEST in hex
func EndText(gateway string, e *End) []byte {
	return fmt.Appendf(nil, "frostline journal file 1\n%s\n%d %d\n%s\n", gateway, e.Blocks, e.Readings, e.Digest)
}

// sum is the running sum of lines.
type sum [sha256.Size]byte

func (s sum) next(text []byte) sum {
	h := sha256.New()
	h.Write(s[:])
	h.Write(text)
	return sum(h.Sum(nil))
}

const sumDigits = 16

func (s sum) short() string { return hex.EncodeToString(s[:sumDigits/2]) }

// encode gives a line's JSON.
func encode(line any) ([]byte, error) {
	b, err := json.Marshal(line)
	if err != nil {
		return nil, fmt.Errorf("encode line: %w", err)
	}
	return b, nil
}

// checkEnd verifies the signature of an end.
func checkEnd(h *Header, e *End) bool {
	return len(h.Key) == ed25519.PublicKeySize && ed25519.Verify(h.Key, EndText(h.Gateway, e), e.Signature)
}
