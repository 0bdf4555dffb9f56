package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"frostline/hub/record"
	"frostline/hub/trace/dscsa"
	"frostline/hub/trace/dscsa/exception"
	"frostline/hub/view"
)

// exceptionView is a case of product and data that do not agree, as pages show it.
type exceptionView struct {
	dscsa.Discrepancy
	Href  string
	Short string // the beginning of its id
	Mark  view.State
	Word  string
	From  string // whose case it is
	Waits string
}

func exceptionPath(id string) string { return "/trace/exception/" + url.PathEscape(id) }

func exceptionOf(c dscsa.Discrepancy) exceptionView {
	v := exceptionView{Discrepancy: c, Href: exceptionPath(c.ID), Short: c.ID, Mark: view.NotOK, Word: "unresolved", From: "reported by this hub"}
	if len(c.ID) > 8 {
		v.Short = c.ID[:8]
	}
	if c.Inbound {
		v.From = "reported by a partner"
	}
	answered := slices.ContainsFunc(c.Messages, func(m dscsa.ExceptionMessage) bool { return m.Kind == "response" })
	switch {
	case c.Resolved:
		v.Mark, v.Word = view.Live, "resolved"
	case c.Inbound && !answered:
		v.Waits = "for our response"
	case c.Inbound:
		v.Waits = "for the partner to resolve it"
	case answered:
		v.Waits = "to be resolved by us"
	default:
		v.Waits = "for the partner's response"
	}
	return v
}

type exceptionPage struct {
	frame
	Form     string
	Case     exceptionView
	Messages []messageView
	Done     string
	Problem  string
}

// messageView is a message of a case.
type messageView struct {
	dscsa.ExceptionMessage
	Title   string
	Href    string
	Order   string
	Items   []exceptionItem
	Notes   []string
	Remarks []string // as they were written
	Wrong   string   // why it cannot be read
}

// exceptionItem is what one item of a message says.
type exceptionItem struct{ What, Product, Says, Asks, Comment string }

// exception is GET /trace/exception/{id}.
func (s *Server) exception(w http.ResponseWriter, r *http.Request) {
	done := ""
	if r.FormValue("done") == "resolved" {
		done = "The case is resolved. Send the report that says so to the partner: it is the last message below."
	}
	s.showException(w, r, http.StatusOK, exceptionPage{Done: done})
}

func (s *Server) showException(w http.ResponseWriter, r *http.Request, status int, page exceptionPage) {
	c, err := s.cfg.Trace.Discrepancy(r.Context(), r.PathValue("id"))
	if s.noTrace(w, r, "exception", err) {
		return
	}
	page.frame = s.traceFrame("Exception " + c.ID)
	page.Form, page.Case = s.formFor(w, r), exceptionOf(c)
	of := map[string]exceptionItem{} // by id, of the reports so far
	for _, m := range c.Messages {
		page.Messages = append(page.Messages, messageOf(c.ID, m, of))
	}
	s.render(w, s.pages.exception, status, page)
}

func messageOf(of string, m dscsa.ExceptionMessage, items map[string]exceptionItem) messageView {
	who := map[bool]string{true: "from the partner", false: "from this hub"}[m.Inbound]
	v := messageView{ExceptionMessage: m, Title: strings.ToUpper(m.Kind[:1]) + m.Kind[1:] + " " + who, Href: exceptionPath(of) + "/" + url.PathEscape(m.ID)}
	if m.Kind == "response" {
		r, err := exception.ReadResponse(m.Text)
		if err != nil {
			v.Wrong = err.Error()
			return v
		}
		v.Order = r.Order
		for _, it := range r.Items {
			line := items[it.Item]
			line.Asks = map[string]string{"Accept": "accepted"}[it.Answer]
			if line.Asks == "" {
				line.Asks = strings.ToLower(it.Answer) + "ed"
			}
			if it.Comments != nil {
				line.Says, line.Comment = "", *it.Comments
			}
			v.Items = append(v.Items, line)
		}
		if r.Notes != nil && *r.Notes != "" {
			v.Remarks = append(v.Remarks, *r.Notes)
		}
		return v
	}
	r, err := exception.ReadReport(m.Text)
	if err != nil {
		v.Wrong = err.Error()
		return v
	}
	v.Order, v.Remarks = r.Order, r.Others
	if r.Resolved {
		v.Notes = append(v.Notes, "The case is resolved.")
	}
	v.Items = reported(r.Exceptions, items)
	return v
}

