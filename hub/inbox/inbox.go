// Package inbox keeps what gateways told last of themselves until it is worked
// in.
package inbox

import (
	"sync"

	"google.golang.org/protobuf/proto"

	"frostline/proto/pb"
)

const (
	maxState = 256 << 10 // bytes of one
	most     = 10_000    // gateways whose State waits
)

// Inbox has at most one State of each gateway, the last. It is made by New and
// safe for concurrent use.
type Inbox struct {
	mu    sync.Mutex
	heard map[string]*pb.State
	wake  chan struct{}
}

// New makes one that is empty.
func New() *Inbox {
	return &Inbox{heard: map[string]*pb.State{}, wake: make(chan struct{}, 1)}
}

// Read takes a State from the wire; nil for what is none, and for a last will:
// the registry tells of these.
func Read(payload []byte) *pb.State {
	var s pb.State
	if len(payload) > maxState || proto.Unmarshal(payload, &s) != nil || !s.Online {
		return nil
	}
	return &s
}

// Put keeps a gateway's State in the place of one that waits; it never blocks.
// Of more gateways than 10,000 those that come last are left out: they tell
// again.
func (i *Inbox) Put(gateway string, s *pb.State) {
	i.mu.Lock()
	if _, waits := i.heard[gateway]; waits || len(i.heard) < most {
		i.heard[gateway] = s
	}
	i.mu.Unlock()
	i.Ring()
}

// Back puts back what could not be worked in, unless there is a newer one. It
// does not ring.
func (i *Inbox) Back(gateway string, s *pb.State) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if _, newer := i.heard[gateway]; !newer {
		i.heard[gateway] = s
	}
}

// Take gives all that waits, by gateway, and leaves nothing.
func (i *Inbox) Take() map[string]*pb.State {
	i.mu.Lock()
	defer i.mu.Unlock()
	out := i.heard
	i.heard = map[string]*pb.State{}
	return out
}

// Ring has Rang receive once.
func (i *Inbox) Ring() {
	select {
	case i.wake <- struct{}{}:
	default:
	}
}

// Rang receives after something was put in; several are told as one.
func (i *Inbox) Rang() <-chan struct{} { return i.wake }
