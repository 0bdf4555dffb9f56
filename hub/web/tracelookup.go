package web

import (
	"net/http"
	"net/url"

	"frostline/hub/trace/lookup"
	"frostline/proto/gs1"
)

// foundView is what was found, with where each leads.
type foundView struct {
	*lookup.Found
	Units, Inside      []unitLine
	Lots               []lotLine
	Containers, Within []containerLine
}

type unitLine struct {
	lookup.Unit
	Href    string
	LotHref string // of the page of its lot; "" where nothing says a lot
}

type lotLine struct {
	lookup.Lot
	Href string
}

type containerLine struct {
	lookup.Container
	Href string
}

func lotPath(gtin, lot string) string {
	return "/trace/lot?" + url.Values{"gtin": {gtin}, "lot": {lot}}.Encode()
}

func searchPath(text string) string { return "/trace?" + url.Values{"q": {text}}.Encode() }

func unitLines(units []lookup.Unit) (out []unitLine) {
	for _, u := range units {
		l := unitLine{Unit: u, Href: unitPath(u.ID)}
		if u.Lot != "" {
			l.LotHref = lotPath(u.GTIN, u.Lot)
		}
		out = append(out, l)
	}
	return out
}

func foundOf(f *lookup.Found) *foundView {
	v := &foundView{Found: f, Units: unitLines(f.Units), Inside: unitLines(f.Inside)}
	for _, l := range f.Lots {
		v.Lots = append(v.Lots, lotLine{l, lotPath(l.GTIN, l.Lot)})
	}
	for _, c := range f.Containers {
		line := containerLine{Container: c}
		if c.Known {
			line.Href = packagePath(c.ID)
		}
		v.Containers = append(v.Containers, line)
	}
	for _, c := range f.Within {
		v.Within = append(v.Within, containerLine{c, searchPath(c.ID)})
	}
	return v
}

type lotPage struct {
	frame
	GTIN, Lot string
	Units     []unitLine
	Known     int
	Next      string // path of the next part; "" for none
	After     string // that this part begins after
}

// traceLot is GET /trace/lot: the units of a lot.
func (s *Server) traceLot(w http.ResponseWriter, r *http.Request) {
	page := lotPage{frame: s.traceFrame("Lot " + r.FormValue("lot")), GTIN: r.FormValue("gtin"), Lot: r.FormValue("lot"), After: r.FormValue("after")}
	page.Still, page.Modules = true, nil
	if !gs1.ValidGTIN(page.GTIN) || len(page.GTIN) != 14 || page.Lot == "" || len(page.Lot) > 20 || len(page.After) > 100 {
		s.fail(w, r, http.StatusBadRequest, "This names no lot", "A lot is named by a GTIN of 14 digits and a lot number of at most 20 characters. Look for it on the page of traceability.")
		return
	}
	units, err := s.cfg.Lookup.Lot(r.Context(), page.GTIN, page.Lot, page.After, traceLines+1)
	if err != nil {
		s.broken(w, r, "list the units of a lot", err)
		return
	}
	if len(units) == 0 && page.After == "" {
		s.fail(w, r, http.StatusNotFound, "Nothing is known of this lot", "No unit of GTIN "+page.GTIN+", lot "+page.Lot+", was received, and no document names one.")
		return
	}
	if len(units) > traceLines {
		units = units[:traceLines]
		page.Next = lotPath(page.GTIN, page.Lot) + "&after=" + url.QueryEscape(units[traceLines-1].ID)
	}
	page.Units = unitLines(units)
	for _, u := range units {
		if u.Known {
			page.Known++
		}
	}
	s.render(w, s.pages.traceLot, http.StatusOK, page)
}
