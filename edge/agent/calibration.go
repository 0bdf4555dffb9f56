package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"frostline/edge/journal"
	"frostline/edge/panel"
	"frostline/edge/sampler"
	"frostline/proto/calibration"
	"frostline/proto/pb"
	"frostline/proto/reading"
)

// tellWithin bounds how long a start waits for the disk to take what calibrations
// there are. They are in the journal's queue by then, before any reading.
const tellWithin = 2 * time.Second

// calibrations is what the chain was told of certificates.
type calibrations struct {
	mu    sync.Mutex
	epoch uint32                     // in which
	told  map[string]*pb.Calibration // by sensor
}

// tellCalibrations puts into the chain by which certificates a stage corrects, as
// far as its epoch was not told: at the first stage of a run all there are, and
// those of an earlier run that are no more. While the journal cannot say what
// epoch it is that waits; from when it holds is told all the same.
func (a *agent) tellCalibrations(s *stage) {
	c := &a.calibrations
	c.mu.Lock()
	defer c.mu.Unlock()
	epoch := a.journal.Tip().Epoch
	if epoch == 0 {
		return
	}
	if epoch != c.epoch {
		c.epoch, c.told = epoch, map[string]*pb.Calibration{}
		for _, d := range a.journal.Known() {
			if reading.Quantity(d.Quantity) == reading.TemperatureRaw {
				c.told[d.Sensor] = &pb.Calibration{Certificate: "of an earlier run"}
			}
		}
	}
	var events []*pb.Event
	for _, x := range s.sampler.Latest() {
		if x.Quantity != reading.Temperature {
			continue
		}
		m, err := a.calibrationOf(s, x)
		if err != nil {
			a.trouble("calibration", err)
			continue
		}
		was, told := c.told[x.Sensor]
		if proto.Equal(was, m) || !told && m.Certificate == "" {
			continue
		}
		c.told[x.Sensor] = m
		events = append(events, &pb.Event{AtMs: s.began, Kind: &pb.Event_Calibration{Calibration: m}})
	}
	if len(events) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tellWithin)
	defer cancel()
	_, err := a.journal.Append(ctx, nil, events)
	if err != nil && !errors.Is(err, journal.ErrHeld) && !errors.Is(err, context.DeadlineExceeded) {
		c.epoch = 0 // again in a while
		a.trouble("journal", fmt.Errorf("calibrations could not be kept: %w", err))
	}
}

// calibrationOf is what the chain is to be told of a thermometer.
func (a *agent) calibrationOf(s *stage, x sampler.State) (*pb.Calibration, error) {
	i := slices.IndexFunc(s.sensors, func(c Sensor) bool { return c.ID == x.Sensor })
	if i < 0 {
		return nil, fmt.Errorf("sensor %s is not configured", x.Sensor)
	}
	c := s.sensors[i]
	of := journal.Series{Sensor: c.ID, Quantity: reading.Temperature, Model: x.Model, Address: c.Address, Interval: c.Interval}
	corrected, err := a.journal.Series(of)
	if err != nil || c.Calibration == nil {
		return &pb.Calibration{Sensor: c.ID, Series: corrected}, err
	}
	of.Quantity = reading.TemperatureRaw
	raw, err := a.journal.Series(of)
	return c.Calibration.Message(c.ID, corrected, raw), err
}

// expiryEvery is how often certificates are looked at.
const expiryEvery = time.Second

// watchCalibrations tells each epoch of the certificates, and of each once that it has expired, in log
// and chain, until ctx ends. What it corrects is shown as such all the time.
func (a *agent) watchCalibrations(ctx context.Context) error {
	tick := time.NewTicker(expiryEvery)
	defer tick.Stop()
	told := map[string]bool{}
	for {
		a.tellCalibrations(a.stage()) // if there is a new epoch
		for _, c := range a.stage().sensors {
			if state, _ := a.calibration(c); state != calibration.Expired || told[c.ID+" "+c.Calibration.ID] {
				continue
			}
			told[c.ID+" "+c.Calibration.ID] = true
			until := time.UnixMilli(c.Calibration.ValidUntil).UTC().Format(time.RFC3339)
			a.log.Warn("calibration has expired; readings are corrected by it all the same, and shown as such", "sensor", c.ID, "certificate", c.Calibration.ID, "valid_until", until)
			err := a.note(ctx, &pb.Event{AtMs: a.clock.Now(), Kind: &pb.Event_Fault{Fault: &pb.Fault{
				Part: "calibration", Detail: fmt.Sprintf("%s: certificate %s expired at %s", c.ID, c.Calibration.ID, until)}}})
			if err != nil && ctx.Err() == nil {
				a.trouble("journal", fmt.Errorf("that a calibration expired could not be kept: %w", err))
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// calibration gives how the certificate of a sensor stands; known is false while
// nobody knows the time.
func (a *agent) calibration(c Sensor) (state calibration.State, known bool) {
	if c.Calibration == nil {
		return calibration.None, true
	}
	m, ok := a.keeper.UTC(a.clock.Now())
	if !ok {
		return calibration.None, false
	}
	return c.Calibration.At(m.UTC), true
}

// shownCalibration is the certificate of a sensor, for people.
func (a *agent) shownCalibration(c Sensor) *panel.Calibration {
	if c.Calibration == nil {
		return nil
	}
	state, known := a.calibration(c)
	p := &panel.Calibration{Certificate: c.Calibration.ID, Issuer: c.Calibration.Issuer, ValidFromMs: c.Calibration.ValidFrom, ValidUntilMs: c.Calibration.ValidUntil, State: string(state)}
	if !known {
		p.State = panel.CalibrationUndated
	}
	return p
}
