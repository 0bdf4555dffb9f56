package web

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"frostline/hub/dispatch"
	"frostline/hub/dispatch/relay"
	"frostline/hub/fact"
	"frostline/hub/record"
	"frostline/hub/view"
)

// Routes of what is done on the board.
const (
	boardStopRoute    = "POST /dispatch/{id}/stop"
	boardRecallRoute  = "POST /dispatch/{id}/recall"
	boardMessageRoute = "POST /dispatch/{id}/message"
)

// runWork is what may be done with the route that was chosen.
type runWork struct {
	Once    string // of the forms: sent twice they do something once
	Draft   boardDraft
	Open    []stopView // that can be held, let go or called back
	Left    int        // deliveries that a recall of the route would call back
	Whole   bool       // the route can be called back
	Write   bool       // messages can be written
	Usual   []string   // messages
	Sent    []sentView // newest first
	Earlier int        // that are not shown
	Most    int        // bytes of a message
}

// sentView is a message and what became of it.
type sentView struct {
	fact.CourierMessaged
	States []sentState
}

type sentState struct {
	Mark    view.State
	Gateway string // "" where it is about none
	Word    string
	At      int64 // 0: not known
	Note    string
}

// usual are messages that are often written. They go as they are read.
var usual = []string{
	"Please call dispatch.",
	"Wait at the next stop until we call.",
	"The order of your stops has changed: look at the list.",
	"Check the doors and the cooling.",
	"The way ahead is blocked: take another.",
}

const boardSent = 20 // messages of a route that are shown

// work fills in what may be done with a route.
func (s *Server) work(r *http.Request, v *runView, draft boardDraft) error {
	over := v.Status == "ended" || v.Status == "cancelled"
	k := &runWork{Once: token(), Draft: draft, Usual: usual, Most: dispatch.MaxMessage, Write: !over, Whole: !over && v.Status != "recalled"}
	for _, stop := range v.Stops {
		if stop.Ended() || over {
			continue
		}
		k.Open = append(k.Open, stop)
		if stop.Kind == "delivery" && !stop.Recalled {
			k.Left++
		}
	}
	k.Whole = k.Whole && k.Left > 0
	panels, err := s.cfg.Dispatch.Panels(r.Context(), v.Courier)
	if err != nil {
		return err
	}
	now := s.now().UnixMilli()
	for _, m := range slices.Backward(v.Route.Messages) {
		if len(k.Sent) == boardSent {
			k.Earlier = len(v.Route.Messages) - boardSent
			break
		}
		k.Sent = append(k.Sent, sentView{m, becameOf(m, v.Received, panels, over || now-m.At >= relay.Life.Milliseconds())})
	}
	v.Work = k
	return nil
}

