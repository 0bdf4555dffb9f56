package thermal

import (
	"fmt"
	"slices"
	"strings"
)

// Sources of the ready-made profiles. Pharmacopoeia chapters are sold; what is
// said of them was read in the secondary sources named.
const (
	sourceUSP659  = "USP <659>, as given at naplexstudy.com/definition-of-pharmaceutical-storage-temperature-and-conditions"
	sourceUSP1079 = "USP <1079.2> (official 2025-08-01), as given at kelvin-solutions.com/en/?p=3590 and eupry.com/regulations-temperature-compliance/usp1079.2"
	sourceCDC     = "CDC Vaccine Storage and Handling Toolkit"
	sourceWHO     = "WHO/PQS/E006/TR07 electronic shipping indicators, as given in the LogTag USRID-16 manual and WHO's 10-day device guide (Q-tag 2 plus)"
	sourceVFC     = "California VFC on the CDC toolkit, eziz.org/vaccine-storage/digital-data-loggers: ±0.5 °C, a reading at least every 30 min, current certificate of calibration"
	sourceGap     = "; longest gap 30 min after the CDC toolkit"
	sourceHour    = "; longest gap 1 h is ours, sources give none"
)

const halfHour = 30 * minute

// ready are the ready-made profiles, by id.
var ready = []Profile{
	between("refrigerated", "Refrigerated, 2 to 8 °C", sourceUSP659+sourceGap, 2_000, 8_000, false),
	{
		ID: "controlled-room", Version: 1, Name: "Controlled room temperature, 20 to 25 °C, with excursions",
		Source: sourceUSP1079 + " and " + sourceUSP659 + ": excursions 15 to 30 °C, spikes to 40 °C, each less than 24 h; MKT at most 25 °C over 30 days; whether the last or the following 30 days is disputed, the last is taken" + sourceHour,
		Low:    temp(20_000), High: temp(25_000), LongestGap: hour, Activation: DefaultActivation,
		Limits: []Limit{
			{Name: "spike above 40 °C", Op: Above, At: 40_000, Timer: Single, Severity: Critical},
			{Name: "spike above 30 °C", Op: Above, At: 30_000, Timer: Single, Severity: Warning},
			{Name: "above 25 °C for 24 h", Op: Above, At: 25_000, Timer: Single, Delay: day, Severity: Alarm},
			{Name: "below 20 °C for 24 h", Op: Below, At: 20_000, Timer: Single, Delay: day, Severity: Alarm},
			{Name: "below 15 °C", Op: Below, At: 15_000, Timer: Single, Severity: Alarm},
		},
		MKT: &MKTRule{Limit: 25_000, Op: Above, Window: 30 * day, Anchor: AnchorLast},
	},
	{
		ID: "controlled-cold", Version: 1, Name: "Controlled cold temperature, 2 to 8 °C, with excursions",
		Source: sourceUSP1079 + ": excursions 8 to 15 °C for less than 24 h; MKT at most 8 °C over 24 h" + sourceHour,
		Low:    temp(2_000), High: temp(8_000), LongestGap: hour, Activation: DefaultActivation,
		Limits: []Limit{
			{Name: "above 15 °C", Op: Above, At: 15_000, Timer: Single, Severity: Alarm},
			{Name: "above 8 °C for 24 h", Op: Above, At: 8_000, Timer: Single, Delay: day, Severity: Alarm},
			{Name: "below 2 °C", Op: Below, At: 2_000, Timer: Single, Severity: Alarm},
		},
		MKT: &MKTRule{Limit: 8_000, Op: Above, Window: day, Anchor: AnchorLast},
	},
	between("freezer", "Freezer, -25 to -10 °C", sourceUSP659+sourceGap, -25_000, -10_000, true),
	between("vaccine-freezer", "Vaccine freezer, -50 to -15 °C", sourceCDC+sourceGap, -50_000, -15_000, true),
	between("ultra-cold", "Ultra-cold, -90 to -60 °C", sourceCDC+sourceGap, -90_000, -60_000, true),
	{
		ID: "cryogenic", Version: 1, Name: "Cryogenic, at or below -150 °C", Source: "vapour phase of liquid nitrogen, usual for cell and gene therapy" + sourceGap,
		High: temp(-150_000), LongestGap: halfHour, Frozen: true,
		Limits: []Limit{{Name: "above -150 °C", Op: Above, At: -150_000, Timer: Single, Severity: Alarm}},
	},
	{
		ID: "who-e006-type-1", Version: 1, Name: "WHO E006 shipping indicator type 1, freeze-sensitive vaccines", Source: sourceWHO + sourceGap, LongestGap: halfHour,
		Limits: []Limit{
			{Name: "45 °C or above for 1 h", Op: AtOrAbove, At: 45_000, Timer: Single, Delay: hour, Severity: Alarm},
			{Name: "30 °C or above for 10 h in all", Op: AtOrAbove, At: 30_000, Timer: Cumulative, Delay: 10 * hour, Severity: Alarm},
			{Name: "-0.5 °C or below for 1 h", Op: AtOrBelow, At: -500, Timer: Single, Delay: hour, Severity: Alarm},
		},
	},
	{
		ID: "who-e006-type-2", Version: 1, Name: "WHO E006 shipping indicator type 2, freeze-dried and oral polio vaccines", Source: sourceWHO + sourceGap, LongestGap: halfHour,
		Limits: []Limit{
			{Name: "45 °C or above for 1 h", Op: AtOrAbove, At: 45_000, Timer: Single, Delay: hour, Severity: Alarm},
			{Name: "30 °C or above for 10 h in all", Op: AtOrAbove, At: 30_000, Timer: Cumulative, Delay: 10 * hour, Severity: Alarm},
			{Name: "10 °C or above for 20 h in all", Op: AtOrAbove, At: 10_000, Timer: Cumulative, Delay: 20 * hour, Severity: Alarm},
		},
	},
	vfc(between("vfc-refrigerator", "VFC vaccine refrigerator, 2 to 8 °C", sourceVFC, 2_000, 8_000, false)),
	vfc(between("vfc-freezer", "VFC vaccine freezer, -50 to -15 °C", sourceVFC, -50_000, -15_000, true)),
}

