package panel

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Where an acknowledgement was given.
const (
	byPage    = "page"
	byConsole = "console"
)

// reasons are the usual ones, so that a driver with gloves need not type. They
// name nobody.
var reasons = []string{
	"Door was open for loading",
	"Moved to another compartment",
	"Cooling was off, and runs again",
	"Sensor or its cable was loose",
	"Seen, and told to dispatch",
}

// Alarms has the page take acknowledgements. It is for before Handler and Serve.
func (p *Page) Alarms(a Acknowledger) { p.alarms = a }

// ackView is the page of one alarm.
type ackView struct {
	Gateway string
	ID      string
	State   State
	Says    string
	Reasons []string
	Problem string // why the acknowledgement was not taken
	Reason  string // as given
}

// alarm shows an alarm and asks for the reason.
func (p *Page) alarm(w http.ResponseWriter, r *http.Request) {
	p.showAlarm(w, r, http.StatusOK, "", "")
}

func (p *Page) showAlarm(w http.ResponseWriter, r *http.Request, code int, problem, reason string) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	s, err := p.source.Snapshot(ctx)
	if err != nil {
		http.Error(w, "The agent cannot say how it is: "+plain(err.Error()), http.StatusServiceUnavailable)
		return
	}
	i := slices.IndexFunc(s.Guard.Alarms, func(a Alarm) bool { return a.ID == r.PathValue("id") && !a.Acknowledged })
	if i < 0 { // acknowledged meanwhile, by somebody else
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	a := s.Guard.Alarms[i]
	v := ackView{Gateway: p.gateway, ID: a.ID, State: a.state(), Says: plain(a.says()) + ".", Reasons: reasons, Problem: problem, Reason: reason}
	var b bytes.Buffer
	if err := pageTemplate.ExecuteTemplate(&b, "alarm", v); err != nil {
		p.log.Error("panel cannot show an alarm", "err", err)
		http.Error(w, "This page cannot be shown.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	w.Write(b.Bytes())
}

// acknowledge takes the form of an alarm's page. Another site cannot send it:
// see http.CrossOriginProtection.
func (p *Page) acknowledge(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 8<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "This form cannot be read: "+plain(err.Error()), http.StatusBadRequest)
		return
	}
	reason := r.PostForm.Get("other")
	if reason == "" {
		reason = r.PostForm.Get("reason")
	}
	if _, err := p.alarms.Acknowledge(r.PathValue("id"), reason, byPage); err != nil {
		p.showAlarm(w, r, http.StatusUnprocessableEntity, plain(err.Error()), plain(reason))
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// ackOrder is the body of POST /acknowledge.
type ackOrder struct {
	Alarm  string `json:"alarm"` // id, or what it begins with, or "all"
	Reason string `json:"reason"`
}

// ackAnswer is the body of its answer.
type ackAnswer struct {
	Acknowledged []string `json:"acknowledged"`
}

func (s *Socket) acknowledge(w http.ResponseWriter, r *http.Request) {
	var order ackOrder
	if err := take(w, r, &order); err != nil {
		answer(w, http.StatusBadRequest, problem{`acknowledge: want {"alarm":"ID","reason":"..."}: ` + err.Error()})
		return
	}
	if s.alarms == nil {
		answer(w, http.StatusNotFound, problem{"acknowledge: this agent watches nothing"})
		return
	}
	ids, err := s.alarms.Acknowledge(order.Alarm, order.Reason, byConsole)
	if err != nil {
		answer(w, http.StatusUnprocessableEntity, problem{err.Error()})
		return
	}
	answer(w, http.StatusOK, ackAnswer{ids})
}

// Acknowledge says that somebody has seen an alarm; id may be shortened, or be
// "all". It gives the ids acknowledged.
func (c *Client) Acknowledge(ctx context.Context, id, reason string) ([]string, error) {
	var a ackAnswer
	if err := c.do(ctx, http.MethodPost, "/acknowledge", ackOrder{id, reason}, &a); err != nil {
		return nil, fmt.Errorf("acknowledge: %w", err)
	}
	return a.Acknowledged, nil
}
