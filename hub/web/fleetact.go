package web

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"frostline/hub/access"
	"frostline/hub/desired"
	"frostline/hub/view"
	"frostline/proto/topic"
)

const maxReason = 500 // bytes, as events keep it

// why gives the reason that a form says; problem where there is none.
func why(r *http.Request) (reason, problem string) {
	reason = strings.TrimSpace(r.PostFormValue("reason"))
	if reason == "" || len(reason) > maxReason {
		return "", "Not done: say why, in at most 500 bytes. The reason is kept."
	}
	return reason, ""
}

// enrolGateway is POST /view/fleet/enrol: a one-time code, shown in the answer and
// nowhere else.
func (s *Server) enrolGateway(w http.ResponseWriter, r *http.Request) {
	id := strings.ToLower(strings.TrimSpace(r.PostFormValue("gateway")))
	if err := topic.CheckGateway(id); err != nil {
		s.showFleet(w, r, http.StatusUnprocessableEntity, fleetPage{Problem: "Not done: " + err.Error()})
		return
	}
	o := s.cfg.Operations
	code, expires, err := o.Admission.NewCode(r.Context(), viewerOf(r).actor(), id)
	if err != nil {
		s.broken(w, r, "make a one-time code", err)
		return
	}
	s.log.Info("one-time code made", "gateway", id, "by", viewerOf(r).actor(), "expires", expires)
	s.showFleet(w, r, http.StatusOK, fleetPage{Code: &codeView{
		Gateway: id, Code: code.String(), Expires: expires.UnixMilli(), Command: fmt.Sprintf("frostline-edge enrol --hub %s --code %s", o.Enrol, code),
	}})
}

// revokeGateway is POST /view/fleet/{id}/revoke.
func (s *Server) revokeGateway(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	reason, problem := why(r)
	if problem != "" {
		s.showGateway(w, r, http.StatusUnprocessableEntity, gatewayPage{Problem: problem})
		return
	}
	switch err := s.cfg.Operations.Admission.Revoke(r.Context(), viewerOf(r).actor(), id, reason); {
	case errors.Is(err, access.ErrNotFound):
		s.fail(w, r, http.StatusNotFound, "There is no such gateway", "It was never enrolled.")
	case err != nil:
		s.broken(w, r, "revoke a gateway", err)
	default:
		s.log.Info("gateway revoked on the page", "gateway", id, "by", viewerOf(r).actor(), "reason", reason)
		http.Redirect(w, r, gatewayPath(id)+"?done=revoke", http.StatusSeeOther)
	}
}

// commandGateway is POST /view/fleet/{id}/command.
func (s *Server) commandGateway(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	reason, problem := why(r)
	if problem == "" {
		_, err := s.cfg.Operations.Desired.Ask(r.Context(), viewerOf(r).actor(), reason, uuid.NewString(), id, r.PostFormValue("kind"), strings.TrimSpace(r.PostFormValue("argument")))
		if done := s.gatewayDone(w, r, "ask a gateway", "command", err); done {
			return
		}
		problem = "Not done: " + err.Error()
	}
	s.showGateway(w, r, http.StatusUnprocessableEntity, gatewayPage{Problem: problem})
}

// setGateway is POST /view/fleet/{id}/settings: the document whole, in place of
// the version that the form was made from.
func (s *Server) setGateway(w http.ResponseWriter, r *http.Request) {
	id, document := r.PathValue("id"), strings.ReplaceAll(r.PostFormValue("document"), "\r\n", "\n")
	expect, err := strconv.ParseInt(r.PostFormValue("version"), 10, 64)
	reason, problem := why(r)
	if err != nil || expect < 0 {
		problem = "Not done: the form does not say from which version it was made. Load the page anew."
	}
	if problem == "" {
		_, err := s.cfg.Operations.Desired.Set(r.Context(), viewerOf(r).actor(), reason, id, document, expect)
		if errors.Is(err, desired.ErrChanged) {
			problem = "Not done: somebody has set other settings meanwhile. They are shown now; what you have written is below them."
		} else if done := s.gatewayDone(w, r, "set what a gateway is to run", "settings", err); done {
			return
		} else {
			problem = "Not done: " + err.Error()
		}
	}
	s.showGateway(w, r, http.StatusUnprocessableEntity, gatewayPage{Problem: problem, Written: document})
}

