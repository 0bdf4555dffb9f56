package sheet

import (
	"fmt"
	"strings"

	"frostline/hub/fact"
)

// Column is a column of the CSV files of a kind.
type Column struct {
	Name     string // as Write names it
	Field    string // of the record's JSON
	Help     string
	Example  string
	Required bool
	cell     func(*row) cell
}

// row is a record that is being filled or written, as a pointer.
type row struct {
	record any
	in     string // of a sensor
	from   int64
}

// Columns lists the columns of a kind in the order in which they are written.
// It is nil for profiles, which are too deep for a table.
func Columns(k fact.Kind) []Column { return columns[k] }

var columns = map[fact.Kind][]Column{
	fact.Site: {
		need(text("id", "id", "letters, digits and ._:+-", "depot-1", func(r *fact.SiteRecord) *string { return &r.ID })),
		need(text("name", "name", "what people call it", "Depot Boston", func(r *fact.SiteRecord) *string { return &r.Name })),
		text("gln", "gln", "GS1 Global Location Number, 13 digits", "0614141000012", func(r *fact.SiteRecord) *string { return &r.GLN }),
		text("address", "address", "in one line", "12 Dock Road, Boston, MA", func(r *fact.SiteRecord) *string { return &r.Address }),
		position("latitude", "degrees north, WGS 84", "42.3467001", 7, func(p *fact.Position) *int64 { return &p.Latitude }),
		position("longitude", "degrees east, WGS 84", "-71.0421", 7, func(p *fact.Position) *int64 { return &p.Longitude }),
		position("accuracy_m", "of the position, metres", "5", 3, func(p *fact.Position) *int64 { return &p.Accuracy }),
	},
	fact.Zone: {
		need(text("id", "id", "letters, digits and ._:+-", "depot-1.cold", func(r *fact.ZoneRecord) *string { return &r.ID })),
		need(text("site", "site", "id of a site", "depot-1", func(r *fact.ZoneRecord) *string { return &r.Site })),
		need(text("name", "name", "what people call it", "Cold room", func(r *fact.ZoneRecord) *string { return &r.Name })),
		text("profile", "profile", "id of the storage profile it is meant to keep", "refrigerated", func(r *fact.ZoneRecord) *string { return &r.Profile }),
	},
	fact.Vehicle: {
		need(text("id", "id", "letters, digits and ._:+-", "van-14", func(r *fact.VehicleRecord) *string { return &r.ID })),
		need(text("name", "name", "what people call it", "Van 14", func(r *fact.VehicleRecord) *string { return &r.Name })),
		need(text("type", "type", strings.Join(fact.VehicleTypes, ", "), "van", func(r *fact.VehicleRecord) *string { return &r.Type })),
	},
	fact.Compartment: {
		need(text("id", "id", "letters, digits and ._:+-", "van-14.cargo", func(r *fact.CompartmentRecord) *string { return &r.ID })),
		need(text("vehicle", "vehicle", "id of a vehicle", "van-14", func(r *fact.CompartmentRecord) *string { return &r.Vehicle })),
		need(text("name", "name", "what people call it", "Cargo, cooled", func(r *fact.CompartmentRecord) *string { return &r.Name })),
		text("profile", "profile", "id of the storage profile it is meant to keep", "refrigerated", func(r *fact.CompartmentRecord) *string { return &r.Profile }),
	},
	fact.Gateway: {
		need(text("id", "id", "as it was enrolled", "gw-14", func(r *fact.GatewayRecord) *string { return &r.ID })),
		text("name", "name", "what people call it", "Gateway of van 14", func(r *fact.GatewayRecord) *string { return &r.Name }),
		text("site", "site", "id of the site it stands in; not with vehicle", "", func(r *fact.GatewayRecord) *string { return &r.Site }),
		text("vehicle", "vehicle", "id of the vehicle it rides in; not with site", "van-14", func(r *fact.GatewayRecord) *string { return &r.Vehicle }),
	},
	fact.Sensor: {
		need(text("id", "id", "GATEWAY/SENSOR, as the gateway names it", "gw-14/cargo-front", func(r *fact.SensorRecord) *string { return &r.ID })),
		text("name", "name", "what people call it", "Cargo, front", func(r *fact.SensorRecord) *string { return &r.Name }),
		text("model", "model", "of its maker", "TMP117", func(r *fact.SensorRecord) *string { return &r.Model }),
		text("serial", "serial", "of its maker", "A1907-0042", func(r *fact.SensorRecord) *string { return &r.Serial }),
		temp("accuracy", "accuracy", "±, degrees", "0.2", func(r *fact.SensorRecord) cell { return tempCell{p: &r.Accuracy} }),
		{Name: "in", Field: "in", Help: "where it is, as KIND/ID: a logger, tote, compartment or zone", Example: "compartment/van-14.cargo",
			cell: func(r *row) cell { return textCell{&r.in} }},
		{Name: "from", Field: "from", Help: "since when it is there; needed with in", Example: "2026-09-14T06:00:00Z",
			cell: func(r *row) cell { return timeCell{p: &r.from} }},
	},
	fact.Tote: {
		need(text("id", "id", "letters, digits and ._:+-", "tote-7", func(r *fact.ToteRecord) *string { return &r.ID })),
		text("name", "name", "what people call it", "Tote 7", func(r *fact.ToteRecord) *string { return &r.Name }),
		text("type", "type", "what sort of box", "PCM 24 l", func(r *fact.ToteRecord) *string { return &r.Type }),
	},
	fact.Logger: {
		need(text("id", "id", "letters, digits and ._:+-", "logger-31", func(r *fact.LoggerRecord) *string { return &r.ID })),
		text("name", "name", "what people call it", "Logger 31", func(r *fact.LoggerRecord) *string { return &r.Name }),
		text("type", "type", "what sort of logger", "BLE, 30 d", func(r *fact.LoggerRecord) *string { return &r.Type }),
	},
	fact.Calibration: {
		need(text("id", "id", "number of the certificate, with letters, digits and ._:+-", "CAL-2026-0117", func(r *fact.CalibrationRecord) *string { return &r.ID })),
		need(text("sensor", "sensor", "id of a sensor", "gw-14/cargo-front", func(r *fact.CalibrationRecord) *string { return &r.Sensor })),
		need(text("lab", "lab", "who calibrated", "Metrology Lab 12, ISO/IEC 17025", func(r *fact.CalibrationRecord) *string { return &r.Lab })),
		need(temp("from", "from", "valid from", "2026-01-15", func(r *fact.CalibrationRecord) cell { return timeCell{p: &r.From} })),
		need(temp("until", "until", "valid until, exclusive", "2027-01-15", func(r *fact.CalibrationRecord) cell { return timeCell{p: &r.Until} })),
		need(temp("accuracy", "accuracy", "± stated by the certificate, degrees", "0.1", func(r *fact.CalibrationRecord) cell { return tempCell{p: &r.Accuracy} })),
		text("document", "document", "where the certificate is kept", "certificates/2026/0117.pdf", func(r *fact.CalibrationRecord) *string { return &r.Document }),
	},
	fact.Product: append([]Column{
		need(text("id", "id", "letters, digits and ._:+-", "insulin-glargine", func(r *fact.ProductRecord) *string { return &r.ID })),
		need(text("name", "name", "as it is sold", "Insulin glargine 100 U/ml, 10 ml", func(r *fact.ProductRecord) *string { return &r.Name })),
		text("gtin", "gtin", "GS1 Global Trade Item Number, 8 to 14 digits", "00312345678906", func(r *fact.ProductRecord) *string { return &r.GTIN }),
		text("ndc", "ndc", "National Drug Code with its hyphens", "12345-678-90", func(r *fact.ProductRecord) *string { return &r.NDC }),
		need(text("profile", "profile", "id of its storage profile", "refrigerated", func(r *fact.ProductRecord) *string { return &r.Profile })),
		temp("activation", "activation", "activation energy, J/mol; empty is the profile's", "83144", func(r *fact.ProductRecord) cell {
			return decimalCell{p: &r.Activation, want: "want whole J/mol, such as 83144"}
		}),
	}, budgets()...),
	fact.Party: {
		need(text("id", "id", "letters, digits and ._:+-", "courier-a", func(r *fact.PartyRecord) *string { return &r.ID })),
		need(text("name", "name", "of the company, never of a patient", "Courier A", func(r *fact.PartyRecord) *string { return &r.Name })),
		need(text("role", "role", "pharmacy, manufacturer, wholesaler, 3pl, courier or clinic", "courier", func(r *fact.PartyRecord) *string { return &r.Role })),
		text("gln", "gln", "GS1 Global Location Number, 13 digits", "0614141000029", func(r *fact.PartyRecord) *string { return &r.GLN }),
	},
}

