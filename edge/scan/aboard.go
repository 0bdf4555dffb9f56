package scan

// folded is what scans come to.
type folded struct {
	aboard   map[Subject]*record // the attachment in effect, of what is in something
	replaced map[*record]bool    // another has corrected or withdrawn it
	root     map[*record]*record // the first scan that a correction goes back to, or itself
	last     map[*record]*record // of each root, what counts
}

// fold makes of scans, in the order in which they were taken, what holds. A
// correction takes the place of what it corrects, in that one's order; of several
// the last counts. About each subject the last statement that holds counts.
func fold(records []*record) folded {
	f := folded{aboard: map[Subject]*record{}, replaced: map[*record]bool{}, root: map[*record]*record{}, last: map[*record]*record{}}
	byID := make(map[string]*record, len(records))
	for _, r := range records {
		root := r
		if c := byID[r.Corrects]; c != nil {
			root = f.root[c]
			f.replaced[f.last[root]] = true
		} else if r.Corrects != "" {
			byID[r.Corrects] = r // the first is no longer here
		}
		byID[r.ID], f.root[r], f.last[root] = r, root, r
	}
	for _, r := range records {
		if f.root[r] != r {
			continue
		}
		switch r := f.last[r]; {
		case r.Withdrawn:
		case r.Target != "":
			f.aboard[r.Subject] = r
		case r.Action == Detach, r.Leaves:
			delete(f.aboard, r.Subject)
		}
	}
	return f
}
