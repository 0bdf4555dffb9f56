package clock

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"
)

func newVirtual(t *testing.T, c VirtualConfig) *Virtual {
	t.Helper()
	c.BootID = "test"
	v, err := NewVirtual(c)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Workers with periods of 2, 3 and 5 s see every deadline in order, exactly at
// its time, and the hook runs before each.
func TestVirtualRunsHoursInOrder(t *testing.T) {
	var hooked int64
	v := newVirtual(t, VirtualConfig{Start: 1000, UTC: 50_000, Hook: func(_ context.Context, from, to int64) error {
		if from != hooked && hooked != 0 || to <= from {
			t.Errorf("hook from %d to %d after %d", from, to, hooked)
		}
		hooked = to
		return nil
	}})
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	seen := map[int64]int{}
	var wg sync.WaitGroup
	const end = 1000 + 8*3600*1000
	for _, period := range []int64{2000, 3000, 5000} {
		done := v.Busy()
		wg.Go(func() {
			defer done()
			for at := int64(1000) + period; ; at += period {
				if v.SleepUntil(ctx, at) != nil {
					return
				}
				mu.Lock()
				if v.Now() != at || hooked != at {
					t.Errorf("woke at %d with hook at %d, want %d", v.Now(), hooked, at)
				}
				seen[period]++
				mu.Unlock()
			}
		})
	}
	if err := v.RunUntil(ctx, end); err != nil {
		t.Fatal(err)
	}
	cancel()
	wg.Wait()
	if v.Now() != end || v.UTC() != 50_000+end-1000 {
		t.Errorf("ended at %d, UTC %d", v.Now(), v.UTC())
	}
	for period, want := range map[int64]int{2000: 14400, 3000: 9600, 5000: 5760} {
		if seen[period] != want {
			t.Errorf("period %d: woke %d times, want %d", period, seen[period], want)
		}
	}
}

// A token that travels with a message holds time until the message is dealt
// with, however long the sender sleeps.
func TestVirtualWaitsForWorkInHand(t *testing.T) {
	v := newVirtual(t, VirtualConfig{})
	type message struct {
		at   int64
		done func()
	}
	messages := make(chan message)
	ctx, cancel := context.WithCancel(context.Background())
	done := v.Busy()
	go func() {
		defer close(messages)
		defer done()
		for at := int64(10); v.SleepUntil(ctx, at) == nil; at += 10 {
			messages <- message{at, v.Busy()}
		}
	}()
	var got []int64
	consumed := make(chan struct{})
	go func() {
		defer close(consumed)
		for m := range messages {
			if v.Now() != m.at {
				t.Errorf("message of %d seen at %d", m.at, v.Now())
			}
			got = append(got, m.at)
			m.done()
			m.done() // again: no effect
		}
	}()
	if err := v.RunUntil(ctx, 50); err != nil {
		t.Fatal(err)
	}
	cancel()
	<-consumed
	if want := []int64{10, 20, 30, 40, 50}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestVirtualMaxStep(t *testing.T) {
	var steps []int64
	v := newVirtual(t, VirtualConfig{MaxStep: time.Second, Hook: func(_ context.Context, from, to int64) error {
		steps = append(steps, to-from)
		return nil
	}})
	if err := v.RunUntil(context.Background(), 2500); err != nil {
		t.Fatal(err)
	}
	if want := []int64{1000, 1000, 500}; !slices.Equal(steps, want) {
		t.Errorf("steps %v, want %v", steps, want)
	}
}

func TestVirtualEndsWithHookError(t *testing.T) {
	gone := errors.New("simulator gone")
	v := newVirtual(t, VirtualConfig{Hook: func(context.Context, int64, int64) error { return gone }})
	if err := v.RunUntil(context.Background(), 10); !errors.Is(err, gone) {
		t.Errorf("got %v, want %v", err, gone)
	}
}

func TestVirtualSleepCancelled(t *testing.T) {
	v := newVirtual(t, VirtualConfig{})
	done := v.Busy()
	ctx, cancel := context.WithCancelCause(context.Background())
	why := errors.New("told to")
	slept := make(chan error)
	go func() { slept <- v.SleepUntil(ctx, 100) }()
	cancel(why)
	if err := <-slept; err != why {
		t.Errorf("got %v, want %v", err, why)
	}
	// The sleeper is busy again, so time stands still until it is done.
	stop, halt := context.WithCancel(context.Background())
	ran := make(chan error)
	go func() { ran <- v.RunUntil(stop, 1000) }()
	halt()
	if err := <-ran; err != context.Canceled || v.Now() != 0 {
		t.Errorf("got %v at %d, want a clock that stands still", err, v.Now())
	}
	done()
	if err := v.RunUntil(context.Background(), 1000); err != nil || v.Now() != 1000 {
		t.Errorf("got %v at %d", err, v.Now())
	}
}
