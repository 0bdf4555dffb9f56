package panel

import (
	"context"
	"errors"
	"slices"

	"frostline/proto/reading"
)

func ptr[T any](v T) *T { return &v }

// fixed is a Source of one snapshot.
type fixed struct{ s Snapshot }

func (f fixed) Snapshot(context.Context) (Snapshot, error) { return f.s, nil }

// mute is a Source that has nothing to say.
type mute struct{}

func (mute) Snapshot(context.Context) (Snapshot, error) {
	return Snapshot{}, errors.New("snapshot journal: timed out")
}

func sound(q reading.Quantity, v int64, ageMs int64) Last {
	return Last{Quantity: q, Value: v, AgeMs: &ageMs, Sound: &Sound{Value: v, AgeMs: ageMs}}
}

// fineGateway is a vehicle with everything as it should be.
func fineGateway() Snapshot {
	const bus = "sim:unix:/run/frostline/van-14.sock/"
	return Snapshot{
		Gateway: "van-14", Version: "0.1.0", Boot: 7, BootID: "9b1d5a52-6f0b-4b8e-9a53-0d0d4f0c7d11", UptimeMs: 8 * 3600e3,
		Clock: Clock{BoottimeMs: 28_800_512, UTCMs: ptr(int64(1_789_482_123_000)), UncertaintyMs: 12, Source: "gnss"},
		Sensors: []Sensor{
			{ID: "box-a", Driver: "ds18b20", Bus: bus + "w1", Address: "28-0316a27923ff", IntervalMs: 1000, Last: []Last{sound(reading.Temperature, 5062, 400)}},
			{ID: "box-b", Driver: "ds18b20", Bus: bus + "w1", Address: "28-0316a2796bff", IntervalMs: 1000, Last: []Last{sound(reading.Temperature, -18_500, 400)}},
			{ID: "cabin", Driver: "sht4x", Bus: bus + "i2c-1", Address: "0x44", IntervalMs: 1000, Last: []Last{sound(reading.Humidity, 41_230, 400), sound(reading.Temperature, 21_370, 400)}},
			{ID: "rear-door", Driver: "contact", Bus: bus + "gpio-17", IntervalMs: 1000, Last: []Last{sound(reading.Door, 0, 400)}},
			{ID: "gnss", Driver: "nmea", Bus: "/dev/ttyUSB0", IntervalMs: 1000, Last: []Last{
				sound(reading.Latitude, 476_062_100, 700), sound(reading.Longitude, -1_223_320_712, 700),
				sound(reading.Speed, 13_400, 700), sound(reading.SatellitesUsed, 11, 700)}},
		},
		Journal: Journal{Epoch: 1, LastBlock: 28_807, Readings: 230_412, PendingBlocks: 1, PendingReadings: 8,
			OldestAgeMs: ptr(int64(900)), OldestUTCMs: ptr(int64(1_789_482_122_100)), Bytes: 3_412_992, LimitBytes: 2_000_000_000, HoursLeft: ptr(743.0)},
		Uplink: Uplink{State: LinkConnected, Hub: "tls://hub.example:8883", ForMs: 7_400_000, AckAgeMs: ptr(int64(300)),
			InFlightParcels: 1, ResentParcels: 3, RoundTripMs: ptr(38.4)},
		Certificate: Certificate{Enrolled: true, Issuer: "Frostline hub CA", NotBeforeMs: 1_789_000_000_000, NotAfterMs: 1_796_776_000_000, ExpiresInMs: ptr(int64(7_293_877_000))},
	}
}