// gatewayDone answers where a change was made, or failed for a reason that is not
// the asker's.
func (s *Server) gatewayDone(w http.ResponseWriter, r *http.Request, what, done string, err error) bool {
	switch {
	case err == nil:
		http.Redirect(w, r, gatewayPath(r.PathValue("id"))+"?done="+done, http.StatusSeeOther)
	case errors.Is(err, desired.ErrInvalid):
		return false
	case errors.Is(err, desired.ErrUnknown):
		s.fail(w, r, http.StatusNotFound, "There is no such gateway", "It is not enrolled, or was revoked.")
	default:
		s.broken(w, r, what, err)
	}
	return true
}

type gatewayPage struct {
	frame
	Form     string
	May      bool
	Line     fleetLine
	State    desired.State
	Document string // of State, what persons have set
	Written  string // that was sent and not taken
	Commands []desired.Command
	Kinds    []string
	Trail    []access.Event
	Problem  string
	Done     string
}

var gatewayDoneWords = map[string]string{
	"revoke": "The gateway is revoked, and its connections are ended.", "command": "The gateway is asked. What it answers is shown here.",
	"settings": "The settings are signed and sent. What the gateway says to them is shown here.",
}

const mostShown = 50 // commands and entries of the trail on a page

func gatewayPath(id string) string { return "/view/fleet/" + id }

// gatewayPage is GET /view/fleet/{id}.
func (s *Server) gatewayPage(w http.ResponseWriter, r *http.Request) {
	s.showGateway(w, r, http.StatusOK, gatewayPage{Done: gatewayDoneWords[r.FormValue("done")]})
}

func (s *Server) showGateway(w http.ResponseWriter, r *http.Request, status int, p gatewayPage) {
	id, o := r.PathValue("id"), s.cfg.Operations
	gs, err := s.fleet(r.Context())
	if err != nil {
		s.broken(w, r, "list the gateways", err)
		return
	}
	var found *view.Gateway
	for i := range gs {
		if gs[i].ID == id {
			found = &gs[i]
		}
	}
	if found == nil {
		s.fail(w, r, http.StatusNotFound, "There is no such gateway", "It was never enrolled.")
		return
	}
	p.frame = s.frame("Gateway", "fleet")
	p.Styles, p.Modules = []string{"style/home.css", "style/sensor.css", "style/access.css", "style/fleet.css"}, []string{"account.js"}
	expires := int64(0)
	for _, a := range o.Admission.Gateways() {
		if a.ID == id {
			expires = a.Expires
		}
	}
	p.Line = standingOf(*found, expires, p.Now)
	if p.State, err = o.Desired.Get(r.Context(), id); err != nil && !errors.Is(err, desired.ErrUnknown) {
		s.broken(w, r, "look up a gateway's settings", err)
		return
	}
	p.Document, _ = p.State.Persons()
	if p.Commands, err = o.Desired.Commands(r.Context(), id, 0, mostShown); err != nil && !errors.Is(err, desired.ErrUnknown) {
		s.broken(w, r, "list a gateway's commands", err)
		return
	}
	if p.Trail, err = o.Admission.Events(r.Context(), id, 0, mostShown); err != nil {
		s.broken(w, r, "read the trail of a gateway", err)
		return
	}
	p.Kinds = []string{"identify", "diagnostics", "log-level", "restart"}
	p.May, p.Form = viewerOf(r).May("POST /view/fleet/{id}/command"), s.formFor(w, r)
	s.render(w, s.pages.gateway, status, p)
}
