package web

import (
	"cmp"
	"context"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"frostline/hub/view"
	"frostline/proto/reading"
)

type homePage struct {
	frame
	Gateways []gatewayView
	Tally    []tallyView
	Layout   string
	Troubles []view.Part // parts of the hub that are not well
}

type tallyView struct {
	State view.State
	N     int
	Word  string
}

// gatewayView is a gateway as its section shows it.
type gatewayView struct {
	view.Gateway
	Link        view.LinkStatus
	LinkShape   string
	ClockWord   string
	ClockWarn   bool
	WaitingWord string
	Draining    bool
	ConfigWord  string // "" where the hub has no say in it
	ConfigWarn  bool
	Sensors     []sensorView
	Retired     []sensorView
}

type sensorView struct {
	Key, Name, Href string
	State           view.State
	Place           bool // it measures position
	Readings        []readingView
	Sketch          template.HTML
}

type readingView struct {
	Key, Title, Value, Unit string
	First                   bool
	None                    bool // there is no value to show
	Minor                   bool // left out of a card while it is well
	Status                  view.Status
}

// inFlight is how many blocks may be under way without being a backlog.
const inFlight = 5

// stripOf makes what a gateway's status line says, without its sensors.
func stripOf(g view.Gateway, now int64) gatewayView {
	v := gatewayView{Gateway: g, Link: view.JudgeLink(g, now)}
	v.LinkShape = map[view.Link]string{
		view.Online: "live", view.Offline: "silent", view.LinkSilent: "silent", view.NeverHeard: "silent", view.Revoked: "wrong",
	}[v.Link.Link]
	switch {
	case g.Heard == 0:
		v.ClockWord = "not known yet"
	case !g.Clock.Dated:
		v.ClockWord, v.ClockWarn = "no source yet: readings of this boot are undated", true
	case g.Clock.Conflict:
		v.ClockWord, v.ClockWarn = view.Uncertain(g.Clock.Uncertainty)+", its sources contradict one another", true
	default:
		v.ClockWord = view.Uncertain(g.Clock.Uncertainty) + " by " + g.Clock.Source
		if len(g.Clock.Left) > 0 {
			v.ClockWord, v.ClockWarn = v.ClockWord+"; "+strings.Join(g.Clock.Left, " and ")+" contradicts the others and is not used", true
		}
	}
	if g.Config.Wanted != 0 || g.Config.Running != 0 || g.Config.Stranger {
		v.ConfigWord, v.ConfigWarn = g.Config.Word()
	}
	v.Draining = v.Link.Link == view.Online && g.PendingBlocks > inFlight
	switch {
	case g.Heard == 0:
		v.WaitingWord = "not known yet"
	case v.Link.Link != view.Online:
		v.WaitingWord = "not known while it is away"
		if g.PendingReadings > 0 {
			v.WaitingWord += "; at least " + view.Count(g.PendingReadings) + " readings"
		}
	case g.PendingBlocks <= inFlight:
		v.WaitingWord = "nothing"
	default:
		v.WaitingWord = view.Count(g.PendingReadings) + " readings"
	}
	return v
}

// order puts what people look for first at the top of a card.
var order = []reading.Quantity{
	reading.Temperature, reading.Latitude, reading.Longitude, reading.Door, reading.Humidity, reading.CompressorRunning, reading.CompressorSetpoint,
	reading.Speed, reading.PositionError, reading.SatellitesUsed, reading.Pressure, reading.StateOfCharge, reading.Voltage, reading.Tamper,
}

func rank(q reading.Quantity) int {
	if i := slices.Index(order, q); i >= 0 {
		return i
	}
	return len(order) + int(q)
}

func (s *Server) readingView(gateway, sensor string, c view.Channel, first bool, now int64) readingView {
	key := view.Series{Gateway: gateway, Sensor: sensor, Quantity: c.Quantity}
	unit, _ := c.Quantity.Unit()
	v := readingView{Key: key.String(), Title: view.Title(c.Quantity), Value: noValue, Unit: unit, First: first, None: true}
	latest := c.Latest
	if r, ok := s.live.latest(gateway, sensor, c.Quantity); ok {
		latest = &r
	}
	v.Status = view.Judge(latest, c.Interval, now)
	if latest != nil && latest.Usable() {
		v.Value, v.None = view.Value(c.Quantity, latest.Value), false
	}
	return v
}