// reported tells the items of a report, and notes each by its id.
func reported(x exception.Exceptions, items map[string]exceptionItem) (out []exceptionItem) {
	add := func(id string, it exceptionItem) { items[id], out = it, append(out, it) }
	opt := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}
	product := func(gtin, serial string) string {
		if serial == "" {
			return gtin
		}
		return gtin + ", serial " + serial
	}
	for _, i := range x.NoData {
		add(i.Item, exceptionItem{"product without data", product(i.GTIN, opt(i.Serial)), "seen by " + strings.ToLower(i.Source), i.Ask, ""})
	}
	for _, i := range x.NoProduct {
		add(i.Item, exceptionItem{"data without product", product(i.GTIN, i.Serial), "in file " + i.File, i.Ask, ""})
	}
	for _, i := range x.Misfits {
		add(i.Item, exceptionItem{"label and data differ", product(i.ReceivedGTIN, opt(i.ReceivedSerial)),
			fmt.Sprintf("label: lot %s, expiry %s; data: lot %s, expiry %s", i.ReceivedLot, i.ReceivedExpiry, i.DataLot, i.DataExpiry), i.Ask, ""})
	}
	for _, i := range x.Overages {
		add(i.Item, exceptionItem{"more than ordered", i.GTIN, fmt.Sprintf("%d received, %d ordered", i.Received, i.Ordered), i.Ask, ""})
	}
	for _, i := range x.Underages {
		add(i.Item, exceptionItem{"fewer than ordered", i.GTIN, fmt.Sprintf("%d received, %d ordered", i.Received, i.Ordered), i.Ask, ""})
	}
	if x.Master != nil {
		for _, i := range x.Master.GLN {
			add(i.Item, exceptionItem{"wrong GLN", i.Invalid, proposed(opt(i.Proposed)), opt(i.Ask), ""})
		}
		for _, i := range x.Master.GTIN {
			add(i.Item, exceptionItem{"wrong GTIN", i.Invalid, proposed(opt(i.Proposed)), opt(i.Ask), ""})
		}
	}
	return out
}

func proposed(s string) string {
	if s == "" {
		return ""
	}
	return s + " is proposed"
}

// exceptionMessage is GET /trace/exception/{id}/{message}: a message as it was
// sent.
func (s *Server) exceptionMessage(w http.ResponseWriter, r *http.Request) {
	c, err := s.cfg.Trace.Discrepancy(r.Context(), r.PathValue("id"))
	if s.noTrace(w, r, "exception", err) {
		return
	}
	for _, m := range c.Messages {
		if m.ID == r.PathValue("message") {
			s.give(w, "application/json", m.Kind+"-"+m.ID+".json", m.Text)
			return
		}
	}
	s.fail(w, r, http.StatusNotFound, "There is no such message", "This case has no message "+r.PathValue("message")+".")
}

// resolveException is POST /trace/exception/{id}/resolve.
func (s *Server) resolveException(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	_, err := s.cfg.Trace.Resolve(r.Context(), viewerOf(r).actor(), strings.TrimSpace(r.PostFormValue("reason")), id)
	switch why := notDoneBecause(err); {
	case errors.Is(err, record.ErrNotFound):
		s.noTrace(w, r, "exception", err)
	case why != "":
		s.showException(w, r, http.StatusUnprocessableEntity, exceptionPage{Problem: why})
	case err != nil:
		s.broken(w, r, "resolve the exception", err)
	default:
		http.Redirect(w, r, exceptionPath(id)+"?done=resolved", http.StatusSeeOther)
	}
}
