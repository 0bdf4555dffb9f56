package rig

import (
	"errors"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Path is what a radio link does to the packets of one direction.
type Path struct {
	Rate  int           // bits a second of IP packets; 0 unlimited
	Delay time.Duration // from the end of the bottleneck to the other side
	Loss  float64       // share of packets that get lost, 0 to 1
	Queue int           // packets that wait for the bottleneck; more are lost; 0 means 1000, as in netem
}

// Carried counts the packets of one direction.
type Carried struct {
	Packets, Bytes atomic.Uint64 // that arrived
	Lost           atomic.Uint64 // packets, by chance
	Overflowed     atomic.Uint64 // packets that found the queue full
	Cut            atomic.Uint64 // packets that came while the link was cut
}

// air carries IP packets in one direction.
type air struct {
	path   Path
	from   *os.File
	to     *os.File
	cut    *atomic.Bool
	random *rand.Rand
	Carried
}

// packet is one on its way.
type packet struct {
	data []byte
	due  time.Time
}

// carry works until from is closed.
func (a *air) carry() error {
	most := a.path.Queue
	if most == 0 {
		most = 1000
	}
	queue := make(chan packet, 4*most) // what is past the bottleneck too
	var writer sync.WaitGroup
	var failed error
	writer.Go(func() {
		for p := range queue {
			time.Sleep(time.Until(p.due))
			if a.cut.Load() {
				a.Cut.Add(1)
				continue
			}
			if _, err := a.to.Write(p.data); err != nil {
				if !errors.Is(err, os.ErrClosed) {
					failed = err
				}
				continue
			}
			a.Packets.Add(1)
			a.Bytes.Add(uint64(len(p.data)))
		}
	})
	err := a.take(queue, most)
	close(queue)
	writer.Wait()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	return errors.Join(err, failed)
}

// take reads packets and puts them into the queue until from is closed.
func (a *air) take(queue chan<- packet, most int) error {
	buf := make([]byte, 64<<10)
	var leaves []time.Time // of those that wait for the bottleneck
	for {
		n, err := a.from.Read(buf)
		if err != nil {
			return err
		}
		now := time.Now()
		for len(leaves) > 0 && !leaves[0].After(now) {
			leaves = leaves[1:]
		}
		switch {
		case a.cut.Load():
			a.Cut.Add(1)
			continue
		case a.random.Float64() < a.path.Loss:
			a.Lost.Add(1)
			continue
		case len(leaves) >= most:
			a.Overflowed.Add(1)
			continue
		}
		leave := now
		if len(leaves) > 0 {
			leave = leaves[len(leaves)-1]
		}
		if a.path.Rate > 0 {
			leave = leave.Add(time.Duration(n) * 8 * time.Second / time.Duration(a.path.Rate))
			leaves = append(leaves, leave)
		}
		select {
		case queue <- packet{append([]byte(nil), buf[:n]...), leave.Add(a.path.Delay)}:
		default:
			a.Overflowed.Add(1)
		}
	}
}
