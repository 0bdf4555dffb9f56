package main

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"frostline/hub/dispatch/road"
)

// roadConfig names a road engine.
type roadConfig struct {
	// Engine is osrm or valhalla. Default empty: ways are estimated, and said to
	// be.
	Engine string `yaml:"engine"`
	URL    string `yaml:"url"` // base, such as http://127.0.0.1:5000
	// Profiles are the engine's names for van, bike, foot, drone and robot.
	// Default those that its makers ship, for vans, bikes and those on foot; ways
	// of other kinds are estimated.
	Profiles map[road.Kind]string `yaml:"profiles"`
	Timeout  time.Duration        `yaml:"timeout"` // of one question; default 10 s
	// Vroom is the base of a VROOM optimiser that orders stops, such as
	// http://127.0.0.1:3000. Default empty: the hub's own planner does.
	Vroom string `yaml:"vroom"`
}

// usual are the names of profiles that engines come with.
var usual = map[string]map[road.Kind]string{
	"osrm":     {road.Van: "car", road.Bike: "bicycle", road.Foot: "foot"},
	"valhalla": {road.Van: "auto", road.Bike: "bicycle", road.Foot: "pedestrian"},
}

func (c roadConfig) remote() road.Remote {
	r := road.Remote{URL: c.URL, Profiles: c.Profiles, Timeout: c.Timeout}
	if len(r.Profiles) == 0 {
		r.Profiles = usual[c.Engine]
	}
	return r
}

func (c roadConfig) validate() error {
	if c.Vroom != "" {
		v := road.Remote{URL: c.Vroom, Timeout: c.Timeout}
		if err := v.Validate(); err != nil {
			return fmt.Errorf("road.vroom: %w", err)
		}
	}
	switch c.Engine {
	case "":
		if c.URL != "" {
			return fmt.Errorf("road.engine: %q: want osrm or valhalla, since road.url is set", c.Engine)
		}
		return nil
	case "osrm", "valhalla":
	default:
		return fmt.Errorf("road.engine: %q: want osrm or valhalla, or leave it out", c.Engine)
	}
	r := c.remote()
	errs := []error{}
	if err := r.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("road.%w", err))
	}
	for kind := range c.Profiles {
		switch kind {
		case road.Van, road.Bike, road.Foot, road.Drone, road.Robot:
		default:
			errs = append(errs, fmt.Errorf("road.profiles: %q: want van, bike, foot, drone or robot", kind))
		}
	}
	return errors.Join(errs...)
}

// router gives what estimates ways: the engine, for which the built-in estimate
// stands in, or the estimate alone.
func (c roadConfig) router(log *slog.Logger) road.Router {
	switch c.Engine {
	case "osrm":
		return &road.Standin{First: &road.OSRM{Remote: c.remote()}, Second: road.Estimate{}, Log: log}
	case "valhalla":
		return &road.Standin{First: &road.Valhalla{Remote: c.remote()}, Second: road.Estimate{}, Log: log}
	}
	return road.Estimate{}
}
