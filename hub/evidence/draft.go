package evidence

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"frostline/hub/evidence/bundle"
	"frostline/hub/evidence/ledger"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/thermal"

	"google.golang.org/protobuf/proto"
)

// draft is a bundle that is being made.
type draft struct {
	*scope
	want Wanted
	// asStored takes what the store has as it is, for a verifier to say what does
	// not hold: what is known not to hold is an error else.
	asStored bool

	x   *Exporter
	ctx context.Context
	dir string

	manifest bundle.ManifestRecord
	parts    []bundle.Part
	seals    []bundle.SealRecord
	wanted   []wanted // entries of the log
	unsigned []Unsigned
}

// wanted is an entry of the log that needs a proof.
type wanted struct {
	kind ledger.Kind
	name string
	leaf []byte
	at   uint64
}

func (d *draft) make() (*Bundle, error) {
	d.manifest = bundle.ManifestRecord{
		Bundle: bundle.Version, Shipment: d.shipment, Engine: thermal.EngineVersion, Position: d.position, Streams: d.streams,
		Chains: []bundle.Chain{}, Packages: []bundle.Package{},
	}
	for id, of := range d.packages {
		d.manifest.Packages = append(d.manifest.Packages, bundle.Package{ID: id, Shipment: of})
	}
	slices.SortFunc(d.manifest.Packages, func(a, b bundle.Package) int { return strings.Compare(a.ID, b.ID) })
	for _, step := range []func() error{d.putChains, d.putDocuments, d.putEvents, d.putSeals, d.putKeys, d.prove, d.sign} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return &Bundle{Shipment: d.shipment, Size: bundle.Size(d.parts), Unsigned: d.unsigned, parts: d.parts, dir: d.dir}, nil
}

// putChains writes the chain files, and notes the seals that hold them.
func (d *draft) putChains() error {
	ws, err := d.windows()
	if err != nil {
		return err
	}
	chains, err := d.chains(ws)
	if err != nil {
		return err
	}
	for _, c := range chains {
		if err := d.putChain(c); err != nil {
			return fmt.Errorf("blocks of gateway %s, epoch %d: %w", c.gateway, c.number, err)
		}
	}
	return nil
}

