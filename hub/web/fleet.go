package web

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"frostline/hub/access"
	"frostline/hub/desired"
	"frostline/hub/health"
	"frostline/hub/rollout"
	"frostline/hub/view"
	"frostline/proto/enrol"
)

// Operations is what operators look after gateways and hub with, and what auditors
// look at. All fields are required.
type Operations struct {
	Admission Admission
	Desired   Desired
	Rollouts  Rollouts
	// Enrol is host:port where gateways enrol, as a technician has to type it.
	Enrol      string
	Ledger     Ledger
	Trail      Trail
	Records    Records
	Objectives func() []health.Objective
}

// Admission lets gateways in; *access.Registrar does.
type Admission interface {
	Gateways() []access.Record
	NewCode(ctx context.Context, actor, gateway string) (code enrol.Code, expires time.Time, err error)
	Revoke(ctx context.Context, actor, gateway, reason string) error
	Events(ctx context.Context, gateway string, before int64, limit int) ([]access.Event, error)
}

// Desired says what gateways are to be and do; *desired.Keeper does.
type Desired interface {
	Get(ctx context.Context, gateway string) (desired.State, error)
	Set(ctx context.Context, actor, reason, gateway, document string, expect int64) (desired.State, error)
	Ask(ctx context.Context, actor, reason, id, gateway, kind, argument string) (desired.Command, error)
	Commands(ctx context.Context, gateway string, below int64, limit int) ([]desired.Command, error)
}

// Rollouts brings releases to gateways; *rollout.Keeper does.
type Rollouts interface {
	Releases(ctx context.Context, limit int) ([]rollout.Release, error)
	Start(ctx context.Context, actor, reason string, p rollout.Plan) (rollout.Rollout, error)
	Pause(ctx context.Context, actor, reason string, id int64) (rollout.Rollout, error)
	Resume(ctx context.Context, actor, reason string, id int64) (rollout.Rollout, error)
	Abort(ctx context.Context, actor, reason string, id int64) (rollout.Rollout, error)
	Rollouts(ctx context.Context, below int64, limit int) ([]rollout.Rollout, error)
	Members(ctx context.Context, id int64, after string, limit int) ([]rollout.Member, error)
}

func (s *Server) fleetRoutes(mux *routes) {
	s.auditRoutes(mux)
	mux.HandleFunc("GET /view/fleet", s.fleetPage)
	mux.HandleFunc("POST /view/fleet/enrol", s.freshly(s.enrolGateway))
	mux.HandleFunc("GET /view/fleet/{id}", s.gatewayPage)
	mux.HandleFunc("POST /view/fleet/{id}/revoke", s.freshly(s.revokeGateway))
	mux.HandleFunc("POST /view/fleet/{id}/command", s.commandGateway)
	mux.HandleFunc("POST /view/fleet/{id}/settings", s.freshly(s.setGateway))
	mux.HandleFunc("GET /view/rollouts", s.rolloutsPage)
	mux.HandleFunc("POST /view/rollouts/start", s.freshly(s.startRollout))
	mux.HandleFunc("POST /view/rollouts/{id}/pause", s.changeRollout("pause"))
	mux.HandleFunc("POST /view/rollouts/{id}/resume", s.changeRollout("resume"))
	mux.HandleFunc("POST /view/rollouts/{id}/abort", s.changeRollout("abort"))
}

// OperatedHere says whether the page is among those of operators.
func (f frame) OperatedHere() bool {
	switch f.Nav {
	case "fleet", "rollouts", "health", "log", "audit":
		return true
	}
	return false
}

type fleetPage struct {
	frame
	Form    string
	May     bool // change anything here
	Lines   []fleetLine
	Tally   []tallyView
	Problem string
	Code    *codeView
}

// codeView is a one-time code, which is shown once.
type codeView struct {
	Gateway, Code, Command string
	Expires                int64
}

// concern is something that an operator has to see to.
type concern struct {
	State string // the mark: wrong, not-ok or silent
	Text  string // a key of the words
	With  string // the {with} in it
}

type fleetLine struct {
	gatewayView
	Mark     string
	Word     string
	Concerns []concern
	Expires  int64  // of its certificate; 0 for none
	Buffer   string // hours left; "" where it has not said
	Hours    uint32 // the same, for order
}

// Thresholds of what an operator is told of.
const (
	bufferShort = 24              // hours left
	bufferDire  = 4               // hours left
	expiresSoon = 10 * 86_400_000 // ms; a gateway renews itself when a third of 30 days is left
)

