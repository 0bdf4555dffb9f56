package agent

import (
	"slices"
	"sync"

	"frostline/edge/panel"
)

const maxFaults = 32

// faults is what an operator should see, newest first, each once with a count.
type faults struct {
	mu   sync.Mutex
	list []fault
}

type fault struct {
	part, detail string
	at           int64 // boottime it was last seen, ms
	count        uint64
}

func (f *faults) add(now int64, part, detail string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one := fault{part: part, detail: detail}
	if i := slices.IndexFunc(f.list, func(o fault) bool { return o.part == part && o.detail == detail }); i >= 0 {
		one = f.list[i]
		f.list = slices.Delete(f.list, i, i+1)
	}
	one.at, one.count = now, one.count+1
	f.list = slices.Insert(f.list, 0, one)
	f.list = f.list[:min(len(f.list), maxFaults)]
}

func (f *faults) at(now int64) []panel.Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []panel.Fault
	for _, o := range f.list {
		out = append(out, panel.Fault{Part: o.part, Detail: o.detail, AgeMs: now - o.at, Count: o.count})
	}
	return out
}