// states are the gateway in each state that the page must tell apart.
var states = map[string]func(*Snapshot){
	"fine": func(s *Snapshot) {},
	"offline": func(s *Snapshot) {
		offline(s)
	},
	"pulled": func(s *Snapshot) {
		offline(s)
		s.Uplink.State, s.Uplink.Why, s.Uplink.RetryInMs = LinkCut, "", nil
	},
	"silent": func(s *Snapshot) {
		s.Sensors[1].Last[0].Quality, s.Sensors[1].Last[0].Value = reading.NoAnswer, 0
		s.Sensors[1].Last[0].Sound.AgeMs = 9 * 60_000
	},
	"overdue": func(s *Snapshot) {
		s.Sensors[2].Last = []Last{sound(reading.Humidity, 41_230, 8_000), sound(reading.Temperature, 21_370, 8_000)}
	},
	"stuck": func(s *Snapshot) {
		s.Sensors[0].Last[0].Quality = reading.Stuck
	},
	"starting": func(s *Snapshot) {
		for i := range s.Sensors {
			for k := range s.Sensors[i].Last {
				s.Sensors[i].Last[k] = Last{Quantity: s.Sensors[i].Last[k].Quantity}
			}
		}
		s.Clock = Clock{BoottimeMs: 812}
		s.Uplink = Uplink{State: LinkDisconnected, Hub: s.Uplink.Hub, ForMs: 300}
		s.Journal = Journal{Epoch: 1}
		s.UptimeMs, s.Certificate.ExpiresInMs = 300, nil
	},
	"undated": func(s *Snapshot) {
		offline(s)
		s.Uplink.State, s.Uplink.ForMs = LinkConnected, 1000
		s.Journal.PendingBlocks, s.Journal.PendingReadings, s.Journal.OldestAgeMs, s.Journal.OldestUTCMs = 0, 0, nil, nil
		s.Clock = Clock{BoottimeMs: 28_800_512}
		s.Certificate.ExpiresInMs = nil
	},
	"disk-full": func(s *Snapshot) {
		offline(s)
		s.Journal.Error = "append block 28,808: write journal: no space left on device"
		s.Journal.MemoryBlocks, s.Journal.MemoryReadings, s.Journal.HoursLeft = 151, 1204, nil
		s.Faults = []Fault{{Part: "journal", Detail: "no space left on device", AgeMs: 400, Count: 151}}
	},
	"nearly-full": func(s *Snapshot) {
		offline(s)
		s.Journal.HoursLeft = ptr(3.2)
		s.Journal.Bytes = 1_936_000_000
	},
	"catching-up": func(s *Snapshot) {
		s.Journal.PendingBlocks, s.Journal.PendingReadings, s.Journal.OldestAgeMs = 5_120, 402_551, ptr(int64(5.4*3600e3))
		s.Uplink.ForMs, s.Uplink.InFlightParcels = 4_000, 16
	},
	"quiet-hub": func(s *Snapshot) {
		s.Journal.PendingReadings, s.Journal.OldestAgeMs, s.Uplink.AckAgeMs = 2_100, ptr(int64(262_000)), ptr(int64(263_000))
	},
	"refused": func(s *Snapshot) {
		s.Uplink.RefusedBlocks, s.Uplink.RefusedReason = 3, "broken chain: parcel 91 begins at another head"
	},
	"not-enrolled": func(s *Snapshot) {
		offline(s)
		s.Uplink = Uplink{State: LinkOff, Why: "this gateway is not enrolled", ForMs: 60_000}
		s.Certificate = Certificate{}
	},
	"expired": func(s *Snapshot) {
		offline(s)
		s.Certificate.ExpiresInMs = ptr(int64(-3 * 24 * 3600e3))
	},
	"old-epoch": func(s *Snapshot) {
		s.Journal.DamagedSegments, s.Journal.LostReadings = 1, 640
		s.Faults = []Fault{{Part: "bus w1", Detail: "short circuit", AgeMs: 4 * 3600e3, Count: 12, Cleared: true}}
	},
	"everything": func(s *Snapshot) {
		s.Sensors[1].Last[0].Error = "bus sim:unix:/run/frostline/van-14.sock/w1: read 28-0316a2796bff: no device answered"
		offline(s)
		s.Sensors[1].Last[0].Quality, s.Sensors[1].Last[0].Value = reading.NoAnswer, 0
		s.Sensors[1].Last[0].Sound.AgeMs = 9 * 60_000
		s.Sensors[0].Last[0].Quality = reading.Stuck
		s.Sensors[4].Last = []Last{{Quantity: reading.Latitude, Quality: reading.NoFix, AgeMs: ptr(int64(500)), Sound: &Sound{476_062_100, 95_000}},
			{Quantity: reading.Longitude, Quality: reading.NoFix, AgeMs: ptr(int64(500)), Sound: &Sound{-1_223_320_712, 95_000}},
			sound(reading.SatellitesUsed, 2, 500)}
		s.Clock = Clock{BoottimeMs: 28_800_512}
		s.Certificate.ExpiresInMs = nil
		s.Journal.Error = "no space left on device"
		s.Journal.MemoryBlocks, s.Journal.MemoryReadings = 151, 1204
		s.Faults = []Fault{{Part: "bus w1", Detail: "short circuit between data and ground, no presence pulse", AgeMs: 400, Count: 12}}
	},
}

func offline(s *Snapshot) {
	s.Uplink = Uplink{State: LinkDisconnected, Hub: s.Uplink.Hub, ForMs: 12 * 60_000, Why: "dial tcp 192.0.2.7:8883: connect: network is unreachable",
		RetryInMs: ptr(int64(12_000)), AckAgeMs: ptr(int64(12 * 60_000)), ResentParcels: 3}
	s.Journal.PendingBlocks, s.Journal.PendingReadings = 720, 5_760
	s.Journal.OldestAgeMs, s.Journal.OldestUTCMs = ptr(int64(12*60_000)), ptr(int64(1_789_481_403_000))
}

func inState(name string) Snapshot {
	s := fineGateway()
	states[name](&s)
	return s
}

func stateNames() []string {
	var names []string
	for n := range states {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
