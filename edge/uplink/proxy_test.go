package uplink

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// proxy stands between gateway and broker and does what networks do.
type proxy struct {
	t        testing.TB
	target   string
	listener net.Listener

	mu      sync.Mutex
	conns   map[net.Conn]bool
	stalled chan struct{} // not nil: nothing passes until it is closed
	refuse  bool          // new connections end at once
	cutAt   int           // bytes upwards until all connections end; 0 never
	up      int           // bytes upwards
	accepts int
	rate    int           // bytes a second upwards; 0 without limit
	delay   time.Duration // each way
	queue   int           // bytes that fit the bottleneck's buffer
}

func newProxy(t testing.TB, target string) *proxy {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, target: target, listener: l, conns: map[net.Conn]bool{}, queue: 256 << 10}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.mu.Lock()
			p.accepts++
			refuse := p.refuse
			p.mu.Unlock()
			if refuse {
				c.Close()
				continue
			}
			wg.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.resume()
		p.cut()
		wg.Wait()
	})
	return p
}

func (p *proxy) address() string { return p.listener.Addr().String() }

func (p *proxy) serve(c net.Conn) {
	b, err := net.Dial("tcp", p.target)
	if err != nil {
		c.Close()
		return
	}
	p.mu.Lock()
	p.conns[c], p.conns[b] = true, true
	p.mu.Unlock()
	var wg sync.WaitGroup
	wg.Go(func() { p.pump(b, c, true) })
	wg.Go(func() { p.pump(c, b, false) })
	wg.Wait()
	p.mu.Lock()
	delete(p.conns, c)
	delete(p.conns, b)
	p.mu.Unlock()
}

// chunk is bytes on their way, to arrive at a time.
type chunk struct {
	data []byte
	at   time.Time
}

// pump carries one direction: a bottleneck of some rate with a buffer, and then
// a delay.
func (p *proxy) pump(to, from net.Conn, upwards bool) {
	defer to.Close()
	defer from.Close()
	queue := make(chan chunk, 1<<16)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		defer from.Close()
		for c := range queue {
			time.Sleep(time.Until(c.at))
			p.mu.Lock()
			stalled := p.stalled
			p.mu.Unlock()
			if stalled != nil {
				<-stalled
			}
			if _, err := to.Write(c.data); err != nil {
				for range queue {
				}
				return
			}
		}
	}()
	var free time.Time // when the bottleneck has sent all it holds
	for {
		buf := make([]byte, 2048)
		n, err := from.Read(buf)
		if n > 0 {
			p.mu.Lock()
			if upwards && p.cutAt > 0 && p.up+n >= p.cutAt {
				n = p.cutAt - p.up
				p.cutAt = 0
				err = io.EOF
				go p.cut()
			}
			rate, delay, room := p.rate, p.delay, p.queue
			if upwards {
				p.up += n
			}
			p.mu.Unlock()
			at := time.Now()
			if upwards && rate > 0 {
				if free.Before(at) {
					free = at
				}
				free = free.Add(time.Duration(n) * time.Second / time.Duration(rate))
				at = free
				if full := time.Duration(room) * time.Second / time.Duration(rate); time.Until(free) > full {
					time.Sleep(time.Until(free) - full)
				}
			}
			queue <- chunk{buf[:n], at.Add(delay)}
		}
		if err != nil {
			break
		}
	}
	p.mu.Lock()
	stalled := p.stalled
	p.mu.Unlock()
	if stalled != nil {
		<-stalled // the end does not pass either
	}
	close(queue)
	<-gone
}

// cut ends all connections now.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// cutAfter ends all connections after so many more bytes upwards.
func (p *proxy) cutAfter(bytes int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cutAt = p.up + bytes
}

// stall lets nothing pass any more, without closing.
func (p *proxy) stall() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled == nil {
		p.stalled = make(chan struct{})
	}
}

func (p *proxy) resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stalled != nil {
		close(p.stalled)
		p.stalled = nil
	}
}

func (p *proxy) set(change func(*proxy)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *proxy) accepted() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepts
}
