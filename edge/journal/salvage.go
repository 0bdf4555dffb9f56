package journal

import (
	"os"

	"frostline/edge/journal/boltfile"
	"frostline/proto/block"
	"frostline/proto/chain"
)

// readingsAfter counts the readings of the epoch up to and with a block.
func readingsAfter(raw []byte) (uint64, error) {
	b, err := block.Decode(raw)
	if err != nil {
		return 0, err
	}
	return b.After(), nil
}

// salvaged is what a scan over all pages of a file found, old versions of
// pages included.
type salvaged struct {
	records map[uint64][]record // by number, different ones only
	tail    *tail               // with the highest number
	boot    uint32              // highest ordinal
	unread  int                 // pages
	err     error               // why nothing could be read at all
}

// salvage reads what is left of a segment file of an epoch.
func salvage(path string, epoch uint32) *salvaged {
	s := &salvaged{records: map[uint64][]record{}}
	f, err := os.Open(path)
	if err != nil {
		s.err = err
		return s
	}
	defer f.Close() // read only
	st, err := f.Stat()
	if err != nil {
		s.err = err
		return s
	}
	s.unread = boltfile.Scan(f, min(st.Size(), maxSegment), func(k, v []byte) {
		if string(k) == keyTail {
			t, err := parseTail(v)
			if err == nil && t.Epoch == epoch && (s.tail == nil || t.Last >= s.tail.Last) {
				s.tail = t
				s.boot = max(s.boot, t.Boot)
			}
			return
		}
		r, err := parseRecord(epoch, k, v)
		if err != nil {
			return
		}
		number, _, boot, err := blockStart(r.raw)
		if err != nil || number != r.number {
			return
		}
		s.boot = max(s.boot, boot)
		for _, o := range s.records[number] {
			if o.prev == r.prev && string(o.raw) == string(r.raw) {
				return
			}
		}
		s.records[number] = append(s.records[number], r.clone())
	})
	return s
}

// last is the record of the highest number.
func (s *salvaged) last() (record, bool) {
	n := uint64(0)
	for number := range s.records {
		n = max(n, number)
	}
	if n == 0 {
		return record{}, false
	}
	return s.records[n][0], true
}

// chain picks the records from first to last that belong to one chain, from
// the end on: head is that after last, nil when it is not known. Where a block
// is missing, the one before it is taken if there is no choice.
func (s *salvaged) chain(first, last uint64, head *chain.Head) []record {
	var out []record
	for n := last; n >= first && n > 0; n-- {
		var pick *record
		for i := range s.records[n] {
			r := &s.records[n][i]
			if head != nil && r.head() == *head || head == nil && len(s.records[n]) == 1 {
				pick = r
			}
		}
		if head = nil; pick != nil {
			out = append(out, *pick)
			head = &pick.prev
		}
	}
	for i, k := 0, len(out)-1; i < k; i, k = i+1, k-1 {
		out[i], out[k] = out[k], out[i]
	}
	return out
}