// becameOf says what became of a message at each gateway that is, or was, asked to
// show it. over is whether nobody tries any more.
func becameOf(m fact.CourierMessaged, received []fact.MessageReceived, panels []string, over bool) (all []sentState) {
	best := map[string]fact.MessageReceived{}
	for _, x := range received {
		if was, ok := best[x.Gateway]; x.Message == m.ID && (!ok || slices.Index(fact.MessageStatuses, x.Status) > slices.Index(fact.MessageStatuses, was.Status) || was.Status == "refused") {
			best[x.Gateway] = x
			if !slices.Contains(panels, x.Gateway) {
				panels = append(slices.Clone(panels), x.Gateway)
			}
		}
	}
	for _, g := range panels {
		s := sentState{Gateway: g, Mark: view.Silent, Word: "not on the panel yet: the gateway has not taken it"}
		x, ok := best[g]
		switch {
		case ok && x.Status == "confirmed":
			s.Mark, s.Word, s.At = view.Live, "confirmed by the driver", x.At
		case ok && x.Status == "shown":
			s.Mark, s.Word, s.At = view.NotOK, "on the panel, not confirmed", x.At
		case ok:
			s.Mark, s.Word, s.Note = "wrong", "the gateway cannot show it", x.Note
		case over:
			s.Mark, s.Word = "wrong", "it never came onto the panel"
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		all = append(all, sentState{Mark: "wrong", Word: "nobody reads it: the courier's vehicle has no gateway"})
	}
	return all
}

// act does something about a route that a form of the board asked for, and goes
// back there.
func (s *Server) act(w http.ResponseWriter, r *http.Request, what, done string, draft boardDraft, do func(id string) error) {
	id := r.PathValue("id")
	again := func(status int, problem string) {
		draft.Problem = problem
		s.showBoard(w, r, status, id, draft)
	}
	once := r.PostFormValue("once")
	if len(once) == 0 || len(once) > 64 {
		again(http.StatusUnprocessableEntity, "The form was not whole. Go back, load the page anew and send it again.")
		return
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q", viewerOf(r).actor(), id, what, once))
	err := do("page-" + hex.EncodeToString(sum[:16]))
	switch {
	case err == nil:
		s.log.Info("something is done on the dispatcher's board", "what", what, "route", id, "by", viewerOf(r).actor())
		q := url.Values{"route": {id}, "done": {done}}
		http.Redirect(w, r, "/dispatch?"+q.Encode()+"#"+anchor(id), http.StatusSeeOther)
	case errors.Is(err, record.ErrNotFound):
		s.fail(w, r, http.StatusNotFound, "There is no such route", "Nothing is known under "+id+".")
	case errors.Is(err, record.ErrRefused), errors.Is(err, record.ErrExists):
		again(http.StatusConflict, "Nothing was done: "+err.Error()+".")
	case errors.Is(err, record.ErrInvalid):
		again(http.StatusUnprocessableEntity, "Nothing was done: "+err.Error()+".")
	default:
		s.broken(w, r, what, err)
	}
}

// boardStop is POST /dispatch/{id}/stop: a stop is held, let go, or called back.
func (s *Server) boardStop(w http.ResponseWriter, r *http.Request) {
	route, stop, cause := r.PathValue("id"), r.PostFormValue("stop"), strings.TrimSpace(r.PostFormValue("cause"))
	draft := boardDraft{Stop: stop, Cause: cause}
	if cause == "" {
		draft.Problem = "Nothing was done: say why, for the trail."
		s.showBoard(w, r, http.StatusUnprocessableEntity, route, draft)
		return
	}
	ctx, actor := r.Context(), viewerOf(r).actor()
	switch do := r.PostFormValue("do"); do {
	case "hold":
		s.act(w, r, "hold stop "+stop, "held", draft, func(id string) error {
			_, err := s.cfg.Dispatch.Hold(ctx, actor, cause, fact.StopHeld{ID: id, Route: route, Stop: stop, Held: true, Cause: cause})
			return err
		})
	case "let-go":
		s.act(w, r, "let go stop "+stop, "let-go", draft, func(id string) error {
			leg, err := s.cfg.Dispatch.Leg(ctx, route)
			if err != nil {
				return err
			}
			back := slices.ContainsFunc(leg.Visits(), func(v dispatch.Visit) bool { return v.ID == stop && v.Recalled })
			_, err = s.cfg.Dispatch.Hold(ctx, actor, cause, fact.StopHeld{ID: id, Route: route, Stop: stop, Recalled: back, Cause: cause})
			return err
		})
	case "recall":
		s.act(w, r, "call back stop "+stop, "recalled", draft, func(id string) error {
			if stop == "" {
				return record.Invalidf("stop: choose one")
			}
			_, err := s.cfg.Dispatch.Recall(ctx, actor, cause, dispatch.Recalling{ID: id, Route: route, Stop: stop, Cause: cause})
			return err
		})
	default:
		draft.Problem = "The form was not whole. Go back, load the page anew and send it again."
		s.showBoard(w, r, http.StatusUnprocessableEntity, route, draft)
	}
}

// boardRecall is POST /dispatch/{id}/recall: all that is left of a route is called
// back.
func (s *Server) boardRecall(w http.ResponseWriter, r *http.Request) {
	route, cause := r.PathValue("id"), strings.TrimSpace(r.PostFormValue("cause"))
	draft := boardDraft{Cause: cause}
	if cause == "" || r.PostFormValue("sure") == "" {
		if draft.Problem = "Nothing was done: say why, for the trail."; cause != "" {
			draft.Problem = "Nothing was done: say that you mean all that is left."
		}
		s.showBoard(w, r, http.StatusUnprocessableEntity, route, draft)
		return
	}
	s.act(w, r, "call the route back", "recalled", draft, func(id string) error {
		_, err := s.cfg.Dispatch.Recall(r.Context(), viewerOf(r).actor(), cause, dispatch.Recalling{ID: id, Route: route, Cause: cause})
		return err
	})
}

// boardMessage is POST /dispatch/{id}/message.
func (s *Server) boardMessage(w http.ResponseWriter, r *http.Request) {
	text := strings.Join(strings.Fields(r.PostFormValue("text")), " ")
	if text == "" {
		text = strings.TrimSpace(r.PostFormValue("usual"))
	}
	s.act(w, r, "write to the driver", "sent", boardDraft{Text: text}, func(id string) error {
		_, err := s.cfg.Dispatch.Message(r.Context(), viewerOf(r).actor(), "", fact.CourierMessaged{ID: id, Route: r.PathValue("id"), Text: text})
		return err
	})
}
