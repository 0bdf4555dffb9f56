package world

import (
	"math"
	"time"
)

// Pack is a phase-change pack. Its state is its heat content (the enthalpy
// method): temperature follows from that, so that melting at a steady
// temperature needs no special case.
type Pack struct {
	MassKg         float64        `yaml:"mass_kg"`
	MeltsAtC       float64        `yaml:"melts_at_c"`         // °C
	LatentKJPerKg  float64        `yaml:"latent_kj_per_kg"`   // heat of fusion; water 334, paraffins near 190
	SolidKJPerKgK  float64        `yaml:"solid_kj_per_kg_k"`  // specific heat; default 2
	LiquidKJPerKgK float64        `yaml:"liquid_kj_per_kg_k"` // specific heat; default 2.2
	CouplingWPerK  float64        `yaml:"coupling_w_per_k"`   // conductance between pack and payload
	RenewedAt      *time.Duration `yaml:"renewed_at"`         // time of day, local standard, at which a fresh pack goes in; none: never
	RenewedC       float64        `yaml:"renewed_c"`          // temperature of the fresh pack, °C
}

func (p Pack) withDefaults() Pack {
	p.SolidKJPerKgK = or(p.SolidKJPerKgK, 2)
	p.LiquidKJPerKgK = or(p.LiquidKJPerKgK, 2.2)
	return p
}

func (p Pack) check(report Report) {
	within(report, "mass_kg", p.MassKg, 0.01, 10_000, "kg")
	within(report, "melts_at_c", p.MeltsAtC, -90, 60, "°C")
	within(report, "latent_kj_per_kg", p.LatentKJPerKg, 1, 1000, "kJ/kg")
	within(report, "solid_kj_per_kg_k", p.SolidKJPerKgK, 0.1, 10, "kJ/(kg·K)")
	within(report, "liquid_kj_per_kg_k", p.LiquidKJPerKgK, 0.1, 10, "kJ/(kg·K)")
	within(report, "coupling_w_per_k", p.CouplingWPerK, 0, 1000, "W/K")
	within(report, "renewed_c", p.RenewedC, -90, 60, "°C")
	if p.RenewedAt != nil && (*p.RenewedAt < 0 || *p.RenewedAt >= 24*time.Hour) {
		report("renewed_at", *p.RenewedAt, "a time of day from 0h to 23h59m")
	}
	stable(report, "mass_kg", p.MassKg*math.Min(p.SolidKJPerKgK, p.LiquidKJPerKgK)*1000, p.CouplingWPerK)
}

// heat is a pack's heat content in joules, 0 for solid at the melting point.
type heat float64

// contents gives the heat content of a pack at a temperature; at the melting
// point itself it is still solid.
func (p Pack) contents(c float64) heat {
	if c <= p.MeltsAtC {
		return heat((c - p.MeltsAtC) * p.SolidKJPerKgK * p.MassKg * 1000)
	}
	return heat((p.LatentKJPerKg + (c-p.MeltsAtC)*p.LiquidKJPerKgK) * p.MassKg * 1000)
}

// temperature gives the temperature that goes with a heat content, °C.
func (p Pack) temperature(h heat) float64 {
	perKg := float64(h) / (p.MassKg * 1000) // kJ/kg
	switch {
	case perKg < 0:
		return p.MeltsAtC + perKg/p.SolidKJPerKgK
	case perKg > p.LatentKJPerKg:
		return p.MeltsAtC + (perKg-p.LatentKJPerKg)/p.LiquidKJPerKgK
	}
	return p.MeltsAtC
}

// melted gives the molten share of the pack, 0 to 1.
func (p Pack) melted(h heat) float64 {
	return math.Max(0, math.Min(1, float64(h)/(p.MassKg*1000*p.LatentKJPerKg)))
}
