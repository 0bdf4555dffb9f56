// Package outage keeps the log readable where something fails again and again:
// a failure is said once, then counted, and its end is said once, with how
// often it failed and for how long.
package outage

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// Settle is how soon something that fails again counts as the same outage. Its
// end is then said when it has worked for so long.
const Settle = time.Minute

// maxKinds bounds what is counted apart; further kinds are counted as "other".
const maxKinds = 8

// Outage tells of one thing that may fail. Its methods are for one goroutine at
// a time. Times are milliseconds of whatever clock, which does not go back.
type Outage struct {
	// Log is where it is said; Fails and Works are the two messages, such as
	// "sensor fails" and "sensor answers again". Attributes belong to Log.
	Log          *slog.Logger
	Fails, Works string

	open     bool
	flapping bool             // the end has been said already, too early
	since    int64            // first failure
	good     int64            // first success after the last failure, where working
	working  bool             //
	ended    int64            // when the end was said
	count    uint64           // failures; 0 before the first
	kinds    map[string]int64 // failures by kind
}

// Failed notes a failure, and says the first of a row. kind is a short word of
// few, such as a quality or the name of an operation; it may be empty.
func (o *Outage) Failed(now int64, kind string, err error, attrs ...any) {
	if !o.open {
		o.open, o.flapping = true, o.count > 0 && now-o.ended < Settle.Milliseconds()
		if !o.flapping {
			o.since, o.count, o.kinds = now, 0, nil
			if kind != "" {
				attrs = append(attrs, "kind", kind)
			}
			o.Log.Warn(o.Fails, append(attrs, "err", err)...)
		}
	}
	o.count++
	o.working = false
	if kind == "" {
		return
	}
	if o.kinds == nil {
		o.kinds = map[string]int64{}
	}
	if _, known := o.kinds[kind]; !known && len(o.kinds) >= maxKinds {
		kind = "other"
	}
	o.kinds[kind]++
}

// Worked notes that it works, and says the end of an outage.
func (o *Outage) Worked(now int64) {
	if !o.open {
		return
	}
	if !o.working {
		o.working, o.good = true, now
	}
	if o.flapping && now-o.good < Settle.Milliseconds() {
		return
	}
	o.open, o.ended = false, now
	attrs := []any{"failures", o.count, "after", time.Duration(o.good-o.since) * time.Millisecond}
	if len(o.kinds) > 0 {
		attrs = append(attrs, "kinds", o.words())
	}
	o.Log.Info(o.Works, attrs...)
}

// Open says whether it fails at present, as far as the log has been told.
func (o *Outage) Open() bool { return o.open }

// Failures counts those of the present outage, or of the last one.
func (o *Outage) Failures() uint64 { return o.count }

// words tells how often each kind came, the most frequent first.
func (o *Outage) words() string {
	kinds := slices.SortedFunc(maps.Keys(o.kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(o.kinds[b], o.kinds[a]), cmp.Compare(a, b))
	})
	for i, k := range kinds {
		kinds[i] = fmt.Sprintf("%s %d", k, o.kinds[k])
	}
	return strings.Join(kinds, ", ")
}