// also are other names by which people call for a ready-made profile.
var also = map[string]string{
	"refrigerator": "refrigerated", "fridge": "refrigerated", "cold": "refrigerated", "2-8": "refrigerated", "2-8c": "refrigerated", "2to8": "refrigerated",
	"crt": "controlled-room", "room": "controlled-room", "room-temperature": "controlled-room", "controlled-room-temperature": "controlled-room", "20-25": "controlled-room", "20-25c": "controlled-room",
	"cct": "controlled-cold", "controlled-cold-temperature": "controlled-cold",
	"frozen": "freezer", "ultracold": "ultra-cold", "ultra-low": "ultra-cold", "cryo": "cryogenic",
	"who-type-1": "who-e006-type-1", "who-type-2": "who-e006-type-2", "who-type1": "who-e006-type-1", "who-type2": "who-e006-type-2",
	"who-shipping-type1": "who-e006-type-1", "who-shipping-type2": "who-e006-type-2", "who-e006-type1": "who-e006-type-1", "who-e006-type2": "who-e006-type-2",
	"vfc": "vfc-refrigerator",
}

// Ready gives all ready-made profiles. They are the caller's own.
func Ready() []Profile {
	out := make([]Profile, len(ready))
	for i := range ready {
		out[i] = ready[i].clone()
	}
	return out
}

// Named gives the ready-made profile of a name: its id, or another usual name
// such as "crt". The error lists the ids.
func Named(name string) (Profile, error) {
	id := strings.NewReplacer(" ", "-", "_", "-").Replace(strings.ToLower(name))
	if to, ok := also[id]; ok {
		id = to
	}
	var ids []string
	for i := range ready {
		if ready[i].ID == id {
			return ready[i].clone(), nil
		}
		ids = append(ids, ready[i].ID)
	}
	return Profile{}, fmt.Errorf("profile %.80q: no ready-made one is called so: want one of %s", name, strings.Join(ids, ", "))
}

func temp(t Temp) *Temp { return &t }

// between allows no time outside a range.
func between(id, name, source string, low, high Temp, frozen bool) Profile {
	p := Profile{
		ID: id, Version: 1, Name: name, Source: source, Low: &low, High: &high, LongestGap: halfHour, Frozen: frozen,
		Limits: []Limit{
			{Name: "above " + high.String() + " °C", Op: Above, At: high, Timer: Single, Severity: Alarm},
			{Name: "below " + low.String() + " °C", Op: Below, At: low, Timer: Single, Severity: Alarm},
		},
	}
	if !frozen {
		p.Activation = DefaultActivation
	}
	return p
}

func vfc(p Profile) Profile {
	p.Accuracy, p.Calibration = 500, true
	return p
}

func (p Profile) clone() Profile {
	for _, t := range []**Temp{&p.Low, &p.High} {
		if *t != nil {
			*t = temp(**t)
		}
	}
	p.Limits, p.Budgets = slices.Clone(p.Limits), slices.Clone(p.Budgets)
	if p.MKT != nil {
		m := *p.MKT
		p.MKT = &m
	}
	return p
}
