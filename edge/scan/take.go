package scan

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
)

// Scan takes a scan. When it returns nil the scan is on disk, in its own file or
// in the chain, and what is aboard has changed accordingly; it is done at the
// boottime at which Scan was called. It waits for the disk, as long as ctx
// allows. The error is a *Problem where nothing was taken and nothing has
// changed. Where ctx ended meanwhile the scan may have been taken: asking again
// with the same ID tells.
func (s *Scanner) Scan(ctx context.Context, q Request) (Result, error) {
	at := s.c.Now()
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return Result{}, notKept(ctx.Err())
	}
	defer func() { <-s.turn }()
	// What has begun is done to its end: a page that went away must not leave a
	// scan half taken.
	return s.scan(context.WithoutCancel(ctx), q, at)
}

// scan is Scan; the caller has the turn, so that it alone changes records.
func (s *Scanner) scan(ctx context.Context, q Request, at int64) (Result, error) {
	if q.ID == "" {
		q.ID = strings.ToLower(rand.Text()[:20])
	} else if !requestID.MatchString(q.ID) {
		return Result{}, &Problem{Code: BadID, Field: "id", Why: "want 8 to 40 letters, digits and '-', drawn at random, or none"}
	}
	corrected, p := s.corrected(&q)
	if p != nil {
		return Result{}, p
	}
	subject, p := check(&q, corrected)
	if p != nil {
		return Result{}, p
	}
	if old := s.find(q.ID); old != nil {
		if old.Request != q {
			return Result{}, &Problem{Code: ReusedID, Field: "id", Why: "another scan has it: draw one for each scan"}
		}
		return s.result(old, true), nil
	}
	if len(s.records) >= maxScans {
		return Result{}, notKept(fmt.Errorf("%d scans wait here for the hub or are aboard; bring the gateway to a network", len(s.records)))
	}
	epoch, boot, err := s.c.Chain.Began(ctx)
	if err != nil {
		return Result{}, notKept(err)
	}
	r := &record{Scan: Scan{Request: q, Subject: subject, Boottime: at, BootID: s.c.BootID}, Boot: boot, Epoch: epoch}
	s.measure(r, corrected)
	if err := s.keep(ctx, r); err != nil {
		return Result{}, notKept(err)
	}
	if s.c.Changed != nil && r.moves() {
		s.c.Changed()
	}
	s.c.Log.Info("scan taken", "scan", r.ID, "action", r.Action, "kind", subject.Kind, "target", r.Target)
	return s.result(r, false), nil
}

func notKept(err error) *Problem {
	return &Problem{Code: NotKept, Field: "scan", Why: "it could not be kept and nothing has changed: scan again: " + err.Error(), Err: err}
}

// corrected finds the scan that is corrected, as it stands by now. A correction of
// a correction is one of the first scan: q names that from here on.
func (s *Scanner) corrected(q *Request) (*record, *Problem) {
	if q.Corrects == "" {
		return nil, nil
	}
	r := s.find(q.Corrects)
	if r == nil || q.Corrects == q.ID {
		return nil, &Problem{Code: BadCorrection, Field: "corrects", Why: "there is no scan of that id here: list them first; one of long ago is corrected at the hub"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f := fold(s.records)
	root := f.root[r]
	if root.ID == q.ID {
		return nil, &Problem{Code: ReusedID, Field: "id", Why: "another scan has it: draw one for each scan"}
	}
	q.Corrects = root.ID
	if root.Corrects != "" { // the first is no longer here
		q.Corrects = root.Corrects
	}
	return f.last[root], nil
}

// find finds a record by its id.
func (s *Scanner) find(id string) *record {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.records, func(r *record) bool { return r.ID == id })
	if i < 0 {
		return nil
	}
	return s.records[i]
}

// measure notes what is measured at a scan. A correction is of what was so at
// the scan that it corrects, and so is what was measured.
func (s *Scanner) measure(r, corrected *record) {
	if corrected != nil {
		r.Since = corrected.Since
		if r.Since == nil {
			r.Since = &Instant{Boottime: corrected.Boottime, Boot: corrected.Boot, Epoch: corrected.Epoch}
		}
		r.Temperature, r.Position, r.NoPosition = corrected.Temperature, corrected.Position, corrected.NoPosition
		return
	}
	target := r.Target
	if target == "" {
		s.mu.Lock()
		if a := fold(s.records).aboard[r.Subject]; a != nil {
			target = a.Target
		}
		s.mu.Unlock()
	}
	if target != "" {
		r.Temperature = s.c.Around.Temperature(target)
	}
	if r.Position, r.NoPosition = s.c.Around.Position(); r.Position == nil && r.NoPosition == "" {
		r.NoPosition = "no fix"
	}
}

// keep has a record on disk, and in the chain where that takes it now. The
// caller has the turn.
func (s *Scanner) keep(ctx context.Context, r *record) error {
	next := append(slices.Clone(s.records), r)
	saved := s.store.save(s.c.Now(), next)
	told := s.tell(ctx, r)
	if saved != nil && (told != nil || r.Place == nil) {
		return saved
	}
	s.mu.Lock()
	s.records, s.unsaved = next, true // its place is not on disk, or nothing of it
	s.mu.Unlock()
	s.rouse()
	return nil
}

// rouse has Run look.
func (s *Scanner) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Scanner) result(r *record, repeated bool) Result {
	s.mu.Lock()
	f := fold(s.records)
	out := Result{Entry: s.entry(r, f), Repeated: repeated}
	aboard := f.aboard[r.Subject] == r
	a := s.aboard(r, f.root[r])
	s.mu.Unlock()
	out.Watched = aboard && s.c.Watched != nil && s.c.Watched(a)
	return out
}
