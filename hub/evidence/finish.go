package evidence

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/evidence/bundle"
	"frostline/hub/evidence/ledger"
	"frostline/proto/pb"
)

const readMe = `This file is the evidence of a shipment: what gateways measured and signed,
what people and systems stated, and what the hub concluded from it.

  frostline evidence verify FILE        checks all of it, offline
  docs/verify/FORMAT.md of Frostline    describes every byte of it

chains/      blocks of readings, as the gateways signed them
seals.jsonl  the gateways' signatures; keys.jsonl the keys to check them by
events.jsonl what was stated and concluded, in order
documents/   what people attached to cases, each named by its SHA-256, unless
             documents were left out; the comment in events.jsonl that has the
             hash says what it is called. Open them as mail from strangers
inclusion.jsonl, checkpoint/, consistency.json
             proofs that all this is in the hub's public log
manifest.json, manifest.note
             the hash of every file, signed by the hub
`

// putEvents writes the facts.
func (d *draft) putEvents() error {
	var out bytes.Buffer
	for _, e := range d.events {
		b, err := ledger.EventBytes(e)
		if err != nil {
			return err
		}
		out.Write(b)
		out.WriteByte('\n')
		if err := d.locate(ledger.EventEntry(e.ID, e.Stream, e.Position, b)); err != nil {
			return err
		}
	}
	d.put(bundle.Events, out.Bytes())
	return nil
}

func (d *draft) putSeals() error {
	var out bytes.Buffer
	for _, s := range d.seals {
		b, err := bundle.Canonical(s)
		if err != nil {
			return err
		}
		out.Write(b)
		out.WriteByte('\n')
		if err := d.locate(ledger.SealEntry(s.Gateway, s.Epoch, s.Number, s.Seal)); err != nil {
			return err
		}
	}
	d.put(bundle.Seals, out.Bytes())
	return nil
}

// putKeys writes the hub's bundle key and those that the seals were made by.
func (d *draft) putKeys() error {
	used := map[string]bool{}
	for _, s := range d.seals {
		var m pb.Seal
		if err := proto.Unmarshal(s.Seal, &m); err != nil {
			return fmt.Errorf("seal of block %d: %w", s.Number, err)
		}
		used[ledger.KeyRecord{Use: "seal", Gateway: s.Gateway, ID: hex.EncodeToString(m.KeyId)}.Name()] = true
	}
	records := []ledger.KeyRecord{d.x.o.Ledger.BundleRecord()}
	if d.x.o.Keys != nil {
		for _, k := range d.x.o.Keys() {
			if used[k.Name()] {
				records = append(records, k)
			}
		}
	}
	slices.SortFunc(records, func(a, b ledger.KeyRecord) int { return strings.Compare(a.Name(), b.Name()) })
	var out bytes.Buffer
	for _, k := range records {
		b, err := k.Bytes()
		if err != nil {
			return err
		}
		out.Write(b)
		out.WriteByte('\n')
		if err := d.locate(ledger.KeyEntry(k.Name(), b)); err != nil {
			return err
		}
	}
	d.put(bundle.Keys, out.Bytes())
	return nil
}

// prove writes checkpoints and proofs.
func (d *draft) prove() error {
	slices.SortFunc(d.wanted, func(a, b wanted) int { return cmp.Compare(a.at, b.at) })
	log := d.x.o.Ledger
	last, err := d.checkpoint(d.wanted[len(d.wanted)-1].at)
	if err != nil {
		return err
	}
	first, err := d.checkpoint(d.wanted[0].at)
	if err != nil {
		return err
	}
	if first.Size > last.Size {
		first = last
	}
	proof, err := log.Consistency(d.ctx, first.Size, last.Size)
	if err != nil {
		return fmt.Errorf("prove that the log only grew: %w", err)
	}
	b, err := bundle.Canonical(bundle.ConsistencyRecord{From: first.Size, To: last.Size, Proof: nonNil(proof)})
	if err != nil {
		return err
	}
	d.put(bundle.Consistency, b)
	d.put(bundle.FirstNote, []byte(first.Note))
	d.put(bundle.LastNote, []byte(last.Note))
	inclusion, err := log.Inclusion(d.ctx, last.Size)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	for _, w := range d.wanted {
		proof, err := inclusion(w.at)
		if err != nil {
			return fmt.Errorf("prove entry %d: %w", w.at, err)
		}
		b, err := bundle.Canonical(bundle.ProofRecord{Index: w.at, Kind: string(w.kind), Name: w.name, Proof: nonNil(proof)})
		if err != nil {
			return err
		}
		out.Write(b)
		out.WriteByte('\n')
	}
	d.put(bundle.Inclusion, out.Bytes())
	d.manifest.Origin, d.manifest.Key = log.Origin(), log.Key()
	d.manifest.Checkpoint = bundle.Tree{Size: last.Size, Root: hex.EncodeToString(last.Root)}
	d.manifest.First = bundle.Tree{Size: first.Size, Root: hex.EncodeToString(first.Root)}
	return nil
}

// checkpoint waits until there is a checkpoint that has an entry.
func (d *draft) checkpoint(entry uint64) (ledger.Checkpoint, error) {
	for tries := 0; ; tries++ {
		c, ok, err := d.x.o.Ledger.At(d.ctx, entry+1)
		if err != nil {
			return c, fmt.Errorf("checkpoint of entry %d: %w", entry, err)
		}
		if ok {
			return c, nil
		}
		if tries >= patience {
			return c, fmt.Errorf("%w: no checkpoint is of entry %d yet", ErrBusy, entry)
		}
		d.x.o.Ledger.Hurry()
		select {
		case <-d.ctx.Done():
			return c, d.ctx.Err()
		case <-time.After(lookAgain):
		}
	}
}

// sign writes and signs the manifest, and brings all parts into order.
func (d *draft) sign() error {
	d.put(bundle.ReadMe, []byte(readMe))
	slices.SortFunc(d.manifest.Files, func(a, b bundle.Digest) int { return strings.Compare(a.Name, b.Name) })
	b, err := bundle.Canonical(d.manifest)
	if err != nil {
		return err
	}
	note, err := d.x.o.Ledger.SignManifest(bundle.SignedText(bundle.Version, bundle.HexSHA256(b), d.shipment))
	if err != nil {
		return fmt.Errorf("sign manifest: %w", err)
	}
	d.parts = append(d.parts, bundle.BytesPart(bundle.Manifest, b), bundle.BytesPart(bundle.ManifestSig, note))
	slices.SortFunc(d.parts, func(a, b bundle.Part) int { return strings.Compare(a.Name, b.Name) })
	return nil
}

// nonNil keeps an empty list from becoming null.
func nonNil(proof [][]byte) [][]byte {
	if proof == nil {
		return [][]byte{}
	}
	return proof
}
