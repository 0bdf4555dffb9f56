package main

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"frostline/proto/block"
	"frostline/proto/pb"
)

// boottime is CLOCK_BOOTTIME in milliseconds, which all processes of a machine
// share.
func boottime() int64 {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &t)
	return t.Nano() / 1e6
}

// commits follows what a hub commits by looking into its database, as nothing
// that the hub tells is the commit itself.
type commits struct {
	cancel context.CancelFunc
	ended  chan struct{}

	mu   sync.Mutex
	old  int       // readings taken before
	live []float64 // ms from taken to seen committed
	err  error
}

// look is how often it looks: that is how much too late it may see a commit.
const look = 20 * time.Millisecond

// watchCommits follows a hub's SQLite file. Readings that were taken in the
// latest boot since the boottime from are live ones.
func watchCommits(ctx context.Context, file string, from int64) (*commits, error) {
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=query_only(1)&_pragma=busy_timeout(5000)")
	if err != nil {
		return nil, fmt.Errorf("watch commits: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &commits{cancel: cancel, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		defer db.Close()
		last, tick := int64(0), time.NewTicker(look)
		defer tick.Stop()
		for ctx.Err() == nil {
			if err := c.look(ctx, db, &last, from); err != nil && ctx.Err() == nil {
				c.mu.Lock()
				c.err = err
				c.mu.Unlock()
				return
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	return c, nil
}

func (c *commits) look(ctx context.Context, db *sql.DB, last *int64, from int64) error {
	rows, err := db.QueryContext(ctx, `SELECT id, payload FROM intake_parcel WHERE id > $1 ORDER BY id`, *last)
	if err != nil {
		return err
	}
	defer rows.Close()
	now := boottime()
	for rows.Next() {
		var payload []byte
		if err := rows.Scan(last, &payload); err != nil {
			return err
		}
		var m pb.Parcel
		if err := proto.Unmarshal(payload, &m); err != nil {
			return err
		}
		if m.GetBundle() != nil {
			err = block.Unpack(m.GetBundle(), func(b *block.Block, _ []byte) error { c.note(b, from, now); return nil })
		} else {
			var b *block.Block
			if b, err = block.Decode(m.GetBlock()); err == nil {
				c.note(b, from, now)
			}
		}
		if err != nil {
			return err
		}
	}
	return rows.Err()
}

// recordedBoot is the boot that a recording is; the next is that of the agent.
const recordedBoot = 1

func (c *commits) note(b *block.Block, from, now int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range b.Readings {
		if b.Boot > recordedBoot && r.Tick >= from {
			c.live = append(c.live, float64(now-r.Tick))
		} else {
			c.old++
		}
	}
}

// take gives what was noted since the last take.
func (c *commits) take() (old int, live []float64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, live = c.old, c.live
	c.old, c.live = 0, nil
	return old, live
}

// count is how many live readings were noted since the last take.
func (c *commits) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.live)
}

func (c *commits) stop() error {
	c.cancel()
	<-c.ended
	return c.err
}
