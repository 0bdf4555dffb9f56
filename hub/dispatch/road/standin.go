package road

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"frostline/hub/dispatch/plan"
)

// NoteRouter is the code of the note by which an answer says that another than
// the road engine gave it.
const NoteRouter = "router-failed"

// Standin asks First, and Second where First fails. The answer then has a Note
// with the reason, and the log one line when First begins to fail and one when
// it answers again.
type Standin struct {
	First, Second Router
	Log           *slog.Logger
	failing       atomic.Bool
	failures      atomic.Int64
}

// Failures is how often First has failed.
func (s *Standin) Failures() int64 { return s.failures.Load() }

// Failing says whether First failed when it was last asked.
func (s *Standin) Failing() bool { return s.failing.Load() }

func (s *Standin) saw(err error) {
	if err != nil {
		s.failures.Add(1)
	}
	if was := s.failing.Swap(err != nil); was == (err != nil) {
		return
	}
	if err != nil {
		s.Log.Warn("road engine does not answer; ways are estimated", "error", err)
	} else {
		s.Log.Info("road engine answers again", "failures", s.failures.Load())
	}
}

func note(err error) plan.Note {
	return plan.Note{Code: NoteRouter, Text: fmt.Sprintf("the road engine did not answer, ways are by %s: %v", Estimated, err)}
}

// Table answers by First, else by Second.
func (s *Standin) Table(ctx context.Context, kind Kind, points []Point) (*Table, error) {
	if err := checked(points, 1, MaxPoints); err != nil {
		return nil, err // nobody's failure
	}
	t, err := s.First.Table(ctx, kind, points)
	if ctx.Err() != nil && err != nil {
		return nil, err
	}
	s.saw(err)
	if err == nil {
		return t, nil
	}
	t, second := s.Second.Table(ctx, kind, points)
	if second != nil {
		return nil, fmt.Errorf("%w; and then: %w", err, second)
	}
	told := *t
	told.Notes = append(told.Notes[:len(told.Notes):len(told.Notes)], note(err))
	return &told, nil
}

// Way answers by First, else by Second.
func (s *Standin) Way(ctx context.Context, kind Kind, points []Point) (*Way, error) {
	if err := checked(points, 2, MaxPoints); err != nil {
		return nil, err
	}
	w, err := s.First.Way(ctx, kind, points)
	if ctx.Err() != nil && err != nil {
		return nil, err
	}
	s.saw(err)
	if err == nil {
		return w, nil
	}
	w, second := s.Second.Way(ctx, kind, points)
	if second != nil {
		return nil, fmt.Errorf("%w; and then: %w", err, second)
	}
	told := *w
	told.Notes = append(told.Notes[:len(told.Notes):len(told.Notes)], note(err))
	return &told, nil
}
