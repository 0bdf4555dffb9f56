// Package unit compares quantities that are said in different units. Units are
// named by the common codes of UNECE Recommendation 20 (Codes for Units of
// Measure Used in International Trade), as EPCIS does: CEL, KEL, P1.
//
// Conversions are those of the SI Brochure (9th edition) and, for customary
// units, the exact ones of NIST Special Publication 811, appendix B: an inch is
// 0.0254 m, a pound 0.45359237 kg, a standard atmosphere 101,325 Pa. A unit
// that is not listed can be compared with itself alone.
package unit

import "strings"

// base is how a unit is said in another: base = value·factor + offset.
type base struct {
	of             string // code of the base unit
	factor, offset float64
}

// Base gives a value in the base unit of its kind, and the code of that: 2 CEL
// is 275.15 KEL. A unit that is not known is its own base.
func Base(value float64, code string) (float64, string) {
	code = strings.ToUpper(code)
	b, ok := units[code]
	if !ok {
		return value, code
	}
	return value*b.factor + b.offset, b.of
}

// Difference is Base for what is the distance of two values, such as a
// standard deviation: 2 CEL is 2 KEL.
func Difference(value float64, code string) (float64, string) {
	code = strings.ToUpper(code)
	b, ok := units[code]
	if !ok {
		return value, code
	}
	return value * b.factor, b.of
}

// Known says whether a unit can be compared with others.
func Known(code string) bool { _, ok := units[strings.ToUpper(code)]; return ok }

const (
	inch     = 0.0254
	foot     = 12 * inch
	mile     = 5280 * foot
	pound    = 0.45359237
	gravity  = 9.80665
	degree   = 3.14159265358979323846264338327950288 / 180
	gallonUS = 231 * inch * inch * inch
	gallonUK = 4.54609e-3
	hour     = 3600
)

// units are all there are, by kind: the base unit is the one with 1.
var units = func() map[string]base {
	all := map[string]base{
		// Temperature.
		"KEL": {"KEL", 1, 0}, "CEL": {"KEL", 1, 273.15}, "FAH": {"KEL", 5.0 / 9, 459.67 * 5 / 9}, "A48": {"KEL", 5.0 / 9, 0},
	}
	for _, kind := range kinds {
		for code, factor := range kind.factors {
			all[code] = base{kind.of, factor, 0}
		}
	}
	return all
}()

var kinds = []struct {
	of      string
	factors map[string]float64
}{
	{"MTR", map[string]float64{"MTR": 1, "KMT": 1e3, "DMT": 0.1, "CMT": 0.01, "MMT": 1e-3, "4H": 1e-6, "INH": inch, "FOT": foot, "YRD": 3 * foot, "SMI": mile, "NMI": 1852}},
	{"MTK", map[string]float64{"MTK": 1, "KMK": 1e6, "DMK": 1e-2, "CMK": 1e-4, "MMK": 1e-6, "HAR": 1e4, "INK": inch * inch, "FTK": foot * foot, "ACR": 4840 * 9 * foot * foot}},
	{"MTQ", map[string]float64{"MTQ": 1, "DMQ": 1e-3, "CMQ": 1e-6, "MMQ": 1e-9, "HLT": 0.1, "LTR": 1e-3, "CLT": 1e-5, "MLT": 1e-6, "4G": 1e-9, "INQ": inch * inch * inch, "FTQ": foot * foot * foot, "GLL": gallonUS, "GLI": gallonUK}},
	{"KGM", map[string]float64{"KGM": 1, "TNE": 1e3, "GRM": 1e-3, "MGM": 1e-6, "MC": 1e-9, "LBR": pound, "ONZ": pound / 16, "GRN": pound / 7000, "STN": 2000 * pound, "LTN": 2240 * pound}},
	{"SEC", map[string]float64{"SEC": 1, "C26": 1e-3, "B98": 1e-6, "C47": 1e-9, "MIN": 60, "HUR": hour, "DAY": 24 * hour, "WEE": 7 * 24 * hour}},
	{"MTS", map[string]float64{"MTS": 1, "KMH": 1000.0 / hour, "HM": mile / hour, "KNT": 1852.0 / hour, "FS": foot, "2X": 1.0 / 60}},
	{"MSK", map[string]float64{"MSK": 1, "K40": gravity, "A76": 0.01}},
	{"PAL", map[string]float64{"PAL": 1, "A97": 100, "KPA": 1e3, "MPA": 1e6, "74": 1e-3, "BAR": 1e5, "MBR": 100, "ATM": 101_325, "UA": 101_325.0 / 760, "HN": 133.322387415, "PS": pound * gravity / (inch * inch)}},
	{"KMQ", map[string]float64{"KMQ": 1, "23": 1e3, "GL": 1, "M1": 1e-3, "A93": 1e-3, "GP": 1e-6, "GQ": 1e-9}},
	{"C62", map[string]float64{"C62": 1, "P1": 0.01, "NX": 1e-3, "59": 1e-6, "61": 1e-9}},
	{"H87", map[string]float64{"H87": 1, "EA": 1, "DZN": 12, "GRO": 144}},
	{"VLT", map[string]float64{"VLT": 1, "KVT": 1e3, "2Z": 1e-3}},
	{"AMP", map[string]float64{"AMP": 1, "4K": 1e-3, "B84": 1e-6, "B22": 1e3}},
	{"OHM", map[string]float64{"OHM": 1, "B49": 1e3, "B75": 1e6, "E45": 1e-3}},
	{"WTT", map[string]float64{"WTT": 1, "KWT": 1e3, "MAW": 1e6, "C31": 1e-3}},
	{"JOU", map[string]float64{"JOU": 1, "KJO": 1e3, "3B": 1e6, "GV": 1e9, "WHR": hour, "KWH": 1e3 * hour}},
	{"NEW", map[string]float64{"NEW": 1, "B47": 1e3}},
	{"HTZ", map[string]float64{"HTZ": 1, "KHZ": 1e3, "MHZ": 1e6, "A86": 1e9}},
	{"LUX", map[string]float64{"LUX": 1, "KLX": 1e3}},
	{"A24", map[string]float64{"A24": 1}}, // candela per square metre
	{"C81", map[string]float64{"C81": 1, "DD": degree, "D61": degree / 60, "D62": degree / 3600}},
	{"2A", map[string]float64{"2A": 1, "E96": degree}},
	{"BQL", map[string]float64{"BQL": 1, "2Q": 1e3, "CUR": 3.7e10}},
	{"A95", map[string]float64{"A95": 1, "C13": 1e-3}},
	{"D13", map[string]float64{"D13": 1, "C28": 1e-3}},
	{"C34", map[string]float64{"C34": 1, "B45": 1e3, "C18": 1e-3, "FH": 1e-6}},
	{"C36", map[string]float64{"C36": 1, "C38": 1e3}},
	{"MQS", map[string]float64{"MQS": 1, "MQH": 1.0 / hour, "L2": 1e-3 / 60}},
	{"KGS", map[string]float64{"KGS": 1, "E93": 1.0 / hour}},
	{"D33", map[string]float64{"D33": 1, "C29": 1e-3, "D81": 1e-6}},
	{"AD", map[string]float64{"AD": 1, "2P": 1e3, "4L": 1e6, "E34": 1e9}},
	{"C65", map[string]float64{"C65": 1, "C24": 1e-3}},
	{"D10", map[string]float64{"D10": 1, "G42": 1e-4, "H61": 0.1}},
}
