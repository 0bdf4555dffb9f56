package panel

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"frostline/proto/thermal"
)

// watched is a gateway that is fine, with a guard in a state.
func watched(state string) Snapshot {
	s := inState("fine")
	v, left := thermal.Temp(8100), int64(5*60_000)
	w := Watched{ID: "van-14-a", Sensor: "box-a", Profile: "Refrigerated, 2 to 8 °C", State: WatchOut, Rule: "above 8 °C", Value: &v, AgeMs: 400}
	a := Alarm{ID: "k3f9x2ab", Watch: "van-14-a", Sensor: "box-a", Kind: "excursion", Severity: thermal.Alarm, Limit: "above 8 °C", Active: true, Times: 1, AgeMs: 90_000}
	alarms := []Alarm{a}
	switch state {
	case "in range":
		v, w.State, w.Rule, alarms = 5060, WatchInRange, "", nil
	case "passed":
		w.State, w.LeftMs, alarms = WatchPassed, &left, nil
	case "acknowledged":
		alarms[0].Acknowledged, alarms[0].Reason = true, "door was open"
	case "over":
		v, w.State, w.Rule, alarms[0].Active = 5060, WatchInRange, "", false
	case "unknown":
		w.State, w.Rule, w.UnknownMs = WatchUnknown, "", 90_000
		alarms[0].Kind, alarms[0].Severity, alarms[0].Limit = "unknown", thermal.Warning, ""
	case "starting":
		w, alarms = Watched{ID: w.ID, Sensor: w.Sensor, Profile: w.Profile, State: WatchUnknown}, nil
	}
	s.Guard = Guard{Watches: []Watched{w}, Alarms: alarms}
	return s
}

func TestJudgeGuard(t *testing.T) {
	for state, want := range map[string]struct {
		state State
		says  string
	}{
		"in range":     {Fine, "What is watched here is in range."},
		"passed":       {Watch, "van-14-a by box-a: above 8 °C, out of range in 5 min if it stays so."},
		"out":          {Bad, "van-14-a is out of range by box-a, above 8 °C, for 1 min."},
		"acknowledged": {Bad, "van-14-a is out of range by box-a, above 8 °C, for 1 min; acknowledged: door was open."},
		"over":         {Watch, "van-14-a was out of range by box-a, above 8 °C, and nobody has acknowledged that."},
		"unknown":      {Silent, "Whether van-14-a is in range is unknown: box-a has given nothing usable for 1 min."},
	} {
		if v := Judge(watched(state)); v.State != want.state || v.Says != want.says {
			t.Errorf("%s: got %s %q, want %s %q", state, v.State, v.Says, want.state, want.says)
		}
	}
	if v := Judge(watched("starting")); v.State != Silent || !strings.Contains(v.Says, "unknown") {
		t.Errorf("nothing is known yet: got %s %q", v.State, v.Says)
	}
}

// acks is an Acknowledger of the tests.
type acks struct {
	got []string
	err error
}

func (a *acks) Acknowledge(id, reason, by string) ([]string, error) {
	a.got = append(a.got, id+"|"+reason+"|"+by)
	return []string{id}, a.err
}

