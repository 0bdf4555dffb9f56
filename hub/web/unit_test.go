package web

import (
	"frostline/hub/trace/provenance"
	"frostline/proto/thermal"
)

// wayOfAUnit is a unit's way with one of each kind of thing that there is to
// tell.
func wayOfAUnit() *provenance.Provenance {
	const start, hour = int64(1_790_000_000_000), int64(3_600_000)
	const box, hub = "https://id.gs1.org/00/003400000000000014", "https://hub.example/"
	low, high, mean, mkt := thermal.Temp(4100), thermal.Temp(11_900), thermal.Temp(6250), thermal.Temp(6480)
	entry := uint64(41)
	seq := int64(0)
	proof := func(by string) provenance.Proof {
		seq++
		return provenance.Proof{EventID: "ni:///sha-256;36abb3a2c0a726de32ac4beafd6b8bc4ba0b1d2de244490312e5cbec7b5ddece?ver=CBV2.0", Digest: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
			Seq: seq, Captured: start + seq*hour, By: by, Position: 100 + seq, Entry: &entry}
	}
	own := func() provenance.Proof { return proof("system/sensing") }
	unsealed := own()
	unsealed.Entry = nil
	return &provenance.Provenance{
		Unit: "00614141999996.A1", EPC: "https://id.gs1.org/01/00614141999996/21/A1", Product: "insulin", Lot: "L77", Expiry: "2028-01-31", AsOf: 812, At: start + 60*hour,
		Steps: []provenance.Step{
			{At: start, Type: "ObjectEvent", Action: "ADD", Step: "commissioning", Disposition: "active", Place: "https://id.gs1.org/414/0614141000005", Proof: proof("partner/maker")},
			{At: start + hour, Type: "AggregationEvent", Action: "ADD", Step: "packing", Parent: box, Proof: proof("partner/maker")},
			{At: start + hour, Type: "AggregationEvent", Action: "ADD", Step: "packing", Parent: "https://id.gs1.org/00/003400000000000021", Proof: proof("partner/maker"),
				Wrong: &provenance.Wrong{At: start + 2*hour, Reason: "incorrect_data"}},
			{At: start + 2*hour, Type: "ObjectEvent", Action: "OBSERVE", Step: "shipping", Disposition: "in_transit", Via: box, From: "https://id.gs1.org/417/0614141000005", To: hub + "party/co1", Own: true, Proof: own()},
			{At: start + 20*hour, Type: "ObjectEvent", Action: "OBSERVE", Step: "sensor_reporting", Own: true, Proof: own(), Place: hub + "compartment/van-1-box", Sensors: []provenance.Sensor{
				{From: start + 2*hour, To: start + 18*hour, Type: "Temperature", Exception: "ALARM_CONDITION", Device: hub + "sensor/van-1/cargo", Min: &low, Max: &high, Mean: &mean},
				{From: start + 18*hour, To: start + 20*hour, Type: "Temperature", Exception: "ERROR_CONDITION"},
				{Type: "Temperature", Value: &mkt, Method: hub + "methods/thermal-1-mkt"},
			}},
			{At: start + 21*hour, Type: "ObjectEvent", Action: "OBSERVE", Step: "holding", Disposition: "non_sellable_other", Own: true, Proof: own()},
			{At: start + 26*hour, Type: "ObjectEvent", Action: "OBSERVE", Step: "inspecting", Disposition: "conformant", Own: true, Proof: unsealed},
		},
		Gaps: []provenance.Gap{
			{Kind: provenance.Unmonitored, From: start, To: start + 2*hour, Why: "nobody vouches for its temperature"},
			{Kind: provenance.Custody, From: start + 2*hour, Why: "it was shipped to party co1, and nobody has told of receiving it"},
			{Kind: provenance.Unmonitored, From: start + 18*hour, To: start + 20*hour, Why: "nobody vouches for its temperature"},
			{Kind: provenance.Pending, From: start + 55*hour, Why: "no sensor has reported on it yet"},
		},
	}
}
