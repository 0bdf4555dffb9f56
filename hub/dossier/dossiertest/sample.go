// Package dossiertest has a dossier in which something of every kind happened,
// for tests of what shows dossiers.
package dossiertest

import (
	"math"
	"strings"

	"frostline/hub/dossier"
	"frostline/hub/fact"
	"frostline/proto/thermal"
)

const hour, minute = int64(3_600_000), int64(60_000)

func temp(t thermal.Temp) *thermal.Temp { return &t }

// Shipment is a shipment of one package that was warm for an hour, with a gap.
func Shipment() *dossier.Shipment {
	const from = int64(1_763_700_000_000)
	to := from + 9*hour
	chart := dossier.Chart{From: from, To: to, Width: 2 * minute,
		Unmonitored: []thermal.Unmonitored{{From: from + 6*hour, To: from + 7*hour, Reason: "sensor silent"}}}
	for at := from; at < to; at += chart.Width {
		if at >= from+6*hour && at < from+7*hour {
			continue
		}
		mid := thermal.Temp(4600 + 800*math.Sin(float64(at-from)/float64(hour)*5))
		if at > from+3*hour && at < from+4*hour {
			mid += thermal.Temp(5200 * math.Sin(math.Pi*float64(at-from-3*hour)/float64(hour)))
		}
		chart.Columns = append(chart.Columns, dossier.Column{At: at, Min: mid - 150, Mean: mid, Max: mid + 180})
	}
	profile := thermal.Profile{ID: "refrigerated", Version: 1, Name: "Refrigerated 2 to 8 °C", Source: "USP <659>", Low: temp(2000), High: temp(8000),
		Limits: []thermal.Limit{{Name: "too warm", Op: thermal.Above, At: 8000, Delay: 30 * minute, Severity: thermal.Alarm}, {Name: "too cold", Op: thermal.Below, At: 2000}}}
	verdict := thermal.Verdict{Engine: "1", Profile: profile.ID, Version: 1, From: from, To: to, Outcome: thermal.Excursion, Severity: thermal.Alarm,
		Excursions: []thermal.Event{{Limit: "too warm", Op: thermal.Above, At: 8000, Severity: thermal.Alarm, From: from + 3*hour + 10*minute, To: from + 3*hour + 52*minute,
			Ended: thermal.Returned, Alarm: from + 3*hour + 40*minute, Peak: 10_870, PeakAt: from + 3*hour + 31*minute, Duration: 42 * minute, Area: 1.234567}},
		Monitored: 8 * hour, Unmonitored: hour, Gaps: chart.Unmonitored, InRange: 7*hour + 18*minute, OutOfRange: 42 * minute,
		Min: temp(3650), MinAt: from + hour, Max: temp(10_870), MaxAt: from + 3*hour + 31*minute, Mean: temp(4912),
		MKT:       &thermal.MKT{Value: 5321, From: from, To: to, Monitored: 8 * hour, Method: "trapezoid on exp(-K/T)"},
		Constants: thermal.Constants{Activation: 83144, Gas: 8.3144}}
	facts := fact.ExcursionFacts{Package: "003123450000000018", Profile: profile.ID, Version: 1, Kind: fact.BrokenLimit, Limit: "too warm", Op: thermal.Above, Bound: temp(8000),
		Severity: thermal.Alarm, From: from + 3*hour + 10*minute, To: from + 3*hour + 52*minute, Ended: thermal.Returned, Alarm: from + 3*hour + 40*minute,
		Peak: temp(10_870), PeakAt: from + 3*hour + 31*minute, Duration: 42 * minute, Area: 1.234567,
		Units: []fact.Affected{{Unit: "00312345678906.A1", Lot: "L77"}, {Unit: "00312345678906.A2", Lot: "L77"}}}
	c := dossier.Case{ID: "ex-1", State: "closed", Facts: facts, Digest: strings.Repeat("ab", 32), Place: "zone/sodo-cold",
		Steps: []dossier.Step{{At: from + 3*hour + 40*minute, Actor: "system/excursion", What: "opened"},
			{At: from + 4*hour, Actor: "person/amy", What: "acknowledged", Why: "seen on the wall; door was open"},
			{At: from + 4*hour, Actor: "person/amy", What: "commented", Why: "from the driver", Documents: []fact.Attachment{{Name: "door.jpg", Where: fact.DocumentKept, SHA256: strings.Repeat("9a", 32), Size: 1234}}}},
		Assessment: &fact.Assessment{From: from + 2*hour, To: from + 5*hour, Engine: "1", Verdict: strings.Repeat("7f", 32), Outcome: thermal.Excursion, Monitored: 3 * hour, OutOfRange: 42 * minute,
			Min: temp(3900), Max: temp(10_870), Mean: temp(5511), MKT: temp(6120)},
		Dispositions: []fact.Disposition{{Unit: "00312345678906.A1", Lot: "L77", Decision: "release"}, {Unit: "00312345678906.A2", Lot: "L77", Decision: "reject"}},
		Signatures: []dossier.Signature{{Signature: fact.Signature{Person: "amy", Name: "Amélie Østergård, PharmD", Meaning: "reviewed", At: from + 5*hour, Content: strings.Repeat("cd", 32)}, Valid: true},
			{Signature: fact.Signature{Person: "bo", Name: "Bo Li", Meaning: "approved", At: from + 5*hour, Content: strings.Repeat("ef", 32)}, Detail: "the facts were revised by late data"}}}
	degrees := thermal.Temp(4812)
	k := dossier.Package{ID: facts.Package, Shipment: "SH-1", Packed: from, Closed: to, How: "delivered",
		Units:      []dossier.Unit{{ID: "00312345678906.A1", Product: "insulin-glargine", Lot: "L77", Expiry: "2027-05-31", Budgets: []thermal.BudgetState{{Name: "8 to 25 °C", Allowed: 72 * hour, Before: 18 * hour, Spent: hour}}}, {ID: "00312345678906.A2", Product: "insulin-glargine", Lot: "L77", Expiry: "2027-05-31"}},
		Judgements: []dossier.Judgement{{Profile: profile, Verdict: verdict, Digest: strings.Repeat("01", 32), Chart: chart}},
		Revisions: []dossier.Revision{{At: from + 3*hour, Profile: "refrigerated", Version: 1, Revision: 1, Outcome: thermal.InRange, Cause: fact.Cause{Kind: "packed", Detail: "the watch began"}},
			{At: from + 4*hour, Profile: "refrigerated", Version: 1, Revision: 2, Outcome: thermal.Excursion, Cause: fact.Cause{Kind: "late reading", Detail: "blocks 120 to 188 of gateway sodo-cold"}}},
		Attachments: []dossier.Attachment{{From: from, To: from + 5*hour, In: "zone/sodo-cold", Via: "scan", Statement: "scan-1"}, {From: from + 5*hour, In: "compartment/van-1-box", Via: "scan", Statement: "scan-2", Corrected: true}},
		Custody: []dossier.Custody{{At: from, To: "frost-pharmacy", Role: "pharmacy", Seal: "intact", Temperature: &degrees, Position: &fact.Position{Latitude: 475_800_000, Longitude: -1_223_300_000, Accuracy: 4000}},
			{At: from + 5*hour, From: "frost-pharmacy", To: "emerald-couriers", Role: "courier", Seal: "not_checked", NoPosition: "no fix in the garage", Flags: []string{"custodian before was not told"}}},
		Cases: []dossier.Case{c}}
	return &dossier.Shipment{ID: "SH-1", Order: "RX-1001", From: "sodo", Carrier: "emerald-couriers", Status: "delivered", Packages: []dossier.Package{k}, AsOf: dossier.AsOf{Position: 4711, At: to}}
}
