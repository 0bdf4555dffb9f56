package intake

import (
	"bytes"
	"fmt"
	"runtime"

	"frostline/hub/intake/batch"
	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/reading"
)

// gatherer turns the blocks of a parcel into columns and checks that they
// follow one another.
type gatherer struct {
	p     *parcel
	boots map[uint32]*bootColumns
	order []*bootColumns
	now   *bootColumns // of the last block
}

type bootColumns struct {
	boot    uint32
	columns []batch.Column
	index   map[uint32]int // of a series in columns
	order   []int          // of the columns in the block before: blocks resemble one another
}

// yieldEvery is how many blocks of a bundle are verified before others may run:
// on a machine with few cores, a goroutine that computes for long makes what is
// live wait for the scheduler, 10 ms at a time.
const yieldEvery = 128

// add takes the next block, valid only during the call, with its bytes.
func (g *gatherer) add(b *block.Block, raw []byte) error {
	p := g.p
	want := p.first + uint64(len(p.marks))
	if b.Number != want {
		return fmt.Errorf("it is numbered %d where %d follows", b.Number, want)
	}
	if b.After() > maxNumber || b.After() < b.Before {
		return fmt.Errorf("it counts %d readings before it: the limit is %d", b.Before, uint64(maxNumber))
	}
	head := p.prev
	if n := len(p.marks); n == 0 {
		p.before, p.after = b.Before, b.Before
	} else {
		head = p.marks[n-1].head
	}
	if b.Before != p.after {
		return fmt.Errorf("block %d counts %d readings before it where there are %d", b.Number, b.Before, p.after)
	}
	if b.After()-p.before > maxParcelReadings {
		return fmt.Errorf("more than %d readings in one parcel: send fewer blocks together", maxParcelReadings)
	}
	if len(p.marks)%yieldEvery == yieldEvery-1 {
		runtime.Gosched()
	}
	p.marks = append(p.marks, mark{chain.Next(head, raw), b.After()})
	p.last, p.after = b.Number, b.After()
	for i, e := range b.Events {
		raw := bytes.Clone(e)
		event, err := block.DecodeEvent(raw)
		if err != nil {
			p.malformed++ // the block is evidence all the same
		}
		p.events = append(p.events, batch.Event{Block: b.Number, Position: i, Boot: b.Boot, Raw: raw, Event: event})
	}
	if len(b.Readings) > 0 {
		g.boot(b.Boot).add(b.Readings)
	}
	return nil
}

func (g *gatherer) boot(ordinal uint32) *bootColumns {
	if g.now != nil && g.now.boot == ordinal {
		return g.now
	}
	if g.now = g.boots[ordinal]; g.now == nil {
		g.now = &bootColumns{boot: ordinal, index: map[uint32]int{}}
		if g.boots == nil {
			g.boots = map[uint32]*bootColumns{}
		}
		g.boots[ordinal] = g.now
		g.order = append(g.order, g.now)
	}
	return g.now
}

// add appends readings, which are in order of series, to their columns.
func (c *bootColumns) add(r []reading.Reading) {
	for i, k := 0, 0; i < len(r); k++ {
		j := i + 1
		for j < len(r) && r[j].Series == r[i].Series {
			j++
		}
		col := c.column(r[i].Series, k)
		for ; i < j; i++ {
			if r[i].Quality != reading.OK {
				col.Flaws = append(col.Flaws, batch.Flaw{At: len(col.Ticks), Quality: r[i].Quality})
			}
			col.Ticks = append(col.Ticks, r[i].Tick)
			col.Values = append(col.Values, r[i].Value)
		}
	}
}

// column finds the column of a series that is the kth of its block.
func (c *bootColumns) column(series uint32, k int) *batch.Column {
	if k < len(c.order) && c.columns[c.order[k]].Series == series {
		return &c.columns[c.order[k]]
	}
	at, ok := c.index[series]
	if !ok {
		at = len(c.columns)
		c.index[series] = at
		c.columns = append(c.columns, batch.Column{Series: series})
	}
	c.order = append(c.order[:min(k, len(c.order))], at)
	return &c.columns[at]
}

func (g *gatherer) finish() []batch.Boot {
	out := make([]batch.Boot, 0, len(g.order))
	for _, c := range g.order {
		out = append(out, batch.Boot{Boot: c.boot, Columns: c.columns})
	}
	return out
}
