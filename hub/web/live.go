package web

import (
	"container/list"
	"slices"
	"sync"
	"time"

	"frostline/hub/view"
	"frostline/hub/web/tongue"
	"frostline/proto/reading"
)

// valueGap is how far apart values of one series are told to a page: ten a
// second are more than an eye follows.
const valueGap = 100 * time.Millisecond

// topicKey names one thing a page follows: a series, or a gateway's strip
// (Sensor empty).
type topicKey = view.Series

// boardKey stands for the dispatcher's board. No gateway has such a name.
var boardKey = topicKey{Gateway: "\x00dispatch"}

// live is what every open page follows: the newest value of each series, in
// the order they were last told. A page holds only the number up to which it
// was told, so a slow page costs no memory: what it missed is overtaken by
// what came after, and resuming is the same as being slow.
//
// The mutex guards everything; nothing blocks while holding it.
type live struct {
	now func() time.Time

	mu      sync.Mutex
	seq     uint64
	told    *list.List // of *entry, newest first
	entries map[topicKey]*list.Element
	held    map[topicKey]time.Time // series told less than valueGap ago, and when they may be told
	changed chan struct{}          // closed when seq rises
}

type entry struct {
	key  topicKey
	seq  uint64
	at   time.Time // when told
	held *view.Reading
	last view.Reading  // told; of a series
	gap  time.Duration // its interval
	html string        // of a gateway's strip
	in   []string      // the same by language; nil where it is no strip
}

// says gives what is told in a language.
func (e entry) says(lang string) string {
	if i := slices.Index(tongue.Languages, lang); i >= 0 && i < len(e.in) {
		return e.in[i]
	}
	return e.html
}

func newLive(now func() time.Time) *live {
	return &live{
		now: now, told: list.New(), entries: map[topicKey]*list.Element{},
		held: map[topicKey]time.Time{}, changed: make(chan struct{}),
	}
}

// newer reports whether a was taken after b.
func newer(a, b view.Reading) bool {
	switch {
	case a.Epoch != b.Epoch:
		return a.Epoch > b.Epoch
	case a.Boot != b.Boot:
		return a.Boot > b.Boot
	}
	return a.Tick > b.Tick
}

// declare sets the interval that a series is judged by.
func (l *live) declare(s view.Series, interval time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if el, ok := l.entries[s]; ok {
		el.Value.(*entry).gap = interval
	}
}

// offer takes a reading of a series. Older ones than it has, which a backlog
// brings, change nothing. One that comes too soon after the last is held until
// release, where a still newer one may take its place.
func (l *live) offer(s view.Series, interval time.Duration, r view.Reading) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	el, ok := l.entries[s]
	if !ok {
		l.tell(s, &entry{key: s, last: r, gap: interval}, now)
		return
	}
	e := el.Value.(*entry)
	current := e.last
	if e.held != nil {
		current = *e.held
	}
	// The same reading again is news only if it has become dated since.
	if !newer(r, current) && (newer(current, r) || current.Dated || !r.Dated) {
		return
	}
	if due := e.at.Add(valueGap); now.Before(due) {
		e.held = &r
		l.held[s] = due
		return
	}
	e.last = r
	l.tell(s, e, now)
}

// strip takes what is told of a gateway, or of "" or the board.
func (l *live) strip(gateway, html string) { l.stripIn(gateway, html, nil) }

// stripIn takes the rendered status line of a gateway, also in each of the
// tongue.Languages.
func (l *live) stripIn(gateway, html string, in []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := topicKey{Gateway: gateway}
	e := &entry{key: key}
	if el, ok := l.entries[key]; ok {
		if e = el.Value.(*entry); e.html == html {
			return
		}
	}
	e.html, e.in = html, in
	l.tell(key, e, l.now())
}

// tell puts an entry in front. Callers hold the mutex.
func (l *live) tell(key topicKey, e *entry, now time.Time) {
	l.seq++
	e.seq, e.at, e.held = l.seq, now, nil
	delete(l.held, key)
	if el, ok := l.entries[key]; ok {
		l.told.MoveToFront(el)
	} else {
		l.entries[key] = l.told.PushFront(e)
	}
	close(l.changed)
	l.changed = make(chan struct{})
}

// release tells the held values that are due and says when the next one is;
// ok is false when none is held.
func (l *live) release() (next time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	for key, due := range l.held {
		if now.Before(due) {
			if !ok || due.Before(next) {
				next, ok = due, true
			}
			continue
		}
		e := l.entries[key].Value.(*entry)
		e.last = *e.held
		l.tell(key, e, now)
	}
	return next, ok
}

// filter says which keys a page follows; the zero filter follows all.
type filter struct{ gateway, sensor string }

func (f filter) wants(k topicKey) bool {
	if k == boardKey || f.gateway == boardKey.Gateway {
		return f.gateway == k.Gateway
	}
	return (f.gateway == "" || f.gateway == k.Gateway) && (f.sensor == "" || f.sensor == k.Sensor)
}

// since gives copies of what was told after number seq, oldest first, the
// number to go on from, and a channel that closes when there is more.
func (l *live) since(seq uint64, f filter) (es []entry, upTo uint64, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for el := l.told.Front(); el != nil; el = el.Next() {
		e := el.Value.(*entry)
		if e.seq <= seq {
			break
		}
		if f.wants(e.key) {
			es = append(es, *e)
		}
	}
	for i, j := 0, len(es)-1; i < j; i, j = i+1, j-1 {
		es[i], es[j] = es[j], es[i]
	}
	return es, l.seq, l.changed
}

// forget drops what no gateway of the fleet has any more, so that the list is
// bounded by the fleet.
func (l *live) forget(keep func(topicKey) bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, el := range l.entries {
		if !keep(key) {
			l.told.Remove(el)
			delete(l.entries, key)
			delete(l.held, key)
		}
	}
}

// latest gives the newest reading told or held of a series.
func (l *live) latest(gateway, sensor string, q reading.Quantity) (r view.Reading, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	el, ok := l.entries[view.Series{Gateway: gateway, Sensor: sensor, Quantity: q}]
	if !ok {
		return r, false
	}
	e := el.Value.(*entry)
	if e.held != nil {
		return *e.held, true
	}
	return e.last, true
}
