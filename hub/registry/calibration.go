package registry

import (
	"cmp"
	"slices"

	"frostline/hub/intake/batch"
	"frostline/proto/calibration"
)

// maxCalibrations bounds what is kept of one sensor; a gateway tells them at each
// start.
const maxCalibrations = 4096

// Calibrations are the certificates by which a gateway has corrected the
// temperature of a sensor, for one look at many readings.
type Calibrations []statement

// statement is what a gateway said of the certificate of a sensor, and from when
// on it held.
type statement struct {
	epoch, boot uint32
	at          int64 // boottime, ms
	block       uint64
	position    int
	of          *calibration.Certificate // nil: of none any more
}

func (s statement) compare(o statement) int {
	return cmp.Or(cmp.Compare(s.epoch, o.epoch), cmp.Compare(s.boot, o.boot), cmp.Compare(s.at, o.at), cmp.Compare(s.block, o.block), cmp.Compare(s.position, o.position))
}

// At gives the certificate by which a reading was corrected; nil where it was
// not.
func (c Calibrations) At(epoch, boot uint32, tick int64) *calibration.Certificate {
	i, _ := slices.BinarySearchFunc(c, 0, func(s statement, _ int) int {
		if cmp.Or(cmp.Compare(s.epoch, epoch), cmp.Compare(s.boot, boot), cmp.Compare(s.at, tick)) <= 0 {
			return -1
		}
		return 1
	})
	if i == 0 || c[i-1].epoch != epoch || c[i-1].boot != boot {
		return nil
	}
	return c[i-1].of
}

// Calibrations gives those of a sensor's temperature.
func (r *Registry) Calibrations(gateway, sensor string) Calibrations {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if g := r.gateways[gateway]; g != nil {
		return slices.Clone(g.calibrations[sensor])
	}
	return nil
}

// calibrate takes what a chain says of a certificate. mu is held.
func (r *Registry) calibrate(g *gateway, epoch uint32, at int64, e *batch.Event) {
	m := e.Event.GetCalibration()
	c, err := calibration.Parse(m)
	if err != nil || m.Sensor == "" {
		r.disputed++
		g.fault(Fault{Part: "calibration", Detail: clip("a certificate in the chain makes no sense: " + m.Sensor)}, at)
		return
	}
	if g.calibrations == nil {
		g.calibrations = map[string]Calibrations{}
	}
	sensor := clip(m.Sensor)
	all := g.calibrations[sensor]
	s := statement{epoch, e.Boot, e.Event.AtMs, e.Block, e.Position, c}
	i, known := slices.BinarySearchFunc(all, s, statement.compare)
	if known {
		return
	}
	all = slices.Insert(all, i, s)
	if len(all) > maxCalibrations {
		all = all[1:] // of the oldest boot
	}
	g.calibrations[sensor] = all
}