// badness orders states so that a sensor shows the worst of its readings; the
// pages' module frame.js has the same order.
var badness = []view.State{view.NotOK, view.Silent, view.Undated, view.Live}

func (s *Server) sensorView(gateway string, sensor view.Sensor, now int64) sensorView {
	v := sensorView{
		Key: gateway + "/" + sensor.Name, Name: sensor.Name, Href: sensorPath(gateway, sensor.Name),
		State: view.Silent,
	}
	channels := slices.Clone(sensor.Channels)
	slices.SortFunc(channels, func(a, b view.Channel) int { return cmp.Compare(rank(a.Quantity), rank(b.Quantity)) })
	worst := len(badness)
	for i, c := range channels {
		_, other := sensor.Channel(reading.Longitude)
		position := c.Quantity == reading.Latitude && other
		v.Place = v.Place || position
		r := s.readingView(gateway, sensor.Name, c, i == 0 || v.Place && c.Quantity == reading.Longitude, now)
		r.Minor = i > 2
		worst = min(worst, slices.Index(badness, r.Status.State))
		v.Readings = append(v.Readings, r)
	}
	if worst < len(badness) {
		v.State = badness[worst]
	}
	return v
}

func sensorPath(gateway, sensor string) string {
	return "/sensor/" + url.PathEscape(gateway) + "/" + url.PathEscape(sensor)
}

func (s *Server) gatewayView(ctx context.Context, g view.Gateway, now int64) gatewayView {
	v := stripOf(g, now)
	for _, sensor := range g.Sensors {
		sv := s.sensorView(g.ID, sensor, now)
		if !sensor.Current() {
			v.Retired = append(v.Retired, sv)
			continue
		}
		sv.Sketch = s.sparks.of(ctx, g.ID, sensor)
		v.Sensors = append(v.Sensors, sv)
	}
	return v
}

// home is GET /: all gateways and their sensors.
func (s *Server) home(w http.ResponseWriter, r *http.Request) {
	page := homePage{frame: s.frame("Gateways and sensors", "home")}
	page.Styles, page.Modules = []string{"style/home.css"}, []string{"home.js"}
	page.Troubles = s.troubles(r.Context())
	gs, err := s.fleet(r.Context())
	if err != nil {
		s.broken(w, r, "list the gateways", err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), sketchWithin)
	defer cancel()
	n := map[view.State]int{}
	for _, g := range gs {
		v := s.gatewayView(ctx, g, page.Now)
		for _, sensor := range v.Sensors {
			n[sensor.State]++
		}
		for i := range v.Sensors {
			v.Sensors[i].Sketch = captioned(v.Sensors[i].Sketch, s.in(w))
		}
		page.Gateways = append(page.Gateways, v)
	}
	for _, t := range []tallyView{{State: view.Live, Word: "live"}, {State: view.NotOK, Word: "not ok"}, {State: view.Undated, Word: "time unknown"}, {State: view.Silent, Word: "silent"}} {
		t.N = n[t.State]
		page.Tally = append(page.Tally, t)
	}
	s.mu.Lock()
	page.Layout = s.layout
	s.mu.Unlock()
	s.render(w, s.pages.home, http.StatusOK, page)
}

type accountPage struct {
	frame
	Accounts []accountView
}

type accountView struct {
	view.Account
	DifferenceWord string
}

// account is GET /account.
func (s *Server) account(w http.ResponseWriter, r *http.Request) {
	page := accountPage{frame: s.frame("Account", "account")}
	page.Styles, page.Modules = []string{"style/home.css", "style/sensor.css"}, []string{"account.js"}
	ctx, cancel := context.WithTimeout(r.Context(), pollDeadline)
	defer cancel()
	as, err := s.cfg.Fleet.Accounts(ctx)
	if err != nil {
		s.broken(w, r, "reckon the accounts", err)
		return
	}
	for _, a := range as {
		v := accountView{Account: a}
		switch d := a.Difference(); {
		case d < 0:
			v.DifferenceWord = view.Count(-d) + " readings are missing"
		case d > 0:
			v.DifferenceWord = view.Count(d) + " readings too many"
		default:
			v.DifferenceWord = "see the remark"
		}
		page.Accounts = append(page.Accounts, v)
	}
	s.render(w, s.pages.account, http.StatusOK, page)
}

// sketchWithin bounds the wait for the small charts of a page; what is not
// ready is left out and drawn on the next visit.
const sketchWithin = 3 * time.Second
