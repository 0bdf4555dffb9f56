package fleet

import (
	"context"

	"frostline/hub/history"
	"frostline/hub/registry"
	"frostline/hub/view"
	"frostline/proto/reading"
)

// reading makes a reading of history one that is shown.
func shown(r history.Reading) view.Reading {
	return view.Reading{
		Epoch: r.Epoch, Boot: r.Boot, Tick: r.Tick, Value: r.Value, Quality: r.Quality,
		Dated: r.Dated, UTC: r.UTC, Uncertainty: r.Uncertainty, Conflict: r.Conflict, Received: r.Received,
	}
}

// calibrations gives the certificates of a series; only temperature has any.
func (f *Fleet) calibrations(s view.Series) registry.Calibrations {
	if s.Quantity != reading.Temperature {
		return nil
	}
	return f.registry.Calibrations(s.Gateway, s.Sensor)
}

// calibrate says by what a reading was corrected. It must be dated already, if it
// can be.
func calibrate(all registry.Calibrations, r *view.Reading) {
	c := all.At(r.Epoch, r.Boot, r.Tick)
	if c == nil {
		return
	}
	r.Calibration = view.Calibration{Certificate: c.ID, State: view.CalibrationUndated}
	if r.Dated {
		r.Calibration.State = string(c.At(r.UTC))
	}
}

// alarms are those of a gateway, dated as far as anchors tell.
func (f *Fleet) alarms(ctx context.Context, gateway string, all []registry.Alarm) ([]view.Alarm, error) {
	var out []view.Alarm
	for _, a := range all {
		v := view.Alarm{
			ID: a.ID, Watch: a.Watch, Sensor: a.Sensor, Unknown: a.Unknown, Limit: a.Limit, Profile: a.Profile, Active: a.Active,
			Acknowledged: a.Acknowledged, Reason: a.Reason, By: a.By, Times: a.Times, Told: a.Told,
		}
		if a.Severity >= 1 && a.Severity <= 3 {
			v.Severity = [...]string{"warning", "alarm", "critical"}[a.Severity-1]
		}
		if a.Boot != 0 {
			c, err := f.history.ClockState(ctx, gateway, a.Epoch, a.Boot, a.Tick)
			if err != nil {
				return nil, err
			}
			v.Dated, v.Raised = c.Dated, c.UTC
		}
		out = append(out, v)
	}
	return out, nil
}
