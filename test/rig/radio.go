package rig

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Radio is a bad link between a gateway and its hub. Unlike Link it is one of
// packets: the gateway runs in a network of its own, and the kernel's TCP on
// both sides meets the rate, the delay and the loss, sends again and backs off
// as in the field. Where netem is there it could do the same; it often is not.
//
//	gateway ── TCP ── tun ═══ air: rate, delay, loss ═══ tun ── TCP ── relay ── hub
type Radio struct {
	near, far *namespace
	listener  net.Listener
	target    string
	up, down  air
	cut       atomic.Bool
}

// Addresses of the two ends. Each radio has networks of its own, so all can be
// alike.
var (
	nearAddress = net.IPv4(10, 99, 0, 1)
	farAddress  = net.IPv4(10, 99, 0, 2)
)

// RadioHost is the address of the hub as the gateway sees it; the hub's
// certificate must name it.
const RadioHost = "10.99.0.2"

// NewRadio makes a link to target (HOST:PORT). It wraps ErrNoNamespace where
// that is not permitted. Which packets are lost follows from seed and order.
func NewRadio(target string, up, down Path, seed uint64) (*Radio, error) {
	r := &Radio{target: target}
	var err error
	if r.near, err = newNamespace(nearAddress); err != nil {
		return nil, err
	}
	if r.far, err = newNamespace(farAddress); err != nil {
		return nil, errors.Join(err, r.near.close())
	}
	err = r.far.inside(func() (err error) {
		r.listener, err = net.Listen("tcp4", net.JoinHostPort(RadioHost, "0"))
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("radio: %w", err), r.near.close(), r.far.close())
	}
	r.up = air{path: up, from: r.near.tun, to: r.far.tun, cut: &r.cut, random: rand.New(rand.NewPCG(seed, 1))}
	r.down = air{path: down, from: r.far.tun, to: r.near.tun, cut: &r.cut, random: rand.New(rand.NewPCG(seed, 2))}
	return r, nil
}

// Addr is where the gateway connects to.
func (r *Radio) Addr() string { return r.listener.Addr().String() }

// Carried counts what went towards the hub and towards the gateway.
func (r *Radio) Carried() (up, down *Carried) { return &r.up.Carried, &r.down.Carried }

// Cut loses all packets, as a tunnel does, until it is called with false.
func (r *Radio) Cut(cut bool) { r.cut.Store(cut) }

// Start starts a command on the gateway's side, whose only way out is the radio.
func (r *Radio) Start(name, logPath, path string, args ...string) (*Process, error) {
	return start(r.near.enter, name, logPath, path, args...)
}

// Run carries packets until ctx ends.
func (r *Radio) Run(ctx context.Context) error {
	var all sync.WaitGroup
	var failed [3]error
	stop := context.AfterFunc(ctx, func() {
		r.listener.Close()
		r.near.close()
		r.far.close()
	})
	defer stop()
	all.Go(func() { failed[0] = r.up.carry() })
	all.Go(func() { failed[1] = r.down.carry() })
	all.Go(func() { failed[2] = r.accept(ctx, &all) })
	all.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("radio: %w", errors.Join(failed[:]...))
}

// accept relays connections to the hub, which is near.
func (r *Radio) accept(ctx context.Context, all *sync.WaitGroup) error {
	for {
		c, err := r.listener.Accept()
		if err != nil {
			return err
		}
		all.Go(func() { r.relay(ctx, c) })
	}
}

func (r *Radio) relay(ctx context.Context, gateway net.Conn) {
	defer gateway.Close()
	hub, err := net.DialTimeout("tcp", r.target, 5*time.Second)
	if err != nil {
		return
	}
	defer hub.Close()
	defer context.AfterFunc(ctx, func() { gateway.Close(); hub.Close() })()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{hub, gateway}, {gateway, hub}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // the end of one is the end of both
			gateway.Close()
			hub.Close()
		})
	}
	both.Wait()
}

// Bulk tells how long plain TCP takes to carry so many bytes over the radio
// towards the hub's side, from a gateway that has nothing else to do.
func (r *Radio) Bulk(ctx context.Context, bytes int) (time.Duration, error) {
	var l net.Listener
	err := r.far.inside(func() (err error) {
		l, err = net.Listen("tcp4", net.JoinHostPort(RadioHost, "0"))
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("radio: %w", err)
	}
	defer l.Close()
	began := time.Now()
	var c net.Conn
	err = r.near.inside(func() (err error) {
		c, err = net.DialTimeout("tcp4", l.Addr().String(), 30*time.Second)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("radio: %w", err)
	}
	defer c.Close()
	to, err := l.Accept()
	if err != nil {
		return 0, fmt.Errorf("radio: %w", err)
	}
	defer to.Close()
	defer context.AfterFunc(ctx, func() { c.Close(); to.Close() })()
	var sender sync.WaitGroup
	var failed error
	sender.Go(func() { _, failed = c.Write(make([]byte, bytes)) })
	_, err = io.CopyN(io.Discard, to, int64(bytes))
	took := time.Since(began)
	c.Close()
	sender.Wait()
	if err = errors.Join(err, failed); err != nil {
		return 0, fmt.Errorf("radio: %w", err)
	}
	return took, nil
}
