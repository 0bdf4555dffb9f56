package intake

// cachedMarks is how many ends of parcels are remembered: about 100 bytes each.
const cachedMarks = 1 << 16

// markCache remembers where chains stood at the ends of the parcels lately
// committed, so that a parcel sent twice is compared without reading the
// store. It belongs to the goroutine that commits.
type markCache struct {
	marks map[markKey]mark
	ring  []markKey // in order of arrival
	next  int       // to be replaced
}

type markKey struct {
	chainKey
	number uint64
}

func newMarkCache() *markCache { return &markCache{marks: map[markKey]mark{}} }

// put remembers the end of a committed parcel.
func (c *markCache) put(p *parcel) {
	k := markKey{chainKey{p.gateway, p.epoch}, p.last}
	if _, ok := c.marks[k]; ok {
		return
	}
	if len(c.ring) < cachedMarks {
		c.ring = append(c.ring, k)
	} else {
		delete(c.marks, c.ring[c.next])
		c.ring[c.next] = k
		c.next = (c.next + 1) % cachedMarks
	}
	c.marks[k] = p.mark(p.last)
}

// find gives the mark of a committed block if it is remembered.
func (c *markCache) find(k chainKey, n uint64) (mark, bool) {
	m, ok := c.marks[markKey{k, n}]
	return m, ok
}