func post(t *testing.T, h http.Handler, target string, form url.Values, change func(*http.Request)) *http.Response {
	t.Helper()
	r := httptest.NewRequest("POST", target, strings.NewReader(form.Encode()))
	r.Host = "127.0.0.1:8480"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestPageAcknowledges(t *testing.T) {
	s, a := watched("out"), &acks{}
	p := NewPage(s.Gateway, fixed{s}, quiet())
	p.Alarms(a)
	h := p.Handler()
	text := words(body(t, get(t, h, "/", nil)))
	for _, want := range []string{"Act now van-14-a is out of range", "Acknowledge", "van-14-a: out of range, above 8 °C"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q: %s", want, text)
		}
	}
	form := body(t, get(t, h, "/alarms/k3f9x2ab", nil))
	if !strings.Contains(form, `action="/alarms/k3f9x2ab"`) || !strings.Contains(form, reasons[0].text) {
		t.Errorf("the form is %s", form)
	}
	if r := post(t, h, "/alarms/k3f9x2ab", url.Values{"reason": {reasons[1].text}}, nil); r.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", r.StatusCode)
	}
	if r := post(t, h, "/alarms/k3f9x2ab", url.Values{"reason": {reasons[1].text}, "other": {"flat tyre"}}, nil); r.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", r.StatusCode)
	}
	if want := []string{"k3f9x2ab|" + reasons[1].text + "|page", "k3f9x2ab|flat tyre|page"}; !slices.Equal(a.got, want) {
		t.Errorf("got %q, want %q", a.got, want)
	}
	a.err = errors.New("want a <reason>")
	if r := post(t, h, "/alarms/k3f9x2ab", url.Values{}, nil); r.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(body(t, r), "want a &lt;reason&gt;") {
		t.Errorf("a refusal: status %d", r.StatusCode)
	}
	if r := get(t, h, "/alarms/other", nil); r.StatusCode != http.StatusSeeOther {
		t.Errorf("an alarm that there is not: status %d", r.StatusCode)
	}
}

// Another site, or a page under a name that resolves here, acknowledges nothing.
func TestPageRefusesOthers(t *testing.T) {
	s, a := watched("out"), &acks{}
	p := NewPage(s.Gateway, fixed{s}, quiet())
	p.Alarms(a)
	for name, change := range map[string]func(*http.Request){
		"another site":   func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") },
		"an old browser": func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "https://evil.example") },
		"another name":   func(r *http.Request) { r.Host = "evil.example" },
	} {
		if r := post(t, p.Handler(), "/alarms/k3f9x2ab", url.Values{"reason": {"x y z"}}, change); r.StatusCode < 400 {
			t.Errorf("%s: status %d", name, r.StatusCode)
		}
	}
	if len(a.got) != 0 {
		t.Errorf("acknowledged %q", a.got)
	}
	if r := get(t, NewPage(s.Gateway, fixed{s}, quiet()).Handler(), "/alarms/k3f9x2ab", nil); r.StatusCode != http.StatusNotFound {
		t.Errorf("without a guard: status %d", r.StatusCode)
	}
}

func TestSocketAcknowledges(t *testing.T) {
	dir, a := t.TempDir(), &acks{}
	l, err := ListenSocket(dir)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSocket(fixed{watched("out")}, nil, quiet())
	s.Alarms(a)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	c := NewClient(dir)
	if ids, err := c.Acknowledge(ctx, "k3", "flat tyre"); err != nil || !slices.Equal(ids, []string{"k3"}) || !slices.Equal(a.got, []string{"k3|flat tyre|console"}) {
		t.Errorf("ids %q, %v, got %q", ids, err, a.got)
	}
	a.err = errors.New("no such alarm")
	if _, err := c.Acknowledge(ctx, "k3", "flat tyre"); err == nil || !strings.Contains(err.Error(), "no such alarm") {
		t.Errorf("a refusal: %v", err)
	}
	if st, err := c.Status(ctx); err != nil || len(st.Guard.Alarms) != 1 || *st.Guard.Watches[0].Value != 8100 {
		t.Errorf("status %+v, %v", st.Guard, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestTextOfAlarms(t *testing.T) {
	var b strings.Builder
	if err := WriteAlarms(&b, newStatus(watched("acknowledged"))); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"k3f9x2ab", "above 8 °C", "active, acknowledged: door was open"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("lacks %q:\n%s", want, b.String())
		}
	}
	b.Reset()
	if err := WriteAlarms(&b, newStatus(watched("in range"))); err != nil || b.String() != "no alarm\n" {
		t.Errorf("got %q, %v", b.String(), err)
	}
}
