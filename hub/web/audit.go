package web

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"frostline/hub/access"
	"frostline/hub/event"
	"frostline/hub/fact"
	"frostline/hub/people"
	"frostline/hub/view"
)

// Records finds what was recorded of anything; *event.Log does.
type Records interface {
	Search(ctx context.Context, s event.Search, below int64, limit int) (event.Found, error)
}

type auditPage struct {
	frame
	Ask     auditAsk
	Problem string
	Query   string // of the address, with its question mark; "" where nothing is asked for
	Kinds   []fact.Kind
	Types   []string

	Records                        []auditView
	Older, OlderPeople, OlderGates string // addresses of the next pages; "" where there is none
	People                         []people.Change
	Gateways                       []access.Event
}

type auditView struct {
	event.Event
	Href string
}

const mostTrail = 100

// auditAsk is what is looked for, as it was typed.
type auditAsk struct {
	Who, Kind, ID, What, From, To, Words string

	search event.Search
}

// Asked reports whether anything is.
func (a auditAsk) Asked() bool { return a.values().Encode() != "" }

// OfRecords reports whether only records can be meant.
func (a auditAsk) OfRecords() bool { return a.Kind+a.ID+a.What != "" }

func (a auditAsk) values() url.Values {
	v := url.Values{}
	for name, s := range map[string]string{"who": a.Who, "kind": a.Kind, "id": a.ID, "what": a.What, "from": a.From, "to": a.To, "words": a.Words} {
		if s != "" {
			v.Set(name, s)
		}
	}
	return v
}

var (
	kindWord = regexp.MustCompile(`^[a-z][a-z-]{0,39}$`)
	typeWord = regexp.MustCompile(`^[a-z_.]{1,80}$`)
)

// auditOf reads what is looked for. The problem is "" where it can be.
func auditOf(q url.Values) (a auditAsk, problem string) {
	take := func(name string) string { return strings.TrimSpace(q.Get(name)) }
	a = auditAsk{Who: take("who"), Kind: take("kind"), ID: take("id"), What: take("what"), From: take("from"), To: take("to"), Words: take("words")}
	for name, s := range map[string]string{"who": a.Who, "id": a.ID, "words": a.Words} {
		if len(s) > 200 || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '\uFFFD' }) {
			return auditAsk{}, name + ": want at most 200 plain characters"
		}
	}
	if a.Kind != "" && !kindWord.MatchString(a.Kind) {
		return a, "kind: want a word, such as package"
	}
	if a.What != "" && !typeWord.MatchString(a.What) {
		return a, "what: want a kind of event, such as excursion.signed"
	}
	s := &a.search
	if s.Actor = a.Who; a.Who != "" && !strings.Contains(a.Who, "/") {
		s.Actor = "person/" + a.Who
	}
	s.Kind, s.Type, s.Words = a.Kind, a.What, a.Words
	if a.ID != "" {
		if a.Kind == "" {
			return a, "kind: say of which kind the record " + a.ID + " is"
		}
		s.Stream = a.Kind + "/" + a.ID
	}
	var err error
	if a.From != "" {
		if s.From, err = instantOf("from", a.From); err != nil {
			return a, err.Error()
		}
		a.From = fieldTime(s.From)
	}
	if a.To != "" {
		if s.To, err = instantOf("to", a.To); err != nil {
			return a, err.Error()
		}
		a.To = fieldTime(s.To)
	}
	if s.To > 0 && s.To <= s.From {
		return a, "to: want a time after from"
	}
	return a, ""
}

// takes reports whether an entry of the trails of people and gateways is looked
// for. Detail stands for its reason.
func (a *auditAsk) takes(at int64, actor, detail string) bool {
	if at < a.search.From || a.search.To > 0 && at >= a.search.To || a.search.Actor != "" && actor != a.search.Actor {
		return false
	}
	detail = strings.ToLower(detail)
	return !slices.ContainsFunc(strings.Fields(strings.ToLower(a.search.Words)), func(w string) bool { return !strings.Contains(detail, w) })
}

const (
	exportAtOnce = 500
	mostLooked   = 20 // pages of so many entries that one answer looks through
)

// sift gives up to limit entries that are taken, and the id before which the next
// page begins; 0 where there is none.
func sift[T any](before int64, limit int, read func(before int64, limit int) ([]T, error), id func(T) int64, takes func(T) bool) (out []T, next int64, err error) {
	for range mostLooked {
		all, err := read(before, exportAtOnce)
		if err != nil {
			return nil, 0, err
		}
		for _, e := range all {
			if !takes(e) {
				continue
			}
			if len(out) == limit {
				return out, id(out[limit-1]), nil
			}
			out = append(out, e)
		}
		if len(all) < exportAtOnce {
			return out, 0, nil
		}
		if before = id(all[len(all)-1]); before <= 1 {
			return out, 0, nil // ids begin at 1, and 0 would begin anew
		}
	}
	return out, before, nil
}

