package custody

import (
	"fmt"
	"slices"
	"time"

	"frostline/hub/custody/timeline"
	"frostline/hub/fact"
)

// Hold is a party's having a package, from one hand-over to the next.
type Hold struct {
	Party string `json:"party"` // id of a party, or a patient's token
	Role  string `json:"role"`
	From  int64  `json:"from"`         // UTC, Unix ms
	To    int64  `json:"to,omitempty"` // UTC, Unix ms; 0 while the party has it
	// Handover is the statement by which it began; its Subject tells whether
	// it was of the package or of the whole shipment.
	Handover fact.HandedOver `json:"handover"`
	Flags    []string        `json:"flags,omitempty"` // what a person should look at, in words
}

// Chain is who had a package, one after the other.
type Chain struct {
	Package string   `json:"package"`
	Holds   []Hold   `json:"holds"`
	Flags   []string `json:"flags,omitempty"` // of the chain as a whole
}

// chainOf works out the chain of a package from hand-overs of it and of
// shipments, of which each counts while the package belonged to the shipment.
// What was corrected is gone. packed is when the watch began, 0 for unknown.
func chainOf(pkg string, own []fact.HandedOver, shipments map[string][]fact.HandedOver, assigned []fact.PackageAssigned, packed int64) Chain {
	chain := Chain{Package: pkg, Holds: []Hold{}}
	all, _ := resolveHandoffs(own)
	for shipment, list := range shipments {
		holds, _ := resolveHandoffs(list)
		for _, h := range holds {
			if shipmentAt(assigned, h.At) == shipment {
				all = append(all, h)
			}
		}
	}
	slices.SortFunc(all, func(a, b fact.HandedOver) int {
		return timeline.Compare(timeline.Statement{ID: a.ID, At: a.At, Made: a.Made}, timeline.Statement{ID: b.ID, At: b.At, Made: b.Made})
	})
	for i, h := range all {
		hold := Hold{Party: h.To, Role: h.Role, From: h.At, Handover: h}
		if i+1 < len(all) {
			hold.To = all[i+1].At
		}
		before := (*fact.HandedOver)(nil)
		if i > 0 {
			before = &all[i-1]
		}
		hold.Flags = flags(h, before)
		chain.Holds = append(chain.Holds, hold)
	}
	switch {
	case len(all) == 0:
		chain.Flags = append(chain.Flags, "nobody has told who has it")
	case packed != 0 && all[0].At > packed:
		chain.Flags = append(chain.Flags, fmt.Sprintf("who had it from %s, when it was packed, until %s is not told", clock(packed), clock(all[0].At)))
	}
	return chain
}

// flags says in words what does not fit in a hand-over; before is the one
// before it, nil where it is the first.
func flags(h fact.HandedOver, before *fact.HandedOver) []string {
	var out []string
	switch {
	case before == nil && h.From != "":
		out = append(out, fmt.Sprintf("%s gave it, but how it came to %s is not told", h.From, h.From))
	case before == nil:
	case h.From == "":
		out = append(out, fmt.Sprintf("who gave it is not told; %s had it last", before.To))
	case h.From != before.To:
		out = append(out, fmt.Sprintf("%s gave it, but %s had it since %s: a hand-over between them is missing, or one of the two is wrong", h.From, before.To, clock(before.At)))
	}
	if before != nil && h.At-h.Uncertainty < before.At+before.Uncertainty && (h.Uncertainty > 0 || before.Uncertainty > 0) {
		out = append(out, "within what its time and that before are uncertain by, the two may have been the other way round")
	}
	switch h.Seal {
	case "broken":
		out = append(out, "the seal was broken")
	case "absent":
		out = append(out, "there was no seal")
	case "not_checked":
		out = append(out, "the seal was not checked")
	}
	if h.Position == nil && h.NoPosition != atHome {
		out = append(out, "no position: "+h.NoPosition)
	}
	return out
}

// shipmentAt is the shipment that a package belongs to at an instant, "" for
// none. The statements are in order of (At, Made, ID).
func shipmentAt(assigned []fact.PackageAssigned, at int64) string {
	shipment := ""
	for _, a := range assigned {
		if a.At > at {
			break
		}
		shipment = a.Shipment
	}
	return shipment
}

func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }
