package rig

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Link is a TCP link between a gateway and its hub that can be cut. It counts
// what goes through.
type Link struct {
	listener net.Listener
	target   string
	Up, Down atomic.Int64 // bytes towards the hub, towards the gateway

	mu      sync.Mutex
	stalled bool  // accepts bytes and passes none, as a dead radio does
	refused bool  // ends connections and accepts none
	cutAt   int64 // cut after so many more bytes upwards; 0 never
	conns   map[net.Conn]bool
	delay   time.Duration // one way
	rate    int64         // bytes a second each way; 0 unlimited
	wake    chan struct{}
}

// NewLink listens on loopback and passes on to target (HOST:PORT).
func NewLink(target string) (*Link, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("link to %s: %w", target, err)
	}
	return &Link{listener: l, target: target, conns: map[net.Conn]bool{}, wake: make(chan struct{})}, nil
}

// Addr is where the gateway should connect to.
func (l *Link) Addr() string { return l.listener.Addr().String() }

// Shape sets the one-way delay and the rate of both directions, for
// connections that are made from now on.
func (l *Link) Shape(delay time.Duration, bytesPerSecond int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay, l.rate = delay, bytesPerSecond
}

// Cut ends all connections and refuses new ones until Restore.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.refused = true
	l.closeAll()
}

// Stall goes silent without closing anything, until Restore.
func (l *Link) Stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stalled = true
}

// CutAfter cuts the next connection, or the present one, after n more bytes
// upwards: in mid-packet, as likely as not. New connections work.
func (l *Link) CutAfter(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cutAt = l.Up.Load() + max(n, 1)
}

// Restore undoes Cut and Stall. What was stalled is gone: its connections end.
func (l *Link) Restore() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stalled {
		l.closeAll()
	}
	l.stalled, l.refused = false, false
	close(l.wake)
	l.wake = make(chan struct{})
}

func (l *Link) closeAll() {
	for c := range l.conns {
		c.Close()
	}
	clear(l.conns)
}

// Run passes connections on until ctx ends.
func (l *Link) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		l.listener.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.refused = true
		l.closeAll()
	})
	defer stop()
	for {
		c, err := l.listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("link: %w", err)
		}
		go l.pass(ctx, c)
	}
}

func (l *Link) pass(ctx context.Context, gateway net.Conn) {
	defer gateway.Close()
	hub, err := net.DialTimeout("tcp", l.target, 5*time.Second)
	if err != nil {
		return
	}
	defer hub.Close()
	l.mu.Lock()
	if l.refused {
		l.mu.Unlock()
		return
	}
	l.conns[gateway], l.conns[hub] = true, true
	delay, rate := l.delay, l.rate
	l.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { l.pump(ctx, hub, gateway, &l.Up, true, delay, rate); hub.Close(); gateway.Close() })
	both.Go(func() { l.pump(ctx, gateway, hub, &l.Down, false, delay, rate); hub.Close(); gateway.Close() })
	both.Wait()
	l.mu.Lock()
	delete(l.conns, gateway)
	delete(l.conns, hub)
	l.mu.Unlock()
}

// pump copies one direction. The delay is kept by a queue, so that it delays
// and does not throttle.
func (l *Link) pump(ctx context.Context, to, from net.Conn, count *atomic.Int64, up bool, delay time.Duration, rate int64) {
	type chunk struct {
		b   []byte
		due time.Time
	}
	queue := make(chan chunk, 1024)
	var writer sync.WaitGroup
	writer.Go(func() {
		for c := range queue {
			if wait := time.Until(c.due); wait > 0 {
				time.Sleep(wait)
			}
			if _, err := to.Write(c.b); err != nil {
				to.Close()
				from.Close()
			}
		}
	})
	defer writer.Wait()
	defer close(queue)
	size := 32 << 10
	if rate > 0 {
		size = int(min(max(rate/100, 256), 4096))
	}
	buf := make([]byte, size)
	free := time.Now()
	for {
		n, err := from.Read(buf)
		if n > 0 {
			var cut bool
			if n, cut = l.admit(ctx, n, count, up); n > 0 {
				now := time.Now()
				if rate > 0 {
					if free.Before(now) {
						free = now
					}
					free = free.Add(time.Duration(n) * time.Second / time.Duration(rate))
					time.Sleep(time.Until(free))
				}
				queue <- chunk{append([]byte(nil), buf[:n]...), time.Now().Add(delay)}
			}
			if cut {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// admit says how many of n bytes pass, and whether the connection ends there.
// It blocks while the link is stalled.
func (l *Link) admit(ctx context.Context, n int, count *atomic.Int64, up bool) (int, bool) {
	l.mu.Lock()
	for l.stalled {
		wake := l.wake
		l.mu.Unlock()
		select {
		case <-wake:
			return 0, true
		case <-ctx.Done():
			return 0, true
		}
	}
	defer l.mu.Unlock()
	cut := false
	if up && l.cutAt > 0 && l.Up.Load()+int64(n) >= l.cutAt {
		n, cut = int(max(l.cutAt-l.Up.Load(), 0)), true
		l.cutAt = 0
	}
	count.Add(int64(n))
	return n, cut
}
