package main

import (
	"math"
	"math/rand/v2"

	"google.golang.org/protobuf/proto"

	"frostline/proto/block"
	"frostline/proto/chain"
	"frostline/proto/pb"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// noon is when the history of every hub measured here begins, UTC, Unix ms.
const noon = 1_760_000_400_000

const (
	second = 1000 // ms
	hour   = 3600 * second
	day    = 24 * hour
)

// fridges is a gateway with a thermometer in each of several refrigerators:
// 5 °C, a compressor's swing of 0.9 K in 20 min, noise of 30 m°C, steps of
// 62.5 m°C, and an anchor each hour.
type fridges struct {
	id     string
	series int
	step   int64                            // between readings of a sensor, ms
	ticks  int                              // of each sensor in a block
	shift  func(sensor int, at int64) int64 // added at a time since noon; nil for nothing
	rng    *rand.Rand
	next   block.Block
	at     int64 // of the next reading, since noon
	head   chain.Head
}

func newFridges(id string, series int, step int64, ticks int) *fridges {
	sum := uint64(0)
	for _, c := range []byte(id) {
		sum = sum*31 + uint64(c)
	}
	f := &fridges{id: id, series: series, step: step, ticks: ticks, rng: rand.New(rand.NewPCG(1, sum)), head: chain.Genesis(id, 1)}
	f.next = block.Block{Number: 1, Boot: 1}
	return f
}

// sensor is the full id of one of the thermometers.
func (f *fridges) sensor(i int) string { return f.id + "/" + thermometerName(i) }

func thermometerName(i int) string {
	return string([]byte{'t', '-', byte('0' + i/10), byte('0' + i%10)})
}

// parcel is one as it goes to intake.
type parcel struct {
	gateway  string
	payload  []byte
	blocks   uint64
	readings uint64
}

// parcel packs the next n blocks as the backlog lane does.
func (f *fridges) parcel(n int) (parcel, error) {
	p := &pb.Parcel{Epoch: 1, First: f.next.Number, PrevHead: append([]byte(nil), f.head[:]...)}
	var raws [][]byte
	for range n {
		raw, err := f.block()
		if err != nil {
			return parcel{}, err
		}
		f.head = chain.Next(f.head, raw)
		raws = append(raws, raw)
	}
	bundle, err := block.Pack(raws)
	if err != nil {
		return parcel{}, err
	}
	p.Body = &pb.Parcel_Bundle{Bundle: bundle}
	payload, err := proto.Marshal(p)
	return parcel{gateway: f.id, payload: payload, blocks: uint64(n), readings: uint64(n * f.ticks * f.series)}, err
}

func (f *fridges) block() ([]byte, error) {
	b := &f.next
	b.Readings, b.Events = b.Readings[:0], nil
	if b.Number == 1 {
		for i := range f.series {
			if err := f.tell(&pb.Event{Kind: &pb.Event_SeriesDeclared{SeriesDeclared: &pb.SeriesDeclared{
				Id: uint32(i), Sensor: thermometerName(i), Quantity: uint32(reading.Temperature), IntervalMs: uint32(f.step)}}}); err != nil {
				return nil, err
			}
		}
	}
	end := f.at + int64(f.ticks)*f.step
	if b.Number == 1 || f.at/hour != (end-f.step)/hour || f.at%hour == 0 {
		if err := f.tell(&pb.Event{AtMs: f.at, Kind: &pb.Event_Anchor{Anchor: &pb.Anchor{
			Boot: 1, AtMs: f.at, UtcMs: noon + f.at, UncertaintyMs: 20, Source: uint32(truetime.NTP)}}}); err != nil {
			return nil, err
		}
	}
	for i := range f.series {
		for at := f.at; at < end; at += f.step {
			v := 5000 + 900*math.Sin(2*math.Pi*float64(at)/(20*60*second)+float64(i)) + 30*f.rng.NormFloat64()
			if f.shift != nil {
				v += float64(f.shift(i, at))
			}
			b.Readings = append(b.Readings, reading.Reading{Series: uint32(i), Tick: at, Value: int64(v/62.5) * 125 / 2})
		}
	}
	raw, err := b.AppendTo(nil)
	f.at = end
	b.Before, b.Number = b.After(), b.Number+1
	return raw, err
}

func (f *fridges) tell(e *pb.Event) error {
	raw, err := block.EncodeEvent(e)
	f.next.Events = append(f.next.Events, raw)
	return err
}