// concerns are what is wrong with a gateway, the worst first.
func concerns(v gatewayView, expires, now int64) (out []concern) {
	add := func(when bool, state, text, with string) {
		if when {
			out = append(out, concern{state, text, with})
		}
	}
	j := v.Journal
	add(v.Revoked != 0, "silent", "revoked: {with}", v.RevokedFor)
	if v.Revoked != 0 {
		return out
	}
	hours := hoursLeft(v.Gateway, now)
	waits := v.PendingBlocks > inFlight || v.Link.Link != view.Online
	add(j.MemoryBlocks > 0, "wrong", "its disk takes nothing: {with} blocks wait in memory", view.Count(j.MemoryBlocks))
	add(j.FullPercent >= 100, "wrong", "its buffer is full", "")
	add(waits && hours == 0 && j.FullPercent < 100, "wrong", "its buffer may be full by now", "")
	add(waits && hours > 0 && hours < bufferDire && j.FullPercent < 100, "wrong", "its buffer is full in {with} h", view.Count(hours))
	add(expires != 0 && expires <= now, "wrong", "its certificate has expired", "")
	add(expires == 0 && v.Enrolled != 0, "wrong", "it has no certificate", "")
	add(j.Damaged > 0, "wrong", "{with} segments of its journal are damaged and set aside", view.Count(j.Damaged))
	add(v.Quarantined > 0, "not-ok", "{with} parcels are quarantined", view.Count(v.Quarantined))
	add(waits && hours >= bufferDire && hours < bufferShort, "not-ok", "its buffer is full in {with} h", view.Count(hours))
	add(expires > now && expires-now < expiresSoon, "not-ok", "its certificate expires in {with} and was not renewed", view.Span(expires-now))
	add(v.ConfigWarn, "not-ok", "settings: {with}", v.ConfigWord)
	add(v.ClockWarn && v.Heard != 0, "not-ok", "clock: {with}", v.ClockWord)
	if n := len(v.OpenAlarms()); n > 0 {
		add(true, "not-ok", "alarms on the spot: {with}", view.Count(uint64(n)))
	}
	if len(v.Faults) > 0 {
		add(true, "not-ok", "{with}", v.Faults[0].Part+": "+v.Faults[0].Detail)
	}
	add(v.Link.Link == view.Offline || v.Link.Link == view.LinkSilent, "silent", "not connected", "")
	add(v.Link.Link == view.NeverHeard, "silent", "not heard yet", "")
	return out
}

// hoursLeft is what is left of a gateway's buffer; a large number where it has
// not said.
func hoursLeft(g view.Gateway, now int64) uint32 {
	if left, ok := g.BufferLeft(now); ok {
		return left
	}
	return 1 << 31
}

// badMarks are the marks of lines, the worst first.
var badMarks = []string{"wrong", "not-ok", "silent", "live"}

var markWords = map[string]string{"wrong": "act now", "not-ok": "look at it", "silent": "away", "live": "well"}

func standingOf(g view.Gateway, expires, now int64) fleetLine {
	l := fleetLine{gatewayView: stripOf(g, now), Mark: "live", Expires: expires}
	l.Concerns = concerns(l.gatewayView, expires, now)
	if len(l.Concerns) > 0 {
		l.Mark = l.Concerns[0].State
	}
	l.Word = markWords[l.Mark]
	if l.Hours = hoursLeft(g, now); g.Journal.HoursLeft != nil {
		l.Buffer = view.Count(l.Hours)
	}
	return l
}

// worse orders lines: by mark, then by what is left of the buffer, then by id.
// Gateways that are revoked are nobody's concern, and last.
func worse(a, b fleetLine) int {
	over := func(l fleetLine) int {
		if l.Revoked != 0 {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(over(a), over(b)), cmp.Compare(slices.Index(badMarks, a.Mark), slices.Index(badMarks, b.Mark)),
		cmp.Compare(a.Hours, b.Hours), strings.Compare(a.ID, b.ID))
}

// fleetPage is GET /view/fleet: every gateway, the worst first.
func (s *Server) fleetPage(w http.ResponseWriter, r *http.Request) {
	s.showFleet(w, r, http.StatusOK, fleetPage{})
}

func (s *Server) showFleet(w http.ResponseWriter, r *http.Request, status int, p fleetPage) {
	gs, err := s.fleet(r.Context())
	if err != nil {
		s.broken(w, r, "list the gateways", err)
		return
	}
	p.frame = s.frame("Fleet", "fleet")
	p.Styles, p.Modules = []string{"style/home.css", "style/sensor.css", "style/access.css", "style/fleet.css"}, []string{"account.js"}
	expires := map[string]int64{}
	for _, a := range s.cfg.Operations.Admission.Gateways() {
		expires[a.ID] = a.Expires
	}
	n := map[string]int{}
	for _, g := range gs {
		l := standingOf(g, expires[g.ID], p.Now)
		if l.Revoked == 0 {
			n[l.Mark]++
		}
		p.Lines = append(p.Lines, l)
	}
	slices.SortFunc(p.Lines, worse)
	for _, m := range badMarks {
		p.Tally = append(p.Tally, tallyView{State: view.State(m), N: n[m], Word: markWords[m]})
	}
	p.May = viewerOf(r).May("POST /view/fleet/enrol")
	p.Form = s.formFor(w, r)
	s.render(w, s.pages.fleet, status, p)
}
