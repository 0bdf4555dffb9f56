package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/progress"
	"frostline/hub/dispatch/propose"
	"frostline/hub/dispatch/risk"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/view"
)

// Dispatch tells how deliveries stand, and of their routes. It is called from
// many goroutines at once.
type Dispatch interface {
	// List gives deliveries, most urgent first, and when that was found, Unix ms;
	// 0 before it was.
	List() (all []risk.Delivery, made int64)
	// Watch gives a channel that is sent to when the list has changed, until stop.
	Watch() (changed <-chan struct{}, stop func())
	// Leg gives a route; its error wraps record.ErrNotFound where there is none.
	Leg(ctx context.Context, id string) (dispatch.Route, error)
	// Latest gives the order that was suggested for a revision of a route, if one
	// was.
	Latest(route string, revision int64) (propose.Proposal, bool)
	// Proposal compares the order of a route with others now, or gives what came of
	// that some seconds ago.
	Proposal(ctx context.Context, route string) (propose.Proposal, error)
	// Hold keeps a stop from being delivered, or lets it go again; once for each id.
	// Its error wraps record.ErrRefused for a stop that may not be let go.
	Hold(ctx context.Context, actor, reason string, h fact.StopHeld) (dispatch.Route, error)
	// Recall calls a delivery back, or all that is left of a route; once for each id.
	Recall(ctx context.Context, actor, reason string, c dispatch.Recalling) (dispatch.Route, error)
	// Message tells whoever drives something; once for each id.
	Message(ctx context.Context, actor, reason string, m fact.CourierMessaged) (dispatch.Route, error)
	// Panels names the gateways on whose pages a courier's messages are shown.
	Panels(ctx context.Context, courier string) ([]string, error)
	// Where tells where the courier of an open route was last; false where no
	// position came.
	Where(route string) (progress.Where, bool)
	// Chart gives what a map shows of an open route; false where nobody follows it.
	Chart(route string) (progress.Chart, bool)
	// Reorder has the stops of a route that have not ended made in another order, if
	// its revision is still the one given. Its error wraps event.ErrStale where it is
	// not, and record.ErrRefused or record.ErrInvalid for an order that cannot be.
	Reorder(ctx context.Context, actor, reason, route string, order []string, revision int64) (dispatch.Route, error)
}

// Bounds of the dispatcher's board. What is left out is counted on it.
const (
	boardLines  = 200
	boardRoutes = 60
	boardStale  = 10_000 // ms since the list was made
	boardHolds  = 45_000 // ms that a page may show it without being renewed
)

type boardPage struct {
	frame
	Made   int64
	Stale  bool
	Until  int64
	Tally  []tallyView
	Lines  []deliveryView
	More   int
	Routes []runView
	Others int       // routes that are not shown
	Form   string    // "": who looks applies no orders
	Told   string    // what came of applying one, or of another thing that was done
	Failed bool      // nothing did
	Chosen string    // the route that the map shows alone; "" for all
	Map    *boardMap // nil: who looks is not shown where patients live
	Draft  boardDraft
}

// boardDraft is what was sent and not done.
type boardDraft struct{ Problem, Stop, Cause, Text string }

// deliveryView is a delivery as the board shows it.
type deliveryView struct {
	risk.Delivery
	Mark    view.State
	Word    string
	Says    string
	Degrees string
	Href    string // of the package that decides; "" for none
	Anchor  string // of the route; "" where it is not shown
	Ahead   string // which stops come first
}

// runView is a route as the board shows it.
type runView struct {
	dispatch.Route
	Anchor   string
	Mark     view.State
	Word     string // its worst delivery
	Status   string
	Next     string // stop
	Done     int
	Stops    []stopView
	Proposal *propose.Proposal // nil: not made yet
	Pill     string            // what it comes to, in a word or two; "" for nothing
	Command  string            // that applies it
	Form     string            // of whoever may apply it
	Seen     string            // what whoever applies it has looked at
	Messages int
	Work     *runWork // of the route that was chosen, for whoever may do something; nil otherwise
}

type stopView struct {
	dispatch.Visit
	Place    int
	State    string
	Arrival  *dispatch.Arrival
	Delivery *deliveryView // nil where nothing is delivered any more
}

// classMark gives the shape and colour that go with a class.
func classMark(c risk.Class) view.State {
	return map[risk.Class]view.State{
		risk.Out: "wrong", risk.AtRisk: "late", risk.Watch: view.NotOK, risk.Unknown: view.Silent, risk.InTime: view.Live, risk.Holds: "calm",
	}[c]
}

func deliveryOf(d risk.Delivery, made int64) deliveryView {
	v := deliveryView{Delivery: d, Mark: classMark(d.Class), Word: d.Class.Words(), Says: d.Says(made), Degrees: noValue}
	if d.Load != nil {
		v.Href = packagePath(d.Load.Package)
		if t := d.Load.Temperature; t != nil {
			v.Degrees = risk.Degrees(*t)
		}
	}
	return v
}

// board is GET /dispatch.
func (s *Server) board(w http.ResponseWriter, r *http.Request) {
	s.showBoard(w, r, http.StatusOK, r.URL.Query().Get("route"), boardDraft{})
}

