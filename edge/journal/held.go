package journal

import (
	"fmt"

	"frostline/proto/block"
	"frostline/proto/pb"
)

// held is what waits in memory for a disk that takes nothing, oldest first.
// It is encoded as blocks are, because hours of readings have to fit. Guarded
// by Journal.mu; only a commit goroutine takes from it.
type held struct {
	drafts   []draft
	bytes    int
	readings uint64
	blocks   int
	leaving  counted // what was taken out to be kept, and is not yet
	// What had to be dropped. Of events only the number is, in the end: they
	// are saved first.
	gap        *pb.Gap // readings that have not been declared lost
	saved      []draft // events of dropped drafts
	savedBytes int
	lostEvents int
}

// counted is how much drafts are.
type counted struct {
	blocks   int
	readings uint64
}

// draft is a block without number.
type draft struct {
	raw      []byte
	readings uint64
	from, to int64 // ticks, ms; meaningless without readings
}

func (d *draft) size() int { return len(d.raw) + 64 }

func (h *held) any() bool { return len(h.drafts)+len(h.saved) > 0 || h.gap != nil }

func (h *held) push(d draft) {
	h.drafts = append(h.drafts, d)
	h.bytes += d.size()
	h.readings += d.readings
	h.blocks++
}

// next takes the oldest draft, or the events of older ones.
func (h *held) next() draft {
	if len(h.saved) > 0 {
		d := h.saved[0]
		h.saved = h.saved[1:]
		h.savedBytes -= d.size()
		return d
	}
	return h.pop()
}

// pop takes the oldest draft.
func (h *held) pop() draft {
	d := h.drafts[0]
	h.drafts[0] = draft{}
	if h.drafts = h.drafts[1:]; len(h.drafts) == 0 {
		h.drafts = nil
	}
	h.bytes -= d.size()
	h.readings -= d.readings
	h.blocks--
	return d
}

// unpop puts drafts that were popped back in front.
func (h *held) unpop(drafts []draft) {
	for _, d := range drafts {
		h.bytes += d.size()
		h.readings += d.readings
		h.blocks++
	}
	h.drafts = append(drafts, h.drafts...)
}

// lose adds to what has to be declared lost.
func (h *held) lose(g *pb.Gap) {
	switch {
	case h.gap == nil || h.gap.Readings == 0:
		h.gap = g
	case g.Readings > 0:
		h.gap.Readings += g.Readings
		h.gap.FromMs, h.gap.ToMs = min(h.gap.FromMs, g.FromMs), max(h.gap.ToMs, g.ToMs)
	}
}

// savedEvents bounds the events of dropped drafts, in bytes.
const savedEvents = 64 << 10

// drop gives up the readings of the oldest draft.
func (h *held) drop() {
	d := h.pop()
	if d.readings > 0 {
		h.lose(&pb.Gap{Readings: d.readings, FromMs: d.from, ToMs: d.to, Reason: overflow})
	}
	b, err := block.Decode(d.raw)
	if err != nil || len(b.Events) == 0 {
		return
	}
	if h.savedBytes < savedEvents {
		b.Readings = nil
		if raw, err := b.AppendTo(nil); err == nil {
			h.saved = append(h.saved, draft{raw: raw})
			h.savedBytes += len(raw) + 64
			return
		}
	}
	h.lostEvents += len(b.Events)
	if h.gap == nil {
		h.gap = &pb.Gap{Reason: overflow}
	}
}

// declaration makes the Gap that says what was dropped in a boot.
func (h *held) declaration(boot uint32) *pb.Gap {
	g := &pb.Gap{Readings: h.gap.Readings, FromMs: h.gap.FromMs, ToMs: h.gap.ToMs, Boot: boot, Reason: h.gap.Reason}
	if h.lostEvents > 0 {
		g.Reason += fmt.Sprintf("; so were %d events", h.lostEvents)
	}
	return g
}

const overflow = "the disk took nothing for so long that the memory for readings was full"
