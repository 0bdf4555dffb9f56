package clock

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"
)

// Virtual is a discrete-event clock. It stands still while anyone is busy, and
// then jumps to the earliest deadline anyone sleeps for.
//
// A goroutine that works by this clock takes a token with Busy before it is
// started. SleepUntil gives the token back while it sleeps. Work that is handed
// to another goroutine takes its token along.
type Virtual struct {
	boot string
	hook Hook
	step int64 // longest jump, ms; 0 unlimited

	mu       sync.Mutex
	now      int64 // boottime, ms
	utc      int64 // Unix ms at boottime 0
	busy     int   // tokens out
	sleepers sleepers
	changed  chan struct{} // signalled when busy falls to 0 or someone goes to sleep
}

// Hook is called at each jump, after Now has moved and before anyone is woken:
// the place to bring a simulator to the same time. An error ends RunUntil.
type Hook func(ctx context.Context, from, to int64) error

// VirtualConfig describes a Virtual clock.
type VirtualConfig struct {
	BootID  string        // names the boot; required
	Start   int64         // first boottime, ms
	UTC     int64         // the system clock at Start, Unix ms
	Hook    Hook          // may be nil
	MaxStep time.Duration // longest jump, so that Hook is called at least that often; 0 unlimited
}

// NewVirtual makes a clock that stands at c.Start until RunUntil is called.
func NewVirtual(c VirtualConfig) (*Virtual, error) {
	if c.BootID == "" {
		return nil, fmt.Errorf("virtual clock: BootID is empty")
	}
	if c.Hook == nil {
		c.Hook = func(context.Context, int64, int64) error { return nil }
	}
	return &Virtual{
		boot: c.BootID, hook: c.Hook, step: c.MaxStep.Milliseconds(),
		now: c.Start, utc: c.UTC - c.Start, changed: make(chan struct{}, 1),
	}, nil
}

// Now implements Clock.
func (v *Virtual) Now() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

// UTC implements Clock.
func (v *Virtual) UTC() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.utc + v.now
}

// StepUTC moves the system clock by d, as a person or NTP would.
func (v *Virtual) StepUTC(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.utc += d.Milliseconds()
}

// BootID implements Clock.
func (v *Virtual) BootID() string { return v.boot }

// Busy implements Clock.
func (v *Virtual) Busy() (done func()) {
	v.mu.Lock()
	v.busy++
	v.mu.Unlock()
	var once sync.Once
	return func() {
		once.Do(func() {
			v.mu.Lock()
			v.idle()
			v.mu.Unlock()
		})
	}
}

// idle gives back a token. v.mu is held.
func (v *Virtual) idle() {
	v.busy--
	if v.busy < 0 {
		panic("virtual clock: a goroutine slept without being busy")
	}
	if v.busy == 0 {
		select {
		case v.changed <- struct{}{}:
		default:
		}
	}
}

// SleepUntil implements Clock.
func (v *Virtual) SleepUntil(ctx context.Context, at int64) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	v.mu.Lock()
	if at <= v.now {
		v.mu.Unlock()
		return nil
	}
	s := &sleeper{at: at, woken: make(chan struct{})}
	heap.Push(&v.sleepers, s)
	v.idle()
	v.mu.Unlock()

	select {
	case <-s.woken: // whoever woke us took the token for us
		return nil
	case <-ctx.Done():
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if s.index >= 0 {
		heap.Remove(&v.sleepers, s.index)
		v.busy++
	}
	return context.Cause(ctx)
}

// RunUntil advances the clock until the next deadline lies beyond end, in
// milliseconds of boottime, and everyone who is due has gone back to sleep. It
// waits for as long as anyone is busy. Now is then end.
func (v *Virtual) RunUntil(ctx context.Context, end int64) error {
	for {
		v.mu.Lock()
		if v.busy > 0 {
			v.mu.Unlock()
			select {
			case <-v.changed:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
			continue
		}
		from, to := v.now, end
		if len(v.sleepers) > 0 {
			to = min(to, v.sleepers[0].at)
		}
		if v.step > 0 {
			to = min(to, from+v.step)
		}
		if to <= from && (len(v.sleepers) == 0 || v.sleepers[0].at > end) {
			v.mu.Unlock()
			return context.Cause(ctx)
		}
		v.now = max(to, from)
		v.busy++ // ours, while the hook runs
		v.mu.Unlock()

		var err error
		if to > from {
			err = v.hook(ctx, from, to)
		}
		v.mu.Lock()
		if err == nil {
			v.wake()
		}
		v.idle()
		v.mu.Unlock()
		if err != nil {
			return fmt.Errorf("advance virtual clock from %d to %d ms: %w", from, to, err)
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// wake wakes all whose time has come. v.mu is held.
func (v *Virtual) wake() {
	for len(v.sleepers) > 0 && v.sleepers[0].at <= v.now {
		s := heap.Pop(&v.sleepers).(*sleeper)
		v.busy++
		close(s.woken)
	}
}

// sleeper is one call of SleepUntil.
type sleeper struct {
	at    int64
	woken chan struct{}
	index int // in the heap; -1 outside
}

// sleepers is a heap by deadline.
type sleepers []*sleeper

func (s sleepers) Len() int           { return len(s) }
func (s sleepers) Less(i, j int) bool { return s[i].at < s[j].at }
func (s sleepers) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].index, s[j].index = i, j
}

func (s *sleepers) Push(x any) {
	e := x.(*sleeper)
	e.index = len(*s)
	*s = append(*s, e)
}

func (s *sleepers) Pop() any {
	old := *s
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*s = old[:len(old)-1]
	e.index = -1
	return e
}
