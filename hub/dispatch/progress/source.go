package progress

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"frostline/hub/dispatch/progress/fence"
	"frostline/hub/dispatch/road"
	"frostline/proto/reading"
	"frostline/proto/truetime"
)

// Reading is a reading that can be dated.
type Reading struct {
	Epoch, Boot uint32
	Tick        int64 // of the boot, ms
	UTC         int64 // Unix ms
	Uncertainty int64 // ms
	Value       int64
	OK          bool // it may be used, and no anchors contradict one another about its time
}

// Measured is what gateways have measured.
type Measured interface {
	// Receivers names the sensors of a gateway that measure its position.
	Receivers(gateway string) []string
	// Meaning tells what a series id means; ok is false while nobody has told.
	Meaning(gateway string, epoch, series uint32) (q reading.Quantity, ok bool)
	// Readings gives the dated readings from UTC from (inclusive) to to
	// (exclusive), in order of UTC.
	Readings(ctx context.Context, gateway, sensor string, q reading.Quantity, from, to int64, visit func(Reading) error) error
	// Timeline dates a boot by the anchors known so far; nil without any.
	Timeline(ctx context.Context, gateway string, epoch, boot uint32) (*truetime.Timeline, error)
}

// maxFixes is how many positions of a receiver are read at once.
const maxFixes = 50_000

// tick names readings that were taken together.
type tick struct {
	epoch, boot uint32
	at          int64
}

// fixes gives the positions that a gateway's receivers took from from
// (inclusive) to to (exclusive), in order of time. Where two receivers tell of the
// same instant, the more accurate one counts.
func fixes(ctx context.Context, m Measured, gateway string, from, to int64) (all []fence.Fix, err error) {
	for _, sensor := range m.Receivers(gateway) {
		one, err := track(ctx, m, gateway, sensor, from, to)
		if err != nil {
			return nil, err
		}
		all = append(all, one...)
	}
	return inOrder(all), nil
}

// inOrder sorts positions, and keeps the most accurate of each instant.
func inOrder(all []fence.Fix) []fence.Fix {
	slices.SortFunc(all, func(a, b fence.Fix) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Accuracy, b.Accuracy),
			cmp.Compare(a.Where.Latitude, b.Where.Latitude), cmp.Compare(a.Where.Longitude, b.Where.Longitude))
	})
	return slices.CompactFunc(all, func(a, b fence.Fix) bool { return a.At == b.At })
}

var errEnough = errors.New("enough")

// track joins the quantities of one receiver. A position without a usable error
// is left out where the receiver tells errors at all.
func track(ctx context.Context, m Measured, gateway, sensor string, from, to int64) (all []fence.Fix, err error) {
	for from < to {
		var some []fence.Fix
		place := map[tick]int{}
		until := to
		err := m.Readings(ctx, gateway, sensor, reading.Latitude, from, to, func(r Reading) error {
			if len(some) >= maxFixes && r.UTC > some[len(some)-1].At {
				until = some[len(some)-1].At + 1
				return errEnough
			}
			if r.OK {
				place[tick{r.Epoch, r.Boot, r.Tick}] = len(some)
				some = append(some, fence.Fix{At: r.UTC, Uncertainty: r.Uncertainty, Where: road.Point{Latitude: r.Value}})
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return nil, err
		}
		whole := make([]int, len(some)) // quantities of each
		tells := false
		for _, q := range []reading.Quantity{reading.Longitude, reading.PositionError} {
			if err := m.Readings(ctx, gateway, sensor, q, from, until, func(r Reading) error {
				tells = tells || q == reading.PositionError
				i, ok := place[tick{r.Epoch, r.Boot, r.Tick}]
				if !ok || !r.OK {
					return nil
				}
				if q == reading.Longitude {
					some[i].Where.Longitude = r.Value
					whole[i] += 2
				} else {
					some[i].Accuracy = max(1, r.Value)
					whole[i]++
				}
				return nil
			}); err != nil {
				return nil, err
			}
		}
		for i, f := range some {
			if whole[i] == 3 || whole[i] == 2 && !tells {
				all = append(all, f)
			}
		}
		from = until
	}
	return all, nil
}
