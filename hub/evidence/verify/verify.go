package verify

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/note"

	"frostline/hub/event"
	"frostline/hub/evidence/bundle"
	"frostline/proto/thermal"
)

// Options say what is trusted.
type Options struct {
	// Key is the verifier key of the hub's log, got from the hub by another way
	// than the bundle. Empty: the key in the bundle is used, and said.
	Key string
	// Witnesses are verifier keys all of which must have cosigned; with Known,
	// Quorum of them, and the others are told in Report.Absent.
	Witnesses []string
	Known     bool
	Quorum    int
	// AllowUnsigned lets verdicts on closed packages pass whose outcome rests on
	// blocks that the gateway has not signed.
	AllowUnsigned bool
}

// run is a verification under way.
type run struct {
	*Report
	o     Options
	ctx   context.Context
	files map[string]*bundle.File
	m     bundle.ManifestRecord
	raw   []byte // of the manifest

	log     note.Verifier
	root    []byte
	size    uint64
	proofs  map[entryName]*proven
	bundler note.Verifier
	keys    map[string]ed25519.PublicKey // seal keys, by GATEWAY/ID
	events  []event.Event
	seals   map[sealName]sealed
	sealed  map[chainName][]uint64 // blocks that there are seals of, ascending
	store   *readings
}

// Bundle verifies a bundle of size bytes. The error is that of reading, or of
// options that cannot be used; whatever the bundle is like is in the report.
func Bundle(ctx context.Context, in io.ReaderAt, size int64, o Options) (*Report, error) {
	r := &run{
		Report: &Report{Problems: []Problem{}, Reservations: []string{}, Witnesses: []string{}, Verdicts: []Verdict{}, Unsigned: []Tail{}, Documents: []Document{}},
		o:      o, ctx: ctx, files: map[string]*bundle.File{}, proofs: map[entryName]*proven{}, keys: map[string]ed25519.PublicKey{}, seals: map[sealName]sealed{},
		sealed: map[chainName][]uint64{},
	}
	if err := r.options(); err != nil {
		return nil, err
	}
	for _, step := range []func() bool{
		func() bool { return r.container(in, size) }, r.manifest, r.checkpoints, r.inclusion, r.putKeys, r.putEvents, r.documents, r.putSeals,
		r.putChains, r.unused, r.verdicts,
	} {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if !step() {
			break
		}
	}
	r.hashes()
	r.Holds = len(r.Problems) == 0
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.Report, nil
}

func (r *run) options() error {
	if r.o.Key != "" {
		if _, err := note.NewVerifier(r.o.Key); err != nil {
			return fmt.Errorf("key %q: want NAME+HASH+KEY as frostline evidence key prints it: %w", r.o.Key, err)
		}
	}
	_, err := witnessKeys(r.o.Witnesses)
	return err
}

// container finds the files.
func (r *run) container(in io.ReaderAt, size int64) bool {
	files, err := bundle.Read(in, size)
	if err != nil {
		r.fail(Problem{Check: Container, Detail: err.Error()})
		return false
	}
	for _, f := range files {
		r.files[f.Name] = f
	}
	r.Counts.Files = len(files)
	return true
}

// manifest reads what the bundle says it has, and compares it with the files
// that are there.
func (r *run) manifest() bool {
	f := r.files[bundle.Manifest]
	if f == nil {
		r.fail(Problem{Check: ManifestIs, File: bundle.Manifest, Detail: "it is missing"})
		return false
	}
	var err error
	if r.raw, err = f.Bytes(); err == nil {
		err = bundle.Decode(r.raw, &r.m)
	}
	if err != nil {
		r.m = bundle.ManifestRecord{}
		r.fail(Problem{Check: ManifestIs, File: f.Name, Detail: err.Error()})
		return false
	}
	r.Shipment, r.Engine, r.Origin = r.m.Shipment, r.m.Engine, r.m.Origin
	if r.m.Bundle < bundle.Oldest || r.m.Bundle > bundle.Version {
		r.fail(Problem{Check: ManifestIs, File: f.Name, Field: "bundle", Detail: fmt.Sprintf("format %d: this program knows %d to %d; use one that is as new as the bundle", r.m.Bundle, bundle.Oldest, bundle.Version)})
		return false
	}
	if r.m.Engine != thermal.EngineVersion {
		r.fail(Problem{Check: ManifestIs, File: f.Name, Field: "engine", Detail: fmt.Sprintf("verdicts were made by engine %s: this program has %s", clip(r.m.Engine), thermal.EngineVersion)})
		return false
	}
	listed := map[string]bool{bundle.Manifest: true, bundle.ManifestSig: true}
	for i, d := range r.m.Files {
		if listed[d.Name] || i > 0 && r.m.Files[i-1].Name >= d.Name {
			r.fail(Problem{Check: ManifestIs, File: clip(d.Name), Detail: "it is listed twice or out of order"})
		}
		listed[d.Name] = true
		if r.files[d.Name] == nil {
			r.fail(Problem{Check: ManifestIs, File: clip(d.Name), Detail: "it was removed: the manifest lists it"})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		if !listed[name] {
			r.fail(Problem{Check: ManifestIs, File: name, Detail: "it was added: the manifest does not list it"})
		}
	}
	for _, name := range []string{bundle.ManifestSig, bundle.Consistency, bundle.Events, bundle.FirstNote, bundle.LastNote, bundle.Inclusion, bundle.Keys, bundle.Seals, bundle.ReadMe} {
		if r.files[name] == nil {
			r.fail(Problem{Check: ManifestIs, File: name, Detail: "it is missing"})
			return false
		}
	}
	return true
}

// hashes compares all files with the manifest, and the manifest with its
// signature. It comes last: what is closer to a change was told by then.
func (r *run) hashes() {
	if r.raw == nil {
		return
	}
	for _, d := range r.m.Files {
		f := r.files[d.Name]
		if f == nil {
			continue
		}
		sum, crc := sha256.New(), crc32.NewIEEE()
		if _, err := io.Copy(io.MultiWriter(sum, crc), f.Open()); err != nil {
			r.fail(Problem{Check: FileIs, File: f.Name, Detail: "it cannot be read"})
			continue
		}
		if hex.EncodeToString(sum.Sum(nil)) != d.SHA256 || f.Size != d.Size {
			r.fail(Problem{Check: FileIs, File: f.Name, Detail: "its SHA-256 is not what the manifest says: it was changed"})
		} else if crc.Sum32() != f.CRC {
			r.fail(Problem{Check: Container, File: f.Name, Detail: "its zip checksum was changed"})
		}
	}
	for _, name := range []string{bundle.Manifest, bundle.ManifestSig} {
		if f := r.files[name]; f != nil {
			if b, err := f.Bytes(); err == nil && crc32.ChecksumIEEE(b) != f.CRC {
				r.fail(Problem{Check: Container, File: name, Detail: "its zip checksum is not that of its bytes"})
			}
		}
	}
	r.signature()
}

// signature checks that the hub has signed the manifest.
func (r *run) signature() {
	f := r.files[bundle.ManifestSig]
	if f == nil {
		return
	}
	if r.bundler == nil {
		if len(r.Problems) == 0 {
			r.fail(Problem{Check: ManifestIs, File: f.Name, Detail: "the key to check it by is not known"})
		}
		return
	}
	b, err := f.Bytes()
	if err != nil {
		r.fail(Problem{Check: ManifestIs, File: f.Name, Detail: err.Error()})
		return
	}
	n, err := note.Open(b, note.VerifierList(r.bundler))
	switch {
	case err != nil:
		r.fail(Problem{Check: ManifestIs, File: f.Name, Detail: "its signature does not verify by the hub's bundle key"})
	case len(n.Sigs) != 1 || bytes.Count(b[len(n.Text):], []byte("\n")) != 2:
		r.fail(Problem{Check: ManifestIs, File: f.Name, Detail: "want one signature alone"})
	case n.Text != bundle.SignedText(r.m.Bundle, bundle.HexSHA256(r.raw), r.m.Shipment):
		r.fail(Problem{Check: ManifestIs, File: bundle.Manifest, Detail: "it is not the manifest that the hub has signed"})
	}
}

func (r *run) lines(name string, yield func(number int, line []byte) error) bool {
	err := r.files[name].Lines(yield)
	if err != nil {
		r.fail(Problem{Check: FileIs, File: name, Detail: err.Error()})
	}
	return err == nil
}
