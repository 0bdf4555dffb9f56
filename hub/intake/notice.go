package intake

import (
	"sync"
	"time"
)

// notices keeps one gateway's trouble from filling the log: one line a minute
// for each key, with the number of those left out.
type notices struct {
	mu   sync.Mutex
	last map[string]*notice
}

type notice struct {
	at      time.Time
	skipped int
}

const (
	noticeEvery = time.Minute
	maxNotices  = 10_000 // keys
)

// allow reports whether a line is due, and how many were left out before it.
func (n *notices) allow(key string, now time.Time) (skipped int, ok bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.last == nil || len(n.last) > maxNotices {
		n.last = map[string]*notice{}
	}
	l := n.last[key]
	if l == nil {
		n.last[key] = &notice{at: now}
		return 0, true
	}
	if now.Sub(l.at) < noticeEvery {
		l.skipped++
		return 0, false
	}
	skipped, l.at, l.skipped = l.skipped, now, 0
	return skipped, true
}
