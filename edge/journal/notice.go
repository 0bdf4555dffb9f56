package journal

import (
	"fmt"
	"strings"

	"google.golang.org/protobuf/proto"

	"frostline/proto/pb"
)

// notice is something the journal itself has to say in the chain.
type notice struct {
	event  *pb.Event
	raw    []byte    // instead of event: one that is encoded
	series *declared // what a SeriesDeclared event declares
	epoch  uint32    // of the blocks that a Gap or Thinned event names; 0: it names none
}

const maxDetail = 1024 // bytes of a text in an event

func text(format string, a ...any) string {
	s := strings.ToValidUTF8(fmt.Sprintf(format, a...), "�")
	if len(s) > maxDetail {
		s = strings.ToValidUTF8(s[:maxDetail], "") + "…"
	}
	return s
}

// fault has the chain, and the log, say what an operator should see. j.mu is held.
func (j *Journal) fault(format string, a ...any) {
	detail := text(format, a...)
	j.log.Error("journal fault", "detail", detail)
	j.notices = append(j.notices, notice{event: &pb.Event{
		AtMs: j.o.Boottime(), Kind: &pb.Event_Fault{Fault: &pb.Fault{Part: "journal", Detail: detail}}}})
}

// message gives the event as it stands in an epoch: blocks of another are
// named with it.
func (n *notice) message(epoch uint32) *pb.Event {
	if n.epoch == 0 || n.epoch == epoch {
		return n.event
	}
	e := proto.CloneOf(n.event)
	switch k := e.Kind.(type) {
	case *pb.Event_Gap:
		k.Gap.Epoch = n.epoch
	case *pb.Event_Thinned:
		k.Thinned.Epoch = n.epoch
	}
	return e
}
