package registry

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/hub/intake/batch"
	"frostline/proto/pb"
)

// Fault is something about a gateway that an operator should see.
type Fault struct {
	At     int64  // hub's clock when it was told, Unix ms
	Part   string // "journal", "clock", "bus w1"
	Detail string
}

// fault adds a fault, newest first. The registry's mu is held.
func (g *gateway) fault(f Fault, at int64) {
	f.At = at
	i := 0
	for i < len(g.faults) && g.faults[i].At > at {
		i++
	}
	if i < len(g.faults) && g.faults[i] == f {
		return // told by the evidence and by a commit
	}
	g.faults = append(g.faults[:i:i], append([]Fault{f}, g.faults[i:]...)...)
	if len(g.faults) > maxFaults {
		g.faults = g.faults[:maxFaults]
	}
}

// faultOf makes the fault that an event tells of.
func faultOf(epoch uint32, e *batch.Event) (Fault, bool) {
	if e.Event == nil {
		return Fault{Part: "journal", Detail: fmt.Sprintf("block %d of epoch %d has an event that cannot be read", e.Block, epoch)}, true
	}
	switch k := e.Event.Kind.(type) {
	case *pb.Event_Fault:
		return Fault{Part: clip(k.Fault.Part), Detail: clip(k.Fault.Detail)}, true
	case *pb.Event_Gap:
		if k.Gap.Epoch != 0 {
			epoch = k.Gap.Epoch
		}
		what := fmt.Sprintf("blocks %d to %d of epoch %d with %d readings", k.Gap.First, k.Gap.Last, epoch, k.Gap.Readings)
		if k.Gap.First == 0 {
			what = fmt.Sprintf("%d readings before they were kept", k.Gap.Readings)
		}
		return Fault{Part: "journal", Detail: "lost " + what + ": " + clip(k.Gap.Reason)}, true
	case *pb.Event_ClockStep:
		return Fault{Part: "clock", Detail: fmt.Sprintf("the system clock stepped by %v", time.Duration(k.ClockStep.ByMs)*time.Millisecond)}, true
	case *pb.Event_EpochStart:
		if k.EpochStart.PreviousEpoch == 0 {
			return Fault{}, false
		}
		return Fault{Part: "journal", Detail: fmt.Sprintf("epoch %d was begun after epoch %d: %s", epoch, k.EpochStart.PreviousEpoch, clip(k.EpochStart.Reason))}, true
	}
	return Fault{}, false
}

// maxStateBytes bounds a State: a few thousand series.
const maxStateBytes = 256 << 10

func parseState(payload []byte) (*pb.State, error) {
	if len(payload) > maxStateBytes {
		return nil, fmt.Errorf("%w: %d bytes, the limit is %d", ErrState, len(payload), maxStateBytes)
	}
	var s pb.State
	if err := proto.Unmarshal(payload, &s); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrState, err)
	}
	return &s, nil
}

// clip makes a text from the wire fit for storing and showing.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '·'
		}
		return r
	}, strings.ToValidUTF8(s, "·"))
	if len(s) > maxText {
		s = strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}
