package verify

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"frostline/hub/evidence/bundle"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// putChains walks the gateways' chains, and takes readings and anchors from
// blocks that a seal holds.
func (r *run) putChains() bool {
	for n := range r.seals {
		c := chainName{n.gateway, n.epoch}
		r.sealed[c] = append(r.sealed[c], n.number)
	}
	for _, all := range r.sealed {
		slices.Sort(all)
	}
	var err error
	if r.store, err = newReadings(r.events, bundle.Dating(r.m.Bundle)); err != nil {
		r.fail(Problem{Check: EventIs, File: bundle.Events, Detail: "facts cannot be read"})
		return false
	}
	names := map[string]bool{}
	for i, c := range r.m.Chains {
		name := bundle.ChainName(c.Gateway, c.Epoch)
		if names[name] || i > 0 && (r.m.Chains[i-1].Gateway > c.Gateway) {
			r.fail(Problem{Check: ManifestIs, File: bundle.Manifest, Gateway: clip(c.Gateway), Epoch: c.Epoch, Detail: "chains are not in order"})
			return false
		}
		names[name] = true
		f := r.files[name]
		if f == nil {
			r.fail(Problem{Check: ChainIs, Gateway: clip(c.Gateway), Epoch: c.Epoch, File: name, Detail: "the file was removed"})
			continue
		}
		w := &walker{run: r, chain: c, file: name, series: map[uint32]declared{}}
		w.walk(f)
	}
	for _, name := range slices.Sorted(maps.Keys(r.files)) {
		if len(name) > len(bundle.ChainPrefix) && name[:len(bundle.ChainPrefix)] == bundle.ChainPrefix && !names[name] {
			r.fail(Problem{Check: ChainIs, File: name, Detail: "the manifest does not speak of this chain"})
		}
	}
	for _, n := range slices.SortedFunc(maps.Keys(r.seals), sealName.compare) {
		if s := r.seals[n]; !s.used && len(r.Problems) == 0 {
			r.fail(Problem{Check: SealIs, Gateway: n.gateway, Epoch: n.epoch, Block: n.number, File: bundle.Seals, Detail: "it is of no block in the bundle: the blocks were removed"})
		}
	}
	return true
}

// chainName names an epoch of a gateway.
type chainName struct {
	gateway string
	epoch   uint32
}

func (s sealName) compare(o sealName) int {
	return cmp.Or(strings.Compare(s.gateway, o.gateway), cmp.Compare(s.epoch, o.epoch), cmp.Compare(s.number, o.number))
}

// declared is what a series id stands for.
type declared struct {
	sensor   string
	quantity reading.Quantity
	signed   bool
}

// walker follows one chain file.
type walker struct {
	*run
	chain   bundle.Chain
	file    string
	series  map[uint32]declared
	segment int     // index of the one under way
	begin   uint64  // its first block
	held    uint64  // blocks up to this one are held by a seal
	signed  uint64  // and up to this one they will have been at its end
	count   uint64  // readings in the epoch up to the last whole block
	counted uint64  // that block; 0 none
	last    instant // the last reading
	good    instant // and the last that a seal holds
}

// instant is when a reading was taken, by its boot's clock.
type instant struct {
	boot uint32
	tick int64
	ok   bool
}

var errTold = errors.New("told")

func (w *walker) walk(f *bundle.File) {
	err := bundle.ReadChain(f.Open(), w.chain.Gateway, w.chain.Epoch, bundle.Walk{Begin: w.beginSegment, Block: w.block, End: w.end})
	var broken *bundle.ChainError
	switch {
	case errors.As(err, &broken):
		w.bad(broken.Block, "%s", broken.Reason)
	case err != nil && !errors.Is(err, errTold):
		w.bad(0, "%v", err)
	case err == nil && w.segment < len(w.chain.Segments):
		s := w.chain.Segments[w.segment]
		w.Report.fail(Problem{Check: ChainIs, Gateway: w.chain.Gateway, Epoch: w.chain.Epoch, Block: s.First, To: s.Last, File: w.file, Detail: "these blocks were removed: the manifest speaks of them"})
	}
}

// bad tells of a block that does not hold, with the time of the last reading
// before it.
func (w *walker) bad(block uint64, format string, a ...any) error {
	p := Problem{Check: ChainIs, Gateway: clip(w.chain.Gateway), Epoch: w.chain.Epoch, Block: block, File: w.file, After: w.utc(w.last), Detail: fmt.Sprintf(format, a...)}
	w.Report.fail(p)
	return errTold
}

// utc is when a reading was taken, by all anchors so far, Unix ms; 0 for unknown.
func (w *walker) utc(t instant) int64 {
	if t.ok {
		if m, ok := w.store.all.timeline(bootKey{w.chain.Gateway, w.chain.Epoch, t.boot}).Resolve(t.tick); ok {
			return m.UTC
		}
	}
	return 0
}

