package panel

import (
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
// name nobody. They are kept in English, in which all that is kept is, whatever
// language they were chosen in; the keys are those of their words.
var reasons = []struct{ key, text string }{
	{"reason.door", "Door was open for loading"},
	{"reason.moved", "Moved to another compartment"},
	{"reason.cooling", "Cooling was off, and runs again"},
	{"reason.sensor", "Sensor or its cable was loose"},
	{"reason.told", "Seen, and told to dispatch"},
}

// reason gives one of the usual reasons in this language, and others as they came.
func (l *locale) reason(text string) string {
	for _, r := range reasons {
		if r.text == text {
			return l.say(r.key)
		}
	}
	return text
}

// Alarms has the page take acknowledgements. It is for before Handler and Serve.
func (p *Page) Alarms(a Acknowledger) { p.alarms = a }

// ackView is the page of one alarm.
type ackView struct {
	Prefs   prefs
	Gateway string
	ID      string
	State   State
	Word    string
	Says    string
	Reasons []choice
	Problem string // why the acknowledgement was not taken
	Reason  string // as given, in other words than the usual
	Back    string
}

// alarm shows an alarm and asks for the reason.
func (p *Page) alarm(w http.ResponseWriter, r *http.Request) {
	p.showAlarm(w, r, http.StatusOK, "", "")
}

func (p *Page) showAlarm(w http.ResponseWriter, r *http.Request, code int, problem, reason string) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	l := p.locale(r)
	s, err := p.source.Snapshot(ctx)
	if err != nil {
		http.Error(w, l.say("judge.broken", plain(err.Error())), http.StatusServiceUnavailable)
		return
	}
	i := slices.IndexFunc(s.Guard.Alarms, func(a Alarm) bool { return a.ID == r.PathValue("id") && !a.Acknowledged })
	if i < 0 { // acknowledged meanwhile, by somebody else
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	a := s.Guard.Alarms[i]
	v := ackView{Prefs: p.prefs(r, l), Gateway: p.gateway, ID: a.ID, State: a.state(), Word: l.faceState(a.state()), Says: l.alarm(s.Guard, a) + ".", Problem: problem}
	usual := false
	for _, x := range reasons {
		usual = usual || x.text == reason
		v.Reasons = append(v.Reasons, choice{x.text, l.say(x.key), x.text == reason})
	}
	if !usual {
		v.Reason = reason
	}
	p.render(w, l, code, "alarm", v)
}

// acknowledge takes the form of an alarm's page. Another site cannot send it:
// see http.CrossOriginProtection.
func (p *Page) acknowledge(w http.ResponseWriter, r *http.Request) {
	if !p.form(w, r) {
		return
	}
	reason := r.PostForm.Get("other")
	if reason == "" {
		reason = r.PostForm.Get("reason")
	}
	_, err := p.alarms.Acknowledge(r.PathValue("id"), reason, byPage)
	p.stale()
	if err != nil {
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
