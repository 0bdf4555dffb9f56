package correlate

import "frostline/proto/thermal"

// Briefs gives the states of packages, watched or closed, as the engine follows
// them: without history and without an outlook, in the order of ids. A package
// that the engine knows nothing of is unknown.
func (e *Engine) Briefs(ids []string) []State {
	now := e.now().UnixMilli()
	out := make([]State, len(ids))
	for i, id := range ids {
		out[i] = e.brief(id, now)
	}
	return out
}

// brief is the state of a package without reading history. What is not being
// followed is never in range, and neither is its outcome while it is watched.
func (e *Engine) brief(id string, now int64) State {
	if s, _, _, ok := e.riding(id, now, true); ok {
		return s
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	s := State{Package: id, State: Unknown, Outcome: thermal.Unknown}
	m, p := e.dirty[id], e.packages[id]
	due := m != nil && m.notBefore <= now
	w, ok := e.facts.Watch(id)
	if ok && p != nil {
		s.Outcome = p.outcome()
		if s.Outcome == thermal.InRange && (due || w.To > now) {
			s.Outcome = thermal.Unknown
		}
	}
	switch {
	case !ok:
		s.Reason = "nobody has told that it was packed"
	case w.To <= now:
		s.Since, s.Reason = w.To, ended(w)
	case w.From > now:
		s.Reason = "the watch begins later"
	case due:
		s.Since, s.Reason = p.lapsed(), "being judged"
	default:
		judges, missing := e.facts.Judges(id)
		switch {
		case len(judges) > 0:
			s.Profile, s.Since, s.Reason = judges[0].Profile.ID, p.lapsed(), "nobody vouches"
		case len(missing) > 0:
			s.Since, s.Reason = w.From, "no profile: nobody has told of "+missing[0].String()
		default:
			s.Since, s.Reason = w.From, "no profile"
		}
	}
	return s
}

// outcome is the worst of the verdicts that were told; unknown where there is
// none.
func (p *parcel) outcome() thermal.Outcome {
	out := thermal.Outcome("")
	for _, t := range p.told {
		if !t.dropped {
			out = worst(out, t.summary.outcome)
		}
	}
	if out == "" {
		return thermal.Unknown
	}
	return out
}

// lapsed is since when nobody vouches: the newest reading of the lead, or when
// the unmonitored span began that was told of last; 0 where neither is known.
func (p *parcel) lapsed() int64 {
	if p == nil {
		return 0
	}
	for _, r := range p.rides {
		if r.lead != nil {
			return r.last
		}
		if t := p.told[r.judge.Key()]; t != nil && len(t.summary.gaps) > 0 {
			if g := t.summary.gaps[len(t.summary.gaps)-1]; g.to == 0 {
				return g.from
			}
		}
	}
	return 0
}
