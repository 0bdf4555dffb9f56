package web

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"frostline/hub/fact"
)

// trailPage is what was ever recorded of a thing.
type trailPage struct {
	frame
	Kind, ID string
	Href     string // of its own page; "" for none
	Events   []trailView
	Older    string // address of the first page; "" on it
	Next     string // address of what follows; "" at the end
	After    int64
}

type trailView struct {
	Version, Position, At int64
	ID, Actor, What, Why  string
	Data                  string // JSON, with what was before where the event says so
}

const trailLines = 100

func trailPath(r fact.Ref) string {
	return "/view/trail/" + url.PathEscape(string(r.Kind)) + "/" + url.PathEscape(r.ID)
}

// recordTrail is GET /view/trail/{kind}/{id}.
func (s *Server) recordTrail(w http.ResponseWriter, r *http.Request) {
	ref := fact.Ref{Kind: fact.Kind(r.PathValue("kind")), ID: r.PathValue("id")}
	none := func() {
		s.fail(w, r, http.StatusNotFound, "There is no such record", "Nothing was ever recorded of "+string(ref.Kind)+" "+ref.ID+".")
	}
	after, err := strconv.ParseInt("0"+r.URL.Query().Get("after"), 10, 64)
	if err != nil || ref.Check() != nil {
		none()
		return
	}
	events, err := s.cfg.Stories.Trail(r.Context(), ref, after, trailLines+1)
	if err != nil {
		s.broken(w, r, "read the trail of "+ref.String(), err)
		return
	}
	if len(events) == 0 && after == 0 {
		none()
		return
	}
	page := trailPage{frame: s.storyFrame("Trail of "+string(ref.Kind)+" "+ref.ID, ""), Kind: string(ref.Kind), ID: ref.ID, After: after}
	page.Styles, page.Modules, page.Still = append(page.Styles, "style/workbench.css"), nil, true
	page.Href = map[fact.Kind]string{fact.Package: packagePath(ref.ID), fact.Unit: unitPath(ref.ID), fact.Excursion: casePath(ref.ID)}[ref.Kind]
	if len(events) > trailLines {
		events = events[:trailLines]
		page.Next = trailPath(ref) + "?after=" + strconv.FormatInt(events[trailLines-1].Version, 10)
	}
	if after > 0 {
		page.Older = trailPath(ref)
	}
	for _, e := range events {
		v := trailView{Version: e.Version, Position: e.Position, At: e.At, ID: e.ID, Actor: e.Actor, What: eventWord(e.Type), Why: e.Reason}
		var b bytes.Buffer
		if json.Indent(&b, e.Data, "", "  ") == nil {
			v.Data = b.String()
		}
		page.Events = append(page.Events, v)
	}
	s.render(w, s.pages.trail, http.StatusOK, page)
}

// eventWord is a type of event as people read it: "excursion was: signature
// refused".
func eventWord(typ string) string {
	kind, what, _ := strings.Cut(typ, ".")
	return strings.TrimSpace(kind + " " + strings.ReplaceAll(what, "_", " "))
}