func need(c Column) Column { c.Required = true; return c }

func text[R any](name, field, help, example string, at func(*R) *string) Column {
	return Column{Name: name, Field: field, Help: help, Example: example,
		cell: func(r *row) cell { return textCell{at(r.record.(*R))} }}
}

func temp[R any](name, field, help, example string, at func(*R) cell) Column {
	return Column{Name: name, Field: field, Help: help, Example: example,
		cell: func(r *row) cell { return at(r.record.(*R)) }}
}

// position columns fill a position that is nil without them.
func position(name, help, example string, decimals int, at func(*fact.Position) *int64) Column {
	want := fmt.Sprintf("want a number with a point and at most %d decimals", decimals)
	return Column{Name: name, Field: "position." + strings.TrimSuffix(name, "_m"), Help: help, Example: example,
		cell: func(r *row) cell { return positionCell{r.record.(*fact.SiteRecord), at, decimals, want} }}
}

type positionCell struct {
	site     *fact.SiteRecord
	at       func(*fact.Position) *int64
	decimals int
	want     string
}

func (c positionCell) set(s string) error {
	if c.site.Position == nil {
		c.site.Position = &fact.Position{}
	}
	return decimalCell{p: c.at(c.site.Position), decimals: c.decimals, want: c.want}.set(s)
}

func (c positionCell) get() string {
	if c.site.Position == nil {
		return ""
	}
	return decimalCell{p: c.at(c.site.Position), decimals: c.decimals}.get()
}

func (positionCell) text() bool { return false }
