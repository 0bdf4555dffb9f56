package epcis

import "frostline/hub/trace/unit"

// baseUnits are the units that those of a type of measurement compare in.
// Types that are not here are not checked.
var baseUnits = map[string]string{
	"Temperature": "KEL", "Mass": "KGM", "Length": "MTR", "Altitude": "MTR", "Area": "MTK", "Volume": "MTQ",
	"Time": "SEC", "Speed": "MTS", "Acceleration": "MSK", "Pressure": "PAL", "Voltage": "VLT",
	"ElectricCurrent": "AMP", "Resistance": "OHM", "Frequency": "HTZ", "Power": "WTT", "Energy": "JOU", "Force": "NEW",
	"Illuminance": "LUX", "Luminance": "A24", "Angle": "C81", "AbsoluteHumidity": "KMQ", "Density": "KMQ",
	"MassConcentration": "KMQ", "Radioactivity": "BQL", "AbsorbedDose": "A95", "DoseEquivalent": "D13",
	"MagneticFluxDensity": "D33", "MemoryCapacity": "AD",
}

// misfit says whether a unit is certainly none of a type of measurement: it is
// one of something else, or of a temperature it is not known at all. Relative
// humidity is no type here, since a percentage is said in several units.
func misfit(measurement, uom string) bool {
	want, ok := baseUnits[measurement]
	if !ok {
		return false
	}
	_, base := unit.Base(1, uom)
	return base != want && (unit.Known(uom) || measurement == "Temperature")
}