func (w *walker) beginSegment(first uint64, before chain.Head) error {
	if w.segment >= len(w.chain.Segments) || w.chain.Segments[w.segment].First != first {
		return w.bad(first, "a segment begins here that the manifest does not speak of: blocks were removed or added")
	}
	w.begin, w.held, w.counted = first, first-1, 0
	w.signed = w.lastSeal(first-1, w.chain.Segments[w.segment].Last)
	if first == 1 {
		if before != chain.Genesis(w.chain.Gateway, w.chain.Epoch) {
			return w.bad(first, "the chain head before it is not that of gateway %s, epoch %d", w.chain.Gateway, w.chain.Epoch)
		}
		return nil
	}
	return w.sealAt(first-1, before)
}

func (w *walker) block(l bundle.Link) error {
	if l.Number > w.chain.Segments[w.segment].Last {
		return w.bad(l.Number, "it was added: the manifest ends the segment at block %d", w.chain.Segments[w.segment].Last)
	}
	if l.Raw == nil {
		w.Counts.Linked++
		return w.sealAt(l.Number, l.Head)
	}
	w.Counts.Blocks++
	b, err := block.Decode(l.Raw)
	if err != nil {
		return w.bad(l.Number, "it is not a block in its canonical form")
	}
	if b.Number != l.Number {
		return w.bad(l.Number, "block %d stands in its place: one was removed, or they were put into another order", b.Number)
	}
	if w.counted == l.Number-1 && w.counted > 0 && b.Before != w.count {
		return w.bad(l.Number, "it counts %d readings before it where there are %d", b.Before, w.count)
	}
	w.count, w.counted = b.After(), l.Number
	if err := w.take(b); err != nil {
		return w.bad(l.Number, "%v", err)
	}
	return w.sealAt(l.Number, l.Head)
}

// lastSeal is the greatest block in [from, to] that there is a seal of, or from.
func (w *walker) lastSeal(from, to uint64) uint64 {
	all := w.sealed[chainName{w.chain.Gateway, w.chain.Epoch}]
	i, found := slices.BinarySearch(all, to)
	if !found {
		i--
	}
	if i < 0 {
		return from
	}
	return max(from, all[i])
}

// sealAt compares the chain with the seal for a block, if there is one.
func (w *walker) sealAt(number uint64, head chain.Head) error {
	name := sealName{w.chain.Gateway, w.chain.Epoch, number}
	s, ok := w.seals[name]
	if !ok {
		return nil
	}
	s.used = true
	w.seals[name] = s
	if s.head != head {
		p := Problem{Check: ChainIs, Gateway: w.chain.Gateway, Epoch: w.chain.Epoch, Block: w.held + 1, To: number, After: w.utc(w.good), File: w.file,
			Detail: fmt.Sprintf("not what the gateway signed for: its seal of block %d has another chain head", number)}
		w.Report.fail(p)
		return errTold
	}
	if w.counted == number && number > 0 && s.readings != w.count {
		return w.bad(number, "the seal counts %d readings up to it where there are %d", s.readings, w.count)
	}
	w.held, w.good = number, w.last
	return nil
}

func (w *walker) end(last uint64, _ chain.Head) error {
	s := w.chain.Segments[w.segment]
	w.segment++
	if last != s.Last {
		return w.bad(last+1, "blocks %d to %d were removed: the manifest speaks of them", last+1, s.Last)
	}
	switch {
	case w.held == last:
	case s.Sealed:
		w.Report.fail(Problem{Check: SealIs, Gateway: w.chain.Gateway, Epoch: w.chain.Epoch, Block: last, File: bundle.Seals, Detail: "its seal was removed: the manifest speaks of it"})
	default:
		w.Unsigned = append(w.Unsigned, Tail{w.chain.Gateway, w.chain.Epoch, w.held + 1, last})
		w.reserve("%d blocks, %d to %d of gateway %s, epoch %d, await its seal: what they say is the hub's word alone", last-w.held, w.held+1, last, w.chain.Gateway, w.chain.Epoch)
	}
	return nil
}

// take adds the block's anchors and readings to the store.
func (w *walker) take(b *block.Block) error {
	signed := b.Number <= w.signed
	for _, raw := range b.Events {
		e, err := block.DecodeEvent(raw)
		if err != nil {
			continue // it is evidence all the same, of what the gateway wrote
		}
		if a := e.GetAnchor(); a != nil {
			w.store.anchor(bootKey{w.chain.Gateway, w.chain.Epoch, a.Boot}, truetime.Anchor{At: a.AtMs, UTC: a.UtcMs, Uncertainty: int64(a.UncertaintyMs), Source: truetime.Source(a.Source)}, signed)
		}
		if d := e.GetSeriesDeclared(); d != nil {
			if _, known := w.series[d.Id]; !known { // for the rest of the epoch
				w.series[d.Id] = declared{w.chain.Gateway + "/" + d.Sensor, reading.Quantity(min(d.Quantity, 255)), signed}
			}
		}
	}
	w.Counts.Readings += len(b.Readings)
	for _, x := range b.Readings {
		w.last = instant{b.Boot, x.Tick, true}
		if d := w.series[x.Series]; d.quantity == reading.Temperature {
			if err := w.store.add(d.sensor, place{w.chain.Epoch, b.Boot, x.Series, x.Tick}, x.Value, x.Quality == reading.OK, signed && d.signed); err != nil {
				return err
			}
		}
	}
	return nil
}
