package verify

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	flog "github.com/transparency-dev/formats/log"
	fnote "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/mod/sumdb/note"

	"frostline/hub/evidence/bundle"
	"frostline/hub/evidence/ledger"
)

// entryName names an entry of the log.
type entryName struct {
	kind ledger.Kind
	name string
}

// proven is an entry that inclusion.jsonl has a proof of.
type proven struct {
	bundle.ProofRecord
	line int
	used bool
}

func witnessKeys(keys []string) ([]note.Verifier, error) {
	var out []note.Verifier
	for _, k := range keys {
		v, err := fnote.NewVerifierForCosignatureV1(k)
		if err != nil {
			return nil, fmt.Errorf("witness key %q: want NAME+HASH+KEY as the witness prints it: %w", k, err)
		}
		out = append(out, v)
	}
	return out, nil
}

// checkpoints checks both checkpoints and that the log grew from one to the
// other.
func (r *run) checkpoints() bool {
	r.Key, r.Pinned = r.m.Key, r.o.Key != ""
	if r.Pinned && r.o.Key != r.m.Key {
		r.fail(Problem{Check: Checkpoint, File: bundle.Manifest, Field: "key", Detail: fmt.Sprintf("the bundle is of the log with key %.200s, and another was given", r.m.Key)})
		return false
	}
	v, err := note.NewVerifier(r.m.Key)
	if err != nil || v.Name() != r.m.Origin {
		r.fail(Problem{Check: Checkpoint, File: bundle.Manifest, Field: "key", Detail: "it is no verifier key of the log named in origin"})
		return false
	}
	if r.log = v; !r.Pinned {
		r.reserve("the log's key is taken from the bundle itself: get it from the hub (frostline evidence key) and give it with --key")
	}
	last, ok := r.checkpoint(bundle.LastNote, r.m.Checkpoint, true)
	if !ok {
		return false
	}
	first, ok := r.checkpoint(bundle.FirstNote, r.m.First, false)
	if !ok {
		return false
	}
	r.root, r.size, r.Size = last.Hash, last.Size, last.Size
	var c bundle.ConsistencyRecord
	b, err := r.files[bundle.Consistency].Bytes()
	if err == nil {
		err = bundle.Decode(b, &c)
	}
	if err == nil && (c.From != first.Size || c.To != last.Size) {
		err = errors.New("of other checkpoints")
	}
	if err == nil {
		err = proof.VerifyConsistency(rfc6962.DefaultHasher, first.Size, last.Size, c.Proof, first.Hash, last.Hash)
	}
	if err != nil {
		r.fail(Problem{Check: Consistency, File: bundle.Consistency, Detail: fmt.Sprintf("the log of %d entries is not proved to have grown from that of %d", last.Size, first.Size)})
		return false
	}
	return true
}

// checkpoint checks one signed checkpoint, and whether witnesses cosigned.
func (r *run) checkpoint(name string, said bundle.Tree, last bool) (*flog.Checkpoint, bool) {
	bad := func(format string, a ...any) (*flog.Checkpoint, bool) {
		r.fail(Problem{Check: Checkpoint, File: name, Detail: fmt.Sprintf(format, a...)})
		return nil, false
	}
	b, err := r.files[name].Bytes()
	if err != nil {
		return bad("%v", err)
	}
	witnesses, err := witnessKeys(r.o.Witnesses)
	if err != nil {
		return bad("%v", err)
	}
	cp, rest, n, err := flog.ParseCheckpoint(b, r.m.Origin, r.log, witnesses...)
	if err != nil {
		return bad("it is not a checkpoint signed by the log's key, or a witness's line in it is wrong")
	}
	if len(rest) > 0 || len(cp.Hash) != 32 {
		return bad("it has more lines, or another root, than a checkpoint of this log")
	}
	if cp.Size != said.Size || hex.EncodeToString(cp.Hash) != said.Root {
		return bad("it is of %d entries with root %x, the manifest names %d with %.64s", cp.Size, cp.Hash, said.Size, said.Root)
	}
	if !last {
		return cp, true
	}
	r.Unchecked = len(n.UnverifiedSigs)
	for i, w := range witnesses {
		cosigned := false
		for _, s := range n.Sigs {
			cosigned = cosigned || s.Name == w.Name() && s.Hash == w.KeyHash()
		}
		if !cosigned && r.o.Known {
			r.Absent = append(r.Absent, w.Name())
			continue
		}
		if !cosigned {
			r.fail(Problem{Check: Witness, File: name, Detail: fmt.Sprintf("witness %s has not cosigned it (key %.120s)", w.Name(), r.o.Witnesses[i])})
			continue
		}
		r.Witnesses = append(r.Witnesses, w.Name())
	}
	if r.o.Known && len(r.Witnesses) < r.o.Quorum {
		r.fail(Problem{Check: Witness, File: name, Detail: fmt.Sprintf("%d witnesses have cosigned it, and %d have to", len(r.Witnesses), r.o.Quorum)})
	}
	if len(witnesses) == 0 && !r.o.Known {
		r.reserve("no witness's key was given: that the log shows everybody the same is the hub's word alone")
	}
	return cp, true
}

// inclusion reads the proofs; they are checked as the entries are.
func (r *run) inclusion() bool {
	last := int64(-1)
	return r.lines(bundle.Inclusion, func(number int, line []byte) error {
		p := &proven{line: number}
		bad := func(detail string) error {
			r.fail(Problem{Check: Inclusion, File: bundle.Inclusion, Line: number, Detail: detail})
			return nil
		}
		if err := bundle.Decode(line, &p.ProofRecord); err != nil {
			return bad(err.Error())
		}
		name := entryName{ledger.Kind(p.Kind), p.Name}
		switch {
		case p.Index > 1<<53 || int64(p.Index) <= last:
			return bad(fmt.Sprintf("entry %d after %d: proofs ascend by entry", p.Index, last))
		case r.proofs[name] != nil:
			return bad(fmt.Sprintf("%s %s has two proofs", clip(p.Kind), clip(p.Name)))
		}
		last = int64(p.Index)
		r.proofs[name] = p
		return nil
	})
}

// included checks that an entry is in the log, and gives its index.
func (r *run) included(e ledger.Entry) (uint64, error) {
	p := r.proofs[entryName{e.Kind, e.Name}]
	if p == nil {
		return 0, fmt.Errorf("there is no proof that it is in the log: it was added or changed, or its proof was removed")
	}
	if p.used {
		return 0, fmt.Errorf("it comes twice")
	}
	p.used = true
	r.Counts.Proofs++
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, p.Index, r.size, e.Leaf(), p.Proof, r.root); err != nil {
		return p.Index, fmt.Errorf("it, or its proof in %s line %d, was changed: as it is here, it is not entry %d of the log", bundle.Inclusion, p.line, p.Index)
	}
	return p.Index, nil
}

// unused finds proofs of what is not in the bundle.
func (r *run) unused() bool {
	var left []Problem
	for name, p := range r.proofs {
		if !p.used {
			left = append(left, missing(name, p))
		}
	}
	slices.SortFunc(left, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
	for _, p := range left {
		r.fail(p)
	}
	return true
}

func missing(name entryName, p *proven) Problem {
	q := Problem{Check: Inclusion, File: bundle.Inclusion, Line: p.line, Detail: fmt.Sprintf("%s %s was removed from the bundle: there is a proof of it", clip(string(name.kind)), clip(name.name))}
	if name.kind == ledger.Event {
		q.Event = clip(name.name)
	}
	return q
}
