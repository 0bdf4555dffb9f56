package view

import (
	"time"

	"frostline/proto/reading"
)

// State is what may be said of a series at a moment. Whether its value is
// within limits is not among it: limits come from a product's profile.
type State string

const (
	Live    State = "live"    // a usable reading, no older than SilentAfter
	Silent  State = "silent"  // no reading for longer than that, or none ever
	NotOK   State = "not-ok"  // readings arrive and may not be used
	Undated State = "undated" // readings arrive and nobody knows when they were taken
)

// Margin is how late a reading may be for reasons that are not silence: the
// gateway groups readings for a second before it keeps them, and links wait.
const Margin = 5 * time.Second

// assumedInterval judges a series that declared no interval.
const assumedInterval = time.Minute

// SilentAfter is the age at which a series that is read at this interval
// counts as silent.
func SilentAfter(interval time.Duration) time.Duration {
	if interval <= 0 {
		interval = assumedInterval
	}
	return 3*interval + Margin
}

// Status is a State, the words for it, and how long it holds.
type Status struct {
	State State
	Word  string // for people, lower case
	Since int64  // UTC of the reading it rests on, or its arrival when Undated; 0 without a reading
	// Until is the UTC at which the series turns silent if nothing newer
	// comes; 0 where it already is. A page ticks by it, so that it needs no
	// rule of its own.
	Until int64
}

// Judge tells the status of a series from its newest reading (nil where there
// is none) at UTC now. It is the only rule of silence: pages, the command line
// and the live feed all ask it.
func Judge(r *Reading, interval time.Duration, now int64) Status {
	if r == nil {
		return Status{State: Silent, Word: "no reading yet"}
	}
	after := SilentAfter(interval).Milliseconds()
	s := Status{State: Live, Word: "live", Since: r.UTC}
	// A reading dated less surely than silence is judged by says nothing about
	// now; its arrival says at least that it is no fresher than that.
	undated := !r.Dated || r.Uncertainty > after
	switch {
	case undated:
		s.Since = r.Received
		s.State, s.Word = Undated, "time unknown"
	case r.UTC-r.Uncertainty > now+Margin.Milliseconds():
		s.State, s.Word = NotOK, "not ok: dated ahead of the hub's clock"
	}
	if !r.Usable() {
		s.State, s.Word = NotOK, "not ok: "+QualityWord(r.Quality)
	}
	if undated {
		s.Until = s.Since + after
	} else {
		s.Until = s.Since + r.Uncertainty + after
	}
	if now > s.Until {
		return Status{State: Silent, Word: "silent", Since: s.Since}
	}
	return s
}

// QualityWord says in words why a reading may not be used.
func QualityWord(q reading.Quality) string {
	switch q {
	case reading.OK:
		return "ok"
	case reading.NoAnswer:
		return "no answer"
	case reading.Checksum:
		return "checksum wrong"
	case reading.PowerOn:
		return "power-on value"
	case reading.OutOfRange:
		return "beyond the sensor's range"
	case reading.ImpossibleStep:
		return "impossible step"
	case reading.Stuck:
		return "stuck"
	case reading.NoFix:
		return "no position fix"
	case reading.NotReady:
		return "not ready"
	}
	return q.String()
}

// Link is the state of a gateway's connection.
type Link string

const (
	Online     Link = "online"
	Offline    Link = "offline"     // its last will came
	LinkSilent Link = "silent"      // no last will, and nothing heard for LinkSilentAfter
	NeverHeard Link = "never-heard" // enrolled, and has not spoken
	Revoked    Link = "revoked"
)

// LinkSilentAfter is three of the seals that a gateway sends each minute.
const LinkSilentAfter = 3*time.Minute + Margin

// BufferLeft is for how many hours a gateway can keep what it measures: what it
// last said, less the time since then where it is away at UTC now. ok is false
// where it has not said.
func (g Gateway) BufferLeft(now int64) (hours uint32, ok bool) {
	if g.Journal.HoursLeft == nil || g.Heard == 0 {
		return 0, false
	}
	left := int64(*g.Journal.HoursLeft)
	if JudgeLink(g, now).Link != Online {
		left -= (now - g.Heard) / 3_600_000
	}
	return uint32(max(left, 0)), true
}

// LinkStatus is a Link, the words for it, and how long it holds.
type LinkStatus struct {
	Link  Link
	Word  string
	Until int64 // UTC at which it turns silent if nothing is heard; 0 where that does not apply
}

// JudgeLink tells the state of a gateway's connection at UTC now.
func JudgeLink(g Gateway, now int64) LinkStatus {
	switch {
	case g.Revoked != 0:
		return LinkStatus{Link: Revoked, Word: "revoked"}
	case g.Heard == 0:
		return LinkStatus{Link: NeverHeard, Word: "not heard yet"}
	case !g.Connected:
		return LinkStatus{Link: Offline, Word: "offline"}
	}
	until := g.Heard + LinkSilentAfter.Milliseconds()
	if now > until {
		return LinkStatus{Link: LinkSilent, Word: "silent"}
	}
	return LinkStatus{Link: Online, Word: "online", Until: until}
}
