package dossier

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"frostline/hub/correlate"
	"frostline/hub/view"
	"frostline/proto/thermal"
)

// state is how a package fares now; unknown where the engine has not heard of
// it.
func (b *Builder) state(ctx context.Context, id string) (correlate.State, error) {
	s, err := b.Verdicts.State(ctx, id)
	if errors.Is(err, correlate.ErrUnknown) || errors.Is(err, correlate.ErrNotJudged) {
		return correlate.State{Package: id, State: correlate.Unknown, Reason: "not judged yet", NoOutlook: "not judged yet", Outcome: thermal.Unknown}, nil
	}
	if err != nil {
		return s, fmt.Errorf("state of package %s: %w", id, err)
	}
	return s, nil
}

// ahead puts the outlook of a state in words: the limit that is reached first,
// with the interval, or why there is none. It is stale after until.
func ahead(s *correlate.State, now int64) (words string, until int64) {
	if s.NoOutlook != "" || now > s.OutlookUntil {
		why := s.NoOutlook
		if why == "" {
			why = "the newest reading is stale"
		}
		return "none: " + Because(why), 0
	}
	var first *thermal.Outlook
	for i := range s.Outlook {
		o := &s.Outlook[i]
		if o.OnCourse && (first == nil || o.Reached < first.Reached) {
			first = o
		}
	}
	if first == nil {
		return "none in sight: " + reasons(s.Outlook), s.OutlookUntil
	}
	latest := "or never"
	if first.Latest != 0 {
		latest = "and " + clock(first.Latest)
	}
	return fmt.Sprintf("%s in about %s, at %s (between %s %s), if it goes on as it does; an estimate, not a verdict",
		Degrees(first.At), span(first.Reached-now), clock(first.Reached), clock(first.Earliest), latest), s.OutlookUntil
}

// reasons names why limits are not ahead, each reason once.
func reasons(all []thermal.Outlook) string {
	var out []string
	of := map[string][]string{}
	for i := range all {
		o := &all[i]
		if of[o.Why] == nil {
			out = append(out, o.Why)
		}
		of[o.Why] = append(of[o.Why], Degrees(o.At))
	}
	for i, why := range out {
		out[i] = strings.Join(of[why], ", ") + ": " + why
	}
	return strings.Join(out, "; ")
}

// span is a time ahead, in whole minutes: nobody estimates seconds.
func span(ms int64) string {
	if ms < time.Minute.Milliseconds() {
		return "a minute or less"
	}
	return view.Span((ms + 30_000) / 60_000 * 60_000)
}

func clock(at int64) string { return time.UnixMilli(at).UTC().Format("2 Jan 15:04") + " UTC" }
