package world

import (
	"time"

	"frostline/firmware-sim/fault"
)

// Room is a cold room, freezer or store room: air and goods behind insulated
// walls, a refrigeration unit (or heat pump) with a two-point thermostat, and
// a door.
type Room struct {
	SetpointC    float64       `yaml:"setpoint_c"`     // thermostat, °C
	BandC        float64       `yaml:"band_c"`         // switches this far above and below the setpoint, K; default 1
	CoolingW     float64       `yaml:"cooling_w"`      // heat taken out while running
	HeatingW     float64       `yaml:"heating_w"`      // heat put in when too cold; 0 for none
	ShortestOff  time.Duration `yaml:"shortest_off"`   // rest between two runs, spares the compressor; default 3m
	WallsWPerK   float64       `yaml:"walls_w_per_k"`  // conductance of the walls
	DoorWPerK    float64       `yaml:"door_w_per_k"`   // added while the door is open
	AirKJPerK    float64       `yaml:"air_kj_per_k"`   // heat capacity of air and shelves
	GoodsKJPerK  float64       `yaml:"goods_kj_per_k"` // heat capacity of what is stored; 0 for an empty room
	GoodsWPerK   float64       `yaml:"goods_w_per_k"`  // conductance between goods and air
	InitialC     *float64      `yaml:"initial_c"`      // default: the setpoint
	Surroundings Surroundings  `yaml:"surroundings"`
	Openings     Openings      `yaml:"openings"`
}

// WithDefaults gives the configuration with its blanks filled in.
func (c Room) WithDefaults() Room {
	c.BandC = or(c.BandC, 1)
	c.ShortestOff = orDuration(c.ShortestOff, 3*time.Minute)
	if c.InitialC == nil {
		c.InitialC = &c.SetpointC
	}
	return c
}

func (c Room) check(report Report) {
	within(report, "setpoint_c", c.SetpointC, -60, 60, "°C")
	within(report, "band_c", c.BandC, 0.1, 10, "K")
	within(report, "cooling_w", c.CoolingW, 0, 1e6, "W")
	within(report, "heating_w", c.HeatingW, 0, 1e6, "W")
	within(report, "walls_w_per_k", c.WallsWPerK, 0, 1e5, "W/K")
	within(report, "door_w_per_k", c.DoorWPerK, 0, 1e5, "W/K")
	within(report, "air_kj_per_k", c.AirKJPerK, 0.1, 1e6, "kJ/K")
	within(report, "goods_kj_per_k", c.GoodsKJPerK, 0, 1e7, "kJ/K")
	within(report, "goods_w_per_k", c.GoodsWPerK, 0, 1e5, "W/K")
	within(report, "initial_c", *c.InitialC, -60, 60, "°C")
	if c.ShortestOff < 0 || c.ShortestOff > time.Hour {
		report("shortest_off", c.ShortestOff, "up to 1h")
	}
	c.Surroundings.check(report)
	c.Openings.check(report)
	stable(report, "air_kj_per_k", c.AirKJPerK*1000, c.WallsWPerK+c.DoorWPerK+c.GoodsWPerK)
	stable(report, "goods_kj_per_k", c.GoodsKJPerK*1000, c.GoodsWPerK)
}

// room is a Room at run time.
type room struct {
	c       Room
	door    *door
	vapour  vapour
	air     float64 // °C
	goods   float64 // °C
	around  float64 // °C
	running int     // -1 cooling, 0 off, 1 heating
	rest    float64 // seconds the unit must still stay off
	off     bool    // by fault
	gained  float64 // heat that crossed the boundary since the beginning, J
}

func newRoom(seed uint64, name string, c Room, m moment) *room {
	r := &room{c: c, door: newDoor(seed, name, c.Openings), air: *c.InitialC, goods: *c.InitialC}
	r.around = c.Surroundings.at(m.ambient)
	r.vapour.dewC = min(r.around-dewBelow, r.air-2)
	return r
}

func (r *room) kind() string { return "room" }

func (r *room) step(m moment) {
	r.door.step(m)
	r.around = r.c.Surroundings.at(m.ambient)
	r.thermostat()

	walls := r.c.WallsWPerK
	if r.door.open() {
		walls += r.c.DoorWPerK
	}
	in := walls * (r.around - r.air) * seconds
	switch r.running {
	case -1:
		in -= r.c.CoolingW * seconds
	case 1:
		in += r.c.HeatingW * seconds
	}
	exchange := 0.0
	if r.c.GoodsKJPerK > 0 {
		exchange = r.c.GoodsWPerK * (r.goods - r.air) * seconds
		r.goods -= exchange / (r.c.GoodsKJPerK * 1000)
	}
	r.air += (in + exchange) / (r.c.AirKJPerK * 1000)
	r.gained += in

	r.vapour.step(r.air, r.around-dewBelow, r.door.open(), r.running == -1, r.air-4)
}

// thermostat starts and stops the unit at the edges of its band.
func (r *room) thermostat() {
	r.rest = max(0, r.rest-seconds)
	switch {
	case r.off:
		r.running = 0
	case r.running == -1 && r.air <= r.c.SetpointC-r.c.BandC,
		r.running == 1 && r.air >= r.c.SetpointC+r.c.BandC:
		r.running = 0
		r.rest = r.c.ShortestOff.Seconds()
	case r.running == 0 && r.rest == 0 && r.c.CoolingW > 0 && r.air >= r.c.SetpointC+r.c.BandC:
		r.running = -1
	case r.running == 0 && r.rest == 0 && r.c.HeatingW > 0 && r.air <= r.c.SetpointC-r.c.BandC:
		r.running = 1
	}
}

func (r *room) quantities() map[string]func() float64 {
	return map[string]func() float64{
		"air":          func() float64 { return r.air },
		"goods":        func() float64 { return r.goods },
		"humidity":     func() float64 { return r.vapour.relative(r.air) },
		"door":         func() float64 { return flag(r.door.open()) },
		"compressor":   func() float64 { return flag(r.running != 0) },
		"surroundings": func() float64 { return r.around },
	}
}

func (r *room) setFault(f fault.Fault) error {
	switch f.Kind {
	case fault.None, fault.CompressorOff, fault.DoorOpen:
		r.off = f.Kind == fault.CompressorOff
		r.door.leftOpen = f.Kind == fault.DoorOpen
		return nil
	}
	return fault.Unsupported("a room", f, fault.None, fault.CompressorOff, fault.DoorOpen)
}