// segments extends each span of whole blocks to the next seal, within the range
// that is committed; without one the end of the span is not signed.
func (d *draft) segments(c *epoch) (out []bundle.Segment, err error) {
	var ranges []span
	d.x.o.Intake.Extent(c.gateway, c.number, func(first, last uint64) { ranges = append(ranges, span{first, last}) })
	for _, r := range ranges {
		for _, w := range c.whole {
			s := bundle.Segment{First: max(w.first, r.first), Last: min(w.last, r.last)}
			if s.First > s.Last {
				continue
			}
			err := d.x.o.Intake.Seals(d.ctx, c.gateway, c.number, s.Last-1, 1, func(number uint64, _ []byte) error {
				if number <= r.last {
					s.Last, s.Sealed = number, true
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
			if n := len(out); n > 0 && s.First <= out[n-1].Last+1 {
				if s.Last >= out[n-1].Last {
					out[n-1].Last, out[n-1].Sealed = s.Last, s.Sealed
				}
				continue
			}
			out = append(out, s)
		}
	}
	return out, nil
}

func (d *draft) putChain(c *epoch) error {
	segments, err := d.segments(c)
	if err != nil || len(segments) == 0 {
		return err
	}
	part, err := d.spool(bundle.ChainName(c.gateway, c.number), func(w io.Writer) error {
		out, err := bundle.NewChainWriter(w, c.gateway, c.number)
		if err != nil {
			return err
		}
		for _, s := range segments {
			if err := d.putSegment(out, c, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	d.parts = append(d.parts, part)
	d.manifest.Chains = append(d.manifest.Chains, bundle.Chain{Gateway: c.gateway, Epoch: c.number, Segments: segments})
	return nil
}

func (d *draft) putSegment(out *bundle.ChainWriter, c *epoch, s bundle.Segment) error {
	head, err := d.x.o.Intake.Head(d.ctx, c.gateway, c.number, s.First-1)
	if err == nil {
		err = out.Begin(s.First, head)
	}
	if err != nil {
		return err
	}
	for next := s.First; next <= s.Last; next++ {
		err = d.x.o.Intake.Blocks(d.ctx, c.gateway, c.number, next, s.Last, func(number uint64, raw []byte) error {
			next = number + 1
			i, _ := slices.BinarySearchFunc(c.whole, number, func(w span, n uint64) int { return cmp.Compare(w.last, n) })
			return out.Block(raw, i < len(c.whole) && c.whole[i].first <= number)
		})
		if err == nil {
			break
		}
		if damagedBlock(err) == nil || !d.asStored {
			return err
		}
		if err := out.Block([]byte{}, true); err != nil { // nothing can be read in its place
			return err
		}
	}
	after, err := out.End()
	if err != nil {
		return err
	}
	held := s.First - 1
	for at, page := max(s.First, 2)-2, 1000; page == 1000 && at < s.Last; {
		page = 0
		err := d.x.o.Intake.Seals(d.ctx, c.gateway, c.number, at, 1000, func(number uint64, body []byte) error {
			page++
			if at = number; number > s.Last {
				return nil
			}
			held = max(held, number)
			if number == s.Last && !d.asStored {
				if err := matches(body, after); err != nil {
					return fmt.Errorf("seal of block %d: %w", number, err)
				}
			}
			d.seals = append(d.seals, bundle.SealRecord{Gateway: c.gateway, Epoch: c.number, Number: number, Seal: bytes.Clone(body)})
			return nil
		})
		if err != nil {
			return err
		}
	}
	if held < s.Last {
		d.unsigned = append(d.unsigned, Unsigned{c.gateway, c.number, held + 1, s.Last})
	}
	return nil
}

// matches keeps a damaged store from giving a bundle that does not verify.
func matches(body []byte, head chain.Head) error {
	var s pb.Seal
	if err := proto.Unmarshal(body, &s); err != nil {
		return err
	}
	if !bytes.Equal(s.Head, head[:]) {
		return errors.New("it is not of the stored blocks: the store is damaged; frostline account says where")
	}
	return nil
}

// spool writes a part to disk.
func (d *draft) spool(name string, write func(io.Writer) error) (bundle.Part, error) {
	path := filepath.Join(d.dir, fmt.Sprintf("%d", len(d.parts)))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return bundle.Part{}, err
	}
	sum, digest, c := crc32.NewIEEE(), sha256.New(), &counting{}
	out := bufio.NewWriterSize(f, 256<<10)
	c.w = io.MultiWriter(out, sum, digest)
	err = errors.Join(write(c), out.Flush(), f.Close())
	if c.n > bundle.MaxBytes {
		err = errors.Join(err, fmt.Errorf("%s has %d bytes: the limit of a bundle is %d", name, c.n, int64(bundle.MaxBytes)))
	}
	if err != nil {
		return bundle.Part{}, errors.Join(err, os.Remove(path))
	}
	d.manifest.Files = append(d.manifest.Files, bundle.Digest{Name: name, Size: c.n, SHA256: hex.EncodeToString(digest.Sum(nil))})
	return bundle.Part{Name: name, Size: c.n, CRC: sum.Sum32(), Open: func() (io.ReadCloser, error) { return os.Open(path) }}, nil
}

// put adds a part that is in memory.
func (d *draft) put(name string, b []byte) {
	sum := sha256.Sum256(b)
	d.manifest.Files = append(d.manifest.Files, bundle.Digest{Name: name, Size: int64(len(b)), SHA256: hex.EncodeToString(sum[:])})
	d.parts = append(d.parts, bundle.BytesPart(name, b))
}

// How often, and how many times, it is looked whether the log has caught up.
const (
	lookAgain = 250 * time.Millisecond
	patience  = 40
)

// locate waits until an entry is in the log and its leaf is what it should be.
func (d *draft) locate(e ledger.Entry) error {
	for tries := 0; ; tries++ {
		at, ok, err := d.x.o.Ledger.Locate(d.ctx, e.Kind, e.Name)
		if err != nil {
			return err
		}
		if ok {
			if leaf := e.Leaf(); !bytes.Equal(at.Leaf, leaf) && !d.asStored {
				return fmt.Errorf("%s %s is not what the evidence log has of it: the store was edited, restore it from a backup", e.Kind, e.Name)
			}
			d.wanted = append(d.wanted, wanted{e.Kind, e.Name, at.Leaf, at.Index})
			return nil
		}
		if tries >= patience {
			return fmt.Errorf("%w: %s %s is not in the evidence log yet", ErrBusy, e.Kind, e.Name)
		}
		d.x.o.Ledger.Hurry()
		select {
		case <-d.ctx.Done():
			return d.ctx.Err()
		case <-time.After(lookAgain):
		}
	}
}
