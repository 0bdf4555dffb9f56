package orders

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"

	"frostline/hub/fact"
)

// Progress is what the reports of a shipment come to.
type Progress struct {
	Status string `json:"status"`          // see fact.Statuses
	Since  int64  `json:"since,omitempty"` // UTC, Unix ms; 0 while it is only planned
	ETA    int64  `json:"eta,omitempty"`   // UTC, Unix ms; 0 where nobody has told
	// Flags say in words which reports contradict others.
	Flags []string `json:"flags,omitempty"`
}

// Progress works out the status from the reports, by their own times: the order
// in which they came makes no difference. After an end only another end
// counts, but a delivery that failed may be tried again. The ETA is the one
// told last, by a report or the plan.
func (s Shipment) Progress() Progress {
	reports := slices.Clone(s.Reports)
	slices.SortFunc(reports, func(a, b fact.ShipmentReported) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Made, b.Made), cmp.Compare(a.ID, b.ID))
	})
	p := Progress{Status: fact.Statuses[0], ETA: s.ShipmentPlanned.ETA}
	told := s.Planned
	for _, r := range reports {
		if r.ETA != 0 && r.Made >= told {
			p.ETA, told = r.ETA, r.Made
		}
		back := step(r.Status) < step(p.Status)
		switch {
		case fact.Ended(p.Status) && p.Status != "failed" && !fact.Ended(r.Status):
			p.Flags = append(p.Flags, fmt.Sprintf("%s said %s at %s, when it was %s already", r.Source, r.Status, clock(r.At), p.Status))
			continue
		case back && p.Status == "failed":
			p.Flags = append(p.Flags, fmt.Sprintf("tried again at %s after it had failed", clock(r.At)))
		case back:
			p.Flags = append(p.Flags, fmt.Sprintf("%s said %s at %s, after %s", r.Source, r.Status, clock(r.At), p.Status))
		}
		if r.Status != p.Status {
			p.Status, p.Since = r.Status, r.At
		}
	}
	return p
}

func step(status string) int { return slices.Index(fact.Statuses, status) }

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }
