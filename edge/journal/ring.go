package journal

// ring is the latest blocks of the present epoch, so that what is fresh can be
// sent without reading the disk. Guarded by Journal.mu; the records in it are
// never changed.
type ring struct {
	records []record // consecutive, ascending
	bytes   int
}

const (
	ringBlocks = 1024
	ringBytes  = 256 << 10
)

func (g *ring) push(r record) {
	g.records = append(g.records, r)
	g.bytes += len(r.raw)
	drop := 0
	for len(g.records)-drop > ringBlocks || g.bytes > ringBytes && len(g.records)-drop > 1 {
		g.bytes -= len(g.records[drop].raw)
		g.records[drop] = record{}
		drop++
	}
	g.records = g.records[drop:]
}

// from gives the records from number on; nil when it is not here.
func (g *ring) from(number uint64) []record {
	if len(g.records) == 0 || number < g.records[0].number || number-g.records[0].number >= uint64(len(g.records)) {
		return nil
	}
	return g.records[number-g.records[0].number:]
}
