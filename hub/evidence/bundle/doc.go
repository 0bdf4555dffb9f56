// Package bundle is the file that carries the evidence of a shipment: its
// container, manifest and records. Every byte of a bundle is determined by what
// it says, and every byte is checked: a bundle that decodes encodes to itself.
// docs/verify/FORMAT.md describes it so that others can write it again.
//
// The container is a zip archive that any tool opens, of stored files only, in
// ascending order of names, with all fields that carry no meaning fixed. Nothing
// is ever unpacked to disk, and no size is believed before it is checked.
package bundle

import (
	"regexp"

	"frostline/proto/truetime"
)

// Version of the format, in every manifest that is made. Bundles of Oldest to
// Version can be checked; see Dating. From WithDocuments on, they have the
// documents that events name.
const (
	Version       = 3
	WithDocuments = 3
	Oldest        = 1
)

// Dating is the rule by which a bundle of a version dates readings: that is all
// in which versions 1 and 2 differ.
func Dating(version int) truetime.Rule {
	if version == 1 {
		return truetime.Hull
	}
	return truetime.Majority
}

// Names of the files in a bundle.
const (
	ReadMe      = "README.txt"
	ChainPrefix = "chains/" // GATEWAY/EPOCH follow
	FirstNote   = "checkpoint/first"
	LastNote    = "checkpoint/last"
	Consistency = "consistency.json"
	DocPrefix   = "documents/" // SHA256 follows, hex
	Events      = "events.jsonl"
	Inclusion   = "inclusion.jsonl"
	Keys        = "keys.jsonl"
	Manifest    = "manifest.json"
	ManifestSig = "manifest.note"
	Seals       = "seals.jsonl"
)

// Limits on what is written and on what is accepted.
const (
	MaxFiles = 10_000
	MaxBytes = 2 << 30   // of a bundle
	MaxText  = 256 << 20 // of a file other than a chain and a document
	MaxLine  = 4 << 20   // of a line of such a file
)

var goodName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}(/[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}){0,3}$`)
