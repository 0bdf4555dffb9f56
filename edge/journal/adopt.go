package journal

import (
	"strings"

	"frostline/proto/pb"
)

// adopt makes what was found the journal's own.
func (l *loading) adopt() {
	j := l.j
	j.mu.Lock()
	defer j.mu.Unlock()
	now := j.o.Boottime()
	j.epochs, j.active, j.opened, j.begin = l.epochs, l.active, now, nil
	for _, e := range j.epochs { // where its losses are declared is not known: here or before
		e.said = place{j.present().id, max(j.present().last, 1)}
	}
	for _, d := range l.series {
		j.table.insert(d)
		j.table.declared[d.ID] = true
	}
	same := false
	for _, t := range l.tails() {
		if t.Boot == l.boot && t.BootID == j.o.BootID && now >= t.Tick {
			same = true
			j.floor = max(j.floor, t.Tick)
		}
	}
	if j.boot = l.boot; !same {
		j.boot, j.floor = l.boot+1, -1
	}
	j.tick, j.same = j.floor, same
	j.warned, j.rate = l.tail.Warned, rate{}
	var first []notice
	if e := j.present(); e.last == 0 {
		j.begin = l.tail.Start
		first = append(first, startNotice(e.id, j.begin, now))
	}
	first = append(first, j.bootNotice(now))
	j.notices = append(first, j.notices...)
	if l.torn {
		j.count.torn++
		j.log.Warn("the last commit was torn by a crash or power cut", "segment", l.active.name(), "blocks_recovered", l.rolled)
	}
	if l.stateErr != nil {
		j.fault("the state file could not be used and is written anew: %v", l.stateErr)
	}
	for _, d := range j.table.early {
		_, _ = j.seriesLocked(d) // readings of a series too many are refused when they are kept
	}
	j.loaded, j.dirty, j.bare = true, true, true
	j.notify()
}

func startNotice(id uint32, s *start, at int64) notice {
	if s == nil {
		s = &start{Reason: "not recorded"}
	}
	return notice{event: &pb.Event{AtMs: at, Kind: &pb.Event_EpochStart{EpochStart: &pb.EpochStart{
		Epoch: id, Reason: s.Reason, PreviousEpoch: s.Epoch, PreviousLast: s.Last, PreviousReadings: s.Readings}}}}
}

func (j *Journal) bootNotice(at int64) notice {
	return notice{event: &pb.Event{AtMs: at, Kind: &pb.Event_Boot{Boot: &pb.Boot{
		BootId: j.o.BootID, Version: strings.ToValidUTF8(j.o.Version, "�"), Recorded: j.o.Recorded}}}}
}