// auditPage is GET /view/audit: who did what to records, to people and tokens,
// and who let gateways in, as it is looked for.
func (s *Server) auditPage(w http.ResponseWriter, r *http.Request) {
	p := auditPage{frame: s.frame("Audit", "audit"), Kinds: fact.Kinds(), Types: fact.Types()}
	p.Styles, p.Still = []string{"style/home.css", "style/sensor.css", "style/fleet.css", "style/workbench.css"}, true
	if p.Ask, p.Problem = auditOf(r.URL.Query()); p.Problem != "" {
		s.render(w, s.pages.audit, http.StatusUnprocessableEntity, p)
		return
	}
	asked := p.Ask.values()
	if p.Ask.Asked() {
		p.Query = "?" + asked.Encode()
	}
	before := func(name string) int64 {
		n, _ := strconv.ParseInt(r.URL.Query().Get(name), 10, 64) // 0 where it is none: the newest
		return max(n, 0)
	}
	older := func(name string, next int64) string {
		if next == 0 {
			return ""
		}
		v := p.Ask.values()
		v.Set(name, strconv.FormatInt(next, 10))
		return "?" + v.Encode()
	}
	found, err := s.cfg.Operations.Records.Search(r.Context(), p.Ask.search, before("records"), mostTrail)
	if err != nil {
		s.broken(w, r, "search the trails of records", err)
		return
	}
	p.Older = older("records", found.Next)
	for _, e := range found.Events {
		v := auditView{Event: e}
		if ref, err := fact.ParseRef(e.Stream); err == nil {
			v.Href = trailPath(ref)
		}
		p.Records = append(p.Records, v)
	}
	if !p.Ask.OfRecords() {
		var next int64
		if p.People, next, err = sift(before("people"), mostTrail, func(before int64, limit int) ([]people.Change, error) {
			return s.cfg.Operations.Trail.TrailBefore(r.Context(), before, limit)
		}, func(c people.Change) int64 { return c.ID }, func(c people.Change) bool { return p.Ask.takes(c.At, c.Actor, c.Detail) }); err != nil {
			s.broken(w, r, "read the trail of people", err)
			return
		}
		p.OlderPeople = older("people", next)
		if p.Gateways, next, err = sift(before("gateways"), mostTrail, func(before int64, limit int) ([]access.Event, error) {
			return s.cfg.Operations.Admission.Events(r.Context(), "", before, limit)
		}, func(e access.Event) int64 { return e.ID }, func(e access.Event) bool { return p.Ask.takes(e.At, e.Actor, e.Detail) }); err != nil {
			s.broken(w, r, "read the trail of gateways", err)
			return
		}
		p.OlderGates = older("gateways", next)
	}
	s.render(w, s.pages.audit, http.StatusOK, p)
}

// askedExport reads what an export is to hold.
func (s *Server) askedExport(w http.ResponseWriter, r *http.Request) (a auditAsk, ok bool) {
	a, problem := auditOf(r.URL.Query())
	if problem != "" {
		s.fail(w, r, http.StatusUnprocessableEntity, "This cannot be looked for", problem+".")
	}
	return a, problem == ""
}

// exportRecords is GET /view/audit/records.csv, from the newest event back.
func (s *Server) exportRecords(w http.ResponseWriter, r *http.Request) {
	ask, ok := s.askedExport(w, r)
	if !ok {
		return
	}
	below, more := int64(0), true
	s.exportTrail(w, r, "records.csv", []string{"position", "at", "actor", "what", "record", "version", "why", "event"}, func() (rows [][]string, err error) {
		for more && len(rows) == 0 {
			found, err := s.cfg.Operations.Records.Search(r.Context(), ask.search, below, exportAtOnce)
			if err != nil {
				return nil, err
			}
			for _, e := range found.Events {
				rows = append(rows, []string{strconv.FormatInt(e.Position, 10), view.Stamp(e.At), e.Actor, e.Type, e.Stream, strconv.FormatInt(e.Version, 10), e.Reason, e.ID})
			}
			below, more = found.Next, found.Next > 0
		}
		return rows, nil
	})
}

// exportPeopleTrail is GET /view/audit/people.csv, from the first entry on.
func (s *Server) exportPeopleTrail(w http.ResponseWriter, r *http.Request) {
	ask, ok := s.askedExport(w, r)
	if !ok {
		return
	}
	s.exportTrail(w, r, "people.csv", []string{"id", "at", "actor", "action", "subject", "detail"}, sifted(func(after int64) ([]people.Change, error) {
		return s.cfg.Operations.Trail.Trail(r.Context(), after, exportAtOnce)
	}, func(c people.Change) (int64, []string, bool) {
		return c.ID, []string{strconv.FormatInt(c.ID, 10), view.Stamp(c.At), c.Actor, c.Action, c.Subject, c.Detail}, ask.takes(c.At, c.Actor, c.Detail)
	}))
}

// exportGatewayTrail is GET /view/audit/gateways.csv, from the newest entry back.
func (s *Server) exportGatewayTrail(w http.ResponseWriter, r *http.Request) {
	ask, ok := s.askedExport(w, r)
	if !ok {
		return
	}
	s.exportTrail(w, r, "gateways.csv", []string{"id", "at", "actor", "action", "gateway", "detail"}, sifted(func(before int64) ([]access.Event, error) {
		if before == 1 {
			return nil, nil // ids begin at 1, and 0 would begin anew
		}
		return s.cfg.Operations.Admission.Events(r.Context(), "", before, exportAtOnce)
	}, func(e access.Event) (int64, []string, bool) {
		return e.ID, []string{strconv.FormatInt(e.ID, 10), view.Stamp(e.At), e.Actor, string(e.Action), e.Gateway, e.Detail}, ask.takes(e.At, e.Actor, e.Detail)
	}))
}

// sifted gives a trail's entries that are looked for, some at each call, none at
// its end. read gives up to exportAtOnce beyond an id, 0 at first; row tells of an
// entry its id, its line, and whether it is looked for.
func sifted[T any](read func(id int64) ([]T, error), row func(T) (id int64, line []string, takes bool)) func() ([][]string, error) {
	id, more := int64(0), true
	return func() (rows [][]string, err error) {
		for more && len(rows) == 0 {
			all, err := read(id)
			if err != nil {
				return nil, err
			}
			for _, entry := range all {
				next, line, takes := row(entry)
				if id = next; takes {
					rows = append(rows, line)
				}
			}
			more = len(all) == exportAtOnce
		}
		return rows, nil
	}
}
