package epcis

import (
	"maps"
	"slices"
	"strings"
)

// unit converts to the base unit of its type: base = value × factor + offset.
type unit struct{ factor, offset float64 }

func by(factor float64) unit { return unit{factor: factor} }

// units are the codes of UNECE recommendation 20 for types of measurement, with
// factors from its annexes. The base unit has the factor 1. It need not be
// complete: what is not here cannot be converted, and is refused only for a
// temperature or if it is a unit of something else.
var units = map[string]map[string]unit{
	"Temperature":      {"CEL": by(1), "KEL": {1, -273.15}, "FAH": {5.0 / 9, -160.0 / 9}, "A48": {5.0 / 9, -273.15}},
	"RelativeHumidity": {"P1": by(1), "A93": by(1), "C62": by(100)},
	"AbsoluteHumidity": density,
	"Density":          density, "MassConcentration": density,
	"Pressure": {"PAL": by(1), "KPA": by(1e3), "MPA": by(1e6), "A97": by(100), "BAR": by(1e5), "MBR": by(100),
		"ATM": by(101325), "PS": by(6894.757293168), "HN": by(133.322387415), "F79": by(3386.389)},
	"Speed":        {"MTS": by(1), "KMH": by(1 / 3.6), "HM": by(0.44704), "KNT": by(1852.0 / 3600), "FS": by(0.3048), "2M": by(0.01)},
	"Acceleration": {"MSK": by(1), "K40": by(9.80665), "A76": by(0.01), "A73": by(0.3048)},
	"Illuminance":  {"LUX": by(1), "KLX": by(1e3), "P25": by(10.76391)},
	"Time": {"SEC": by(1), "C26": by(1e-3), "B98": by(1e-6), "C47": by(1e-9), "MIN": by(60), "HUR": by(3600),
		"DAY": by(86400), "WEE": by(604800)},
	"Mass":   {"KGM": by(1), "GRM": by(1e-3), "MGM": by(1e-6), "MC": by(1e-9), "TNE": by(1e3), "LBR": by(0.45359237), "ONZ": by(0.028349523125)},
	"Length": length, "Altitude": length,
	"Volume": {"MTQ": by(1), "LTR": by(1e-3), "DMQ": by(1e-3), "MLT": by(1e-6), "CMQ": by(1e-6), "4G": by(1e-9),
		"GLL": by(0.003785411784), "GLI": by(0.00454609)},
	"Voltage":         {"VLT": by(1), "2Z": by(1e-3), "KVT": by(1e3), "D82": by(1e-6)},
	"ElectricCurrent": {"AMP": by(1), "4K": by(1e-3), "B84": by(1e-6)},
	"Frequency":       {"HTZ": by(1), "KHZ": by(1e3), "MHZ": by(1e6), "A86": by(1e9)},
	"Angle":           {"DD": by(1), "C81": by(57.29577951308232), "D61": by(1.0 / 60), "D62": by(1.0 / 3600)},
	"Power":           {"WTT": by(1), "KWT": by(1e3), "C31": by(1e-3), "MAW": by(1e6)},
	"Energy":          {"JOU": by(1), "KJO": by(1e3), "3B": by(1e6), "WHR": by(3600), "KWH": by(3.6e6)},
	"Radioactivity":   {"BQL": by(1), "2Q": by(1e3), "4N": by(1e6), "CUR": by(3.7e10)},
	"AbsorbedDose":    {"A95": by(1), "C13": by(1e-3)},
	"DoseEquivalent":  {"D13": by(1), "C28": by(1e-3), "P71": by(1e-6)},
	"Force":           {"NEW": by(1), "B47": by(1e3)},
	"Area":            {"MTK": by(1), "CMK": by(1e-4), "MMK": by(1e-6), "FTK": by(0.09290304)},
}

var (
	density = map[string]unit{"KMQ": by(1), "A93": by(1e-3), "GP": by(1e-6), "GQ": by(1e-9), "M1": by(1e-3), "GL": by(1), "23": by(1e3)}
	length  = map[string]unit{"MTR": by(1), "CMT": by(1e-2), "MMT": by(1e-3), "4H": by(1e-6), "KMT": by(1e3), "INH": by(0.0254),
		"FOT": by(0.3048), "YRD": by(0.9144), "SMI": by(1609.344), "NMI": by(1852)}
)

// Base converts a value into the base unit of its type of measurement: °C for
// Temperature, percent for RelativeHumidity, degrees for Angle, the coherent
// unit of SI for others. Readings in different units compare by it. It gives
// false for a unit or type that is not known here.
func Base(measurement, uom string, value float64) (float64, bool) {
	if w, ok := measurements.bare(measurement); ok {
		measurement = w
	}
	u, ok := units[measurement][uom]
	return value*u.factor + u.offset, ok
}

// knownUnits are the units of all types.
var knownUnits = func() map[string]bool {
	m := map[string]bool{}
	for _, list := range units {
		for u := range list {
			m[u] = true
		}
	}
	return m
}()

// misfit says what units a type has if uom is certainly none of them.
func misfit(measurement, uom string) (string, bool) {
	list := units[measurement]
	if _, ok := list[uom]; ok || list == nil || !knownUnits[uom] && measurement != "Temperature" {
		return "", false
	}
	return strings.Join(slices.Sorted(maps.Keys(list)), ", "), true
}
