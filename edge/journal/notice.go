package journal

import (
	"fmt"
	"strings"

	"frostline/proto/pb"
)

// notice is something the journal itself has to say in the chain.
type notice struct {
	event  *pb.Event
	raw    []byte    // instead of event: one that is encoded
	series *declared // what a SeriesDeclared event declares
	epoch  uint32    // of the blocks that a Gap event names
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

// message gives the event as it stands in an epoch. Numbers of a Gap mean
// blocks of the epoch it stands in: of another, they are put into words.
func (n *notice) message(epoch uint32) *pb.Event {
	gap := n.event.GetGap()
	if gap == nil || n.epoch == epoch {
		return n.event
	}
	return &pb.Event{AtMs: n.event.AtMs, Kind: &pb.Event_Gap{Gap: &pb.Gap{
		Readings: gap.Readings, Boot: gap.Boot,
		Reason: text("blocks %d to %d of epoch %d: %s", gap.First, gap.Last, n.epoch, gap.Reason)}}}
}
