package epcis

import "strings"

// vocabulary is a set of standard words: those of the Core Business Vocabulary
// 2.0 and of the GS1 Web Vocabulary that EPCIS events may use. A word may be
// written bare, as a web URI, with the prefix of that, or as a URN; all mean
// the same.
type vocabulary struct {
	what  string // for people
	web   string // what stands before the word in a web URI
	curie string // the same with a prefix
	urn   string // what stands before the word in a URN; empty: there is none
	words map[string]bool
}

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

const (
	cbvWeb = "https://ref.gs1.org/cbv/"
	gs1Web = "https://gs1.org/voc/"
	cbvURN = "urn:epcglobal:cbv:"
)

var (
	bizSteps = &vocabulary{"business step", cbvWeb + "BizStep-", "cbv:BizStep-", cbvURN + "bizstep:", words(`
		accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting
		decommissioning departing destroying disassembling dispensing encoding entering_exiting holding inspecting
		installing killing loading other packing picking receiving removing repackaging repairing replacing reserving
		retail_selling sampling sensor_reporting shipping staging_outbound stock_taking stocking storing transporting
		unloading unpacking void_shipping`)}
	dispositions = &vocabulary{"disposition", cbvWeb + "Disp-", "cbv:Disp-", cbvURN + "disp:", words(`
		active available completeness_verified completeness_inferred conformant container_closed container_open damaged
		destroyed dispensed disposed encoded expired in_progress in_transit inactive mismatch_instance mismatch_class
		mismatch_quantity needs_replacement no_pedigree_match non_conformant non_sellable_other partially_dispensed
		recalled reserved retail_sold returned sellable_accessible sellable_not_accessible stolen unavailable unknown`)}
	transactionTypes = &vocabulary{"type of business transaction", cbvWeb + "BTT-", "cbv:BTT-", cbvURN + "btt:", words(`
		bol cert desadv inv pedigree po poc prodorder recadv rma testprd testres upevt`)}
	partyTypes = &vocabulary{"type of source or destination", cbvWeb + "SDT-", "cbv:SDT-", cbvURN + "sdt:", words(`
		owning_party possessing_party location`)}
	errorReasons = &vocabulary{"reason of an error", cbvWeb + "ER-", "cbv:ER-", cbvURN + "er:", words(`
		did_not_occur incorrect_data`)}
	components = &vocabulary{"component", cbvWeb + "Comp-", "cbv:Comp-", "", words(`
		x y z axial_distance azimuth height spherical_radius polar_angle elevation_angle easting northing latitude
		longitude altitude`)}
	alarms = &vocabulary{"exception", gs1Web, "gs1:", "", words(`ALARM_CONDITION ERROR_CONDITION`)}

	measurements = &vocabulary{"type of measurement", gs1Web, "gs1:", "", words(`
		AbsoluteHumidity AbsorbedDose AbsorbedDoseRate Acceleration Radioactivity Altitude AmountOfSubstance
		AmountOfSubstancePerUnitVolume Angle AngularAcceleration AngularMomentum AngularVelocity Area Capacitance
		Conductance Conductivity Count Density Dimensionless DoseEquivalent DoseEquivalentRate DynamicViscosity
		ElectricCharge ElectricCurrent ElectricCurrentDensity ElectricFieldStrength Energy Exposure Force Frequency
		Illuminance Inductance Irradiance KinematicViscosity Length LinearMomentum Luminance LuminousFlux
		LuminousIntensity MagneticFlux MagneticFluxDensity MagneticVectorPotential Mass MassConcentration MassFlowRate
		MassPerAreaTime MemoryCapacity MolalityOfSolute MolarEnergy MolarMass MolarVolume Power Pressure RadiantFlux
		RadiantIntensity RelativeHumidity Resistance Resistivity SolidAngle SpecificVolume Speed SurfaceDensity
		SurfaceTension Temperature Time Torque Voltage Volume VolumeFlowRate VolumeFraction VolumetricFlux Wavenumber`)}
)

// bare gives the standard word that s stands for, and false if it is none.
func (v *vocabulary) bare(s string) (string, bool) {
	if v.words[s] {
		return s, true
	}
	for _, before := range [...]string{v.urn, v.web, v.curie} {
		if before != "" {
			if w, ok := strings.CutPrefix(s, before); ok && v.words[w] {
				return w, true
			}
		}
	}
	return "", false
}

// read gives the word bare if it is standard, and as a full URI otherwise.
func (v *vocabulary) read(s *scope, value string) string {
	if w, ok := v.bare(value); ok {
		return w
	}
	value = s.expand(value)
	if w, ok := v.bare(value); ok {
		return w // by a prefix of the document's own
	}
	return value
}

// uri gives the web URI of a bare word, and anything else back.
func (v *vocabulary) uri(value string) string {
	if v.words[value] {
		return v.web + value
	}
	return value
}
