package web

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"frostline/hub/evidence/ledger"
	"frostline/hub/health"
	"frostline/hub/people"
	"frostline/hub/view"
)

// Ledger is the evidence log; *ledger.Ledger is one.
type Ledger interface {
	Status() ledger.Status
	Checkpoints(ctx context.Context, below uint64, limit int) ([]ledger.Checkpoint, error)
	Key() string
	BundleKey() string
	Origin() string
}

// Trail tells who did what to people and tokens; *people.Keeper does.
type Trail interface {
	Trail(ctx context.Context, after int64, limit int) ([]people.Change, error)
	TrailBefore(ctx context.Context, before int64, limit int) ([]people.Change, error)
}

func (s *Server) auditRoutes(mux *routes) {
	mux.HandleFunc("GET /view/log", s.logPage)
	mux.HandleFunc("GET /view/health", s.healthPage)
	mux.HandleFunc("GET /view/audit", s.auditPage)
	mux.HandleFunc("GET /view/audit/records.csv", s.exportRecords)
	mux.HandleFunc("GET /view/audit/people.csv", s.exportPeopleTrail)
	mux.HandleFunc("GET /view/audit/gateways.csv", s.exportGatewayTrail)
}

type logPage struct {
	frame
	ledger.Status
	Mark, Word  string
	Since       int64 // when logging began to fail
	Checkpoints []checkpointView
	Older       uint64 // size below which the next page begins; 0: there is none
	Key         string
	BundleKey   string
	Origin      string
	Bundles     uint64 // files of entries
	LastBundle  uint64 // number of the last of them
}

type checkpointView struct {
	ledger.Checkpoint
	Hash string // its root, base64
}

const mostCheckpoints = 50

// logPage is GET /view/log: the evidence log, and how to verify it.
func (s *Server) logPage(w http.ResponseWriter, r *http.Request) {
	l := s.cfg.Operations.Ledger
	p := logPage{frame: s.frame("Evidence log", "log"), Status: l.Status(), Key: l.Key(), BundleKey: l.BundleKey(), Origin: l.Origin()}
	p.Styles, p.Modules = []string{"style/home.css", "style/sensor.css", "style/fleet.css"}, []string{"account.js"}
	below, _ := strconv.ParseUint(r.FormValue("below"), 10, 62) // 0 where it is none: the newest
	all, err := l.Checkpoints(r.Context(), below, mostCheckpoints+1)
	if err != nil {
		s.broken(w, r, "list checkpoints of the evidence log", err)
		return
	}
	for i, c := range all {
		if i == mostCheckpoints {
			p.Older = all[i-1].Size
			break
		}
		p.Checkpoints = append(p.Checkpoints, checkpointView{c, base64.StdEncoding.EncodeToString(c.Root)})
	}
	if p.Bundles = (p.Status.Checkpoint + 255) / 256; p.Bundles > 0 {
		p.LastBundle = p.Bundles - 1
	}
	if !p.FailingFrom.IsZero() {
		p.Since = p.FailingFrom.UnixMilli()
	}
	p.Mark, p.Word = standingOfLog(p.Status)
	s.render(w, s.pages.evidenceLog, http.StatusOK, p)
}

// standingOfLog is the log in a mark and a word.
func standingOfLog(st ledger.Status) (mark, word string) {
	switch {
	case st.Diverged > 0 || st.Edited > 0:
		return "wrong", "the store is not what the log has of it"
	case st.Failing != "":
		return "wrong", "nothing is logged now"
	case st.Checkpoint == 0:
		return "silent", "nothing is logged yet"
	case st.Cosigned < st.Quorum:
		return "not-ok", "witnesses are missing"
	}
	return "live", "in order"
}

type healthPage struct {
	frame
	Parts []partView
	Days  int
}

type partView struct {
	health.Objective
	Problem  string
	Since    int64
	Mark     string
	Percent  string // of the time looked at, in which it was well
	Target   string
	Spare    string // of the budget
	Overrun  bool
	LeftPart float64 // of the budget, 0 to 1
}

// healthPage is GET /view/health: each part, its objective and what is left of
// its error budget.
func (s *Server) healthPage(w http.ResponseWriter, r *http.Request) {
	p := healthPage{frame: s.frame("Health", "health"), Days: health.Window}
	p.Styles, p.Modules = []string{"style/home.css", "style/sensor.css", "style/fleet.css"}, []string{"account.js"}
	now := map[string]view.Part{}
	if s.cfg.Parts != nil {
		for _, one := range s.cfg.Parts(r.Context()) {
			now[one.Name] = one
		}
	}
	for _, o := range s.cfg.Operations.Objectives() {
		v := partView{Objective: o, Problem: now[o.Part].Problem, Since: now[o.Part].Since, Mark: "live",
			Target: fmt.Sprintf("%.1f", 100*o.Target), Spare: view.Span(o.Left().Milliseconds()), LeftPart: min(1, max(0, float64(o.Left())/float64(o.Budget)))}
		if o.Looked > 0 {
			v.Percent = fmt.Sprintf("%.3f", 100*(1-float64(o.Unwell)/float64(o.Looked)))
		}
		if o.Left() < 0 {
			v.Overrun, v.Spare = true, view.Span(-o.Left().Milliseconds())
		}
		switch {
		case v.Problem != "":
			v.Mark = "wrong"
		case v.Overrun:
			v.Mark = "not-ok"
		}
		p.Parts = append(p.Parts, v)
	}
	s.render(w, s.pages.health, http.StatusOK, p)
}

// exportTrail writes a trail whole, page by page, as CSV. Where it cannot go on,
// the answer is cut off: one cut short must not look whole.
func (s *Server) exportTrail(w http.ResponseWriter, r *http.Request, name string, head []string, next func() ([][]string, error)) {
	rows, err := next()
	if err != nil {
		s.broken(w, r, "read a trail", err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	w.Header().Set("Cache-Control", "no-store")
	ctl, out := http.NewResponseController(w), csv.NewWriter(w)
	_ = out.Write(head)
	for len(rows) > 0 {
		_ = ctl.SetWriteDeadline(time.Now().Add(writeWithin))
		for _, row := range rows {
			for i := range row {
				row[i] = inert(row[i])
			}
			_ = out.Write(row)
		}
		if out.Flush(); out.Error() != nil {
			return // nobody reads on
		}
		if rows, err = next(); err != nil {
			s.log.Error("a trail was cut short", "name", name, "error", err)
			panic(http.ErrAbortHandler)
		}
	}
	out.Flush()
}

// inert keeps a spreadsheet from taking text for a formula.
func inert(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@' || s[0] == '\t' || s[0] == '\r') {
		return "'" + s
	}
	return s
}
