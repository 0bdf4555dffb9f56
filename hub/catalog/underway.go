package catalog

import (
	"cmp"
	"slices"
	"sync"
)

// Underway is an import that is being done.
type Underway struct {
	Kind    string `json:"kind" maxLength:"20" doc:"Kind that is imported, or all"`
	Actor   string `json:"actor" maxLength:"200" doc:"Who imports"`
	Started int64  `json:"started" minimum:"0" maximum:"9007199254740991" doc:"Unix ms"`
	Phase   string `json:"phase" enum:"check,write" doc:"What is being done"`
	Done    int    `json:"done" minimum:"0" maximum:"100000" doc:"So many of total"`
	Total   int    `json:"total" minimum:"0" maximum:"100000" doc:"In this phase"`
}

// imports are those under way. The zero value is ready.
type imports struct {
	mu  sync.Mutex
	all map[*Underway]struct{}
}

// begin notes an import; progress is to be told, and end called once.
func (i *imports) begin(u Underway) (progress Progress, end func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.all == nil {
		i.all = map[*Underway]struct{}{}
	}
	p := &u
	i.all[p] = struct{}{}
	return func(phase string, done, total int) {
			i.mu.Lock()
			defer i.mu.Unlock()
			p.Phase, p.Done, p.Total = phase, done, total
		}, func() {
			i.mu.Lock()
			defer i.mu.Unlock()
			delete(i.all, p)
		}
}

// Importing lists the imports under way, oldest first.
func (c *Catalog) Importing() []Underway {
	c.imports.mu.Lock()
	defer c.imports.mu.Unlock()
	all := make([]Underway, 0, len(c.imports.all))
	for u := range c.imports.all {
		all = append(all, *u)
	}
	slices.SortFunc(all, func(a, b Underway) int {
		return cmp.Or(cmp.Compare(a.Started, b.Started), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Actor, b.Actor))
	})
	return all
}
