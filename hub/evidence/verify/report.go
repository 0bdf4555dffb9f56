package verify

import (
	"fmt"
	"strings"
	"time"
)

// Check is a step of verification.
type Check string

// Checks, in the order in which they are made.
const (
	Container   Check = "container"
	ManifestIs  Check = "manifest"
	Checkpoint  Check = "checkpoint"
	Witness     Check = "witness"
	Consistency Check = "consistency"
	Inclusion   Check = "inclusion"
	KeyIs       Check = "key"
	EventIs     Check = "event"
	StreamIs    Check = "stream"
	DocumentIs  Check = "document"
	SealIs      Check = "seal"
	ChainIs     Check = "chain"
	VerdictIs   Check = "verdict"
	FileIs      Check = "file"
)

// Problem is something that does not hold, and where. Fields that do not apply
// are empty.
type Problem struct {
	Check   Check  `json:"check"`
	File    string `json:"file,omitempty"`
	Line    int    `json:"line,omitempty"`
	Gateway string `json:"gateway,omitempty"`
	Epoch   uint32 `json:"epoch,omitempty"`
	Block   uint64 `json:"block,omitempty"`
	To      uint64 `json:"toBlock,omitempty"` // where it can only be told to be in Block..To
	After   int64  `json:"after,omitempty"`   // time of the last good reading before it, UTC, Unix ms
	Event   string `json:"event,omitempty"`
	Stream  string `json:"stream,omitempty"`
	Package string `json:"package,omitempty"`
	Field   string `json:"field,omitempty"`
	Detail  string `json:"detail"`
}

// String tells the problem in a sentence.
func (p Problem) String() string {
	var where []string
	add := func(format string, a ...any) { where = append(where, fmt.Sprintf(format, a...)) }
	if p.Package != "" {
		add("package %s", p.Package)
	}
	if p.Gateway != "" {
		add("gateway %s", p.Gateway)
	}
	if p.Epoch > 0 {
		add("epoch %d", p.Epoch)
	}
	if p.To > p.Block {
		add("one of blocks %d to %d", p.Block, p.To)
	} else if p.Block > 0 {
		add("block %d", p.Block)
	}
	if p.After > 0 {
		add("after the reading of %s", time.UnixMilli(p.After).UTC().Format("2006-01-02 15:04:05.000 UTC"))
	}
	if p.Event != "" {
		add("event %s", p.Event)
	}
	if p.Stream != "" {
		add("stream %s", p.Stream)
	}
	if p.Field != "" {
		add("field %s", p.Field)
	}
	if p.File != "" {
		at := p.File
		if p.Line > 0 {
			at += fmt.Sprintf(" line %d", p.Line)
		}
		add("%s", at)
	}
	if len(where) == 0 {
		return fmt.Sprintf("%s: %s", p.Check, p.Detail)
	}
	return fmt.Sprintf("%s: %s: %s", p.Check, strings.Join(where, ", "), p.Detail)
}

// Report is what verification found.
type Report struct {
	Holds    bool      `json:"holds"`
	Problems []Problem `json:"problems"` // the first one first; at most maxProblems
	More     int       `json:"moreProblems,omitempty"`
	// Reservations are what holds by the hub's word alone, or could not be told.
	Reservations []string `json:"reservations"`

	Shipment  string    `json:"shipment,omitempty"`
	Engine    string    `json:"engine,omitempty"`
	Origin    string    `json:"origin,omitempty"`
	Key       string    `json:"key,omitempty"` // of the log
	Pinned    bool      `json:"pinned"`        // Key was given by whoever verifies
	Size      uint64    `json:"checkpoint,omitempty"`
	Witnesses []string  `json:"witnesses"`                 // that have cosigned, of those given
	Absent    []string  `json:"absentWitnesses,omitempty"` // have not, with Options.Known
	Unchecked int       `json:"uncheckedCosignatures,omitempty"`
	Verdicts  []Verdict `json:"verdicts"`
	// Unsigned are blocks that no seal of their gateway holds: the hub's word,
	// and no evidence.
	Unsigned []Tail `json:"unsigned"`
	// VerifiedTo is until when all verdicts rest on what gateways have signed,
	// UTC, Unix ms; 0 where they do to their ends.
	VerifiedTo int64 `json:"verifiedTo,omitempty"`
	// Documents are those that events name and that are here, as they were
	// attached; LeftOut counts those of which the hashes alone are.
	Documents []Document `json:"documents"`
	LeftOut   int        `json:"documentsLeftOut,omitempty"`
	Counts    Counts     `json:"counts"`
}

// Document is a document in the bundle, by the first event that names it.
type Document struct {
	Name   string `json:"name"` // as whoever attached it called it
	Size   int64  `json:"size"` // bytes
	SHA256 string `json:"sha256"`
	Event  string `json:"event"`
	Stream string `json:"stream"`
}

// Verdict is a verdict that was worked out anew.
type Verdict struct {
	Package string `json:"package"`
	Profile string `json:"profile"`
	Version int    `json:"version"`
	Product string `json:"product,omitempty"`
	Outcome string `json:"outcome"`
	From    int64  `json:"from"`
	To      int64  `json:"to"`
	Digest  string `json:"digest"`
	Closed  bool   `json:"closed"`
	// Signed is what follows from signed blocks alone, where that is less; nil
	// where it is the same.
	Signed *Signed `json:"signed,omitempty"`
}

// Signed is a verdict by what gateways have signed, and by nothing else.
type Signed struct {
	Outcome string `json:"outcome"`
	Until   int64  `json:"until"` // the last instant for which a signed reading vouches, or From; UTC, Unix ms
	Digest  string `json:"digest"`
}

// Tail is the blocks of a segment after the last that a seal holds.
type Tail struct {
	Gateway string `json:"gateway"`
	Epoch   uint32 `json:"epoch"`
	First   uint64 `json:"first"`
	Last    uint64 `json:"last"`
}

// Counts are of what was checked.
type Counts struct {
	Files    int `json:"files"`
	Events   int `json:"events"`
	Streams  int `json:"streams"`
	Seals    int `json:"seals"`
	Blocks   int `json:"blocks"`
	Linked   int `json:"linkedBlocks"` // of which the digest alone is there
	Readings int `json:"readings"`
	Proofs   int `json:"proofs"`
	// Documents that are those in the log.
	Documents int `json:"documents"`
}

const maxProblems = 20

// fail adds a problem.
func (r *Report) fail(p Problem) {
	if len(p.Detail) > 500 {
		p.Detail = strings.ToValidUTF8(p.Detail[:500], "") + "…"
	}
	if len(r.Problems) >= maxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, p)
}

func (r *Report) reserve(format string, a ...any) {
	if len(r.Reservations) < 100 {
		r.Reservations = append(r.Reservations, fmt.Sprintf(format, a...))
	}
}
