package world

import (
	"time"

	"frostline/firmware-sim/fault"
)

// Box is an insulated box: a payload that warms and cools through the walls
// as a first-order system, beside it a pack of phase-change material.
type Box struct {
	WallsWPerK    float64      `yaml:"walls_w_per_k"`    // conductance of the closed box
	LidWPerK      float64      `yaml:"lid_w_per_k"`      // added while the lid is open
	PayloadKJPerK float64      `yaml:"payload_kj_per_k"` // heat capacity of payload, air and inner walls
	InitialC      float64      `yaml:"initial_c"`        // payload and pack at the beginning, °C
	Pack          *Pack        `yaml:"pack"`             // none: a plain box
	RidesIn       string       `yaml:"rides_in"`         // vehicle whose door opens the lid; empty: Openings do
	Surroundings  Surroundings `yaml:"surroundings"`
	Openings      Openings     `yaml:"openings"`
}

// WithDefaults gives the configuration with its blanks filled in.
func (c Box) WithDefaults() Box {
	if c.Pack != nil {
		p := c.Pack.withDefaults()
		c.Pack = &p
	}
	return c
}

func (c Box) check(report Report) {
	within(report, "walls_w_per_k", c.WallsWPerK, 0, 1000, "W/K")
	within(report, "lid_w_per_k", c.LidWPerK, 0, 1000, "W/K")
	within(report, "payload_kj_per_k", c.PayloadKJPerK, 0.01, 1e5, "kJ/K")
	within(report, "initial_c", c.InitialC, -90, 60, "°C")
	c.Surroundings.check(report)
	c.Openings.check(report)
	conductance := c.WallsWPerK + c.LidWPerK
	if c.Pack != nil {
		c.Pack.check(func(field string, value any, want string) { report("pack."+field, value, want) })
		conductance += c.Pack.CouplingWPerK
	}
	stable(report, "payload_kj_per_k", c.PayloadKJPerK*1000, conductance)
}

// box is a Box at run time.
type box struct {
	c       Box
	carrier *vehicle
	door    *door
	vapour  vapour
	payload float64 // °C
	pack    heat
	around  float64 // °C
	gained  float64 // heat through walls and lid since the beginning, J
	renewed int     // local day of the last exchange of the pack
	badPack bool    // one that was not conditioned is in; a good one takes its place
}

func newBox(seed uint64, name string, c Box, carrier *vehicle, m moment) *box {
	b := &box{c: c, carrier: carrier, door: newDoor(seed, name, c.Openings), payload: c.InitialC}
	b.around = c.Surroundings.at(m.ambient)
	b.vapour.dewC = min(b.around-dewBelow, b.payload-2)
	if c.Pack != nil {
		b.pack = c.Pack.contents(c.InitialC)
		b.renewed = b.day(m.utc)
	}
	return b
}

func (b *box) kind() string { return "box" }

func (b *box) open() bool {
	return b.door.open() || b.carrier != nil && b.carrier.doorOpen()
}

func (b *box) step(m moment) {
	if b.carrier == nil {
		b.door.step(m)
	}
	b.around = b.c.Surroundings.at(m.ambient)
	walls := b.c.WallsWPerK
	if b.open() {
		walls += b.c.LidWPerK
	}
	in := walls * (b.around - b.payload) * seconds
	exchange := 0.0 // from the pack into the payload
	if p := b.c.Pack; p != nil {
		b.renew(m.utc)
		exchange = p.CouplingWPerK * (p.temperature(b.pack) - b.payload) * seconds
		b.pack -= heat(exchange)
	}
	b.payload += (in + exchange) / (b.c.PayloadKJPerK * 1000)
	b.gained += in
	b.vapour.step(b.payload, b.around-dewBelow, b.open(), false, 0)
}

// renew puts a fresh pack in when its time of day has come. A clock set back
// repeats hours, not exchanges.
func (b *box) renew(utc time.Time) {
	day := b.day(utc)
	if day > b.renewed {
		b.pack = b.c.Pack.contents(b.c.Pack.RenewedC)
	}
	b.renewed = day
}

// day numbers the days between two exchanges of the pack.
func (b *box) day(utc time.Time) int {
	at := b.c.Pack.RenewedAt
	if at == nil {
		return 0
	}
	_, zone := utc.In(standardTime).Zone()
	return int((utc.Unix() + int64(zone) - int64(at.Seconds())) / 86400)
}

func (b *box) quantities() map[string]func() float64 {
	pack := func() float64 {
		if b.c.Pack == nil {
			return b.payload
		}
		return b.c.Pack.temperature(b.pack)
	}
	melted := func() float64 {
		if b.c.Pack == nil {
			return 1
		}
		return b.c.Pack.melted(b.pack)
	}
	return map[string]func() float64{
		"payload":      func() float64 { return b.payload },
		"pack":         pack,
		"melted":       melted,
		"humidity":     func() float64 { return b.vapour.relative(b.payload) },
		"door":         func() float64 { return flag(b.open()) },
		"surroundings": func() float64 { return b.around },
	}
}

func (b *box) setFault(f fault.Fault) error {
	switch f.Kind {
	case fault.None:
		if b.badPack {
			b.pack, b.badPack = b.c.Pack.contents(b.c.Pack.RenewedC), false
		}
		b.door.leftOpen = false
		return nil
	case fault.DoorOpen:
		b.door.leftOpen = true
		return nil
	case fault.FrozenPack:
		if b.c.Pack != nil {
			b.pack, b.badPack = b.c.Pack.contents(f.Value), true
			return nil
		}
	}
	return fault.Unsupported("a box", f, fault.None, fault.DoorOpen, fault.FrozenPack)
}
