package thermal

import "fmt"

// Evaluate judges a whole history, by the steps of an Evaluator that is fed the
// same in order. Spans that neither a stretch nor an unmonitored span covers are
// unmonitored. Stretches and spans out of order or overlapping are refused.
func Evaluate(p *Profile, h *History, spent ...Spent) (Verdict, error) {
	e, err := NewEvaluator(p, h.From, spent...)
	if err != nil {
		return Verdict{}, err
	}
	gaps := h.Unmonitored
	lost := func(before int64) error {
		for len(gaps) > 0 && (gaps[0].From < before || gaps[0].To <= before) {
			if err := e.gap(gaps[0]); err != nil {
				return err
			}
			gaps = gaps[1:]
		}
		return nil
	}
	for i := range h.Stretches {
		s := &h.Stretches[i]
		if err := lost(s.From); err != nil {
			return Verdict{}, err
		}
		if s.To < s.From || s.To > h.To {
			return Verdict{}, fmt.Errorf("stretch %.80q from %d to %d: want it to end at or after it begins and within the history, which ends at %d", s.Source, s.From, s.To, h.To)
		}
		if err := e.stretch(s); err != nil {
			return Verdict{}, err
		}
	}
	if err := lost(maxInstant); err != nil {
		return Verdict{}, err
	}
	return e.Verdict(h.To)
}

func (e *Evaluator) stretch(s *Stretch) error {
	if err := e.Begin(s.From, s.Source); err != nil {
		return err
	}
	if err := e.Until(s.To); err != nil {
		return err
	}
	for i := range s.Samples {
		if err := e.Add(s.Samples[i]); err != nil {
			return fmt.Errorf("stretch %.80q: sample %d: %w", s.Source, i, err)
		}
	}
	e.leave(s.To)
	return nil
}

func (e *Evaluator) gap(u Unmonitored) error {
	if u.From < e.at || u.To < u.From {
		return fmt.Errorf("unmonitored from %d to %d: want it to end at or after it begins, and not to overlap what is judged to %d", u.From, u.To, e.at)
	}
	e.lose(u.From, ReasonUntold)
	return e.Unmonitored(u.To, u.Reason)
}
