package view

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"strings"
)

// Columns heads the CSV of readings. A reading that nobody can date has an
// empty time; one that carries no value an empty value.
var Columns = []string{"time_utc", "uncertainty_ms", "gateway", "sensor", "quantity", "value", "unit", "quality", "epoch", "boot", "boottime_ms", "calibration", "calibration_state"}

// CSV writes readings one a line, after a line of Columns. The caller flushes.
type CSV struct {
	w      *csv.Writer
	headed bool
}

// NewCSV makes a writer to w.
func NewCSV(w io.Writer) *CSV { return &CSV{w: csv.NewWriter(w)} }

// Write adds one reading.
func (c *CSV) Write(s Series, r Reading) error {
	if err := c.head(); err != nil {
		return err
	}
	var stamp, width, value string
	if r.Dated {
		stamp, width = Stamp(r.UTC), strconv.FormatInt(r.Uncertainty, 10)
	}
	if r.Quality.HasValue() {
		value = Exact(s.Quantity, r.Value)
	}
	unit, _ := s.Quantity.Unit()
	return c.w.Write([]string{
		stamp, width, cell(s.Gateway), cell(s.Sensor), s.Quantity.String(), value, unit, r.Quality.String(),
		strconv.FormatUint(uint64(r.Epoch), 10), strconv.FormatUint(uint64(r.Boot), 10), strconv.FormatInt(r.Tick, 10),
		cell(r.Calibration.Certificate), r.Calibration.State,
	})
}

func (c *CSV) head() error {
	if c.headed {
		return nil
	}
	c.headed = true
	return c.w.Write(Columns)
}

// Flush writes out what is buffered, and the columns where nothing was.
func (c *CSV) Flush() error {
	if err := c.head(); err != nil {
		return err
	}
	c.w.Flush()
	return c.w.Error()
}

// cell keeps a spreadsheet from taking a gateway's text for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Record is a reading as JSON, as the command line and its API give it.
type Record struct {
	Time        string      `json:"time,omitempty"` // RFC 3339, UTC; absent when undated
	Uncertainty int64       `json:"uncertainty_ms,omitempty"`
	Conflict    bool        `json:"time_conflict,omitempty"`
	Gateway     string      `json:"gateway"`
	Sensor      string      `json:"sensor"`
	Quantity    string      `json:"quantity"`
	Value       json.Number `json:"value,omitempty"` // exact; absent when the quality carries none
	Unit        string      `json:"unit,omitempty"`
	Quality     string      `json:"quality"`
	Epoch       uint32      `json:"epoch"`
	Boot        uint32      `json:"boot"`
	Boottime    int64       `json:"boottime_ms"`
	// Calibration is the certificate by which it was corrected, and
	// CalibrationState how that stood then; absent where there is none.
	Calibration      string `json:"calibration,omitempty"`
	CalibrationState string `json:"calibration_state,omitempty"`
}

// RecordOf makes the JSON form of a reading.
func RecordOf(s Series, r Reading) Record {
	out := Record{
		Gateway: s.Gateway, Sensor: s.Sensor, Quantity: s.Quantity.String(), Quality: r.Quality.String(),
		Epoch: r.Epoch, Boot: r.Boot, Boottime: r.Tick,
		Calibration: r.Calibration.Certificate, CalibrationState: r.Calibration.State,
	}
	out.Unit, _ = s.Quantity.Unit()
	if r.Dated {
		out.Time, out.Uncertainty, out.Conflict = Stamp(r.UTC), r.Uncertainty, r.Conflict
	}
	if r.Quality.HasValue() {
		out.Value = json.Number(Exact(s.Quantity, r.Value))
	}
	return out
}