// showBoard shows the board, with one route chosen or none.
func (s *Server) showBoard(w http.ResponseWriter, r *http.Request, status int, chosen string, draft boardDraft) {
	page := boardPage{frame: s.frame("Dispatch", "dispatch"), Draft: draft}
	page.Styles, page.Modules = []string{"style/home.css", "style/sensor.css", "style/story.css", "style/access.css", "style/dispatch.css", "style/boardmap.css"}, []string{"dispatch.js"}
	all, made := s.cfg.Dispatch.List()
	page.Made, page.Stale, page.Until = made, made == 0 || page.Now-made > boardStale, page.Now+boardHolds
	n := map[risk.Class]int{}
	for _, d := range all {
		n[d.Class]++
	}
	for _, c := range []risk.Class{risk.Out, risk.AtRisk, risk.Watch, risk.Unknown, risk.InTime, risk.Holds} {
		page.Tally = append(page.Tally, tallyView{State: classMark(c), N: n[c], Word: c.Words()})
	}
	of := map[string][]risk.Delivery{} // by route
	var order []string
	for _, d := range all {
		if of[d.Route] == nil {
			order = append(order, d.Route)
		}
		of[d.Route] = append(of[d.Route], d)
	}
	page.Others = max(0, len(order)-boardRoutes)
	order = order[:len(order)-page.Others]
	if chosen != "" && !slices.Contains(order, chosen) {
		order = append(order, chosen)
	}
	ahead := map[string]string{} // by route and stop
	for _, id := range order {
		route, err := s.cfg.Dispatch.Leg(r.Context(), id)
		if errors.Is(err, record.ErrNotFound) || errors.Is(err, record.ErrInvalid) {
			continue
		}
		if err != nil {
			s.broken(w, r, "read route "+id, err)
			return
		}
		if id == chosen {
			page.Chosen = id
		}
		run := s.run(route, of[id], made)
		page.Routes = append(page.Routes, run)
		run.tellAhead(ahead)
	}
	if viewerOf(r).May("POST /dispatch/{id}/order") {
		page.Form = s.formFor(w, r)
		for i := range page.Routes {
			page.Routes[i].Form = page.Form
			if page.Routes[i].ID == page.Chosen {
				if err := s.work(r, &page.Routes[i], draft); err != nil {
					s.broken(w, r, "look up what may be done with route "+page.Chosen, err)
					return
				}
			}
		}
		page.Map = s.drawBoard(page.Routes, page.Chosen, page.Now)
	}
	page.Told, page.Failed = boardWords(r, page.Routes)
	page.More = max(0, len(all)-boardLines)
	for _, d := range all[:len(all)-page.More] {
		v := deliveryOf(d, made)
		if a, ok := ahead[d.Route+"/"+d.Stop]; ok {
			v.Ahead, v.Anchor = a, anchor(d.Route)
		}
		page.Lines = append(page.Lines, v)
	}
	s.render(w, s.pages.board, status, page)
}

// tellAhead says of each stop that has not ended how many come before it.
func (v runView) tellAhead(ahead map[string]string) {
	before := 0
	for _, stop := range v.Stops {
		if stop.Ended() {
			continue
		}
		word := map[int]string{0: "next", 1: "one stop before it"}[before]
		if before > 1 {
			word = strconv.Itoa(before) + " stops before it"
		}
		ahead[v.ID+"/"+stop.ID] = word
		before++
	}
}

func anchor(route string) string { return "route-" + route }

// run makes what the board shows of a route. deliveries are those that it has
// still to make, most urgent first.
func (s *Server) run(route dispatch.Route, deliveries []risk.Delivery, made int64) runView {
	v := runView{Route: route, Anchor: anchor(route.ID), Status: route.Status(), Messages: len(route.Messages)}
	if v.Mark, v.Word = "calm", "nothing left to deliver"; len(deliveries) > 0 {
		v.Mark, v.Word = classMark(deliveries[0].Class), deliveries[0].Class.Words()
	}
	for i, visit := range route.Visits() {
		stop := stopView{Visit: visit, Place: i + 1, State: visit.Status}
		if visit.Ended() {
			v.Done++
		} else if v.Next == "" {
			v.Next = visit.ID
		}
		if k := slices.IndexFunc(deliveries, func(d risk.Delivery) bool { return d.Stop == visit.ID }); k >= 0 && !visit.Ended() {
			d := deliveryOf(deliveries[k], made)
			stop.Delivery, stop.Arrival = &d, d.Arrival
		} else if a, ok := dispatch.Planned(visit); ok && !visit.Ended() {
			stop.Arrival = &a
		}
		v.Stops = append(v.Stops, stop)
	}
	if p, ok := s.cfg.Dispatch.Latest(route.ID, route.Revision); ok {
		v.Proposal = &p
		if p.Advice == propose.Change {
			v.Pill = "another order is suggested"
			v.Seen = seen(p)
			v.Command = "frostline routes order " + route.ID + " " + strings.Join(p.Order, " ") + " --revision " + strconv.FormatInt(p.Revision, 10)
		}
	}
	return v
}
