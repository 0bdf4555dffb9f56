package story

import (
	"slices"
	"time"
)

// carried: units go from their maker to the patient, vans arrive by their own
// positions, and the excursion that was rejected ends in a delivery that makes
// it good.
func (w *world) carried() {
	t := w.h.t
	t.Helper()
	var way struct {
		How   string `json:"how"`
		Steps []struct {
			BizStep string `json:"bizStep"`
			Own     bool   `json:"own"`
		} `json:"steps"`
	}
	w.h.get("/units/00614141100507.AM881203/provenance", &way)
	var told, own []string
	for _, s := range way.Steps {
		if s.Own {
			own = append(own, s.BizStep)
		} else {
			told = append(told, s.BizStep)
		}
	}
	if way.How != "dispensing" || !slices.Equal(told, []string{"commissioning", "shipping", "receiving"}) || !slices.Contains(own, "packing") {
		t.Errorf("the antibiotic: %s; its maker told %v, the hub %v", way.How, told, own)
	}

	var jobs struct {
		Items []struct {
			Replaces string `json:"replaces"`
		} `json:"items"`
	}
	var eta struct {
		Stops []struct {
			Status  string `json:"status"`
			Arrival *struct {
				Basis string `json:"basis"`
			} `json:"arrival"`
		} `json:"stops"`
	}
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) { // both follow in the background
		w.h.get("/jobs?waiting=true", &jobs)
		w.h.get("/routes/R-118/eta", &eta)
		made := len(jobs.Items) == 1 && jobs.Items[0].Replaces == "J-1005"
		known := len(eta.Stops) == 1 && eta.Stops[0].Arrival != nil && eta.Stops[0].Arrival.Basis != "as planned"
		if made && known {
			return
		}
		if time.Now().After(end) {
			t.Errorf("jobs that wait: %+v, want one that makes J-1005 good; van 1: %+v, want an arrival by its positions", jobs.Items, eta.Stops)
			return
		}
	}
}
