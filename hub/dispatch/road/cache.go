package road

import (
	"container/list"
	"context"
	"encoding/binary"
	"sync"
	"time"
)

// Cache keeps the tables that were asked for last. Answers with notes, which
// something went wrong with, are not kept; ways are not either.
type Cache struct {
	router   Router
	maxCells int
	maxAge   time.Duration
	now      func() time.Time

	mu     sync.Mutex
	cells  int
	byKey  map[string]*list.Element
	recent *list.List // of *kept, last used first
	hits   int64
	misses int64
}

type kept struct {
	key   string
	table *Table
	since time.Time
}

// NewCache keeps up to maxCells cells (eight bytes each) of tables of router
// for up to maxAge. now is the clock.
func NewCache(router Router, maxCells int, maxAge time.Duration, now func() time.Time) *Cache {
	return &Cache{router: router, maxCells: maxCells, maxAge: maxAge, now: now, byKey: map[string]*list.Element{}, recent: list.New()}
}

// Hits are the answers from the cache, and those that were not there.
func (c *Cache) Hits() (hits, misses int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hits, c.misses
}

// Cells is how many cells are kept.
func (c *Cache) Cells() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cells
}

// Table answers from the cache where the same points were asked for, in the
// same order.
func (c *Cache) Table(ctx context.Context, kind Kind, points []Point) (*Table, error) {
	if err := checked(points, 1, MaxPoints); err != nil {
		return nil, err
	}
	b := append([]byte(kind), 0)
	for _, p := range points {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(p.Latitude)))
		b = binary.BigEndian.AppendUint32(b, uint32(int32(p.Longitude)))
	}
	key := string(b)
	if t := c.get(key); t != nil {
		return t, nil
	}
	t, err := c.router.Table(ctx, kind, points)
	if err == nil && len(t.Notes) == 0 {
		c.put(key, t)
	}
	return t, err
}

func (c *Cache) get(key string) *Table {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e != nil && c.now().Sub(e.Value.(*kept).since) <= c.maxAge {
		c.hits++
		c.recent.MoveToFront(e)
		return e.Value.(*kept).table
	}
	if e != nil {
		c.drop(e)
	}
	c.misses++
	return nil
}

func (c *Cache) put(key string, t *Table) {
	size := len(t.Seconds) * len(t.Seconds)
	if size > c.maxCells {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[key]; e != nil {
		c.drop(e)
	}
	for c.cells+size > c.maxCells {
		c.drop(c.recent.Back())
	}
	c.byKey[key] = c.recent.PushFront(&kept{key, t, c.now()})
	c.cells += size
}

func (c *Cache) drop(e *list.Element) {
	k := c.recent.Remove(e).(*kept)
	delete(c.byKey, k.key)
	c.cells -= len(k.table.Seconds) * len(k.table.Seconds)
}

// Way asks the router.
func (c *Cache) Way(ctx context.Context, kind Kind, points []Point) (*Way, error) {
	return c.router.Way(ctx, kind, points)
}
